//! The only way to change anything: a transaction that ends with its audit event, or not at all.

use std::sync::Arc;

use aws_lc_rs::signature::Ed25519KeyPair;
use sqlx::{AssertSqlSafe, Executor, Row as _};
use tokio::sync::OwnedMutexGuard;

use super::StoreError;
use super::answer::{answered, over};
use super::chain::{Checkpoint, GENESIS, Record};
use super::dialect::{Conn, Db, Dialect};
use super::event::{Event, Events};
use super::head::Head;
use super::names::Name;
use super::reading::Reading;
use super::writer::Writer;

/// Whose transactions these are: what every one of them is signed and marked with.
#[derive(Debug, Clone)]
pub(super) struct Writes {
    pub(super) dialect: Dialect,
    pub(super) gateway: Arc<str>,
    pub(super) incarnation: i64,
    pub(super) key: Arc<Ed25519KeyPair>,
    pub(super) head: Arc<Head>,
}

/// A writing transaction. What it did is undone when it is dropped; [`Tx::commit`] is its only other end.
#[must_use]
#[derive(Debug)]
pub struct Tx {
    /// Both are there until the transaction is over.
    open: Option<(Conn, OwnedMutexGuard<Writer>)>,
    /// A statement failed, after which PostgreSQL answers COMMIT as if all were well.
    failed: bool,
    writes: Writes,
}

impl Tx {
    pub(super) async fn begin(mut writer: OwnedMutexGuard<Writer>, writes: Writes) -> Result<Self, StoreError> {
        let conn = match writer.begin().await {
            Ok(conn) => conn,
            Err((conn, error)) => {
                if let Some(conn) = conn {
                    undo(conn, writer);
                }
                return Err(error);
            }
        };
        let mut tx = Self { open: Some((conn, writer)), failed: false, writes };
        tx.fence().await?;
        tx.settle().await?;
        Ok(tx)
    }

