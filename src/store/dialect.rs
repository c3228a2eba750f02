//! What differs between the databases: how to open one, how a writing transaction begins, which error means what. All
//! other SQL here is one text for SQLite (3.44 and later) and PostgreSQL (13 and later): columns are TEXT or BIGINT.

use std::path::Path;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{ConnectOptions, Executor};
use url::Url;

use super::StoreError;
use crate::config::location::Location;
use crate::files::private;

pub(super) type Db = sqlx::Any;
pub(super) type Pool = sqlx::AnyPool;
pub(super) type Conn = sqlx::AnyConnection;
pub(super) type Row = sqlx::any::AnyRow;

/// How long to wait for a lock that another program holds on the database, and for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait for the answer to one statement.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// How many may read at once.
const READERS: u32 = 4;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub(super) const fn of(location: &Location) -> Self {
        match location {
            Location::Sqlite(_) => Self::Sqlite,
            Location::Postgres(_) => Self::Postgres,
        }
    }

    /// Begins a writing transaction. SQLite takes the right to write at once: a transaction that would have to wait for
    /// that right only at its first write could fail there (`SQLITE_BUSY_SNAPSHOT`).
    pub(super) const fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Begins a transaction that sees the database as it is at one moment.
    pub(super) const fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Finds the row of a gateway that is still in this life of its own. On PostgreSQL the row is locked until the
    /// transaction ends, so that the writing transactions of a gateway follow one another even when a connection was
    /// lost in the middle of one.
    pub(super) const fn fence(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT name FROM gateways WHERE name = $1 AND incarnation = $2",
            Self::Postgres => "SELECT name FROM gateways WHERE name = $1 AND incarnation = $2 FOR UPDATE",
        }
    }

    /// Whether a table of this name is there.
    pub(super) const fn has_table(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
            Self::Postgres => {
                "SELECT COUNT(*) FROM information_schema.tables
                 WHERE table_schema = CURRENT_SCHEMA() AND table_name = $1"
            }
        }
    }

    /// Whether a connection that did not answer in time may be dropped for a new one. A file has no second way to it: a
    /// disk that hangs would hang the new connection too, and each would take a thread along.
    pub(super) const fn may_reconnect(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// What a connection is told first.
    const fn hello(self, purpose: Purpose) -> &'static str {
        match (self, purpose) {
            // Every commit is on disk before it is answered.
            (Self::Sqlite, Purpose::Write) => {
                "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"
            }
            (Self::Sqlite, Purpose::Read) => "PRAGMA busy_timeout = 2000; PRAGMA query_only = ON",
            (Self::Sqlite, Purpose::Inspect) => "PRAGMA busy_timeout = 2000",
            // A transaction whose gateway has gone silent must not hold others up.
            (Self::Postgres, Purpose::Write) => {
                "SET application_name = 'curfew'; SET statement_timeout = '4s'; SET lock_timeout = '2s';
                 SET idle_in_transaction_session_timeout = '10s'; SET synchronous_commit = on"
            }
            (Self::Postgres, Purpose::Read) => {
                "SET application_name = 'curfew reader'; SET statement_timeout = '4s';
                 SET default_transaction_read_only = on"
            }
            (Self::Postgres, Purpose::Inspect) => {
                "SET application_name = 'curfew'; SET default_transaction_read_only = on"
            }
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To write; there is one such connection.
    Write,
    /// To read, whatever it is told.
    Read,
    /// To look at a database that somebody else may have open: nothing is written or created.
    Inspect,
}

/// Opens one connection, within [`PATIENCE`].
pub(super) async fn connect(location: &Location, purpose: Purpose) -> Result<Conn, StoreError> {
    let options = options(location, purpose)?;
    let open = async {
        let mut conn = options.connect().await?;
        conn.execute(sqlx::raw_sql(Dialect::of(location).hello(purpose))).await?;
        Ok::<_, sqlx::Error>(conn)
    };
    let opened = tokio::time::timeout(PATIENCE, open).await;
    opened.map_err(|_| StoreError::Unavailable("it takes no connection".to_owned()))?.map_err(StoreError::from)
}

/// Connections that can only read, whatever they are told.
pub(super) async fn readers(location: &Location) -> Result<Pool, StoreError> {
    let dialect = Dialect::of(location);
    // A local file needs no probing before use, and no fresh connections; all are there from the start, so that a busy
    // day asks for no more threads and files than a quiet one. A server may have been restarted meanwhile.
    let pool = AnyPoolOptions::new()
        .max_connections(READERS)
        .min_connections(READERS)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(dialect == Dialect::Postgres)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |conn, _| {
            Box::pin(async move {
                conn.execute(sqlx::raw_sql(dialect.hello(Purpose::Read))).await?;
                Ok(())
            })
        });
    let pool = pool.connect_with(options(location, Purpose::Read)?).await?;
    // SQLite opens the log beside the file at the first read; so each reads once.
    let mut all = Vec::new();
    for _ in 0..READERS {
        let mut conn = pool.acquire().await?;
        conn.execute("SELECT value FROM meta").await?;
        all.push(conn);
    }
    drop(all);
    Ok(pool)
}

fn options(location: &Location, purpose: Purpose) -> Result<AnyConnectOptions, StoreError> {
    // Only the first call does anything.
    sqlx::any::install_default_drivers();
    let url = match location {
        Location::Sqlite(path) => file_url(path, purpose)?,
        Location::Postgres(address) => address.url().clone(),
    };
    Ok(AnyConnectOptions::from_url(&url)?)
}

fn file_url(path: &Path, purpose: Purpose) -> Result<Url, StoreError> {
    let bad = || StoreError::Unavailable(format!("{}: a database's path must be UTF-8", path.display()));
    let path = std::path::absolute(path).map_err(private::NotPrivate::io(path))?;
    let text = path.to_str().ok_or_else(bad)?;
    let mut url = Url::parse("sqlite:///").map_err(|_| bad())?;
    url.set_path(&text.replace('%', "%25"));
    url.set_query(Some(if purpose == Purpose::Inspect { "mode=ro" } else { "mode=rw" }));
    Ok(url)
}
