//! A database of an older Curfew is brought up to date with all that is in it.

use curfew_policy::id::GrantId;

use super::super::Grants;
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
     INSERT INTO grant_targets (grant_id, position, target) VALUES (7, 0, 'web1');"
);

#[tokio::test]
async fn a_past_grant_of_the_first_schema_is_still_found_as_its_owners_newest_on_its_target() {
    let folder = Folder::new();
    std::fs::File::create(folder.database()).unwrap();
    crate::files::private::folder(folder.dir.path()).unwrap();
    std::fs::set_permissions(folder.database(), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    folder.sql(OLD).await;
    let store = folder.open().await;
    let mut tx = store.begin().await.unwrap();
    let found = tx.read().grants(Grants::Toward("alice", "web1")).await.unwrap();
    assert_eq!(found.iter().map(|grant| grant.id).collect::<Vec<_>>(), [GrantId(7)]);
    assert!(tx.read().grants(Grants::Toward("bob", "web1")).await.unwrap().is_empty());
}
