//! Promise 5: a restart or a suspend never adds a second. (Steps of the clock are tested where the clock can be moved:
//! in `curfew-policy` and `curfew-proxy`.)

use rustix::process::Signal;

use crate::support::{SOON, Stage, eventually, wall};

fn expires_at(stage: &Stage, grant: &str) -> jiff::Timestamp {
    stage.alice.json(&format!("show {grant}"))["expires_at"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_restart_adds_nothing_to_a_grant() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let before = expires_at(&stage, &grant);
    stage.gateway.kill();
    stage.gateway.serve();
    assert_eq!(expires_at(&stage, &grant), before);
    stage.on_web1("true").run().ok();
}

#[test]
fn a_grant_that_ended_while_the_gateway_was_away_stays_ended() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "2s");
    let ends = expires_at(&stage, &grant);
    stage.gateway.kill();
    eventually(SOON, "its time is over", || wall() > ends);
    stage.gateway.serve();
    stage.on_web1("true").run().expect(77);
    eventually(SOON, "the grant is ended", || stage.alice.json(&format!("show {grant}"))["state"] == "ended");
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn a_gateway_that_was_stopped_past_the_deadline_cuts_when_it_wakes() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "6s");
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    let ends = expires_at(&stage, &grant);
    stage.gateway.signal(Signal::STOP);
    eventually(SOON, "its time is over", || wall() > ends);
    terminal.type_in("echo too la''te\r");
    stage.gateway.signal(Signal::CONT);
    assert_eq!(terminal.wait(SOON), Some(124));
    assert!(!terminal.screen().contains("too late"), "nothing typed after the end was run: {}", terminal.screen());
    stage.web1.expect_quiet(SOON);
}

#[test]
fn an_extension_beyond_the_rules_longest_is_refused() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "90m");
    let before = expires_at(&stage, &grant);
    stage.alice.ask(&format!("extend {grant} --for 1h --reason INC-1 more")).expect(1);
    assert_eq!(expires_at(&stage, &grant), before);
    stage.alice.ask(&format!("extend {grant} --for 10m --reason INC-1 more")).ok();
    assert_eq!(expires_at(&stage, &grant), before + jiff::SignedDuration::from_mins(10));
}
