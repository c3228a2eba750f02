//! The writing half of a recording: encodes items, and appends them in pieces that each end with a link of the chain.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::cast::{Completeness, EncodeError, Encoder, FORMAT, Header, Totals};
use crate::file::Sink;
use crate::hash::hex;
use crate::key::SealKey;
use crate::sealed::Sealed;

/// How many encoded bytes make a piece that is worth its write and its link.
const FULL: usize = 256 << 10;

/// Something to write down.
#[derive(Debug)]
pub(crate) enum Item {
    Output(Bytes),
    Input(Bytes),
    Resize(u32, u32),
    Marker(String),
    Note { text: String, fields: String },
    Seal { state: Completeness, end: String, done: Option<oneshot::Sender<Sealed>> },
}

impl Item {
    /// About how many bytes it holds in memory.
    pub(crate) fn weight(&self) -> usize {
        const OVERHEAD: usize = 64;
        OVERHEAD
            + match self {
                Self::Output(bytes) | Self::Input(bytes) => bytes.len(),
                Self::Marker(label) => label.len(),
                Self::Note { text, fields } => text.len() + fields.len(),
                Self::Resize(..) | Self::Seal { .. } => 0,
            }
    }
}

/// Writes one file.
pub(crate) struct Writer {
    encoder: Encoder,
    sink: Arc<dyn Sink>,
    key: Arc<SealKey>,
    len: u64,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Writer {
    /// Writes the header to an empty file.
    pub(crate) fn begin(sink: Arc<dyn Sink>, mut header: Header, key: Arc<SealKey>) -> io::Result<Self> {
        if let Some(origin) = &mut header.curfew {
            origin.format = FORMAT;
            origin.key = key.public().id();
        }
        let mut encoder = Encoder::default();
        encoder.header(&header)?;
        let mut writer = Self { encoder, sink, key, len: 0 };
        writer.flush(Duration::ZERO)?;
        Ok(writer)
    }

    /// The file's length.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn sink(&self) -> &Arc<dyn Sink> {
        &self.sink
    }

    /// Whether enough has gathered for a write.
    pub(crate) fn is_full(&self) -> bool {
        self.encoder.bytes().len() >= FULL
    }

    /// Gives back memory that bulk output needed.
    pub(crate) fn shrink(&mut self) {
        self.encoder.shrink();
    }

    /// Encodes an item; [`Writer::flush`] writes it.
    pub(crate) fn encode(&mut self, at: Duration, item: &Item) -> Result<(), EncodeError> {
        match item {
            Item::Output(bytes) => self.encoder.output(at, bytes),
            Item::Input(bytes) => self.encoder.input(at, bytes),
            Item::Resize(cols, rows) => self.encoder.resize(at, *cols, *rows),
            Item::Marker(label) => self.encoder.marker(at, label),
            Item::Note { text, fields } => self.encoder.note(at, text, fields),
            Item::Seal { .. } => Ok(()),
        }
    }

    /// Writes what was encoded, with a link that covers it.
    pub(crate) fn flush(&mut self, at: Duration) -> io::Result<()> {
        self.encoder.link(at)?;
        self.append()
    }

    /// Seals the file, and waits until all of it is on the disk.
    pub(crate) fn seal(&mut self, at: Duration, state: Completeness, end: &str) -> io::Result<Sealed> {
        self.encoder.seal(at, state, end, &self.key)?;
        self.append()?;
        self.sink.sync()?;
        let Totals { micros, output_bytes, lines } = self.encoder.totals();
        Ok(Sealed {
            path: PathBuf::new(),
            bytes: self.len,
            sha256: hex(&self.encoder.file_hash()),
            output_bytes,
            lines,
            duration: Duration::from_micros(micros),
            state,
            end: end.to_owned(),
            key: self.key.public().id(),
        })
    }

    fn append(&mut self) -> io::Result<()> {
        self.sink.append(self.encoder.bytes())?;
        self.len += self.encoder.bytes().len() as u64;
        self.encoder.clear();
        Ok(())
    }
}

impl From<EncodeError> for io::Error {
    fn from(error: EncodeError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}
