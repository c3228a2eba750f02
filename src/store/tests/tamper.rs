//! Every way to tamper with the audit log that its promise names, and a few more.

use super::super::chain::{Checkpoint, GENESIS, Record};
use super::super::verify::links;
use super::*;

#[tokio::test]
async fn an_untouched_log_is_intact_however_long() {
    for count in [0, 1, 63, 64, 65, 200] {
        let folder = Folder::with_events(count).await;
        assert_eq!(folder.verify().await, Verdict::Intact { events: count });
    }
}

#[tokio::test]
async fn an_edit_of_any_column_names_its_record() {
    let edits = [
        "UPDATE audit SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 5",
        "UPDATE audit SET actor = 'bob' WHERE seq = 5",
        "UPDATE audit SET action = 'request.denied' WHERE seq = 5",
        "UPDATE audit SET subject = 'r99' WHERE seq = 5",
        "UPDATE audit SET detail = '{}' WHERE seq = 5",
        "UPDATE audit SET prev = hash WHERE seq = 5",
        "UPDATE audit SET hash = prev WHERE seq = 5",
    ];
    for edit in edits {
        let folder = Folder::with_events(9).await;
        folder.sql(edit).await;
        assert_eq!(folder.first_bad().await, 5, "{edit}");
    }
}

#[tokio::test]
async fn a_changed_number_is_a_missing_record() {
    let folder = Folder::with_events(9).await;
    folder.sql("UPDATE audit SET seq = 50 WHERE seq = 5").await;
    assert_eq!(folder.first_bad().await, 5);
}

#[tokio::test]
async fn a_deletion_names_the_missing_record() {
    for seq in [1, 5, 70, 99] {
        let folder = Folder::with_events(99).await;
        let mut intruder = folder.intruder().await;
        for table in ["DELETE FROM audit WHERE seq = $1", "DELETE FROM audit_checkpoints WHERE seq = $1"] {
            sqlx::query(table).bind(seq).execute(&mut intruder).await.unwrap();
        }
        assert_eq!(folder.first_bad().await, seq);
    }
}

#[tokio::test]
async fn a_swap_names_the_earlier_record() {
    let folder = Folder::with_events(9).await;
    folder
        .sql("UPDATE audit SET seq = -seq WHERE seq IN (4, 7); UPDATE audit SET seq = 11 + seq WHERE seq IN (-4, -7)")
        .await;
    assert_eq!(folder.first_bad().await, 4);
}

#[tokio::test]
async fn a_cut_tail_names_the_first_record_of_it() {
    let folder = Folder::with_events(9).await;
    folder.sql("DELETE FROM audit WHERE seq > 6; DELETE FROM audit_checkpoints WHERE seq > 6").await;
    assert_eq!(folder.first_bad().await, 7);
    let folder = Folder::with_events(9).await;
    folder.sql("DELETE FROM audit; DELETE FROM audit_checkpoints").await;
    assert_eq!(folder.first_bad().await, 1);
}

#[tokio::test]
async fn an_old_copy_put_back_is_found_and_stays_found() {
    let folder = Folder::with_events(4).await;
    let Some(file) = folder.file() else {
        // A server has no file to put back: the records that the old copy lacks are taken away.
        folder.add(3).await;
        folder.sql("DELETE FROM audit WHERE seq > 4; DELETE FROM audit_checkpoints WHERE seq > 4").await;
        assert_eq!(folder.first_bad().await, 5);
        return;
    };
    let old = std::fs::read(file).unwrap();
    folder.add(3).await;
    std::fs::write(file, old).unwrap();
    assert_eq!(folder.first_bad().await, 5);

    // A start does not heal it.
    let store = folder.open().await;
    let gap = store.gap().cloned().unwrap();
    assert_eq!((gap.expected, gap.found), (Some(7), Some(4)));
    store.begin().await.unwrap().commit(event(0)).await.unwrap();
    store.close().await;
    assert_eq!(folder.first_bad().await, 5);
}

#[tokio::test]
async fn an_empty_database_in_place_of_the_old_is_found() {
    let folder = Folder::with_events(4).await;
    match folder.file() {
        Some(file) => std::fs::remove_file(file).unwrap(),
        None => folder.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await,
    }
    let store = folder.open().await;
    assert_eq!(store.gap().map(|gap| (gap.expected, gap.found)), Some((Some(4), None)));
    store.begin().await.unwrap().commit(event(0)).await.unwrap();
    store.close().await;
    assert_eq!(folder.first_bad().await, 1);
}

