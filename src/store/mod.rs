//! What must survive: requests, grants, sessions, and the audit log of how they changed.
//!
//! Reading is free ([`Store::view`]); changing goes through a [`Tx`], whose only end that keeps anything is
//! [`Tx::commit`] with an [`Event`]. The database is SQLite, one file in `state_dir`, or PostgreSQL; what differs between
//! the two is in `dialect`. The head file of the audit log lies in `state_dir` either way.

mod action;
mod answer;
mod chain;
mod copy;
mod dialect;
mod error;
mod event;
mod gateway;
mod grants;
mod guard;
mod head;
mod list;
mod migrate;
mod names;
mod reading;
mod requests;
mod sessions;
mod stretch;
mod tables;
mod tail;
#[cfg(test)]
pub(crate) mod tests;
mod tx;
mod verify;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jiff::Timestamp;
use tokio::sync::Mutex;

pub use action::Action;
pub use chain::{Checkpoint, Record, hex, key_id};
pub use copy::{Copied, Progress, copy};
pub use error::StoreError;
pub use event::{Event, Events};
pub use grants::{GrantScope, Grants, NewGrant};
pub use head::HEAD_FILE;
pub use list::{ListFilter, SCREENFUL};
pub use reading::{MOST, Reading, View};
pub use requests::{Filed, NewRequest, RequestScope, Requests, Stage, Whose};
pub use sessions::{NewSession, Recorded, Session, SessionScope, Sessions};
pub use stretch::Stretch;
pub use tail::Gap;
pub use tx::{Sealed, Tx};
pub use verify::{Verdict, verify_audit};

use crate::config::location::Location;
use crate::config::store::DATABASE_FILE;
use crate::files::private;
use dialect::{Dialect, Pool, Purpose};
use guard::Guard;
use head::Head;
use tx::Writes;
use writer::Writer;

/// A gateway's name where the configuration gives none.
pub const GATEWAY: &str = "curfew";

/// How long to wait for other writers of this process.
const QUEUE_PATIENCE: Duration = Duration::from_secs(5);

/// How long closing the database may take.
const CLOSING: Duration = Duration::from_secs(8);

/// Whose database to open, and where.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The folder of the head file, and of the database where that is SQLite's file in its usual place.
    pub state_dir: &'a Path,
    /// Where the database is.
    pub location: Location,
    /// The gateway's name.
    pub gateway: &'a str,
    /// Signs the audit log.
    pub key: Ed25519KeyPair,
    /// When this life of the gateway begins.
    pub now: Timestamp,
}

impl<'a> Opening<'a> {
    /// SQLite in its usual place, for the gateway without a name.
    #[must_use]
    pub fn usual(state_dir: &'a Path, key: Ed25519KeyPair, now: Timestamp) -> Self {
        Self { state_dir, location: Location::Sqlite(state_dir.join(DATABASE_FILE)), gateway: GATEWAY, key, now }
    }
}

/// The database of one gateway. Its clones are the same database.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: Arc<Mutex<Writer>>,
    readers: Pool,
    writes: Writes,
    gap: Option<Gap>,
    newest_at: Option<Timestamp>,
    /// Held for as long as this process runs, so that no second gateway forks the audit log.
    guard: Guard,
}

