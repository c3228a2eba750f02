//! Watches over the database while this process has it open: that nobody else opens it as a gateway, and that a file is
//! still the file that was opened.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::{Executor, Row as _};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::StoreError;
use super::answer::answered;
use super::dialect::{self, Conn, PATIENCE, Purpose};
use crate::config::location::Location;
use crate::files::private;

/// Names the lock among those that programs take on a PostgreSQL database (`pg_try_advisory_lock`): "curfew" in ASCII.
const ADVISORY_LOCK: i64 = 0x6375_7266_6577;

/// How many threads may be stuck in a disk that hangs, on behalf of one database.
const MOST_STUCK: usize = 2;

/// How often to look whether the lock on a PostgreSQL database is still held.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Held for as long as this process has the database open.
#[derive(Debug)]
pub(super) struct Guard {
    _state_dir: File,
    kind: Kind,
    closed: AtomicBool,
}

#[derive(Debug)]
enum Kind {
    /// Device and inode of the open file: SQLite goes on writing into a file that was deleted or replaced.
    File { path: PathBuf, identity: (u64, u64), looks: std::sync::Arc<Semaphore> },
    /// The task that holds the advisory lock. While the lock is lost, the fence of each transaction still keeps two
    /// processes from writing as one gateway.
    Server(JoinHandle<()>),
}

impl Guard {
    /// Takes the database, which must be nobody else's.
    ///
    /// # Errors
    /// When another gateway runs with it, or its files cannot be used.
    pub(super) async fn take(state_dir: &Path, location: &Location) -> Result<Self, StoreError> {
        let _state_dir = lock(&state_dir.join("lock"), &state_dir.display().to_string())?;
        let kind = match location {
            Location::Sqlite(path) => {
                private::touch(path)?;
                Kind::File { path: path.clone(), identity: identity(path)?, looks: Semaphore::new(MOST_STUCK).into() }
            }
            Location::Postgres(_) => Kind::Server(tokio::spawn(keep(location.clone(), advise(location).await?))),
        };
        Ok(Self { _state_dir, kind, closed: AtomicBool::new(false) })
    }

    /// Checks that the database is still the one that was opened. A disk that hangs is waited for on a thread of its own,
    /// and not for long.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("it was closed".to_owned()));
        }
        let Kind::File { path, identity: opened, looks } = &self.kind else { return Ok(()) };
        let hangs = || StoreError::Unavailable("its disk does not answer".to_owned());
        let look = async {
            let turn = std::sync::Arc::clone(looks).acquire_owned().await.map_err(|_| hangs())?;
            let path = path.clone();
            let look = tokio::task::spawn_blocking(move || {
                let found = identity(&path);
                drop(turn);
                found
            });
            look.await.map_err(|_| hangs())
        };
        match tokio::time::timeout(PATIENCE, look).await.map_err(|_| hangs())?? {
            Ok(now) if now == *opened => Ok(()),
            Ok(_) => Err(StoreError::Unavailable("its file was replaced; restart curfew".to_owned())),
            Err(why) => Err(StoreError::Unavailable(format!("its file is gone: {why}"))),
        }
    }

    /// Nothing more is asked of the database; another process may take it.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Kind::Server(keeper) = &self.kind {
            // Its connection goes with it, and gives the lock back.
            keeper.abort();
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.close();
    }
}

/// Holds the lock. Where its connection is lost, as when the server was restarted, another one takes the lock again.
async fn keep(location: Location, conn: Conn) {
    let mut held = Some(conn);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Some(conn) = &mut held {
            match answered(conn.execute("SELECT 1")).await {
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "the lock on the database is lost"),
            }
            held = None;
        }
        match advise(&location).await {
            Ok(conn) => {
                tracing::info!("the lock on the database is taken again");
                held = Some(conn);
            }
            // A connection of this process that the server has not given up yet may hold the lock, too.
            Err(error) => tracing::debug!(%error, "the lock on the database is not to be had"),
        }
    }
}

/// Keeps gateways away from a database while something is done with all of it.
#[derive(Debug)]
pub(super) struct Held {
    _folder: Option<File>,
    _server: Option<Conn>,
}

/// Takes a database that no gateway uses, without beginning a gateway's life.
///
/// # Errors
/// When a gateway runs with it.
pub(super) async fn hold(location: &Location) -> Result<Held, StoreError> {
    match location {
        Location::Sqlite(path) => {
            // In its usual place a database lies beside its gateway's lock.
            let beside = path.parent().map(|folder| folder.join("lock")).filter(|lock| lock.exists());
            let folder = beside.map(|beside| lock(&beside, &location.to_string())).transpose()?;
            Ok(Held { _folder: folder, _server: None })
        }
        Location::Postgres(_) => Ok(Held { _folder: None, _server: Some(advise(location).await?) }),
    }
}

/// Takes the lock that one gateway has on a PostgreSQL database.
async fn advise(location: &Location) -> Result<Conn, StoreError> {
    let mut conn = dialect::connect(location, Purpose::Write).await?;
    let query = sqlx::query("SELECT CAST(pg_try_advisory_lock($1) AS INTEGER) AS taken").bind(ADVISORY_LOCK);
    let taken: i32 = answered(conn.fetch_one(query)).await?.try_get("taken")?;
    if taken == 1 {
        return Ok(conn);
    }
    Err(StoreError::NotOurs(format!("another curfew is running with {location}; stop it first")))
}

fn identity(file: &Path) -> Result<(u64, u64), private::NotPrivate> {
    let metadata = file.metadata().map_err(private::NotPrivate::io(file))?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Takes the lock on a file, which is made where there is none.
fn lock(path: &Path, whose: &str) -> Result<File, StoreError> {
    private::touch(path)?;
    let file = File::open(path).map_err(private::NotPrivate::io(path))?;
    file.try_lock()
        .map_err(|_| StoreError::NotOurs(format!("another curfew is running with {whose}; stop it first")))?;
    Ok(file)
}
