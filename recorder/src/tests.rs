//! What the tests share.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use crate::file::Sink;
use crate::writer::{Item, Writer};
use crate::{Completeness, Header, Origin, Recording, SealKey, Sealed};

pub(super) const NAME: &str = "s1-1-shell.cast";

pub(super) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

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

    /// A recording into something else than a file.
    pub(super) fn start_into(&self, sink: Arc<dyn Sink>) -> io::Result<Recording> {
        let writer = Writer::begin(sink, header(), Arc::clone(&self.key))?;
        Ok(Recording::with_writer(self.path(), writer))
    }

    /// A writer without a queue.
    pub(super) fn writer(&self, name: &str) -> Writer {
        let file = crate::file::create(self.folder.path(), name).unwrap();
        Writer::begin(Arc::new(file), header(), Arc::clone(&self.key)).unwrap()
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    pub(super) fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    /// Puts these bytes into a file of their own.
    pub(super) fn put(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("other.cast");
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A sealed file with a line of every kind, a few batches long.
    pub(super) fn sample(&self) -> (Sealed, Vec<u8>) {
        let mut writer = self.writer(NAME);
        let batches: [&[Item]; 4] = [
            &[Item::Output(Bytes::from_static("prompt é $ ".as_bytes())), Item::Input(Bytes::from_static(b"ls\xff\r"))],
            &[Item::Resize(120, 40), Item::Output(Bytes::from_static(b"half \xe2\x82"))],
            &[Item::Output(Bytes::from_static(b"\xac, latin \xe9!\r\n")), Item::Marker("warned".into())],
            &[Item::Note { text: "get /etc/hosts".into(), fields: r#"{"size":3}"#.into() }],
        ];
        for (at, batch) in (1..).zip(batches) {
            batch.iter().for_each(|item| writer.encode(ms(at * 100), item).unwrap());
            writer.flush(ms(at * 100)).unwrap();
        }
        let sealed = writer.seal(ms(900), Completeness::Complete, "exit 0").unwrap();
        (sealed, fs::read(self.path()).unwrap())
    }
}

/// The exact output of [`Studio::sample`].
pub(super) const SAMPLE_OUTPUT: &[u8] = b"prompt \xc3\xa9 $ half \xe2\x82\xac, latin \xe9!\r\nget /etc/hosts\r\n";

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

/// The bytes of a file with some of its lines changed.
pub(super) fn edit_lines(bytes: &[u8], edit: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    edit(&mut lines);
    lines.concat()
}

/// The code of a line.
pub(super) fn code_of(line: &[u8]) -> String {
    crate::event::Line::parse(line).map_or_else(|_| "header".into(), |line| line.1.to_owned())
}

pub(super) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}
