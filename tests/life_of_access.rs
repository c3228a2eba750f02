//! The life of access: asked for, approved by whom the rule names, extended, ended.

use serde_json::Value;

use crate::support::{SOON, Stage, Stopwatch, eventually, eventually_some, text, wall};

const CHANGE: &str = "web1 --role change --for 30m --reason INC-12 disk full";
const BREAK_GLASS: &str = "web1 --role break-glass --for 30m --reason everything burns";

fn state(stage: &Stage, id: &str) -> String {
    text(&stage.gateway.ctl_json(&format!("show {id}"))["state"])
}

#[test]
fn a_request_that_needs_nobody_is_granted_at_once() {
    let stage = Stage::new();
    let request = stage.alice.json("request web1 --role admin --for 30m --reason looking around");
    assert_eq!(request["state"], "granted");
    assert_eq!(request["user"], "alice");
    assert_eq!(request["targets"], serde_json::json!(["web1"]));
    assert_eq!(request["role"], "admin");
    assert_eq!(request["duration_s"], 1800);
    assert_eq!(request["reason"], "looking around");
    assert_eq!(request["needed"], 0);
    assert!(text(&request["id"]).starts_with('r') && text(&request["grant"]).starts_with('g'), "{request}");
}

#[test]
fn one_approval_of_a_lead_grants_what_needs_one() {
    let stage = Stage::new();
    let request = stage.alice.json(&format!("request {CHANGE}"));
    assert_eq!((request["state"].as_str(), request["grant"].is_null()), (Some("pending"), true), "{request}");
    assert_eq!(request["needed"], 1);
    let id = text(&request["id"]);
    let after = stage.bob.json(&format!("approve {id} --note go ahead"));
    assert_eq!(after["state"], "granted", "{after}");
    assert_eq!(after["approvals"][0]["by"], "bob");
    assert_eq!(after["approvals"][0]["note"], "go ahead");
    stage.on_web1("true").run().ok();
}

#[test]
fn two_approvals_need_two_people() {
    let stage = Stage::new();
    let id = stage.alice.requested(BREAK_GLASS);
    assert_eq!(stage.bob.json(&format!("approve {id}"))["state"], "pending");
    stage.bob.ask(&format!("approve {id}")).expect(1);
    assert_eq!(state(&stage, &id), "pending", "one person counts once");
    assert_eq!(stage.carol.json(&format!("approve {id}"))["state"], "granted");
}

#[test]
fn nobody_approves_their_own_request() {
    let stage = Stage::new();
    let id = stage.bob.requested(CHANGE);
    stage.bob.ask(&format!("approve {id}")).expect(1);
    assert_eq!(state(&stage, &id), "pending");
    stage.carol.ask(&format!("approve {id}")).ok();
    stage.bob.on("web1", "true").run().ok();
}

#[test]
fn who_is_not_named_by_the_rule_approves_nothing() {
    let stage = Stage::new();
    let id = stage.alice.requested(CHANGE);
    for stranger in [&stage.dave, &stage.sam] {
        stranger.ask(&format!("approve {id}")).expect(1);
    }
    stage.dave.ask(&format!("deny {id} --note no")).expect(1);
    assert_eq!(state(&stage, &id), "pending");
}

#[test]
fn a_denied_request_stays_denied_and_says_why() {
    let stage = Stage::new();
    let id = stage.alice.requested(CHANGE);
    stage.bob.ask(&format!("deny {id}")).expect(2);
    stage.bob.ask(&format!("deny {id} --note use the runbook")).ok();
    assert_eq!(state(&stage, &id), "denied");
    stage.carol.ask(&format!("approve {id}")).expect(1);
    assert_eq!(state(&stage, &id), "denied");
    assert!(stage.alice.ask(&format!("show {id}")).ok().text().contains("use the runbook"));
}

#[test]
fn a_request_is_cancelled_by_its_owner_alone() {
    let stage = Stage::new();
    let id = stage.alice.requested(CHANGE);
    stage.dave.ask(&format!("cancel {id}")).expect(1);
    stage.bob.ask(&format!("cancel {id}")).expect(1);
    stage.alice.ask(&format!("cancel {id}")).ok();
    assert_eq!(state(&stage, &id), "cancelled");
    stage.bob.ask(&format!("approve {id}")).expect(1);
}

