//! Promise 1: only a decision opens a socket to a target. Refused is refused before anybody is dialled.

use std::time::Duration;

use crate::support::{Client, SOON, Stage, eventually, text, wall, web1};

/// Tries every way in, and checks that the target has seen nobody.
#[track_caller]
fn no_way_in(stage: &Stage, person: &Client) {
    let before = stage.web1.connections();
    let shell = person.ssh(&["-T", "web1@bastion"]).input("id\n").run().expect(77);
    let command = person.on(&web1(), "id").run().expect(77);
    let subsystem = person.ssh(&["-s", "web1@bastion", "sftp"]).run();
    assert_ne!(subsystem.code, Some(0), "{subsystem:?}");
    for run in [&shell, &command, &subsystem] {
        assert_eq!(run.stdout, b"", "{run:?}");
    }
    assert_eq!(stage.web1.connections(), before, "the target saw a connection");
}

#[test]
fn nobody_is_dialled_without_a_grant() {
    let stage = Stage::new();
    no_way_in(&stage, &stage.alice);
    no_way_in(&stage, &stage.dave);
}

#[test]
fn nobody_is_dialled_for_a_request_that_waits_or_was_denied_or_cancelled() {
    let stage = Stage::new();
    let ask = "web1 --role change --for 30m --reason INC-7";
    let waits = stage.alice.requested(ask);
    no_way_in(&stage, &stage.alice);
    stage.bob.ask(&format!("deny {waits} --note not today")).ok();
    no_way_in(&stage, &stage.alice);
    let cancelled = stage.alice.requested(ask);
    stage.alice.ask(&format!("cancel {cancelled}")).ok();
    no_way_in(&stage, &stage.alice);
}

#[test]
fn nobody_is_dialled_with_one_approval_of_two() {
    let stage = Stage::new();
    let request = stage.alice.requested("web1 --role break-glass --for 30m --reason INC-7");
    stage.bob.ask(&format!("approve {request}")).ok();
    no_way_in(&stage, &stage.alice);
}

#[test]
fn nobody_is_dialled_when_the_grant_is_done_revoked_or_over() {
    let stage = Stage::new();
    let done = stage.alice.granted("web1", "admin", "1h");
    stage.alice.ask(&format!("done {done}")).ok();
    no_way_in(&stage, &stage.alice);
    let revoked = stage.alice.granted("web1", "admin", "1h");
    stage.sam.ask(&format!("revoke {revoked} --note enough")).ok();
    no_way_in(&stage, &stage.alice);
    let short = stage.alice.granted("web1", "admin", "1s");
    eventually(SOON, "the short grant is over", || {
        !stage.alice.json(&format!("show {short}"))["ended_at"].is_null()
            || stage.alice.json(&format!("show {short}"))["state"] == "ended"
    });
    no_way_in(&stage, &stage.alice);
}

#[test]
fn nobody_is_dialled_before_a_scheduled_grant_starts() {
    let stage = Stage::new();
    let at = wall() + Duration::from_secs(4);
    let request = stage.alice.json(&format!("request web1 --role admin --for 10m --at {at} --reason INC-7 at night"));
    assert_eq!(stage.alice.json(&format!("show {}", text(&request["grant"])))["state"], "scheduled");
    no_way_in(&stage, &stage.alice);
    eventually(SOON, "the scheduled grant lets in", || stage.on_web1("true").run().code == Some(0));
    assert!(wall() >= at, "not before its start");
}

#[test]
fn nobody_is_dialled_for_somebody_elses_grant() {
    let stage = Stage::granted();
    no_way_in(&stage, &stage.bob);
    no_way_in(&stage, &stage.sam);
}

#[test]
fn what_the_role_does_not_name_is_refused_without_a_dial_where_it_can_be_told() {
    let stage = Stage::new();
    stage.alice.granted("web1", "look", "1h");
    let run = stage.alice.on(&web1(), "id").run().expect(77);
    assert_eq!(run.stdout, b"");
    stage.alice.on("nobody@web1", "echo").run().expect(77);
}

#[test]
fn the_operators_door_opens_no_target() {
    let stage = Stage::new();
    assert_ne!(stage.gateway.ctl("request web1 --role admin --for 1h --reason INC-1").code, Some(0));
    assert_eq!(stage.web1.connections(), 0);
}
