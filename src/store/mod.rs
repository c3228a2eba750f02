//! What must survive: requests, grants, sessions, and the audit log of how they changed.
//!
//! Reading is free ([`Store::view`]); changing goes through a [`Tx`], whose only end that keeps anything is
//! [`Tx::commit`] with an [`Event`]. The database is one file in `state_dir`, beside the head file of the audit log.

mod chain;
mod dialect;
mod error;
mod event;
mod grants;
mod head;
mod migrate;
mod reading;
mod requests;
mod sessions;
mod tail;
#[cfg(test)]
mod tests;
mod tx;
mod verify;

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ring::signature::{Ed25519KeyPair, KeyPair};
use tokio::sync::Mutex;

pub use chain::{Checkpoint, Record, hex, key_id};
pub use error::StoreError;
pub use event::{Action, Event, Events};
pub use grants::{Grants, NewGrant};
pub use head::HEAD_FILE;
pub use reading::{MOST, Reading, Stretch, View};
pub use requests::{Filed, NewRequest, Requests};
pub use sessions::{NewSession, Recorded, Session, Sessions};
pub use tail::Gap;
pub use tx::Tx;
pub use verify::{Verdict, verify_audit};

use crate::files::private;
use dialect::Pool;
use head::Head;
use tx::Tail;

/// The database's name in `state_dir`.
pub const DATABASE_FILE: &str = "curfew.db";

/// How long to wait for other writers of this process.
const QUEUE_PATIENCE: Duration = Duration::from_secs(5);

/// The database of one gateway. Its clones are the same database.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: Pool,
    readers: Pool,
    tail: Arc<Mutex<Tail>>,
    key: Arc<Ed25519KeyPair>,
    head: Arc<Head>,
    gap: Option<Gap>,
    newest_at: Option<Timestamp>,
    file: PathBuf,
    /// Device and inode of the open file: SQLite goes on writing into a file that was deleted or replaced.
    identity: (u64, u64),
    /// Held for as long as we run, so that no second gateway forks the audit log.
    _lock: File,
}

impl Store {
    /// Opens the database in `state_dir`, or makes it, and checks the end of the audit log against the head file. `key`
    /// signs the audit log.
    ///
    /// # Errors
    /// When its files are open to others, another gateway has it open, or it cannot be read.
    pub async fn open(state_dir: &Path, key: Ed25519KeyPair) -> Result<Self, StoreError> {
        private::folder(state_dir)?;
        let lock = lock(state_dir)?;
        let file = state_dir.join(DATABASE_FILE);
        private::touch(&file)?;
        let writer = dialect::writer(&file).await?;
        migrate::run(&writer).await?;
        let readers = dialect::readers(&file).await?;
        let head_file = state_dir.join(HEAD_FILE);
        let found = tail::examine(&mut *readers.acquire().await?, &head_file, &key).await?;
        Ok(Self(Arc::new(Inner {
            identity: identity(&file)?,
            writer,
            readers,
            newest_at: found.newest.as_ref().and_then(|newest| newest.at.parse().ok()),
            tail: Arc::new(Mutex::new(Tail { newest: found.newest, unsure: None })),
            key: Arc::new(key),
            head: Arc::new(Head::keep(head_file)),
            gap: found.gap,
            file,
            _lock: lock,
        })))
    }

    /// Begins to change something. Only one transaction changes things at a time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], within seconds, when the database is locked, gone or replaced.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let inner = &self.0;
        let tail = tokio::time::timeout(QUEUE_PATIENCE, Arc::clone(&inner.tail).lock_owned())
            .await
            .map_err(|_| StoreError::Unavailable("too many wait to write".to_owned()))?;
        self.check_file()?;
        let tx = inner.writer.begin_with(dialect::BEGIN).await?;
        Tx::begin(tx, tail, Arc::clone(&inner.key), Arc::clone(&inner.head)).await
    }

    /// A connection to read from.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], within seconds, when the database is gone, replaced or busy.
    pub async fn view(&self) -> Result<View, StoreError> {
        self.check_file()?;
        Ok(View::new(self.0.readers.acquire().await?))
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

    /// The key that the audit log can be verified with (Ed25519, 32 bytes).
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.0.key.public_key().as_ref().to_vec()
    }

    /// Ends all connections and brings the head file up to date. Later calls find the database unavailable.
    pub async fn close(&self) {
        // Waits for a transaction on its way.
        let tail = self.0.tail.lock().await;
        self.0.writer.close().await;
        self.0.readers.close().await;
        self.0.head.flush().await;
        drop(tail);
    }

    fn check_file(&self) -> Result<(), StoreError> {
        match identity(&self.0.file) {
            Ok(now) if now == self.0.identity => Ok(()),
            Ok(_) => Err(StoreError::Unavailable("its file was replaced; restart curfew".to_owned())),
            Err(why) => Err(StoreError::Unavailable(format!("its file is gone: {why}"))),
        }
    }
}

fn identity(file: &Path) -> Result<(u64, u64), StoreError> {
    let metadata = file.metadata().map_err(private::NotPrivate::io(file))?;
    Ok((metadata.dev(), metadata.ino()))
}

fn lock(state_dir: &Path) -> Result<File, StoreError> {
    let path = state_dir.join("lock");
    private::touch(&path)?;
    let file = File::open(&path).map_err(private::NotPrivate::io(&path))?;
    file.try_lock().map_err(|_| {
        StoreError::Unavailable(format!("another curfew is running with {}; stop it first", state_dir.display()))
    })?;
    Ok(file)
}
