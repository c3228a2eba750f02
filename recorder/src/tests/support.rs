//! What the tests share.

use std::sync::Arc;

use tempfile::TempDir;

use crate::{Header, Origin, Recording, SealKey};

pub(super) const NAME: &str = "s1-1-shell.cast";

/// A folder and a key to record with.
pub(super) struct Studio {
    pub(super) folder: TempDir,
    pub(super) key: Arc<SealKey>,
}

impl Studio {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), key: Arc::new(SealKey::ephemeral().unwrap()) }
    }

    pub(super) async fn start(&self) -> Recording {
        Recording::start(self.folder.path(), NAME, header(), Arc::clone(&self.key)).await.unwrap()
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join(NAME)
    }

    pub(super) fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }
}

pub(super) fn header() -> Header {
    let origin = Origin {
        gateway: "bastion".into(),
        session: "s1".into(),
        grant: "g1".into(),
        user: "alice".into(),
        target: "web1".into(),
        login: "root".into(),
        channel: 1,
        kind: "shell".into(),
        ..Origin::default()
    };
    Header::new((80, 24), 1_790_000_000, Some("xterm-256color"), Some("root@web1"), origin)
}
