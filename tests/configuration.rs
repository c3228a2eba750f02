//! The configuration: checked as a whole, reloaded without touching who works, and drained at the end.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Client, Gateway, Master, SOON, Setup, Stage, Stopwatch, eventually, text, web1};

const FAULTY: &str = r#"ssh = { listen = "127.0.0.1:0" }
recordings = { spool = "recordings" }
[gateway]
state_dir = "state"
colour = "blue"

[users.alice]
keys = ["ssh-ed25519 nonsense"]

[targets.web1]
address = "10.0.0.5:ssh"
host_key = "none"

[roles.admin]
logins = []
max_idle = "soon"

[[rules]]
groups = ["engineers"]
targets = ["web1"]
roles = ["admni"]
max_duration = "4 fortnights"
approvals = 1
"#;

#[test]
fn check_names_every_fault_at_once_with_its_line() {
    let gateway = Gateway::prepare(FAULTY);
    let run = gateway.curfew(&["check"]).run().expect(2);
    for (line, part) in [
        (5, "colour"),
        (8, "key"),
        (11, "address"),
        (12, "host key"),
        (16, "max_idle"),
        (21, "admni"),
        (22, "max_duration"),
    ] {
        let named = run.stderr.lines().any(|said| said.contains(&format!(":{line}")) && said.contains(part));
        assert!(named, "line {line}, {part}: {run:?}");
    }
    assert!(run.stderr.contains("curfew.toml"), "the file: {run:?}");
}

#[test]
fn serve_with_a_faulty_file_ends_with_2_and_says_the_same() {
    let gateway = Gateway::prepare(FAULTY);
    let run = gateway.curfew(&["serve"]).limit(SOON).run().expect(2);
    assert!(run.stderr.contains("colour") && run.stderr.contains("admni"), "{run:?}");
}

#[test]
fn check_is_content_with_the_usual_setup() {
    let alice = Client::new("alice");
    let mut setup = Setup::usual();
    setup.user("alice", &[&alice.key.public], &["oncall", "engineers", "leads"]);
    Gateway::prepare(&setup.toml()).curfew(&["check"]).run().ok();
}

#[test]
fn toml_that_cannot_be_read_and_a_file_that_is_not_there_are_said() {
    let run = Gateway::prepare("[gateway\nssh = ").curfew(&["check"]).run().expect(2);
    assert!(run.stderr.contains(":1"), "{run:?}");
    let run = Gateway::bare(&["check", "--config", "/no/such/curfew.toml"]).run().expect(2);
    assert!(run.stderr.contains("/no/such/curfew.toml"), "{run:?}");
}

#[test]
fn a_reload_changes_what_is_allowed_and_leaves_live_sessions_alone() {
    let stage = Stage::granted();
    let mut ssh = stage.on_web1("cat").start();
    ssh.type_in("before\n");
    ssh.stdout.wait_for("before", SOON);
    stage.dave.ask("request web1 --role look --for 5m --reason x").expect(1);
    stage.gateway.edit(|toml| {
        toml.replace("[users.dave]", "[users.dave] # now on call").replace("groups = []", "groups = [\"oncall\"]")
    });
    stage.gateway.reload();
    eventually(SOON, "dave may ask", || stage.dave.ask("request web1 --role look --for 5m --reason x").code == Some(0));
    ssh.type_in("after\n");
    ssh.stdout.wait_for("after", SOON);
    ssh.stdin = None;
    ssh.wait(SOON).ok();
}

#[test]
fn a_faulty_reload_changes_nothing_and_says_why() {
    let stage = Stage::granted();
    stage.gateway.edit(|toml| toml.replace("[users.alice]", "[users.alicia]") + "\nnonsense = 1\n");
    stage.gateway.reload();
    eventually(SOON, "the fault is in the log", || stage.gateway.log().contains("nonsense"));
    stage.on_web1("true").run().ok();
    assert_eq!(stage.alice.json("whoami")["user"], "alice");
}

#[test]
fn sessions_whose_user_target_or_role_is_gone_end_as_revoked() {
    for (what, old, new) in [
        ("the user", "[users.alice]", "[users.alicia]"),
        ("the target", "[targets.web1]", "[targets.web9]"),
        ("the role", "\"admin\"", "\"look\""),
    ] {
        let stage = Stage::granted();
        let mut ssh = stage.on_web1("echo begun; sleep 600").start();
        ssh.stdout.wait_for("begun", SOON);
        let id = text(&stage.gateway.sessions().last().unwrap()["id"]);
        stage.gateway.edit(|toml| {
            let toml = toml.replace(old, new);
            if what == "the role" {
                toml.replace("[roles.admin]", "[roles.operator]").replace("\"look\", \"look\"", "\"look\"")
            } else {
                toml
            }
        });
        stage.gateway.reload();
        let run = ssh.wait(SOON);
        assert_eq!(run.code, Some(124), "{what}: {run:?}");
        stage.web1.expect_quiet(SOON);
        eventually(SOON, what, || stage.gateway.session(&id)["ended_why"] == "revoked");
    }
}

