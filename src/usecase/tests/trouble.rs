//! Crashes, a database that is locked, gone or replaced, and clocks that jump.

use curfew_policy::grant::GrantEnd;
use curfew_proxy::lease::{End, Standing};
use sqlx::Executor;

use super::*;
use crate::serve::sweep;
use crate::store::Recorded;
use crate::usecase::{end_session, list, record, reload::reload, revoke::revoke};

#[tokio::test]
async fn sessions_that_a_crash_left_open_are_closed_as_interrupted() {
    let bench = Bench::new().await;
    bench.granted(HOUR).await;
    let admitted = bench.connect("alice", "web1").await.unwrap();
    let bench = bench.crash().await;
    assert_eq!(bench.session_end(admitted.session).await.as_deref(), Some("interrupted"));
    assert!(bench.log().await.contains(&"curfew session.ended s1".to_owned()));
    assert!(bench.connect("alice", "web1").await.is_ok(), "the grant has survived");
}

#[tokio::test]
async fn a_seal_that_the_database_could_not_take_is_written_by_the_sweep() {
    let bench = Bench::new().await;
    bench.granted(HOUR).await;
    let session = bench.connect("alice", "web1").await.unwrap().session;
    let recording = Recorded {
        channel: 1,
        kind: "exec".into(),
        command: Some("id".into()),
        path: "/r/s1-1.cast".into(),
        bytes: 0,
        sealed: None,
    };
    record::started(&bench.app, session, &recording).await.unwrap();
    let mut intruder = bench.place.intruder().await;
    let lock = match bench.place.file() {
        Some(_) => "BEGIN EXCLUSIVE",
        None => "BEGIN; LOCK TABLE gateways, audit",
    };
    intruder.execute(sqlx::raw_sql(lock)).await.unwrap();
    assert!(is_unavailable(&record::sealed(&bench.app, session, 1, 99, "ab").await));
    intruder.execute("ROLLBACK").await.unwrap();
    for _ in 0..2 {
        sweep::once(&bench.app).await.unwrap();
        let log = bench.log().await;
        assert_eq!(log.iter().filter(|line| line.contains("recording.sealed s1")).count(), 1, "{log:?}");
    }
}

#[tokio::test]
async fn a_locked_database_refuses_in_time_and_live_leases_stand() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let mut admitted = bench.connect("alice", "web1").await.unwrap();
    let mut intruder = bench.place.intruder().await;
    let lock = match bench.place.file() {
        Some(_) => "BEGIN EXCLUSIVE",
        None => "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE gateways, audit",
    };
    intruder.execute(sqlx::raw_sql(lock)).await.unwrap();

    let refused = tokio::time::timeout(Duration::from_secs(15), bench.connect("alice", "web1")).await.unwrap();
    assert!(is_unavailable(&refused));
    assert_eq!(said(refused), "the bastion's database does not answer; try again in a moment");
    assert!(is_unavailable(&revoke(&bench.app, &bench.actor("bob"), grant, "no").await));
    assert!(matches!(admitted.lease.standing(), Standing::Until(_)));
    end_session::ended(&bench.app, SessionId(1), &End::Client).await;
    intruder.execute("ROLLBACK").await.unwrap();

    // What could not be written then is written now.
    sweep::once(&bench.app).await.unwrap();
    assert_eq!(bench.session_end(SessionId(1)).await.as_deref(), Some("client"));
    bench.clock.advance(HOUR);
    assert!(matches!(admitted.lease.over(&bench.clock).await, End::Expired | End::Revoked { .. }));
    assert!(matches!(bench.verify().await, Verdict::Intact { .. }));
}

#[tokio::test]
async fn a_session_whose_commit_failed_takes_nobody_elses_id() {
    let bench = Bench::new().await;
    bench.granted(HOUR).await;
    // What `admit` remembers of a session whose commit was not answered.
    bench.app.late_ends().never_began(SessionId(1), bench.clock.wall());
    bench.clock.advance(MINUTE);
    let admitted = bench.connect("alice", "web1").await.unwrap();
    assert_eq!(admitted.session, SessionId(1));
    sweep::once(&bench.app).await.unwrap();
    assert_eq!(bench.session_end(SessionId(1)).await, None);
}

#[tokio::test]
async fn a_database_that_is_gone_or_replaced_is_said_to_be() {
    let bench = Bench::new().await;
    // Only a file can be moved away.
    let Some(file) = bench.place.file() else { return };
    bench.granted(HOUR).await;
    let admitted = bench.connect("alice", "web1").await.unwrap();
    let aside = bench.dir.path().join("aside");
    std::fs::rename(file, &aside).unwrap();
    assert!(is_unavailable(&bench.connect("alice", "web1").await));
    assert!(is_unavailable(&list::grants(&bench.app, &bench.actor("alice"), false, ListFilter::default()).await));
    std::fs::copy(&aside, file).unwrap();
    assert!(is_unavailable(&bench.connect("alice", "web1").await), "a copy is not the database");
    std::fs::remove_file(file).unwrap();
    std::fs::rename(&aside, file).unwrap();
    assert!(bench.connect("alice", "web1").await.is_ok());
    assert!(matches!(admitted.lease.standing(), Standing::Until(_)));
}

#[tokio::test]
async fn a_wall_clock_that_stands_still_gives_a_new_session_no_more_time() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    bench.clock.step(Duration::ZERO, HOUR - MINUTE);
    let admitted = bench.connect("alice", "web1").await.unwrap();
    let left = |lease: &curfew_proxy::lease::Lease| match lease.standing() {
        Standing::Until(until) => until.remaining(bench.clock.now()),
        Standing::Over(_) => Duration::ZERO,
    };
    assert_eq!(left(&admitted.lease), MINUTE);
    bench.clock.step(Duration::ZERO, MINUTE);
    assert!(bench.connect("alice", "web1").await.is_err());
    sweep::once(&bench.app).await.unwrap();
    assert_eq!(bench.grant(grant).await.ended.map(|(_, why)| why), Some(GrantEnd::Expired));
}

#[tokio::test]
async fn what_the_configuration_no_longer_names_loses_its_access() {
    let bench = Bench::new().await;
    let grant = bench.granted(HOUR).await;
    let mut alices = bench.connect("alice", "web1").await.unwrap();
    let mut rules = rulebook();
    rules.people.remove("alice");
    reload(&bench.app, rules).await.unwrap();
    let gone = End::Revoked { by: "curfew".into(), note: "user alice is gone".into() };
    assert_eq!(alices.lease.over(&bench.clock).await, gone);
    let held = bench.grant(grant).await;
    assert_eq!(held.ended.map(|(_, why)| why), Some(GrantEnd::Revoked));
    assert_eq!(held.ended_note.as_deref(), Some("user alice is gone"));
    assert!(bench.connect("alice", "web1").await.is_err());
    bench.app.store().close().await;
    let count = "SELECT COUNT(*) FROM audit WHERE action = 'grant.revoked'";
    let ends = bench.place.intruder().await.fetch_one(count).await.unwrap();
    assert_eq!(sqlx::Row::get::<i64, _>(&ends, 0), 1);
}
