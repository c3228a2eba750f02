//! Targets that are down, slow, not who they should be, or talk garbage: one clear line, and nothing left behind.

use std::time::Duration;

use crate::support::{Fake, Outcome, SOON, Stage, eventually};

/// One line that a person understands, and no exit code that a command could have.
#[track_caller]
fn clear(run: &Outcome) {
    assert!(matches!(run.code, Some(77 | 255)), "{run:?}");
    assert_eq!(run.stdout, b"", "{run:?}");
    let line = run.stderr.trim();
    assert_eq!(line.lines().count(), 1, "one line: {run:?}");
    assert!(line.contains("web") || line.contains("target"), "it names the target: {run:?}");
    for internal in ["Error(", "Os {", "russh", "Caused by", "kind:"] {
        assert!(!line.contains(internal), "no internal error: {run:?}");
    }
}

/// A stage with the target `web2`, which misbehaves, and a grant for it.
fn with(fake: &Fake) -> Stage {
    let stage = Stage::with(|setup| setup.target("web2", fake.address(), &fake.host_key.bare(), ""));
    stage.alice.granted("web2", "admin", "1h");
    stage
}

#[test]
fn a_target_that_is_down_is_said_to_be() {
    let stage = with(&Fake::refusing());
    let run = stage.alice.on("web2", "true").limit(SOON).run();
    clear(&run);
    assert!(run.took < Duration::from_secs(10), "at once: {run:?}");
    assert_eq!(stage.gateway.ended_session()["ended_why"], "unreachable");
}

#[test]
fn a_target_that_says_nothing_is_given_up_and_let_go() {
    let slow = Fake::silent();
    let stage = with(&slow);
    let run = stage.alice.on("web2", "true").limit(Duration::from_secs(45)).run();
    clear(&run);
    eventually(SOON, "the connection to it is closed", || slow.all_left());
}

#[test]
fn a_target_that_says_nothing_delays_nobody_else() {
    let slow = Fake::silent();
    let stage = with(&slow);
    stage.alice.granted("web1", "admin", "1h");
    let hanging: Vec<_> = (0..5).map(|_| stage.alice.on("web2", "true").start()).collect();
    eventually(SOON, "all hang", || slow.connections() == 5);
    let run = stage.on_web1("true").run().ok();
    assert!(run.took < Duration::from_secs(10), "{run:?}");
    drop(hanging);
    eventually(SOON, "clients that left are dialled for no more", || slow.all_left());
}

#[test]
fn a_target_that_sends_garbage_is_said_to() {
    for fake in [Fake::garbage(), Fake::garbage_after_greeting()] {
        let stage = with(&fake);
        clear(&stage.alice.on("web2", "true").limit(SOON).run());
        eventually(SOON, "the connection to it is closed", || fake.all_left());
        assert!(stage.gateway.is_running());
    }
}

#[test]
fn a_target_with_another_host_key_gets_no_credential_and_no_byte() {
    let stage = Stage::granted();
    stage.on_web1("true").run().ok();
    let log = stage.web1.log().len();
    stage.web1.swap_host_key();
    let run = stage.on_web1("true").run();
    clear(&run);
    assert!(run.stderr.contains("host key"), "{run:?}");
    let after = stage.web1.log()[log..].to_owned();
    assert!(!after.contains("userauth-request") && !after.contains("Accepted"), "nothing was proven to it: {after}");
    eventually(SOON, "the audit log has it", || stage.gateway.ctl_json("audit").to_string().contains("host key"));
}

#[test]
fn a_target_that_does_not_take_the_certificate_is_said_to() {
    let stage = Stage::granted();
    stage.web1.trust("");
    let run = stage.on_web1("true").run();
    clear(&run);
    stage.web1.expect_quiet(SOON);
}

#[test]
fn a_target_that_goes_away_ends_the_session() {
    let stage = Stage::granted();
    let mut ssh = stage.on_web1("echo begun; sleep 600").start();
    ssh.stdout.wait_for("begun", SOON);
    stage.web1.stop();
    assert_ne!(ssh.wait(SOON).code, Some(0));
    assert_eq!(stage.gateway.ended_session()["ended_why"], "target");
    let run = stage.on_web1("true").limit(SOON).run();
    clear(&run);
}

#[test]
fn a_client_that_goes_away_ends_the_session_on_the_target() {
    let stage = Stage::granted();
    let mut ssh = stage.on_web1("echo begun; cat").start();
    ssh.stdout.wait_for("begun", SOON);
    assert!(ssh.is_running());
    drop(ssh);
    stage.web1.expect_quiet(SOON);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "client");
}
