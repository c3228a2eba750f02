//! Who sees what, and who may do what; a stranger is told that it is not there.

use curfew_policy::id::AnyId;

use super::*;
use crate::usecase::{
    audit, done::done, extend::extend, kill::kill, list, list::Which, record, refuse, revoke::revoke, show::show,
    targets::targets, view::AnyView, whoami::whoami,
};

async fn ids(bench: &Bench, who: &str, which: Which) -> Vec<String> {
    let requests = list::requests(&bench.app, &bench.actor(who), which, ListFilter::default()).await.unwrap();
    requests.items.into_iter().map(|request| request.id).collect()
}

#[tokio::test]
async fn lists_show_ones_own_and_what_waits_for_ones_decision() {
    let bench = Bench::new().await;
    bench.granted(HOUR).await;
    bench.ask(HOUR).await;
    file(&bench.app, &bench.actor("dave"), wish("web2", "admin", HOUR)).await.unwrap();
    assert_eq!(ids(&bench, "alice", Which::Usual).await, ["r1", "r2"]);
    assert_eq!(ids(&bench, "dave", Which::Usual).await, ["r3"]);
    assert_eq!(ids(&bench, "bob", Which::Usual).await, ["r2", "r3"]);
    assert_eq!(ids(&bench, "bob", Which::All).await, ["r1", "r2", "r3"]);
    assert_eq!(ids(&bench, "bob", Which::Mine).await, [""; 0]);
    assert_eq!(ids(&bench, "eve", Which::Usual).await, ["r1", "r2", "r3"]);
    assert_eq!(ids(&bench, "eve", Which::Pending).await, ["r2", "r3"]);
    assert_eq!(ids(&bench, "mallory", Which::All).await, [""; 0]);
    let grants = async |who: &str, all| {
        list::grants(&bench.app, &bench.actor(who), all, ListFilter::default()).await.unwrap().items.len()
    };
    assert_eq!((grants("alice", false).await, grants("dave", true).await), (1, 0));
    assert_eq!((grants("bob", false).await, grants("bob", true).await, grants("eve", false).await), (0, 1, 1));
    let operator = list::requests(&bench.app, &Actor::Operator, Which::Usual, ListFilter::default()).await.unwrap();
    assert_eq!(operator.items.len(), 3);
}

#[tokio::test]
async fn a_stranger_cannot_tell_what_is_not_theirs_from_what_is_not_there() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let session = bench.connect("alice", "web1").await.unwrap().session;
    let dave = bench.actor("dave");
    let look = |id: &'static str| {
        let (app, dave) = (bench.app.clone(), dave.clone());
        async move { said(show(&app, &dave, id.parse::<AnyId>().unwrap()).await) }
    };
    for (theirs, none) in [("r1", "r7"), ("g1", "g7"), ("s1", "s7")] {
        assert_eq!(look(theirs).await, look(none).await.replace('7', "1"));
    }
    assert_eq!(code(done(&bench.app, &dave, grant).await), "not-found");
    assert_eq!(code(revoke(&bench.app, &dave, grant, "x").await), "not-found");
    assert_eq!(code(extend(&bench.app, &dave, grant, HOUR, "INC-1").await), "not-found");
    assert_eq!(code(kill(&bench.app, &dave, session, "x").await), "not-found");
    assert_eq!(code(record::look(&bench.app, &dave, session, record::Look::Watch).await), "not-found");
    for who in ["alice", "bob", "eve"] {
        let seen = show(&bench.app, &bench.actor(who), "s1".parse().unwrap()).await.unwrap();
        assert!(matches!(seen, AnyView::Session(session) if session.login == "root"));
    }
}

