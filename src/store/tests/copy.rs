//! Everything moves from one database to another, between all kinds that are here.

use sqlx::Executor;

use super::super::copy::{Copied, copy};
use super::super::tables::TABLES;
use super::*;

/// A folder with a life of access in its database.
async fn full() -> Folder {
    let folder = Folder::with_events(450).await;
    folder
        .sql(
            "INSERT INTO requests (id, state, person, role, asked_ms, duration_ms, reason, asked_at, needed, extends, login)
             VALUES (1, 'granted', 'älice', 'admin', 1, 1, 'why ''so''', 1, 0, 0, NULL);
             INSERT INTO request_targets (request, position, target) VALUES (1, 0, 'web1');
             INSERT INTO approvals (request, position, approver, at, note) VALUES (1, 0, 'bob', 1, NULL);
             INSERT INTO grants (id, request, person, role, starts_at, expires_at, started, used)
             VALUES (7, 1, 'älice', 'admin', 1, 90071992547401, 1, 0);
             INSERT INTO grant_targets (grant_id, position, target, person) VALUES (7, 0, 'web1', 'älice');
             UPDATE counters SET last = 7 WHERE name = 'grants'",
        )
        .await;
    folder
}

/// An empty database of SQLite, in a folder of its own.
fn file(folder: &TempDir) -> Location {
    Location::Sqlite(folder.path().join("copy.db"))
}

#[tokio::test]
async fn every_row_arrives_and_the_audit_log_is_intact_there() {
    let folder = full().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let there = file(&elsewhere);
    let mut told = Vec::new();
    let mut tell = |table, done, total| told.push((table, done, total));
    let Copied { rows, records } = copy(&folder.place.location, &there, &mut tell).await.unwrap();
    assert_eq!(records, 450);
    assert!(rows > 3 * 450, "{rows}");
    assert!(told.contains(&("audit", 200, 450)) && told.contains(&("audit", 450, 450)), "{told:?}");

    // And back again, into a database of the first kind.
    let second = Folder { place: Place::new(elsewhere.path()).await, dir: elsewhere, pkcs8: folder.pkcs8.clone() };
    if let Some(file) = second.file() {
        assert!(!file.exists());
    }
    copy(&there, &second.place.location, &mut |_, _, _| {}).await.unwrap();
    std::fs::copy(folder.head(), second.head()).unwrap();
    assert_eq!(second.verify().await, Verdict::Intact { events: 450 });
    let store = second.open().await;
    let grant = store.view().await.unwrap().read().grant(curfew_policy::id::GrantId(7)).await.unwrap().unwrap();
    assert_eq!((grant.user.as_str(), grant.expires_at.as_millisecond()), ("älice", 90_071_992_547_401));
    assert_eq!(store.begin().await.unwrap().next_id("grants").await.unwrap(), 8);
    assert!(store.gap().is_none());
}

#[tokio::test]
async fn a_target_that_is_not_empty_is_left_alone() {
    let (folder, other) = (full().await, Folder::with_events(2).await);
    let why = copy(&folder.place.location, &other.place.location, &mut |_, _, _| {}).await.unwrap_err().to_string();
    assert!(why.contains("is not empty"), "{why}");
    assert_eq!(other.verify().await, Verdict::Intact { events: 2 });
}

#[tokio::test]
async fn a_database_in_use_is_not_copied() {
    let folder = full().await;
    let store = folder.open().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let why = copy(&folder.place.location, &file(&elsewhere), &mut |_, _, _| {}).await.unwrap_err().to_string();
    assert!(why.contains("another curfew is running"), "{why}");
    store.close().await;
}

#[tokio::test]
async fn a_log_that_was_tampered_with_is_not_passed_off_as_whole() {
    let folder = full().await;
    folder.sql("UPDATE audit SET actor = 'mallory' WHERE seq = 5").await;
    let elsewhere = tempfile::tempdir().unwrap();
    let why = copy(&folder.place.location, &file(&elsewhere), &mut |_, _, _| {}).await.unwrap_err().to_string();
    assert!(why.contains("record 5"), "{why}");
    let cut = full().await;
    cut.sql("DELETE FROM audit WHERE seq = 9").await;
    let why = copy(&cut.place.location, &file(&elsewhere), &mut |_, _, _| {}).await.unwrap_err().to_string();
    assert!(why.contains("record 10") && why.contains("missing"), "{why}");
    copy(&Folder::with_events(1).await.place.location, &file(&elsewhere), &mut |_, _, _| {})
        .await
        .expect("it is empty");
}

#[tokio::test]
async fn the_list_of_tables_is_that_of_the_schema() {
    let folder = Folder::with_events(1).await;
    let mut intruder = folder.intruder().await;
    for table in &TABLES {
        let select = format!("SELECT * FROM {} LIMIT 1", table.name);
        let described = match folder.file() {
            Some(_) => format!("SELECT name FROM pragma_table_info('{}')", table.name),
            None => format!(
                "SELECT CAST(column_name AS TEXT) FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = '{}'",
                table.name
            ),
        };
        let rows = intruder.fetch_all(sqlx::AssertSqlSafe(described)).await.unwrap();
        let mut found: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
        let mut listed: Vec<String> = table.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        found.sort();
        listed.sort();
        assert_eq!(listed, found, "{select}");
    }
    let count = match folder.file() {
        Some(_) => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        None => "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'",
    };
    let count: i64 = sqlx::Row::get(&intruder.fetch_one(count).await.unwrap(), 0);
    assert_eq!(count, 1 + TABLES.len() as i64, "a table is missing from the list");
}
