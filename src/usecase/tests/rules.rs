//! What the rules ask of a request, an approval, an extension.

use curfew_policy::grant::GrantEnd;
use curfew_policy::request::LAPSES_AFTER;
use curfew_policy::time::after;
use curfew_proxy::lease::Standing;

use super::*;
use crate::serve::sweep;
use crate::usecase::request::{FARTHEST, MOST_PENDING};
use crate::usecase::{approve::approve, cancel::cancel, deny::deny, extend::extend, reload::reload};

#[tokio::test]
async fn what_no_rule_gives_is_refused_and_logged() {
    let bench = Bench::new().await;
    let alice = bench.actor("alice");
    assert_eq!(code(file(&bench.app, &alice, wish("web1", "look", 2 * HOUR)).await), "too-long");
    let mut idle = wish("web1", "look", HOUR);
    idle.reason = "because".into();
    assert_eq!(code(file(&bench.app, &alice, idle).await), "reason");
    assert_eq!(code(file(&bench.app, &bench.actor("dave"), wish("web1", "look", HOUR)).await), "no-rule");
    assert_eq!(code(file(&bench.app, &alice, wish("web1", "lock", HOUR)).await), "unknown-role");
    assert_eq!(bench.log().await.len(), 2 + 4);
}

#[tokio::test]
async fn a_request_for_later_begins_then() {
    let bench = Bench::new().await;
    let alice = bench.actor("alice");
    let at = |span| Some(after(bench.clock.wall(), span));
    let wish_at = |at| Wish { at, ..wish("web1", "look", HOUR) };
    assert_eq!(code(file(&bench.app, &alice, wish_at(at(Duration::ZERO))).await), "past");
    assert_eq!(code(file(&bench.app, &alice, wish_at(at(FARTHEST + MINUTE))).await), "far");
    let asked = file(&bench.app, &alice, wish_at(at(2 * HOUR))).await.unwrap();
    let grant: GrantId = asked.request.grant.unwrap().parse().unwrap();
    assert_eq!(code(bench.connect("alice", "web1").await), "scheduled");
    bench.clock.advance(2 * HOUR);
    sweep::once(&bench.app).await.unwrap();
    assert_eq!(bench.log().await.last().unwrap(), "curfew grant.started g1");
    assert_eq!(bench.grant(grant).await.expires_at, after(bench.clock.wall(), HOUR));
    assert!(bench.connect("alice", "web1").await.is_ok());
    sweep::once(&bench.app).await.unwrap();
    assert_eq!(bench.log().await.last().unwrap(), "alice session.started s1", "begun only once");
}

#[tokio::test]
async fn an_unused_grant_ends_as_unused() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let end = after(bench.clock.wall(), HOUR);
    bench.clock.advance(2 * HOUR);
    sweep::once(&bench.app).await.unwrap();
    assert_eq!(bench.grant(grant).await.ended, Some((end, GrantEnd::Unused)), "when it was to, not when we looked");
}

#[tokio::test]
async fn a_request_lapses_and_cannot_be_decided_then() {
    let bench = Bench::new().await;
    let asked = bench.ask(HOUR).await;
    bench.clock.advance(LAPSES_AFTER);
    assert_eq!(said(bench.approve(&asked, "bob").await), "r1 has lapsed; it has to be asked for again");
    sweep::once(&bench.app).await.unwrap();
    assert_eq!(bench.log().await.last().unwrap(), "curfew request.lapsed r1");
    assert_eq!(code(cancel(&bench.app, &bench.actor("alice"), id(&asked)).await), "decided");
    assert_eq!(code(deny(&bench.app, &bench.actor("bob"), id(&asked), "late").await), "decided");
}

