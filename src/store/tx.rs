//! The only way to change anything: a transaction that ends with its audit event, or not at all.

use std::sync::Arc;

use ring::signature::Ed25519KeyPair;
use sqlx::{Executor, Row as _, Transaction};
use tokio::sync::OwnedMutexGuard;

use super::StoreError;
use super::chain::{Checkpoint, GENESIS, Record};
use super::dialect::{Conn, Db};
use super::event::{Event, Events};
use super::head::Head;
use super::reading::Reading;

/// The end of the audit log, as this process knows it. Only its owner may write.
#[derive(Debug)]
pub(super) struct Tail {
    /// The last record that is known to be there.
    pub(super) newest: Option<Checkpoint>,
    /// The last record of a commit that was not answered (the disk failed, the caller went away): it is there or not.
    pub(super) unsure: Option<Checkpoint>,
}

/// A writing transaction. What it did is undone when it is dropped; [`Tx::commit`] is its only other end.
#[must_use]
#[derive(Debug)]
pub struct Tx {
    // Fields are dropped in this order: the transaction is over before the next may begin.
    inner: Transaction<'static, Db>,
    tail: OwnedMutexGuard<Tail>,
    key: Arc<Ed25519KeyPair>,
    head: Arc<Head>,
}

impl Tx {
    pub(super) async fn begin(
        inner: Transaction<'static, Db>,
        tail: OwnedMutexGuard<Tail>,
        key: Arc<Ed25519KeyPair>,
        head: Arc<Head>,
    ) -> Result<Self, StoreError> {
        let mut tx = Self { inner, tail, key, head };
        tx.settle().await?;
        Ok(tx)
    }

    /// Reads within the transaction.
    pub fn read(&mut self) -> Reading<'_> {
        Reading::new(&mut self.inner)
    }

    /// Writes the events and ends the transaction: all of it is on disk, or nothing is.
    ///
    /// # Errors
    /// When the database does not take it. Then nothing was changed; in the rare case that its answer was lost, the
    /// next transaction finds out.
    pub async fn commit(mut self, events: impl Into<Events>) -> Result<(), StoreError> {
        let Events { first, rest } = events.into();
        let mut checkpoint = self.append(self.tail.newest.clone(), first).await?;
        for event in rest {
            checkpoint = self.append(Some(checkpoint), event).await?;
        }
        self.tail.unsure = Some(checkpoint.clone());
        self.inner.commit().await?;
        self.tail.unsure = None;
        self.tail.newest = Some(checkpoint.clone());
        self.head.publish(checkpoint);
        Ok(())
    }

    pub(super) fn conn(&mut self) -> &mut Conn {
        &mut self.inner
    }

    /// Runs one statement that changes rows, and says how many it changed.
    pub(super) async fn run<'q>(
        &mut self,
        query: sqlx::query::Query<'q, Db, <Db as sqlx::Database>::Arguments>,
    ) -> Result<u64, StoreError> {
        Ok(self.conn().execute(query).await?.rows_affected())
    }

    async fn append(&mut self, before: Option<Checkpoint>, event: Event) -> Result<Checkpoint, StoreError> {
        let (seq, prev) = before.map_or((1, GENESIS.to_owned()), |last| (last.seq + 1, last.hash));
        let detail = event.detail();
        let Event { at, actor, action, subject, .. } = event;
        let mut record =
            Record { seq, at, actor, action: action.as_str().to_owned(), subject, detail, prev, hash: String::new() };
        record.hash = record.digest();
        let checkpoint = Checkpoint::sign(&record, &self.key);
        self.run(
            sqlx::query(
                "INSERT INTO audit (seq, at, actor, action, subject, detail, prev, hash)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(record.seq)
            .bind(record.at)
            .bind(record.actor)
            .bind(record.action)
            .bind(record.subject)
            .bind(record.detail)
            .bind(record.prev)
            .bind(record.hash),
        )
        .await?;
        self.run(
            sqlx::query("INSERT INTO audit_checkpoints (seq, hash, at, key_id, signature) VALUES ($1, $2, $3, $4, $5)")
                .bind(checkpoint.seq)
                .bind(checkpoint.hash.clone())
                .bind(checkpoint.at.clone())
                .bind(checkpoint.key_id.clone())
                .bind(checkpoint.signature.clone()),
        )
        .await?;
        Ok(checkpoint)
    }

    /// Finds out whether an unanswered commit took place.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let Some(unsure) = self.tail.unsure.clone() else { return Ok(()) };
        let query = sqlx::query("SELECT hash FROM audit WHERE seq = $1").bind(unsure.seq);
        let found = self.conn().fetch_optional(query).await?;
        let there = found.map(|row| row.try_get::<String, _>("hash")).transpose()?;
        if there.is_some_and(|hash| hash == unsure.hash) {
            self.head.publish(unsure.clone());
            self.tail.newest = Some(unsure);
        }
        self.tail.unsure = None;
        Ok(())
    }
}