#[test]
fn a_request_beyond_the_rule_is_refused_with_what_would_do() {
    let stage = Stage::new();
    stage.alice.ask("request web1 --role admin --for 3h --reason long").expect(1).says("2h");
    stage.alice.ask("request web1 --role change --for 30m --reason no number").expect(1).says("INC-");
    stage.alice.ask("request web1 --role admin --for 30m").expect(2);
    stage.alice.ask("request web1 --role admin --for soon --reason x").expect(2);
    stage.alice.ask("request web1 --role admin --for 0s --reason x").expect_one(&[1, 2]);
    stage.alice.ask("request wbe1 --role admin --for 30m --reason x").expect(1).says("web1");
    stage.alice.ask("request web1 --role admni --for 30m --reason x").expect(1);
    stage.dave.ask("request web1 --role admin --for 30m --reason x").expect(1);
    stage.alice.ask("request web1 --role admin --for 30m --reason x --login nobody").expect(1);
    assert_eq!(stage.gateway.ctl_json("requests --all"), serde_json::json!([]), "nothing was filed");
}

#[test]
fn an_approver_may_shorten_and_never_lengthen() {
    let stage = Stage::new();
    let id = stage.alice.requested(CHANGE);
    let longer = stage.bob.ask(&format!("approve {id} --for 2h"));
    assert_eq!(longer.code, Some(1), "{longer:?}");
    let grant = text(&stage.bob.json(&format!("approve {id} --for 10m"))["grant"]);
    let grant = stage.alice.json(&format!("show {grant}"));
    let moment = |field: &str| -> jiff::Timestamp { text(&grant[field]).parse().unwrap() };
    assert_eq!(moment("expires_at").duration_since(moment("starts_at")).as_secs(), 600);
}

#[test]
fn two_approvals_at_the_same_time_make_one_grant() {
    let stage = Stage::new();
    for round in 0..5 {
        let id = stage.alice.requested(CHANGE);
        let approve = format!("approve {id}");
        let mut both = [stage.bob.asking(&approve).start(), stage.carol.asking(&approve).start()];
        let codes = both.each_mut().map(|run| run.wait(SOON).code.unwrap());
        assert!(codes.contains(&0) && codes.iter().all(|code| [0, 1].contains(code)), "round {round}: {codes:?}");
        let request = stage.gateway.ctl_json(&format!("show {id}"));
        assert_eq!(request["state"], "granted", "{request}");
        let Value::Array(grants) = stage.gateway.ctl_json("grants --all") else { panic!("a list") };
        assert_eq!(grants.iter().filter(|grant| grant["request"] == id.as_str()).count(), 1);
    }
}

#[test]
fn the_two_approvals_that_are_needed_may_come_at_the_same_time() {
    let stage = Stage::new();
    for round in 0..5 {
        let id = stage.alice.requested(BREAK_GLASS);
        let approve = format!("approve {id}");
        let mut both = [stage.bob.asking(&approve).start(), stage.carol.asking(&approve).start()];
        let codes = both.each_mut().map(|run| run.wait(SOON).code.unwrap());
        assert_eq!(codes, [0, 0], "round {round}");
        assert_eq!(state(&stage, &id), "granted");
    }
}

#[test]
fn the_clock_of_a_request_starts_when_it_is_granted() {
    let stage = Stage::new();
    let id = stage.alice.requested(CHANGE);
    let filed = wall();
    eventually(SOON, "a second passes", || wall().duration_since(filed).as_secs() >= 1);
    let grant = text(&stage.bob.json(&format!("approve {id}"))["grant"]);
    let ends: jiff::Timestamp = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]).parse().unwrap();
    assert!(ends.duration_since(filed).as_secs() >= 1801, "{ends}");
    let raw = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]);
    assert!(raw.ends_with('Z'), "UTC: {raw}");
}

#[test]
fn wait_comes_back_when_the_request_is_granted_or_not() {
    let stage = Stage::new();
    for (decision, code) in [("approve", 0), ("deny", 1)] {
        let mut waits = stage.alice.asking(&format!("request {CHANGE} --wait")).start();
        let id = eventually_some(SOON, "it is pending", || {
            let pending = stage.bob.json("requests --pending");
            pending.as_array()?.first().map(|request| text(&request["id"]))
        });
        assert!(waits.is_running());
        stage.bob.ask(&format!("{decision} {id} --note because")).ok();
        waits.wait(SOON).expect(code);
    }
}

