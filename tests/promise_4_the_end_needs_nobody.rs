//! Promise 4: a live session ends at its deadline with the database and the disk gone.

use std::time::Duration;

use crate::support::{SOON, Stage, Terminal, eventually, wall};

/// How long after its deadline a session may end on a busy machine.
const LATE: Duration = Duration::from_secs(3);

/// A shell on `web1` under a grant of a few seconds.
fn shell(stage: &Stage) -> (Terminal, jiff::Timestamp) {
    let grant = stage.alice.granted("web1", "admin", "8s");
    let terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    let ends = stage.alice.json(&format!("show {grant}"))["expires_at"].as_str().unwrap().parse().unwrap();
    (terminal, ends)
}

#[track_caller]
fn ends_on_time(stage: &Stage, mut terminal: Terminal, ends: jiff::Timestamp) {
    assert!(wall() < ends, "the test came too late to see anything");
    assert_eq!(terminal.wait(SOON), Some(124));
    let late = wall().duration_since(ends);
    assert!(late >= jiff::SignedDuration::ZERO, "cut before its time, by {late:?}");
    assert!(late < jiff::SignedDuration::try_from(LATE).unwrap(), "late by {late:?}");
    stage.web1.expect_quiet(LATE);
}

#[test]
fn a_locked_database_keeps_no_session_alive_and_lets_nobody_in() {
    let stage = Stage::new();
    let (terminal, ends) = shell(&stage);
    let mut database = stage.gateway.database();
    database.lock();
    let refused = stage.on_web1("true").limit(SOON).start();
    ends_on_time(&stage, terminal, ends);
    let mut refused = refused;
    let run = refused.wait(SOON);
    assert!(run.code.is_some_and(|code| code != 0) && !run.stderr.trim().is_empty(), "{run:?}");
    database.unlock();
    stage.alice.granted("web1", "admin", "10m");
    eventually(SOON, "sessions begin again", || stage.on_web1("true").run().code == Some(0));
}

#[test]
fn a_locked_database_refuses_new_sessions_with_a_clear_line() {
    let stage = Stage::granted();
    let mut database = stage.gateway.database();
    database.lock();
    let run = stage.on_web1("true").limit(SOON).run();
    assert_eq!(run.code, Some(77), "{run:?}");
    assert_eq!(run.stderr.trim().lines().count(), 1, "{run:?}");
    assert!(!run.stderr.contains("sqlx") && !run.stderr.contains("SqliteError"), "no error chain: {run:?}");
    assert_eq!(stage.web1.connections(), 0);
    let ask = stage.alice.asking("requests").limit(SOON).run();
    assert!(ask.code == Some(0) || ask.code == Some(1), "reading works or says why not: {ask:?}");
    database.unlock();
    stage.on_web1("true").run().ok();
}

#[test]
fn a_database_that_is_gone_keeps_no_session_alive_and_lets_nobody_in() {
    let stage = Stage::new();
    let (terminal, ends) = shell(&stage);
    stage.gateway.lose_the_database();
    ends_on_time(&stage, terminal, ends);
    let run = stage.on_web1("true").limit(SOON).run();
    assert_ne!(run.code, Some(0), "{run:?}");
}

#[test]
fn a_recordings_folder_that_is_gone_keeps_no_session_alive() {
    let stage = Stage::new();
    let (mut terminal, ends) = shell(&stage);
    std::fs::remove_dir_all(stage.gateway.recordings_dir()).unwrap();
    assert_eq!(terminal.wait(SOON), Some(124));
    assert!(wall().duration_since(ends) < jiff::SignedDuration::try_from(LATE).unwrap());
    stage.web1.expect_quiet(LATE);
}
