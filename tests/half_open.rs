//! A target that accepts and then says no more, at every stage from the open socket to the running command: all that a
//! session has open goes when its grant does, whatever its client is doing.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::process::Running;
use crate::support::{Fake, SOON, Stage, Stopwatch, eventually, login, text};

/// How long after its end the last trace of a session may go on a busy machine.
const LATE: Duration = Duration::from_secs(5);

/// After how many bytes of the target it is silent: before its greeting, within it, within its offer of algorithms, and
/// from there in small steps through the exchange of keys, the login, and the beginning of a command.
const STAGES: [u64; 10] = [0, 10, 100, 1_000, 1_200, 1_400, 1_500, 1_600, 1_800, 2_000];

/// Alice's connections to targets that fell silent.
struct HalfOpen {
    stage: Stage,
    grant: String,
    fakes: Vec<Fake>,
    clients: Vec<Running>,
}

impl HalfOpen {
    /// `words` are what stands between `ssh` and the target's name in them, `TARGET`.
    #[track_caller]
    fn connect(span: &str, words: &[&str]) -> Self {
        let mut fakes = Vec::new();
        let stage = Stage::with(|setup| {
            let (address, host_key) = (setup.targets[0].address, setup.targets[0].host_key.clone());
            fakes.extend(STAGES.map(|bytes| Fake::silent_after(address, bytes)));
            for (n, fake) in fakes.iter().enumerate() {
                setup.target(&format!("slow{n}"), fake.address(), &host_key, "");
            }
        });
        let names: Vec<String> = (0..STAGES.len()).map(|n| format!("slow{n}")).collect();
        let grant = stage.alice.granted(&names.join(" "), "admin", span);
        let known = format!("-oUserKnownHostsFile={}", stage.gateway.known_hosts().display());
        let connect = |name: &String| {
            let words: Vec<String> = words.iter().map(|word| word.replace("TARGET", name)).collect();
            let all: Vec<&str> = [known.as_str()].into_iter().chain(words.iter().map(String::as_str)).collect();
            stage.alice.ssh(&all).start()
        };
        let clients = names.iter().map(connect).collect();
        for (fake, bytes) in fakes.iter().zip(STAGES) {
            eventually(SOON, &format!("it is silent after {bytes} bytes"), || fake.silent_connections() == 1);
        }
        Self { stage, grant, fakes, clients }
    }

    /// `ssh LOGIN@TARGET@bastion yes`, which does not fall silent by itself.
    #[track_caller]
    fn direct(span: &str) -> Self {
        Self::connect(span, &[&format!("{}@TARGET@bastion", login()), "yes"])
    }

    fn stop_clients(&self) {
        self.clients.iter().for_each(|client| client.signal(Signal::STOP));
    }

    fn revoke(&self) {
        self.stage.gateway.ctl(&format!("revoke {} --note over", self.grant)).ok();
    }

    #[track_caller]
    fn expect_gone(&self, why: &str) {
        let watch = Stopwatch::start();
        for (fake, bytes) in self.fakes.iter().zip(STAGES) {
            eventually(LATE, &format!("the bastion left the target that sent {bytes} bytes"), || fake.all_left());
        }
        self.stage.web1.expect_quiet(LATE);
        let over = |session: &serde_json::Value| session["ended_why"] == why;
        eventually(LATE, "every session is over", || self.stage.gateway.sessions().iter().all(over));
        assert!(watch.elapsed() < LATE, "took {:?}", watch.elapsed());
        assert_eq!(self.stage.gateway.sessions().len(), STAGES.len());
    }
}

#[test]
fn a_revocation_ends_them_and_the_clients_learn_why() {
    let mut all = HalfOpen::direct("1h");
    all.revoke();
    all.expect_gone("revoked");
    for client in &mut all.clients {
        client.wait(SOON).expect(124).says(&all.grant);
    }
}

#[test]
fn a_revocation_ends_them_while_their_clients_are_stopped() {
    let all = HalfOpen::direct("1h");
    all.stop_clients();
    all.revoke();
    all.expect_gone("revoked");
}

#[test]
fn a_revocation_ends_those_without_a_channel() {
    let mut all = HalfOpen::connect("1h", &["-N", &format!("{}@TARGET@bastion", login())]);
    all.revoke();
    all.expect_gone("revoked");
    for client in &mut all.clients {
        client.wait(SOON);
    }
}

#[test]
fn a_revocation_ends_them_inside_a_jump() {
    let mut all = HalfOpen::connect("1h", &["-J", "bastion", &format!("{}@TARGET", login()), "yes"]);
    all.revoke();
    all.expect_gone("revoked");
    for client in &mut all.clients {
        client.wait(SOON).expect(124).says(&all.grant);
    }
}

#[test]
fn a_kill_ends_them_inside_a_jump_whose_clients_are_stopped() {
    let all = HalfOpen::connect("1h", &["-J", "bastion", &format!("{}@TARGET", login()), "yes"]);
    all.stop_clients();
    for session in all.stage.gateway.sessions() {
        all.stage.gateway.ctl(&format!("kill {} --note over", text(&session["id"]))).ok();
    }
    all.expect_gone("killed");
}

#[test]
fn the_deadline_ends_them() {
    let all = HalfOpen::direct("12s");
    all.stop_clients();
    let show = format!("show {}", all.grant);
    eventually(SOON, "the grant has ended", || all.stage.gateway.ctl_json(&show)["state"] == "ended");
    all.expect_gone("expired");
}

#[test]
fn a_target_that_is_taken_out_of_the_configuration_ends_them() {
    let all = HalfOpen::direct("1h");
    all.stage.gateway.edit(|toml| toml.replace("[targets.slow", "[targets.gone"));
    all.stage.gateway.reload();
    all.expect_gone("revoked");
}