    /// Reads within the transaction.
    pub fn read(&mut self) -> Reading<'_> {
        Reading::new(self.open.as_mut().map(|(conn, _)| conn), &mut self.failed)
    }

    /// Writes the events and ends the transaction: all of it is on disk, or nothing is.
    ///
    /// # Errors
    /// As [`Tx::seal`] and [`Sealed::commit`].
    pub async fn commit(self, events: impl Into<Events>) -> Result<(), StoreError> {
        self.seal(events).await?.commit().await
    }

    /// Writes the events. What is left is to commit.
    ///
    /// # Errors
    /// When the database does not take them: then nothing is changed.
    pub async fn seal(mut self, events: impl Into<Events>) -> Result<Sealed, StoreError> {
        let Events { first, rest } = events.into();
        let newest = self.open.as_ref().and_then(|(_, writer)| writer.tail.newest.clone());
        let mut checkpoint = self.append(newest, first).await?;
        for event in rest {
            checkpoint = self.append(Some(checkpoint), event).await?;
        }
        if self.failed {
            return Err(StoreError::Unavailable("a statement of this change failed before".to_owned()));
        }
        Ok(Sealed { tx: self, checkpoint })
    }

    /// Ends the transaction.
    async fn end(mut self, checkpoint: Checkpoint) -> Result<(), StoreError> {
        let Some((mut conn, mut writer)) = self.open.take() else { return Err(over()) };
        writer.tail.unsure = Some(checkpoint.clone());
        #[cfg(test)]
        let fate = super::tests::fate::next();
        #[cfg(test)]
        if let super::tests::fate::Fate::LostBefore = fate {
            drop(conn);
            return Err(StoreError::Unanswered(Box::new(checkpoint)));
        }
        if let Err(error) = answered(conn.execute("COMMIT")).await {
            tracing::warn!(%error, "a commit was not answered");
            undo(conn, writer);
            return Err(StoreError::Unanswered(Box::new(checkpoint)));
        }
        #[cfg(test)]
        if let Some(lost) = fate.lost_after(&checkpoint).await {
            return Err(lost);
        }
        writer.tail.unsure = None;
        writer.tail.newest = Some(checkpoint.clone());
        self.writes.head.publish(checkpoint);
        writer.keep(conn);
        Ok(())
    }

    /// Whether the audit log has exactly this record.
    pub(super) async fn holds(mut self, checkpoint: &Checkpoint) -> Result<bool, StoreError> {
        super::writer::holds(self.conn()?, checkpoint).await
    }

    /// The gateway that writes, and in which of its lives.
    pub(super) fn origin(&self) -> (&str, i64) {
        (&self.writes.gateway, self.writes.incarnation)
    }

    fn conn(&mut self) -> Result<&mut Conn, StoreError> {
        self.open.as_mut().map(|(conn, _)| conn).ok_or_else(over)
    }

    /// Says what became of a statement, and remembers when it failed.
    fn heed<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        self.failed |= outcome.is_err();
        outcome
    }

    /// Runs one statement that changes rows, and says how many it changed.
    pub(super) async fn run<'q>(
        &mut self,
        query: sqlx::query::Query<'q, Db, <Db as sqlx::Database>::Arguments>,
    ) -> Result<u64, StoreError> {
        let outcome = answered(self.conn()?.execute(query)).await;
        Ok(self.heed(outcome)?.rows_affected())
    }

    /// The next id of a kind of thing.
    pub(super) async fn next_id(&mut self, kind: &'static str) -> Result<i64, StoreError> {
        let query = sqlx::query("UPDATE counters SET last = last + 1 WHERE name = $1 RETURNING last").bind(kind);
        let outcome = answered(self.conn()?.fetch_one(query)).await;
        Ok(self.heed(outcome)?.try_get("last")?)
    }

    async fn append(&mut self, before: Option<Checkpoint>, event: Event) -> Result<Checkpoint, StoreError> {
        let (seq, prev) = before.map_or((1, GENESIS.to_owned()), |last| (last.seq + 1, last.hash));
        let detail = event.detail();
        let names = event.names();
        let Event { at, actor, action, subject, .. } = event;
        let (gateway, incarnation) = (self.writes.gateway.to_string(), self.writes.incarnation);
        let action = action.as_str().to_owned();
        let hash = String::new();
        let mut record = Record { seq, at, actor, action, subject, detail, prev, hash, gateway, incarnation };
        record.hash = record.digest();
        let checkpoint = Checkpoint::sign(&record, &self.writes.key);
        self.write_record(record).await?;
        self.write_checkpoint(&checkpoint).await?;
        self.name(seq, &names).await?;
        Ok(checkpoint)
    }

    async fn write_record(&mut self, record: Record) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO audit (seq, at, actor, action, subject, detail, prev, hash, gateway, incarnation)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(record.seq)
        .bind(record.at)
        .bind(record.actor)
        .bind(record.action)
        .bind(record.subject)
        .bind(record.detail)
        .bind(record.prev)
        .bind(record.hash)
        .bind(record.gateway)
        .bind(record.incarnation);
        self.run(query).await.map(drop)
    }

    async fn write_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO audit_checkpoints (seq, hash, at, key_id, signature, gateway, incarnation)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(checkpoint.seq)
        .bind(checkpoint.hash.clone())
        .bind(checkpoint.at.clone())
        .bind(checkpoint.key_id.clone())
        .bind(checkpoint.signature.clone())
        .bind(self.writes.gateway.to_string())
        .bind(self.writes.incarnation);
        self.run(query).await.map(drop)
    }

    /// Notes which users and targets a record is about.
    async fn name(&mut self, seq: i64, names: &[Name]) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        let sql = super::names::insert(names.len());
        let (gateway, incarnation) = (self.writes.gateway.to_string(), self.writes.incarnation);
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(seq).bind(gateway).bind(incarnation);
        for name in names {
            query = query.bind(name.kind).bind(name.name.clone());
        }
        self.run(query).await.map(drop)
    }

    /// Makes sure that this process is still the gateway it began as.
    async fn fence(&mut self) -> Result<(), StoreError> {
        let query = sqlx::query(self.writes.dialect.fence());
        let query = query.bind(self.writes.gateway.to_string()).bind(self.writes.incarnation);
        let found = answered(self.conn()?.fetch_optional(query)).await?;
        found.map(drop).ok_or_else(|| StoreError::Fenced(self.writes.gateway.to_string()))
    }

    async fn settle(&mut self) -> Result<(), StoreError> {
        let Some((conn, writer)) = self.open.as_mut() else { return Err(over()) };
        if let Some(found) = writer.settle(conn).await? {
            self.writes.head.publish(found);
        }
        Ok(())
    }
}

/// A transaction with its events. What it did is undone when it is dropped.
#[must_use]
#[derive(Debug)]
pub struct Sealed {
    tx: Tx,
    checkpoint: Checkpoint,
}

impl Sealed {
    /// Ends the transaction: all of it is on disk, or nothing is.
    ///
    /// # Errors
    /// When the database does not take it: then nothing was changed. [`StoreError::Unanswered`] when nobody can tell yet
    /// whether it was; [`super::Store::took_place`] finds out.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.end(self.checkpoint).await
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some((conn, writer)) = self.open.take() {
            undo(conn, writer);
        }
    }
}

/// Undoes a transaction behind the back of whoever dropped it. The next one may begin once that is done.
fn undo(conn: Conn, mut writer: OwnedMutexGuard<Writer>) {
    // Without a runtime the process is about to end, and the database undoes it by itself.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move { writer.give_back(conn).await });
    }
}