impl Store {
    /// Opens the database, or makes it, brings it up to date, begins a new life of this gateway, and checks the end of the
    /// audit log against the head file.
    ///
    /// # Errors
    /// When its files are open to others, another gateway has it open, or it cannot be read.
    pub async fn open(opening: Opening<'_>) -> Result<Self, StoreError> {
        let Opening { state_dir, location, gateway, key, now } = opening;
        private::folder(state_dir)?;
        let head_file = state_dir.join(HEAD_FILE);
        head::belongs_to(&head_file, gateway)?;
        let guard = Guard::take(state_dir, &location).await?;
        let mut conn = dialect::connect(&location, Purpose::Write).await?;
        migrate::run(&mut conn, Dialect::of(&location)).await?;
        let incarnation = gateway::begin(&mut conn, Dialect::of(&location), gateway, now).await?;
        let found = tail::examine(&mut conn, gateway, &head_file, &key).await?;
        let newest_at = found.newest.as_ref().and_then(|newest| newest.at.parse().ok());
        let readers = dialect::readers(&location).await?;
        let writes = Writes {
            dialect: Dialect::of(&location),
            gateway: Arc::from(gateway),
            incarnation,
            key: Arc::new(key),
            head: Arc::new(Head::keep(head_file, gateway)),
        };
        let mut writer = Writer::new(location, conn);
        writer.tail.newest = found.newest;
        let writer = Arc::new(Mutex::new(writer));
        Ok(Self(Arc::new(Inner { writer, readers, writes, gap: found.gap, newest_at, guard })))
    }

    /// Begins to change something. Only one transaction changes things at a time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], within seconds, when the database is locked, gone or replaced.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let inner = &self.0;
        let writer = tokio::time::timeout(QUEUE_PATIENCE, Arc::clone(&inner.writer).lock_owned())
            .await
            .map_err(|_| StoreError::Unavailable("too many wait to write".to_owned()))?;
        inner.guard.check().await?;
        Tx::begin(writer, inner.writes.clone()).await
    }

    /// A connection to read from.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], within seconds, when the database is gone, replaced or busy.
    pub async fn view(&self) -> Result<View, StoreError> {
        self.0.guard.check().await?;
        Ok(View::new(self.0.readers.acquire().await?, self.0.writes.dialect))
    }

    /// Whether a commit that was not answered ([`StoreError::Unanswered`]) took place after all.
    ///
    /// # Errors
    /// As [`Store::begin`]: nobody can tell yet.
    pub async fn took_place(&self, unsure: &Checkpoint) -> Result<bool, StoreError> {
        self.begin().await?.holds(unsure).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Why not, within seconds.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut view = self.view().await?;
        let query = sqlx::query("SELECT incarnation FROM gateways WHERE name = $1");
        view.read().one(query.bind(self.gateway().to_owned())).await.map(drop)
    }

    /// What was wrong with the end of the audit log when it was opened.
    #[must_use]
    pub fn gap(&self) -> Option<&Gap> {
        self.0.gap.as_ref()
    }

    /// When the last event happened that was there at the start: a moment that is known to have passed.
    #[must_use]
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.0.newest_at
    }

    /// Whether it was closed: the process goes down.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.readers.is_closed()
    }

    /// The name of this gateway.
    #[must_use]
    pub fn gateway(&self) -> &str {
        &self.0.writes.gateway
    }

    /// Which of the gateway's lives this is, from 1.
    #[must_use]
    pub fn incarnation(&self) -> i64 {
        self.0.writes.incarnation
    }

    /// The key that the audit log can be verified with (Ed25519, 32 bytes).
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.0.writes.key.public_key().as_ref().to_vec()
    }

    /// Ends all connections and brings the head file up to date. Later calls find the database unavailable. A disk that
    /// hangs, or a server that does not answer, is not waited for longer than some seconds.
    pub async fn close(&self) {
        let (store, runtime) = (self.clone(), tokio::runtime::Handle::current());
        // SQLite asks the disk when a connection is dropped, on the thread that drops the connection.
        let closing = tokio::task::spawn_blocking(move || runtime.block_on(store.close_in_order()));
        if tokio::time::timeout(CLOSING, closing).await.is_err() {
            tracing::warn!("the database did not close in time");
        }
        // Whatever was not reached.
        self.0.guard.close();
    }

    async fn close_in_order(&self) {
        // Waits for a transaction on its way.
        let mut writer = self.0.writer.lock().await;
        self.0.guard.close();
        writer.close().await;
        self.0.readers.close().await;
        self.0.writes.head.flush().await;
    }
}