#[tokio::test]
async fn an_approver_may_shorten_and_not_lengthen() {
    let bench = Bench::new().await;
    let asked = bench.ask(HOUR).await;
    let (bob, carol) = (bench.actor("bob"), bench.actor("carol"));
    let longer = approve(&bench.app, &bob, id(&asked), Some(2 * HOUR), None).await;
    assert_eq!(said(longer), "r1 is for 1h; --for may shorten it only");
    approve(&bench.app, &bob, id(&asked), Some(30 * MINUTE), Some("short".into())).await.unwrap();
    let back = approve(&bench.app, &carol, id(&asked), Some(HOUR), None).await;
    assert_eq!(said(back), "r1 is for 30m; --for may shorten it only");
    let granted = approve(&bench.app, &carol, id(&asked), None, None).await.unwrap().request;
    assert_eq!(granted.duration_s, 1800);
    assert_eq!(bench.grant(GrantId(1)).await.expires_at, after(bench.clock.wall(), 30 * MINUTE));
}

#[tokio::test]
async fn an_approval_is_judged_by_todays_rules() {
    let bench = Bench::new().await;
    let asked = bench.ask(HOUR).await;
    bench.approve(&asked, "bob").await.unwrap();
    // bob is no lead any more: his yes does not count.
    let mut rules = rulebook();
    rules.people.get_mut("bob").unwrap().groups.clear();
    reload(&bench.app, rules).await.unwrap();
    assert_eq!(bench.approve(&asked, "carol").await.unwrap().request.state, "pending");
    // Nor is there a rule for it.
    let mut rules = rulebook();
    rules.rules.clear();
    rules.people.insert("frank".into(), person("frank", &["leads", "security"], &Duty::ALL));
    reload(&bench.app, rules).await.unwrap();
    assert_eq!(code(bench.approve(&asked, "frank").await), "no-rule");
    let mut rules = rulebook();
    rules.people.insert("frank".into(), person("frank", &["leads"], &[]));
    reload(&bench.app, rules).await.unwrap();
    assert_eq!(bench.approve(&asked, "frank").await.unwrap().request.state, "granted");
}

#[tokio::test]
async fn an_extension_that_needs_approval_is_a_request_of_its_own() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let admitted = bench.connect("alice", "web1").await.unwrap();
    let alice = bench.actor("alice");
    assert_eq!(code(extend(&bench.app, &bench.actor("bob"), grant, HOUR, "INC-9").await), "not-owner");
    assert_eq!(code(extend(&bench.app, &alice, grant, 4 * HOUR, "INC-9").await), "too-long");
    assert_eq!(code(extend(&bench.app, &alice, grant, HOUR, "more").await), "reason");
    let asked = extend(&bench.app, &alice, grant, HOUR, "INC-9").await.unwrap();
    assert_eq!((asked.request.state.as_str(), asked.request.extends), ("pending", true));
    bench.approve(&asked, "bob").await.unwrap();
    assert_eq!(bench.approve(&asked, "carol").await.unwrap().request.grant.as_deref(), Some("g1"));
    let end = after(bench.clock.wall(), 2 * HOUR);
    assert_eq!(bench.grant(grant).await.expires_at, end);
    assert!(matches!(admitted.lease.standing(), Standing::Until(until) if until.expires_at() == end));

    // One that comes too late is refused, and does not wake the dead.
    let asked = extend(&bench.app, &alice, grant, HOUR, "INC-9").await.unwrap();
    bench.clock.advance(3 * HOUR);
    assert_eq!(code(bench.approve(&asked, "bob").await), "ended");
    assert_eq!(code(extend(&bench.app, &alice, grant, HOUR, "INC-9").await), "ended");
}

#[tokio::test]
async fn too_many_pending_requests_are_refused() {
    let bench = Bench::new().await;
    for _ in 0..MOST_PENDING {
        bench.ask(HOUR).await;
    }
    let alice = bench.actor("alice");
    assert_eq!(code(file(&bench.app, &alice, wish("web1", "admin", HOUR)).await), "too-many-pending");
    assert!(file(&bench.app, &alice, wish("web1", "look", HOUR)).await.is_ok(), "this one does not wait");
    cancel(&bench.app, &alice, RequestId(1)).await.unwrap();
    assert!(file(&bench.app, &alice, wish("web1", "admin", HOUR)).await.is_ok());
}
