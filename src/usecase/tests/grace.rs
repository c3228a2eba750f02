//! What runs when its grant expires, under a role that gives grace.

use curfew_policy::grant::GrantEnd;
use curfew_policy::role::{AtExpiry, Role};
use curfew_proxy::lease::{End, Standing};

use super::*;
use crate::usecase::{
    done::done, end_session, expire::expire, extend::extend, kill::kill, reload, revoke::revoke, show::show,
};

const FIVE: Duration = Duration::from_secs(300);

/// alice's session under an admin grant that expired a minute ago, in its grace of five.
async fn in_grace() -> (Bench, Admitted) {
    let bench = Bench::new().await;
    let mut rules = rulebook();
    let admin = Role { at_expiry: AtExpiry::Grace(FIVE), ..Role::clone(&rules.roles["admin"]) };
    rules.roles.insert("admin".into(), Arc::new(admin));
    reload::reload(&bench.app, rules).await.unwrap();
    let id = bench.granted(HOUR).await;
    let admitted = bench.connect("alice", "web1").await.unwrap();
    bench.clock.advance(HOUR + MINUTE);
    expire(&bench.app).await.unwrap();
    assert!(matches!(bench.grant(id).await.ended, Some((_, GrantEnd::Expired))));
    assert!(admitted.lease.in_grace(&bench.clock));
    (bench, admitted)
}

#[tokio::test]
async fn an_expired_grant_lets_nobody_in_and_is_not_extended_though_a_session_has_grace() {
    let (bench, admitted) = in_grace().await;
    assert_eq!(code(bench.connect("alice", "web1").await), "ended");
    assert_eq!(code(extend(&bench.app, &bench.actor("alice"), GrantId(1), HOUR, "INC-7").await), "ended");
    let mut lease = admitted.lease.clone();
    bench.clock.advance(FIVE - MINUTE);
    assert_eq!(lease.over(&bench.clock).await, End::Expired);
}

#[tokio::test]
async fn a_revocation_cuts_the_grace_short_and_the_log_says_whose_it_was() {
    let (bench, admitted) = in_grace().await;
    assert_eq!(code(revoke(&bench.app, &bench.actor("alice"), GrantId(1), "odd").await), "not-allowed");
    let view = revoke(&bench.app, &bench.actor("bob"), GrantId(1), "odd").await.unwrap();
    assert_eq!((view.state.as_str(), view.ended_why.as_deref()), ("ended", Some("expired")));
    let end = End::Revoked { by: "bob".into(), note: "odd".into() };
    assert_eq!(admitted.lease.standing(), Standing::Over(end.clone()));
    end_session::ended(&bench.app, admitted.session, &end).await;
    assert_eq!(code(revoke(&bench.app, &bench.actor("bob"), GrantId(1), "odd").await), "ended");
    let log = bench.log().await;
    assert_eq!(log[log.len() - 3..], ["curfew grant.expired g1", "bob grant.grace-ended g1", "alice session.ended s1"]);
    assert_eq!(bench.session_end(admitted.session).await.as_deref(), Some("revoked"));
}

#[tokio::test]
async fn its_owner_may_be_done_with_a_grace_and_a_kill_knows_none() {
    let (bench, admitted) = in_grace().await;
    done(&bench.app, &bench.actor("alice"), GrantId(1)).await.unwrap();
    assert!(matches!(admitted.lease.standing(), Standing::Over(End::Revoked { .. })));
    let (bench, admitted) = in_grace().await;
    kill(&bench.app, &bench.actor("eve"), admitted.session, "odd").await.unwrap();
    assert!(matches!(admitted.lease.standing(), Standing::Over(End::Killed { .. })));
}

#[tokio::test]
async fn a_configuration_without_the_role_ends_a_grace() {
    let (bench, admitted) = in_grace().await;
    let mut rules = rulebook();
    rules.roles.remove("admin");
    reload::reload(&bench.app, rules).await.unwrap();
    assert!(matches!(admitted.lease.standing(), Standing::Over(End::Revoked { .. })));
}

#[tokio::test]
async fn a_grant_and_the_start_of_its_sessions_tell_of_the_grace() {
    let (bench, _admitted) = in_grace().await;
    let shown = show(&bench.app, &bench.actor("alice"), "g1".parse().unwrap()).await.unwrap();
    assert_eq!(serde_json::to_value(&shown).unwrap()["grace_s"], 300);
    let records = bench.records().await;
    let started = records.iter().find(|record| record.action == "session.started").unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&started.detail).unwrap()["grace"], "5m");
}

#[tokio::test]
async fn nothing_is_kept_of_grants_that_ended_once_their_sessions_have() {
    let (bench, admitted) = in_grace().await;
    assert_eq!(bench.app.leases().grants(), [GrantId(1)], "its session goes on");
    end_session::ended(&bench.app, admitted.session, &End::Expired).await;
    let revoked = bench.granted(HOUR).await;
    revoke(&bench.app, &bench.actor("bob"), revoked, "odd").await.unwrap();
    let held = bench.granted(HOUR).await;
    expire(&bench.app).await.unwrap();
    assert_eq!(bench.app.leases().grants(), [held]);
}
