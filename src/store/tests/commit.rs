//! What a commit keeps, and what happens to one that is not answered.

use std::time::Duration;

use super::super::ListFilter;
use super::*;

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    let folder = Folder::new().await;
    let store = folder.open().await;
    drop(store.begin().await.unwrap());
    store.begin().await.unwrap().commit(event(1).and(event(2))).await.unwrap();
    store.close().await;
    assert_eq!(folder.verify().await, Verdict::Intact { events: 2 });
}

#[tokio::test]
async fn a_caller_who_goes_away_at_any_moment_leaves_a_whole_log() {
    let folder = Folder::new().await;
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
    let folder = Folder::new().await;
    let store = folder.open().await;
    let second = folder.try_open().await;
    assert!(matches!(second, Err(StoreError::NotOurs(why)) if why.contains("another curfew")));
    drop(store);
}

#[tokio::test]
async fn readers_cannot_write() {
    let folder = Folder::with_events(1).await;
    let store = folder.open().await;
    let mut view = store.view().await.unwrap();
    assert!(view.read().all(sqlx::query("DELETE FROM audit RETURNING seq")).await.is_err());
    assert!(view.read().audit(ListFilter::default()).await.is_ok() || folder.file().is_none());
}

#[tokio::test]
async fn a_database_of_a_newer_curfew_is_left_alone() {
    let folder = Folder::with_events(1).await;
    folder.sql("UPDATE meta SET value = '9999' WHERE name = 'schema'").await;
    let opened = folder.try_open().await;
    assert!(matches!(opened, Err(StoreError::Unreadable(why)) if why.contains("newer")));
}

#[tokio::test]
async fn the_audit_table_has_the_columns_of_its_json() {
    use sqlx::{Column as _, Row as _};
    let folder = Folder::with_events(1).await;
    let row = folder.intruder().await.fetch_one("SELECT * FROM audit").await.unwrap();
    let columns: Vec<&str> = row.columns().iter().map(|column| column.name()).collect();
    let json = ["seq", "at", "actor", "action", "subject", "detail", "prev", "hash", "gateway", "incarnation"];
    assert_eq!(columns, json);
}

#[tokio::test]
async fn every_start_is_a_new_life_of_the_gateway_and_its_records_say_which() {
    use sqlx::Row as _;
    let folder = Folder::with_events(2).await;
    folder.add(1).await;
    let rows = folder.intruder().await.fetch_all("SELECT gateway, incarnation FROM audit ORDER BY seq").await.unwrap();
    let lives: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(lives, [1, 1, 2].map(|life| (GATEWAY.to_owned(), life)));
}

#[tokio::test]
async fn a_process_that_was_replaced_writes_no_more() {
    let folder = Folder::new().await;
    let store = folder.open().await;
    store.begin().await.unwrap().commit(event(1)).await.unwrap();
    folder.sql("UPDATE gateways SET incarnation = incarnation + 1").await;
    assert!(matches!(store.begin().await, Err(StoreError::Fenced(name)) if name == GATEWAY));
    store.close().await;
    assert_eq!(folder.verify().await, Verdict::Intact { events: 1 });
}

#[tokio::test]
async fn a_gateway_keeps_its_name() {
    let folder = Folder::with_events(1).await;
    let renamed = Store::open(Opening { gateway: "gw-b", ..folder.opening() }).await;
    assert!(matches!(renamed, Err(StoreError::NotOurs(why)) if why.contains("`curfew`") && why.contains("gw-b")));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_out_about() {
    use fate::Fate;
    let folder = Folder::new().await;
    let store = folder.open().await;
    for (fate, there) in [(Fate::LostBefore, false), (Fate::LostAfter, true)] {
        let tx = store.begin().await.unwrap();
        fate::have(fate);
        let Err(StoreError::Unanswered(unsure)) = tx.commit(event(1)).await else { panic!("an answer") };
        assert_eq!(store.took_place(&unsure).await.unwrap(), there);
        store.begin().await.unwrap().commit(event(2)).await.unwrap();
    }
    store.close().await;
    assert_eq!(folder.verify().await, Verdict::Intact { events: 3 });
}

#[tokio::test]
async fn a_change_after_a_failed_statement_is_no_change() {
    let folder = Folder::new().await;
    let store = folder.open().await;
    let mut tx = store.begin().await.unwrap();
    assert!(tx.run(sqlx::query("INSERT INTO gateways (name) VALUES (NULL)")).await.is_err());
    assert!(tx.commit(event(1)).await.is_err());
    store.begin().await.unwrap().commit(event(2)).await.unwrap();
    store.close().await;
    assert_eq!(folder.verify().await, Verdict::Intact { events: 1 });
}