/// Rewrites the log from a record on, with hashes that fit, and signs it if there is a key.
async fn rewrite(folder: &Folder, from: i64, key: Option<&Ed25519KeyPair>) {
    let mut intruder = folder.intruder().await;
    let all: Vec<Record> =
        links(&mut intruder, GATEWAY, 0, 1000).await.unwrap().into_iter().map(|(record, _)| record).collect();
    let mut prev = GENESIS.to_owned();
    for mut record in all {
        if record.seq == from {
            "mallory".clone_into(&mut record.actor);
        }
        record.prev.clone_from(&prev);
        record.hash = record.digest();
        prev.clone_from(&record.hash);
        sqlx::query("UPDATE audit SET actor = $2, prev = $3, hash = $4 WHERE seq = $1")
            .bind(record.seq)
            .bind(record.actor.clone())
            .bind(record.prev.clone())
            .bind(record.hash.clone())
            .execute(&mut intruder)
            .await
            .unwrap();
        if let Some(key) = key {
            let checkpoint = Checkpoint::sign(&record, key);
            sqlx::query("UPDATE audit_checkpoints SET hash = $2, signature = $3, key_id = $4 WHERE seq = $1")
                .bind(checkpoint.seq)
                .bind(checkpoint.hash.clone())
                .bind(checkpoint.signature.clone())
                .bind(checkpoint.key_id.clone())
                .execute(&mut intruder)
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_hashed_anew_without_the_key_names_the_record_that_was_changed() {
    for (count, from) in [(9, 5), (99, 1), (99, 70), (99, 99)] {
        let folder = Folder::with_events(count).await;
        rewrite(&folder, from, None).await;
        assert_eq!(folder.first_bad().await, from);
        let other = Ed25519KeyPair::from_pkcs8(&new_pkcs8()).unwrap();
        rewrite(&folder, from, Some(&other)).await;
        assert_eq!(folder.first_bad().await, 1, "signed by another key throughout");
    }
}

#[tokio::test]
async fn removed_checkpoints_are_found() {
    let folder = Folder::with_events(9).await;
    folder.sql("DELETE FROM audit_checkpoints WHERE seq = 3").await;
    assert_eq!(folder.first_bad().await, 3);
    folder.sql("DELETE FROM audit_checkpoints").await;
    assert_eq!(folder.first_bad().await, 1);
    folder.sql("DROP TABLE audit_checkpoints").await;
    assert_eq!(folder.first_bad().await, 1);
}

#[tokio::test]
async fn a_removed_or_foreign_head_file_is_found() {
    let folder = Folder::with_events(9).await;
    let head = std::fs::read(folder.head()).unwrap();
    std::fs::remove_file(folder.head()).unwrap();
    assert_eq!(folder.first_bad().await, 9);
    assert!(folder.open().await.gap().is_some());
    for forged in [b"".to_vec(), b"{}".to_vec(), String::from_utf8(head.clone()).unwrap().replace('9', "8").into()] {
        std::fs::write(folder.head(), forged).unwrap();
        assert_eq!(folder.first_bad().await, 9);
        assert!(folder.open().await.gap().is_some());
    }
    std::fs::write(folder.head(), head).unwrap();
    assert_eq!(folder.verify().await, Verdict::Intact { events: 9 });
}

#[tokio::test]
async fn a_crash_before_the_head_was_written_is_no_fault() {
    let folder = Folder::with_events(4).await;
    let head = std::fs::read(folder.head()).unwrap();
    folder.add(3).await;
    std::fs::write(folder.head(), head).unwrap();
    assert_eq!(folder.verify().await, Verdict::Intact { events: 7 });
    assert!(folder.open().await.gap().is_none());
    folder.add(1).await;
    assert_eq!(folder.verify().await, Verdict::Intact { events: 8 });
}

#[tokio::test]
async fn records_added_by_somebody_else_are_found() {
    let folder = Folder::with_events(4).await;
    folder
        .sql(
            "INSERT INTO audit SELECT 5, at, 'mallory', action, subject, detail, hash, hash, gateway, incarnation
             FROM audit WHERE seq = 4",
        )
        .await;
    assert_eq!(folder.first_bad().await, 5);
    assert!(folder.open().await.gap().is_some());
}
