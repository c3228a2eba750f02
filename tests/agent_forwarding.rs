//! The client's agent on the target: `-A`, where the role has it and while a channel asked for it.

use std::path::{Path, PathBuf};

use crate::support::process::{Program, Running};
use crate::support::{Client, SOON, Stage, eventually, keys};

/// A real ssh-agent with one key.
pub struct Agent {
    socket: PathBuf,
    fingerprint: String,
    running: Running,
}

impl Agent {
    pub fn start(dir: &Path) -> Self {
        let socket = dir.join("agent");
        let running = Program::new("ssh-agent").arg("-D").arg("-a").arg(&socket).start();
        eventually(SOON, "the agent listens", || socket.exists());
        let key = keys::generate(dir, "in_agent", "ed25519");
        Program::new("ssh-add").arg("-q").arg(&key.path).env("SSH_AUTH_SOCK", &socket).run().ok();
        let shown = Program::new("ssh-keygen").arg("-lf").arg(&key.path).run().ok().text();
        let fingerprint = shown.split(' ').nth(1).expect("a fingerprint").to_owned();
        Self { socket, fingerprint, running }
    }

    /// The process alone, for whoever needs it to stay.
    pub fn into_running(self) -> Running {
        self.running
    }
}

/// `ssh -A` by this person with this agent.
pub fn with_agent(person: &Client, agent: &Agent, words: &[&str]) -> Program {
    let identity = format!("IdentityAgent={}", agent.socket.display());
    let words: Vec<&str> = ["-A", "-o", &identity].iter().chain(words).copied().collect();
    person.ssh(&words).env("SSH_AUTH_SOCK", &agent.socket)
}

#[test]
fn the_agent_signs_on_the_target_where_the_role_has_it_and_it_is_written_down() {
    let stage = Stage::granted();
    let agent = Agent::start(stage.alice.dir());
    let run = with_agent(&stage.alice, &agent, &["web1@bastion", "ssh-add -l"]).run().ok();
    assert!(run.text().contains(&agent.fingerprint), "{run:?}");
    let session = stage.gateway.ended_session();
    stage.gateway.sealed_recordings(session["id"].as_str().unwrap());
    let recordings = session["recordings"].as_array().unwrap();
    let of_agent: Vec<_> = recordings.iter().filter(|recording| recording["kind"] == "forward").collect();
    assert_eq!(of_agent.len(), 1, "{session}");
    let cast = std::fs::read_to_string(of_agent[0]["path"].as_str().unwrap()).unwrap();
    assert!(cast.contains("agent asked by the target") && cast.contains("bytes to the target"), "{cast}");
}

#[test]
fn no_agent_goes_along_unasked() {
    let stage = Stage::granted();
    assert_eq!(stage.on_web1("echo ${SSH_AUTH_SOCK-none}").run().ok().text(), "none\n");
}

#[test]
fn a_role_without_agent_refuses_it_in_a_line_and_the_session_goes_on() {
    let stage = Stage::new();
    stage.alice.granted("web1", "look", "1h");
    let agent = Agent::start(stage.alice.dir());
    let run = with_agent(&stage.alice, &agent, &["web1@bastion", "echo works"]).run().ok();
    assert_eq!(run.text(), "works\n");
    run.says("curfew: role look does not forward your agent");
}

#[test]
fn the_agent_is_out_of_reach_once_the_channel_that_asked_for_it_is_over() {
    let stage = Stage::granted();
    let agent = Agent::start(stage.alice.dir());
    let socket = stage.alice.dir().join("master").display().to_string();
    let _master = with_agent(&stage.alice, &agent, &["-N", "-M", "-S", &socket, "web1@bastion"]).start();
    let check = || stage.alice.ssh(&["-S", &socket, "-O", "check", "web1@bastion"]).run().code == Some(0);
    eventually(SOON, "the master is ready", check);
    let asking = with_agent(&stage.alice, &agent, &["-S", &socket, "web1@bastion", "echo $SSH_AUTH_SOCK; ssh-add -l"]);
    let said = asking.run().ok().text();
    assert!(said.contains(&agent.fingerprint), "{said}");
    let on_target = said.lines().next().unwrap().to_owned();
    // A channel without `-A` on the same connection, to the socket that the target still has.
    let reach = format!("SSH_AUTH_SOCK={on_target} ssh-add -l");
    let run = stage.alice.ssh(&["-a", "-S", &socket, "web1@bastion", &reach]).run();
    assert!(!run.text().contains(&agent.fingerprint), "{run:?}");
}

#[test]
fn the_agent_is_out_of_reach_when_the_session_ends() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let agent = Agent::start(stage.alice.dir());
    let mut run = with_agent(&stage.alice, &agent, &["web1@bastion", "echo $SSH_AUTH_SOCK; sleep 600"]).start();
    run.stdout.wait_for("agent", SOON);
    let on_target = run.stdout.text().trim().to_owned();
    assert!(Path::new(&on_target).exists());
    stage.gateway.ctl(&format!("revoke {grant} --note now")).ok();
    run.wait(SOON).expect(124);
    stage.web1.expect_quiet(SOON);
    eventually(SOON, "the socket is gone", || !Path::new(&on_target).exists());
}
