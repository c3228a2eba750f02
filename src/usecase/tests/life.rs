//! The life of access, from the question to the end.

use curfew_policy::grant::GrantEnd;
use curfew_policy::time::after;
use curfew_proxy::lease::{End, Standing};

use super::*;
use crate::usecase::{
    cancel::cancel, deny::deny, done::done, end_session, expire::expire, extend::extend, revoke::revoke,
};

#[tokio::test]
async fn ask_approve_connect_end() {
    let bench = Bench::new().await;
    let asked = bench.ask(HOUR).await;
    assert_eq!((asked.request.state.as_str(), asked.request.needed), ("pending", 2));
    assert_eq!(asked.waits_for, ["leads"]);
    assert_eq!(code(bench.connect("alice", "web1").await), "no-grant");

    assert_eq!(bench.approve(&asked, "bob").await.unwrap().request.state, "pending");
    let granted = bench.approve(&asked, "carol").await.unwrap().request;
    assert_eq!((granted.state.as_str(), granted.grant.as_deref()), ("granted", Some("g1")));

    let admitted = bench.connect("alice", "web1").await.unwrap();
    assert_eq!(admitted.permit.login(), "root");
    assert_eq!(admitted.permit.expires_at(), after(bench.clock.wall(), HOUR));
    end_session::ended(&bench.app, admitted.session, &End::Client).await;
    assert_eq!(bench.session_end(admitted.session).await.as_deref(), Some("client"));

    bench.clock.advance(HOUR);
    expire(&bench.app).await.unwrap();
    assert_eq!(bench.grant(GrantId(1)).await.ended, Some((bench.clock.wall(), GrantEnd::Expired)));
    assert_eq!(
        bench.log().await,
        [
            "curfew gateway.started gateway",
            "curfew config.loaded configuration",
            "alice request.filed r1",
            "alice session.refused web1",
            "bob request.approved r1",
            "carol request.approved r1",
            "carol request.granted r1",
            "alice session.started s1",
            "alice session.ended s1",
            "curfew grant.expired g1",
        ]
    );
    bench.app.store().close().await;
    assert_eq!(bench.verify().await, Verdict::Intact { events: 10 });
}

#[tokio::test]
async fn a_rule_without_approvals_grants_at_once() {
    let bench = Bench::new().await;
    let asked = file(&bench.app, &bench.actor("alice"), wish("web1", "look", HOUR)).await.unwrap();
    assert_eq!((asked.request.state.as_str(), asked.request.needed), ("granted", 0));
    assert!(asked.waits_for.is_empty());
    assert_eq!(bench.connect("alice", "web1").await.unwrap().permit.login(), "viewer");
}

#[tokio::test]
async fn a_request_is_decided_once() {
    let bench = Bench::new().await;
    let asked = bench.ask(HOUR).await;
    assert_eq!(code(bench.approve(&asked, "alice").await), "own");
    bench.approve(&asked, "bob").await.unwrap();
    assert_eq!(code(bench.approve(&asked, "bob").await), "twice");
    assert_eq!(code(bench.approve(&asked, "dave").await), "not-found");
    assert_eq!(code(deny(&bench.app, &bench.actor("carol"), id(&asked), " ").await), "no-note");
    assert_eq!(deny(&bench.app, &bench.actor("carol"), id(&asked), "not now").await.unwrap().state, "denied");
    assert_eq!(said(bench.approve(&asked, "carol").await), "r1 was denied by carol");
    assert_eq!(code(cancel(&bench.app, &bench.actor("alice"), id(&asked)).await), "decided");
}

#[tokio::test]
async fn an_extension_lets_the_live_session_go_on() {
    let bench = Bench::new().await;
    let asked = file(&bench.app, &bench.actor("alice"), wish("web1", "look", MINUTE)).await.unwrap();
    let grant = asked.request.grant.unwrap().parse().unwrap();
    let mut admitted = bench.connect("alice", "web1").await.unwrap();
    let alice = bench.actor("alice");
    extend(&bench.app, &alice, grant, 10 * MINUTE, "INC-7").await.unwrap();
    assert_eq!(bench.grant(grant).await.expires_at, after(bench.clock.wall(), 11 * MINUTE));
    bench.clock.advance(10 * MINUTE);
    assert!(matches!(admitted.lease.standing(), Standing::Until(until) if !until.is_over(bench.clock.now())));
    assert_eq!(code(extend(&bench.app, &alice, grant, HOUR, "INC-7").await), "too-long");
    bench.clock.advance(MINUTE);
    assert_eq!(admitted.lease.over(&bench.clock).await, End::Expired);
}

#[tokio::test]
async fn done_and_revoked_grants_end_their_sessions() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let mut admitted = bench.connect("alice", "web1").await.unwrap();
    assert_eq!(code(revoke(&bench.app, &bench.actor("dave"), grant, "no").await), "not-found");
    assert_eq!(revoke(&bench.app, &bench.actor("bob"), grant, "enough").await.unwrap().state, "ended");
    let end = admitted.lease.over(&bench.clock).await;
    assert_eq!(end, End::Revoked { by: "bob".into(), note: "enough".into() });
    assert_eq!(code(bench.connect("alice", "web1").await), "ended");

    let grant = bench.granted(HOUR).await;
    let mut admitted = bench.connect("alice", "web1").await.unwrap();
    assert_eq!(done(&bench.app, &bench.actor("alice"), grant).await.unwrap().ended_why.as_deref(), Some("done"));
    assert!(matches!(admitted.lease.over(&bench.clock).await, End::Revoked { by, .. } if by == "alice"));
}

#[tokio::test]
async fn a_nul_in_what_somebody_types_or_runs_stops_nothing_on_either_database() {
    use crate::usecase::record;
    let bench = Bench::new().await;
    let wish = Wish { reason: "INC-7: a\0b".into(), ..wish("web1", "admin", HOUR) };
    let asked = file(&bench.app, &bench.actor("alice"), wish).await.unwrap();
    assert_eq!(asked.request.reason, "INC-7: a\u{fffd}b");
    bench.approve(&asked, "bob").await.unwrap();
    bench.approve(&asked, "carol").await.unwrap();
    let caller = crate::usecase::caller::Caller { client: "SSH-2.0-a\0b".into(), ..caller("alice", "web1") };
    let admitted = admit(&bench.app, caller).await.unwrap();
    let recorded = crate::store::Recorded {
        channel: 1,
        kind: "exec".into(),
        command: Some("printf a\0b".into()),
        path: "/dev/null".into(),
        bytes: 0,
        sealed: None,
    };
    record::started(&bench.app, admitted.session, &recorded).await.unwrap();
    let told = bench.records().await.into_iter().any(|record| record.detail.contains("printf a\\u0000b"));
    assert!(told, "the audit log tells of it exactly");
    assert!(matches!(bench.verify().await, Verdict::Intact { .. }));
}
