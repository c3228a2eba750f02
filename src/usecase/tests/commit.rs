//! A commit whose answer is lost: what follows from it follows all the same.

use curfew_proxy::lease::{End, Standing};
use sqlx::Executor;

use super::*;
use crate::store::StoreError;
use crate::store::tests::fate::{self, Fate};
use crate::usecase::revoke::revoke;
use crate::usecase::{deny, extend, kill, reconcile};

fn revoked(admitted: &Admitted) -> bool {
    matches!(admitted.lease.standing(), Standing::Over(End::Revoked { by, .. }) if by == "bob")
}

#[tokio::test]
async fn a_revocation_whose_answer_is_lost_ends_the_live_sessions_and_says_that_it_was_done() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let admitted = bench.connect("alice", "web1").await.unwrap();
    fate::have(Fate::LostAfter);
    let view = revoke(&bench.app, &bench.actor("bob"), grant, "laptop stolen").await.unwrap();
    assert_eq!(view.ended_why.as_deref(), Some("revoked"));
    assert!(revoked(&admitted));
    let again = revoke(&bench.app, &bench.actor("bob"), grant, "laptop stolen").await;
    assert!(said(again).contains("has ended already"));
    assert!(matches!(bench.verify().await, Verdict::Intact { .. }));
}

#[tokio::test]
async fn a_revocation_that_never_arrived_changes_nothing_and_may_be_tried_again() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let admitted = bench.connect("alice", "web1").await.unwrap();
    fate::have(Fate::LostBefore);
    assert!(is_unavailable(&revoke(&bench.app, &bench.actor("bob"), grant, "no").await));
    assert!(matches!(admitted.lease.standing(), Standing::Until(_)));
    revoke(&bench.app, &bench.actor("bob"), grant, "no").await.unwrap();
    assert!(revoked(&admitted));
}

#[tokio::test]
async fn live_sessions_end_within_a_second_when_nobody_can_tell_what_became_of_a_revocation() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let admitted = bench.connect("alice", "web1").await.unwrap();
    let tx = bench.app.store().begin().await.unwrap();
    drop(tx);
    // From the lost answer on, somebody else holds the database.
    let mut intruder = bench.place.intruder().await;
    let lock = match bench.place.file() {
        Some(_) => "BEGIN EXCLUSIVE",
        None => "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE gateways, audit",
    };
    fate::have(Fate::LostAfterThen(Box::pin(async move {
        intruder.execute(sqlx::raw_sql(lock)).await.unwrap();
        intruder
    })));
    // The real clock is what is tested.
    let real = Clock::system(None);
    let began = real.now().mono;
    let outcome = revoke(&bench.app, &bench.actor("bob"), grant, "no").await;
    assert!(matches!(outcome, Err(Fault::Store(StoreError::Unanswered(_)))), "{outcome:?}");
    assert!(revoked(&admitted));
    let took = real.now().mono - began;
    assert!(took < Duration::from_secs(1), "{took:?}");
    fate::let_go().await;
    assert!(said(revoke(&bench.app, &bench.actor("bob"), grant, "no").await).contains("has ended already"));
}

#[tokio::test]
async fn an_extension_and_a_kill_whose_answers_are_lost_take_place() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let admitted = bench.connect("alice", "web1").await.unwrap();
    let more = extend::extend(&bench.app, &bench.actor("alice"), grant, HOUR, "INC-7: still").await.unwrap();
    bench.approve(&more, "bob").await.unwrap();
    fate::have(Fate::LostAfter);
    bench.approve(&more, "carol").await.unwrap();
    let Standing::Until(deadline) = admitted.lease.standing() else { panic!("it is over") };
    assert_eq!(deadline.remaining(bench.clock.now()), 2 * HOUR);
    fate::have(Fate::LostAfter);
    kill::kill(&bench.app, &Actor::Operator, admitted.session, "odd").await.unwrap();
    assert!(matches!(admitted.lease.standing(), Standing::Over(End::Killed { .. })));
}

#[tokio::test]
async fn who_waits_hears_of_a_decision_when_it_is_made_and_without_its_answer() {
    let bench = Bench::new().await;
    for fate in [Fate::Answered, Fate::LostAfter] {
        let asked = bench.ask(HOUR).await;
        let mut changes = bench.app.waiters().listen(id(&asked));
        fate::have(fate);
        deny::deny(&bench.app, &bench.actor("bob"), id(&asked), "not now").await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), changes.next()).await.expect("hears of it");
    }
}

#[tokio::test]
async fn a_grant_that_was_revoked_or_extended_elsewhere_is_followed() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let admitted = bench.connect("alice", "web1").await.unwrap();
    let mut elsewhere = bench.place.intruder().await;
    let later = bench.grant(grant).await.expires_at.as_millisecond() + 60_000;
    let longer = sqlx::query("UPDATE grants SET expires_at = $1").bind(later);
    elsewhere.execute(longer).await.unwrap();
    reconcile::reconcile(&bench.app, grant).await.unwrap();
    let Standing::Until(deadline) = admitted.lease.standing() else { panic!("it is over") };
    assert_eq!(deadline.remaining(bench.clock.now()), HOUR + MINUTE);

    let ended = "UPDATE grants SET ended_at = 1, ended_why = 'revoked', ended_by = 'bob', ended_note = 'stolen'";
    elsewhere.execute(ended).await.unwrap();
    crate::serve::sweep::once(&bench.app).await.unwrap();
    assert_eq!(admitted.lease.standing(), Standing::Over(End::Revoked { by: "bob".into(), note: "stolen".into() }));
}
