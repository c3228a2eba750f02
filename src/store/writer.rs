//! The one connection that writes, and the end of the audit log as this process knows it.

use sqlx::{Executor, Row as _};

use super::StoreError;
use super::answer::answered;
use super::chain::Checkpoint;
use super::dialect::{self, ANSWER, Conn, Dialect, Purpose};
use crate::config::location::Location;

/// The right to write. Whoever holds the lock around it writes; everybody else waits.
#[derive(Debug)]
pub(super) struct Writer {
    location: Location,
    /// The connection, while nobody uses it. One that failed is dropped, and the next transaction opens another.
    idle: Option<Conn>,
    pub(super) tail: Tail,
}

/// The end of the audit log. Only its owner may write.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The last record that is known to be there.
    pub(super) newest: Option<Checkpoint>,
    /// The last record of a commit that was not answered (the disk failed, the caller went away): it is there or not.
    pub(super) unsure: Option<Checkpoint>,
}

impl Writer {
    pub(super) const fn new(location: Location, conn: Conn) -> Self {
        Self { location, idle: Some(conn), tail: Tail { newest: None, unsure: None } }
    }

    /// A connection on which a writing transaction has begun. A connection that was kept too long is replaced once.
    ///
    /// # Errors
    /// When the database gives none; with the connection, where the transaction may have begun on it all the same.
    pub(super) async fn begin(&mut self) -> Result<Conn, (Option<Conn>, StoreError)> {
        let begin = self.dialect().begin();
        if let Some(mut conn) = self.idle.take() {
            match answered(conn.execute(begin)).await {
                Ok(_) => return Ok(conn),
                // Another program holds the lock, or the disk hangs: a new connection would fare no better.
                Err(error) if !self.dialect().may_reconnect() => return Err((Some(conn), error)),
                Err(error) => tracing::debug!(%error, "the connection that writes is replaced"),
            }
        }
        let mut conn = dialect::connect(&self.location, Purpose::Write).await.map_err(|error| (None, error))?;
        match answered(conn.execute(begin)).await {
            Ok(_) => Ok(conn),
            Err(error) => Err((Some(conn), error)),
        }
    }

    /// Takes a connection back whose transaction is over.
    pub(super) fn keep(&mut self, conn: Conn) {
        self.idle = Some(conn);
    }

    /// Undoes what a transaction has begun, and keeps its connection if that goes well.
    pub(super) async fn give_back(&mut self, mut conn: Conn) {
        let undo = async {
            match conn.execute("ROLLBACK").await {
                Ok(_) => true,
                // There was nothing to undo: the database did that by itself, or nothing had begun.
                Err(sqlx::Error::Database(error)) => error.message().contains("no transaction is active"),
                Err(_) => false,
            }
        };
        let good = match self.dialect() {
            // The answer comes when the disk does; until then nobody else could write either.
            Dialect::Sqlite => undo.await,
            Dialect::Postgres => tokio::time::timeout(ANSWER, undo).await.unwrap_or(false),
        };
        if good {
            self.keep(conn);
        }
    }

    /// Finds out whether an unanswered commit took place. Within a transaction, so that the other is over.
    pub(super) async fn settle(&mut self, conn: &mut Conn) -> Result<Option<Checkpoint>, StoreError> {
        let Some(unsure) = self.tail.unsure.clone() else { return Ok(None) };
        let there = holds(conn, &unsure).await?;
        self.tail.unsure = None;
        if there {
            self.tail.newest = Some(unsure.clone());
        }
        Ok(there.then_some(unsure))
    }

    pub(super) async fn close(&mut self) {
        use sqlx::Connection;
        if let Some(conn) = self.idle.take() {
            let _ = tokio::time::timeout(ANSWER, conn.close()).await;
        }
    }

    const fn dialect(&self) -> Dialect {
        Dialect::of(&self.location)
    }
}

/// Whether the audit log has exactly this record.
pub(super) async fn holds(conn: &mut Conn, checkpoint: &Checkpoint) -> Result<bool, StoreError> {
    let query = sqlx::query("SELECT seq FROM audit WHERE seq = $1 AND hash = $2");
    let query = query.bind(checkpoint.seq).bind(checkpoint.hash.clone());
    let found = answered(conn.fetch_optional(query)).await?;
    Ok(found.map(|row| row.try_get::<i64, _>("seq")).transpose()?.is_some())
}
