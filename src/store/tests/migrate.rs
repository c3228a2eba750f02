//! A database of an older Curfew is brought up to date with all that is in it.

use curfew_policy::id::GrantId;

use super::super::{Grants, Sessions};
use super::*;

/// The first schema, with one grant in it.
const OLD: &str = concat!(
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
     INSERT INTO meta (name, value) VALUES ('schema', '1');",
    include_str!("../migrations/0001_start.sql"),
    "INSERT INTO requests (id, state, person, role, asked_ms, duration_ms, reason, asked_at, needed, extends)
     VALUES (1, 'granted', 'alice', 'admin', 1, 1, 'why', 1, 0, 0);
     INSERT INTO grants (id, request, person, role, starts_at, expires_at, started, used, ended_at, ended_why)
     VALUES (7, 1, 'alice', 'admin', 1, 2, 1, 0, 2, 'expired');
     INSERT INTO grant_targets (grant_id, position, target) VALUES (7, 0, 'web1');
     INSERT INTO sessions (id, grant_id, person, target, login, role, protocol, client, client_version, started_at)
     VALUES (41, 7, 'alice', 'web1', 'root', 'admin', 'ssh', '', '', 1);"
);

#[tokio::test]
async fn a_past_grant_of_the_first_schema_is_still_found_as_its_owners_newest_on_its_target() {
    let folder = Folder::new().await;
    crate::files::private::folder(folder.dir.path()).unwrap();
    if let Some(file) = folder.file() {
        crate::files::private::touch(file).unwrap();
    }
    folder.sql(OLD).await;
    let store = folder.open().await;
    let mut tx = store.begin().await.unwrap();
    let found = tx.read().grants(Grants::Toward("alice", "web1")).await.unwrap();
    assert_eq!(found.iter().map(|grant| grant.id).collect::<Vec<_>>(), [GrantId(7)]);
    assert!(tx.read().grants(Grants::Toward("bob", "web1")).await.unwrap().is_empty());
    drop(tx);

    // Ids go on where they were, and the session that was open is this gateway's to close.
    let mut view = store.view().await.unwrap();
    let open = view.read().sessions(Sessions::OpenOn(GATEWAY)).await.unwrap();
    assert_eq!(open.iter().map(|session| session.id.0).collect::<Vec<_>>(), [41]);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.next_id("sessions").await.unwrap(), 42);
    assert_eq!(tx.next_id("grants").await.unwrap(), 8);
}

#[tokio::test]
async fn the_log_of_an_older_curfew_goes_on_and_can_be_asked_for_its_names() {
    let folder = Folder::with_events(3).await;
    // As the second schema had it: no gateway, and nothing noted of names.
    folder
        .sql(
            "UPDATE audit SET gateway = '', incarnation = 0; UPDATE audit_checkpoints SET gateway = '', incarnation = 0;
             DELETE FROM audit_names",
        )
        .await;
    folder.add(1).await;
    assert_eq!(folder.verify().await, Verdict::Intact { events: 4 });
    let noted =
        folder.intruder().await.fetch_one("SELECT COUNT(*) FROM audit_names WHERE name = 'alice'").await.unwrap();
    assert_eq!(sqlx::Row::get::<i64, _>(&noted, 0), 4);
}
