//! Reading, inside a transaction or beside it.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::{Executor, Row as _};

use super::StoreError;
use super::answer::{answered, over};
use super::chain::Record;
use super::dialect::{Conn, Db, Dialect, Row};

/// How many entries a list has at most: the newest.
pub const MOST: i64 = 10_000;

/// A connection that only reads.
#[derive(Debug)]
pub struct View {
    conn: PoolConnection<Db>,
    failed: bool,
    dialect: Dialect,
}

impl View {
    pub(super) const fn new(conn: PoolConnection<Db>, dialect: Dialect) -> Self {
        Self { conn, failed: false, dialect }
    }

    /// Reads.
    pub fn read(&mut self) -> Reading<'_> {
        Reading::new(Some(&mut self.conn), &mut self.failed)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // The pool would wait for the answer that this connection still owes, for as long as TCP does.
        if self.failed && self.dialect.may_reconnect() {
            self.conn.close_on_drop();
        }
    }
}

/// What can be read, wherever it is read from.
#[derive(Debug)]
pub struct Reading<'c> {
    conn: Option<&'c mut Conn>,
    /// Whether a statement failed, or was not waited for.
    failed: &'c mut bool,
}

type Query<'q> = sqlx::query::Query<'q, Db, <Db as sqlx::Database>::Arguments>;

impl<'c> Reading<'c> {
    pub(super) const fn new(conn: Option<&'c mut Conn>, failed: &'c mut bool) -> Self {
        Self { conn, failed }
    }

    /// All rows of a query.
    pub(super) async fn all(&mut self, query: Query<'_>) -> Result<Vec<Row>, StoreError> {
        let (conn, failed) = self.parts()?;
        let before = std::mem::replace(failed, true);
        let rows = answered(conn.fetch_all(query)).await?;
        *failed = before;
        Ok(rows)
    }

    /// The row of a query, where there is one.
    pub(super) async fn optional(&mut self, query: Query<'_>) -> Result<Option<Row>, StoreError> {
        let (conn, failed) = self.parts()?;
        let before = std::mem::replace(failed, true);
        let row = answered(conn.fetch_optional(query)).await?;
        *failed = before;
        Ok(row)
    }

    /// The row of a query that always has one.
    pub(super) async fn one(&mut self, query: Query<'_>) -> Result<Row, StoreError> {
        self.optional(query).await?.ok_or_else(|| StoreError::from(sqlx::Error::RowNotFound))
    }

    fn parts(&mut self) -> Result<(&mut Conn, &mut bool), StoreError> {
        let conn = self.conn.as_deref_mut().ok_or_else(over)?;
        Ok((conn, self.failed))
    }
}

/// A record as the table has it.
pub(super) fn record(row: &Row) -> Result<Record, StoreError> {
    Ok(Record {
        seq: row.try_get("seq")?,
        at: row.try_get("at")?,
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
        detail: row.try_get("detail")?,
        prev: row.try_get("prev")?,
        hash: row.try_get("hash")?,
        gateway: row.try_get("gateway")?,
        incarnation: row.try_get("incarnation")?,
    })
}

/// Text as both databases keep it: PostgreSQL has no place for a NUL, which somebody may have typed. The audit log, whose
/// details are JSON, tells of it exactly.
pub(super) fn kept(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Milliseconds of a column as a moment.
pub(super) fn moment(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(|_| StoreError::odd("time", &ms.to_string()))
}

/// The same, where there may be none.
pub(super) fn maybe_moment(ms: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    ms.map(moment).transpose()
}

/// Milliseconds of a column as a span.
pub(super) fn span(ms: i64) -> Result<Duration, StoreError> {
    u64::try_from(ms).map(Duration::from_millis).map_err(|_| StoreError::odd("duration", &ms.to_string()))
}

/// A span as milliseconds of a column.
pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// The names of a list that the database joined with `@`, which no target's name can hold.
pub(super) fn names(joined: &str) -> Vec<String> {
    joined.split('@').map(str::to_owned).collect()
}