#[tokio::test]
async fn duties_allow_what_they_name_and_nothing_else() {
    let bench = Bench::new().await;
    bench.granted(HOUR).await;
    let session = bench.connect("alice", "web1").await.unwrap().session;
    assert_eq!(code(kill(&bench.app, &bench.actor("alice"), session, "x").await), "not-allowed");
    assert_eq!(code(kill(&bench.app, &bench.actor("bob"), session, "x").await), "not-allowed");
    assert_eq!(code(record::look(&bench.app, &bench.actor("bob"), session, record::Look::Replay).await), "not-allowed");
    assert_eq!(code(audit::audit(&bench.app, &bench.actor("alice"), ListFilter::default()).await), "not-allowed");
    record::look(&bench.app, &bench.actor("alice"), session, record::Look::Watch).await.unwrap();
    record::look(&bench.app, &bench.actor("eve"), session, record::Look::Replay).await.unwrap();
    kill(&bench.app, &Actor::Operator, session, "enough").await.unwrap();
    assert_eq!(
        bench.log().await.split_off(7),
        ["alice session.watched s1", "eve session.replayed s1", "operator session.killed s1"]
    );
    assert_eq!(code(file(&bench.app, &Actor::Operator, wish("web1", "look", HOUR)).await), "operator");
}

#[tokio::test]
async fn unknown_and_forbidden_targets_sound_the_same_and_the_nearest_of_ones_own_is_named() {
    let bench = Bench::new().await;
    let alice = bench.actor("alice");
    assert_eq!(
        said(file(&bench.app, &alice, wish("wbe1", "look", HOUR)).await),
        "no target `wbe1` that you may ask for; did you mean web1?"
    );
    let forbidden = said(file(&bench.app, &alice, wish("vault", "look", HOUR)).await);
    let unknown = said(file(&bench.app, &alice, wish("lunar", "look", HOUR)).await);
    assert_eq!(forbidden.replace("vault", "X"), unknown.replace("lunar", "X"));
    let forbidden = said(bench.connect("mallory", "web1").await);
    let unknown = said(bench.connect("mallory", "webX").await);
    assert_eq!(forbidden.replace("web1", "X"), unknown.replace("webX", "X"));
    assert!(!unknown.contains("web1"), "{unknown}");
    assert_eq!(
        said(bench.connect("alice", "web2").await),
        "you hold no grant for web2; ask: ssh bastion request web2 --role look --for 30m --reason TEXT"
    );
}

#[tokio::test]
async fn targets_and_whoami_say_what_one_may_and_holds() {
    let bench = Bench::new().await;
    let names = |who| {
        let views = targets(&bench.app, &bench.actor(who));
        views.into_iter().map(|view| (view.name, view.roles.join(" "))).collect::<Vec<_>>()
    };
    assert_eq!(names("alice"), [("web1".into(), "look admin".into()), ("web2".into(), "look admin".into())]);
    assert_eq!(names("dave"), [("web1".into(), "admin".into()), ("web2".into(), "admin".into())]);
    assert!(names("mallory").is_empty());
    assert_eq!(targets(&bench.app, &Actor::Operator).len(), 3);

    bench.granted(HOUR).await;
    let asked = bench.ask(HOUR).await;
    let alice = whoami(&bench.app, &bench.actor("alice")).await.unwrap();
    assert_eq!((alice.grants.len(), alice.pending.len()), (1, 1));
    assert_eq!(whoami(&bench.app, &bench.actor("bob")).await.unwrap().pending.len(), 1);
    bench.approve(&asked, "bob").await.unwrap();
    assert_eq!(whoami(&bench.app, &bench.actor("bob")).await.unwrap().pending.len(), 0, "bob has said yes");
    bench.clock.advance(25 * HOUR);
    let alice = whoami(&bench.app, &bench.actor("alice")).await.unwrap();
    assert_eq!((alice.grants.len(), alice.pending.len()), (0, 0), "without any sweep");
}

