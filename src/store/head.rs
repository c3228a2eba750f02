//! The head file: the newest checkpoint of the audit log, kept outside the database.
//!
//! It is written after the commit, so after a crash the database may be ahead of it; it is never ahead of the database
//! unless somebody cut the log or put an old copy back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::StoreError;
use super::chain::Checkpoint;
use crate::files::private;

/// Its name in `state_dir`.
pub const HEAD_FILE: &str = "audit.head";

/// Keeps the head file up to date, behind the commits: of many in a row only the last is written.
#[derive(Debug)]
pub(super) struct Head {
    newest: watch::Sender<Option<Checkpoint>>,
    written: watch::Receiver<i64>,
}

impl Head {
    /// Begins to keep this file, until the value is dropped.
    pub(super) fn keep(path: PathBuf, gateway: &str) -> Self {
        let gateway: Arc<str> = Arc::from(gateway);
        let (newest, mut told) = watch::channel(None::<Checkpoint>);
        let (done, written) = watch::channel(0);
        tokio::spawn(async move {
            while told.changed().await.is_ok() {
                let Some(newest) = told.borrow_and_update().clone() else { continue };
                let (seq, path, gateway) = (newest.seq, path.clone(), Arc::clone(&gateway));
                // On its own thread: a slow disk delays nobody but the head file.
                if let Ok(Err(why)) = tokio::task::spawn_blocking(move || write(&path, &gateway, newest)).await {
                    tracing::error!(%why, "the head of the audit log could not be written");
                }
                done.send_replace(seq);
            }
        });
        Self { newest, written }
    }

    pub(super) fn publish(&self, checkpoint: Checkpoint) {
        self.newest.send_replace(Some(checkpoint));
    }

    /// Waits until what was published is written.
    pub(super) async fn flush(&self) {
        let newest = self.newest.borrow().as_ref().map_or(0, |newest| newest.seq);
        let _ = self.written.clone().wait_for(|written| *written >= newest).await;
    }
}

/// What the file holds: the checkpoint, and whose it is.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    checkpoint: Checkpoint,
    /// The gateway; missing where an older Curfew wrote the file.
    gateway: Option<String>,
}

fn write(path: &Path, gateway: &str, checkpoint: Checkpoint) -> Result<(), private::NotPrivate> {
    let line = serde_json::to_vec(&Line { checkpoint, gateway: Some(gateway.to_owned()) }).unwrap_or_default();
    private::replace(path, &line)
}

/// Makes sure that a head file, where there is one, is this gateway's: the log that it vouches for is under that name.
pub(super) fn belongs_to(path: &Path, gateway: &str) -> Result<(), StoreError> {
    let line = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Line>(&bytes).ok());
    match line.and_then(|line| line.gateway).filter(|name| name != gateway) {
        None => Ok(()),
        Some(name) => Err(StoreError::NotOurs(format!(
            "state_dir belongs to the gateway `{}`, and [gateway] name is `{gateway}`: a gateway keeps its name, and a new one \
             needs a state_dir of its own",
            name.escape_debug(),
        ))),
    }
}

/// What a head file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    /// There is none.
    None,
    /// There is one, but it is not ours: cut short, or signed by another key.
    Foreign,
    /// The checkpoint in it, whose signature is good.
    Good(Checkpoint),
}

pub(super) fn read(path: &Path, key: &[u8]) -> Kept {
    match std::fs::read(path) {
        Ok(bytes) => match serde_json::from_slice::<Checkpoint>(&bytes) {
            Ok(checkpoint) if checkpoint.is_signed_by(key) => Kept::Good(checkpoint),
            _ => Kept::Foreign,
        },
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Kept::None,
        Err(_) => Kept::Foreign,
    }
}