#[test]
fn sigterm_lets_live_sessions_finish_and_new_ones_wait_elsewhere() {
    let stage = Stage::granted();
    let mut ssh = stage.on_web1("cat").start();
    ssh.type_in("before\n");
    ssh.stdout.wait_for("before", SOON);
    let master = Master::open(&stage.alice, &web1());
    stage.gateway.signal(Signal::TERM);
    eventually(SOON, "new sessions are refused", || stage.bob.ask("whoami").code != Some(0));
    ssh.type_in("still working\n");
    ssh.stdout.wait_for("still working", SOON);
    ssh.stdin = None;
    ssh.wait(SOON).ok();
    drop(master);
    assert_eq!(stage.gateway.wait(SOON), Some(0));
    for path in stage.gateway.cast_files() {
        stage.gateway.curfew(&["verify", &path.display().to_string()]).run().ok();
    }
}

#[test]
fn a_drain_ends_what_does_not_finish_in_its_time() {
    let stage = Stage::with(|setup| setup.ssh.push_str("drain = \"2s\""));
    stage.alice.granted("web1", "admin", "1h");
    let mut ssh = stage.on_web1("echo begun; sleep 600").start();
    ssh.stdout.wait_for("begun", SOON);
    let watch = Stopwatch::start();
    stage.gateway.signal(Signal::TERM);
    let run = ssh.wait(SOON).expect(124);
    assert!(!run.stderr.trim().is_empty(), "it says why: {run:?}");
    assert_eq!(stage.gateway.wait(SOON), Some(0));
    assert!(
        watch.elapsed() >= Duration::from_secs(2) && watch.elapsed() < Duration::from_secs(8),
        "{:?}",
        watch.elapsed()
    );
    let path = stage.gateway.cast_files().remove(0);
    stage.gateway.curfew(&["verify", &path.display().to_string()]).run().ok();
    stage.web1.expect_quiet(SOON);
}

#[test]
fn a_quiet_command_is_not_idle() {
    let stage = Stage::with(|setup| {
        setup.policy = setup.policy.replace("[roles.admin]", "[roles.admin]\nmax_idle = \"1s\"");
    });
    stage.alice.granted("web1", "admin", "1h");
    assert_eq!(stage.on_web1("sleep 3; echo done").limit(SOON).run().ok().text(), "done\n");
}

#[test]
fn a_role_says_how_many_sessions_a_grant_has_at_once() {
    let stage = Stage::with(|setup| {
        setup.policy = setup.policy.replace("[roles.admin]", "[roles.admin]\nmax_sessions = 2");
    });
    let grant = stage.alice.granted("web1", "admin", "1h");
    let mut live: Vec<_> = (0..6).map(|_| stage.on_web1("echo in; read line").start()).collect();
    eventually(SOON, "two are in, and the others out", || {
        let (mut within, mut out) = (0, 0);
        for ssh in &mut live {
            let running = ssh.is_running();
            within += usize::from(running && ssh.stdout.text() == "in\n");
            out += usize::from(!running);
        }
        (within, out) == (2, 4)
    });
    let refused = stage.on_web1("true").run().expect(77);
    assert!(
        refused.stderr.contains(&format!("role admin allows 2 sessions at once on a grant, and {grant} has s")),
        "{refused:?}"
    );
    for ssh in &mut live {
        if ssh.is_running() {
            ssh.type_in("\n");
        }
    }
    eventually(SOON, "there is room again", || stage.on_web1("true").run().code == Some(0));
}

#[test]
fn two_gateways_do_not_serve_one_state() {
    let stage = Stage::new();
    let run = stage.gateway.curfew(&["serve"]).limit(SOON).run();
    assert!(run.code.is_some_and(|code| code != 0), "{run:?}");
    stage.alice.ask("whoami").ok();
}

#[test]
fn ca_prints_what_clients_and_targets_must_trust_before_and_while_it_serves() {
    let alice = Client::new("alice");
    let mut setup = Setup::usual();
    setup.user("alice", &[&alice.key.public], &["oncall", "engineers", "leads"]);
    let gateway = Gateway::prepare(&setup.toml());
    let before = gateway.trust();
    gateway.serve();
    let after = gateway.trust();
    assert_eq!((before.known_hosts, before.user_ca), (after.known_hosts, after.user_ca));
}

#[test]
fn an_idle_session_ends_where_the_role_says_so() {
    let stage = Stage::with(|setup| {
        setup.policy = setup.policy.replace("[roles.admin]", "[roles.admin]\nmax_idle = \"2s\"");
    });
    stage.alice.granted("web1", "admin", "1h");
    let run = stage
        .alice
        .ssh(&["-tt", &format!("{}@bastion", web1()), "echo begun; sleep 600"])
        .limit(SOON)
        .run()
        .expect(124);
    assert!(run.took >= Duration::from_secs(2), "{run:?}");
    assert_eq!(stage.gateway.ended_session()["ended_why"], "idle");
    stage.web1.expect_quiet(SOON);
}