#[tokio::test]
async fn the_json_has_the_documented_fields() {
    let bench = Bench::new().await;
    bench.granted(HOUR).await;
    let session = bench.connect("alice", "web1").await.unwrap().session;
    let recording = crate::store::Recorded {
        channel: 1,
        kind: "exec".into(),
        command: Some("id".into()),
        path: "/r/s1-1.cast".into(),
        bytes: 0,
        sealed: None,
    };
    record::started(&bench.app, session, &recording).await.unwrap();
    record::sealed(&bench.app, session, 1, 99, "ab").await.unwrap();
    let (alice, eve) = (bench.actor("alice"), bench.actor("eve"));
    let shown =
        async |id: &str| serde_json::to_value(show(&bench.app, &alice, id.parse().unwrap()).await.unwrap()).unwrap();
    let has = |value: &serde_json::Value, fields: &[&str]| {
        for field in fields {
            assert!(value.get(field).is_some(), "{field} is not in {value}");
        }
    };
    let request = shown("r1").await;
    has(
        &request,
        &[
            "id",
            "state",
            "user",
            "targets",
            "role",
            "login",
            "duration_s",
            "reason",
            "starts_at",
            "approvals",
            "needed",
            "grant",
        ],
    );
    has(&request["approvals"][0], &["by", "at", "note"]);
    assert_eq!(request["login"], serde_json::Value::Null);
    let grant = shown("g1").await;
    has(
        &grant,
        &[
            "id",
            "request",
            "state",
            "user",
            "targets",
            "role",
            "login",
            "starts_at",
            "expires_at",
            "ended_at",
            "ended_why",
        ],
    );
    assert_eq!(grant["expires_at"], "2026-11-23T05:00:00.000Z");
    let session = shown("s1").await;
    has(
        &session,
        &["id", "grant", "user", "target", "login", "protocol", "client", "started_at", "ended_at", "ended_why"],
    );
    assert_eq!(session["recordings"][0]["sealed"], true);
    assert_eq!(session["recordings"][0]["bytes"], 99);
    let events = audit::audit(&bench.app, &eve, ListFilter::default()).await.unwrap().more().await.unwrap();
    has(
        &serde_json::to_value(&events[2]).unwrap(),
        &["seq", "at", "actor", "action", "subject", "detail", "prev", "hash"],
    );
    has(
        &serde_json::to_value(whoami(&bench.app, &alice).await.unwrap()).unwrap(),
        &["user", "groups", "may", "grants", "pending"],
    );
    has(&serde_json::to_value(&targets(&bench.app, &alice)[0]).unwrap(), &["name", "protocol", "labels", "roles"]);
}

#[tokio::test]
async fn the_audit_log_can_be_narrowed_to_a_user_a_target_and_a_time() {
    let bench = Bench::new().await;
    bench.granted(HOUR).await;
    bench.clock.advance(HOUR);
    file(&bench.app, &bench.actor("dave"), wish("web2", "admin", HOUR)).await.unwrap();
    let eve = bench.actor("eve");
    let count = async |filter| audit::audit(&bench.app, &eve, filter).await.unwrap().more().await.unwrap().len();
    assert_eq!(count(ListFilter::default()).await, 7);
    assert_eq!(count(ListFilter { user: Some("alice".into()), ..ListFilter::default() }).await, 4);
    assert_eq!(count(ListFilter { user: Some("bob".into()), ..ListFilter::default() }).await, 1);
    assert_eq!(count(ListFilter { target: Some("web2".into()), ..ListFilter::default() }).await, 1);
    assert_eq!(count(ListFilter { since: Some(bench.clock.wall()), ..ListFilter::default() }).await, 1);
}

#[tokio::test]
async fn nobody_fills_the_log_by_trying_again_and_again() {
    let bench = Bench::new().await;
    let before = bench.log().await.len();
    for round in 0..100 {
        assert!(bench.connect("alice", "web1").await.is_err());
        assert!(bench.connect("mallory", &format!("guess{round}")).await.is_err());
        refuse::connection(&bench.app, &format!("198.51.100.{round}"), "no-key", "gone before a key").await;
    }
    assert_eq!(bench.log().await.len(), before + 3);
    bench.clock.advance(MINUTE);
    refuse::settle(&bench.app).await.unwrap();
    assert_eq!(bench.log().await.len(), before + 3 + 2, "what strangers do waits for the hour");
    bench.clock.advance(HOUR);
    refuse::settle(&bench.app).await.unwrap();
    let log = bench.records().await;
    let repeated = &log[log.len() - 3..];
    assert!(repeated.iter().all(|record| record.detail.contains("\"repeated\":99")), "{repeated:?}");
}