#[test]
fn an_extension_carries_the_live_session_past_the_old_deadline() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "6s");
    let before: jiff::Timestamp = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]).parse().unwrap();
    let mut ssh = stage.on_web1("cat").start();
    ssh.type_in("before\n");
    ssh.stdout.wait_for("before", SOON);
    stage.alice.ask(&format!("extend {grant} --for 30m --reason not finished")).ok();
    let after: jiff::Timestamp = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]).parse().unwrap();
    assert_eq!(after.duration_since(before).as_secs(), 1800, "from its present end");
    eventually(SOON, "the old deadline is over", || wall().duration_since(before).as_secs() >= 2);
    ssh.type_in("after\n");
    ssh.stdout.wait_for("after", SOON);
    ssh.stdin = None;
    ssh.wait(SOON).ok();
    assert_eq!(stage.web1.connections(), 1);
}

#[test]
fn an_extension_that_needs_approval_waits_for_it() {
    let stage = Stage::new();
    let id = stage.alice.requested("web1 --role change --for 20s --reason INC-12");
    let grant = text(&stage.bob.json(&format!("approve {id}"))["grant"]);
    let before = stage.alice.json(&format!("show {grant}"))["expires_at"].clone();
    let extension = stage.alice.json(&format!("extend {grant} --for 10m --reason INC-12 goes on"));
    assert_eq!(extension["state"], "pending", "{extension}");
    assert_eq!(stage.alice.json(&format!("show {grant}"))["expires_at"], before);
    stage.bob.ask(&format!("approve {}", text(&extension["id"]))).ok();
    let after = stage.alice.json(&format!("show {grant}"))["expires_at"].clone();
    assert!(text(&after) > text(&before), "{after} after {before}");
    stage.on_web1("true").run().ok();
}

#[test]
fn only_its_owner_extends_or_is_done_with_a_grant() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    stage.dave.ask(&format!("done {grant}")).expect(1);
    stage.dave.ask(&format!("extend {grant} --for 5m --reason x")).expect(1);
    stage.dave.ask(&format!("revoke {grant} --note x")).expect(1);
    assert_eq!(state(&stage, &grant), "active");
    stage.alice.ask(&format!("done {grant}")).ok();
    assert_eq!(state(&stage, &grant), "ended");
}

#[test]
fn who_approved_a_grant_may_revoke_it() {
    let stage = Stage::new();
    let id = stage.alice.requested(CHANGE);
    let grant = text(&stage.bob.json(&format!("approve {id}"))["grant"]);
    stage.bob.ask(&format!("revoke {grant} --note changed my mind")).ok();
    assert_eq!(stage.alice.json(&format!("show {grant}"))["ended_why"], "revoked");
}

#[test]
fn a_grant_ends_by_itself_without_a_session_as_unused() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1s");
    let watch = Stopwatch::start();
    eventually(SOON, "the grant is ended", || state(&stage, &grant) == "ended");
    assert!(watch.elapsed().as_secs() < 10);
    assert_eq!(stage.alice.json(&format!("show {grant}"))["ended_why"], "unused");
}

#[test]
fn a_scheduled_request_starts_at_its_time() {
    let stage = Stage::new();
    let at = wall() + jiff::SignedDuration::from_secs(4);
    let request = stage.alice.json(&format!("request web1 --role admin --for 10m --at {at} --reason window"));
    let grant = text(&request["grant"]);
    assert_eq!(state(&stage, &grant), "scheduled");
    eventually(SOON, "it is active", || state(&stage, &grant) == "active");
    assert!(wall() >= at);
    stage.on_web1("true").run().ok();
    stage.alice.ask("request web1 --role admin --for 10m --at 2001-01-01T00:00:00Z --reason past").expect_one(&[1, 2]);
}

#[test]
fn everything_is_still_there_after_a_restart() {
    let stage = Stage::new();
    let pending = stage.alice.requested(CHANGE);
    let grant = stage.alice.granted("web1", "admin", "1h");
    stage.gateway.kill();
    stage.gateway.serve();
    assert_eq!(state(&stage, &pending), "pending");
    assert_eq!(state(&stage, &grant), "active");
    stage.bob.ask(&format!("approve {pending}")).ok();
    stage.on_web1("true").run().ok();
}
