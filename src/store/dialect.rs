//! What differs between databases: how to open one, how a writing transaction begins, which errors mean what. All
//! other SQL here is common to SQLite and Postgres.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::StoreError;

pub(super) type Db = sqlx::Sqlite;
pub(super) type Pool = sqlx::SqlitePool;
pub(super) type Conn = sqlx::SqliteConnection;
pub(super) type Row = sqlx::sqlite::SqliteRow;

/// How long to wait for a lock that another program holds on the database.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How many may read at once.
const READERS: u32 = 4;

/// Takes the right to write at once: a transaction that would have to wait for it only at its first write could fail
/// there (`SQLITE_BUSY_SNAPSHOT`).
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Whether a table of this name is there.
pub(super) const HAS_TABLE: &str = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1";

/// The one connection that writes. Every commit is on disk before it is answered.
pub(super) async fn writer(path: &Path) -> Result<Pool, StoreError> {
    let options = options(path).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    Ok(pool(1).connect_with(options).await?)
}

/// Connections that can only read, whatever they are told.
pub(super) async fn readers(path: &Path) -> Result<Pool, StoreError> {
    Ok(pool(READERS).connect_with(options(path).pragma("query_only", "ON")).await?)
}

/// A connection for the verifier: it neither writes nor creates anything.
pub(super) async fn inspector(path: &Path) -> Result<Conn, sqlx::Error> {
    use sqlx::ConnectOptions;
    options(path).read_only(true).connect().await
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(PATIENCE).foreign_keys(true)
}

fn pool(size: u32) -> SqlitePoolOptions {
    // A local file needs no probing before use, and no fresh connections; all are there from the start, so that a busy
    // day asks for no more threads and files than a quiet one.
    SqlitePoolOptions::new()
        .max_connections(size)
        .min_connections(size)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}
