//! What a commit keeps, and what happens to one that is not answered.

use std::time::Duration;

use super::super::StoreError;
use super::*;

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    let folder = Folder::new();
    let store = folder.open().await;
    drop(store.begin().await.unwrap());
    store.begin().await.unwrap().commit(event(1).and(event(2))).await.unwrap();
    store.close().await;
    assert_eq!(folder.verify().await, Verdict::Intact { events: 2 });
}

#[tokio::test]
async fn a_caller_who_goes_away_at_any_moment_leaves_a_whole_log() {
    let folder = Folder::new();
    let store = folder.open().await;
    for patience in 0..60 {
        let store = store.clone();
        let work = async move { store.begin().await?.commit(event(patience)).await };
        let _ = tokio::time::timeout(Duration::from_micros(40 * patience.unsigned_abs()), work).await;
    }
    store.begin().await.unwrap().commit(event(99)).await.unwrap();
    store.close().await;
    assert!(matches!(folder.verify().await, Verdict::Intact { events } if events >= 1));
}

#[tokio::test]
async fn two_gateways_cannot_share_a_state_folder() {
    let folder = Folder::new();
    let store = folder.open().await;
    let second = Store::open(folder.dir.path(), folder.key()).await;
    assert!(matches!(second, Err(StoreError::Unavailable(why)) if why.contains("another curfew")));
    drop(store);
}

#[tokio::test]
async fn readers_cannot_write() {
    let folder = Folder::with_events(1).await;
    let store = folder.open().await;
    let mut view = store.view().await.unwrap();
    assert!(view.read().conn().execute("DELETE FROM audit").await.is_err());
}

#[tokio::test]
async fn a_database_of_a_newer_curfew_is_left_alone() {
    let folder = Folder::with_events(1).await;
    folder.sql("UPDATE meta SET value = '9999' WHERE name = 'schema'").await;
    let opened = Store::open(folder.dir.path(), folder.key()).await;
    assert!(matches!(opened, Err(StoreError::Unreadable(why)) if why.contains("newer")));
}

#[tokio::test]
async fn the_audit_table_has_the_columns_of_its_json() {
    use sqlx::Row as _;
    let folder = Folder::with_events(1).await;
    let columns = folder.intruder().await.fetch_all("PRAGMA table_info(audit)").await.unwrap();
    let columns: Vec<String> = columns.iter().map(|column| column.get("name")).collect();
    assert_eq!(columns, ["seq", "at", "actor", "action", "subject", "detail", "prev", "hash"]);
}
