//! A recording while it is made, as its channel sees it: hand over, forward what is written, seal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::cast::{Completeness, Header};
use crate::file;
use crate::follow::LiveRecording;
use crate::key::SealKey;
use crate::queue::{Progress, Queue};
use crate::sealed::{RecordingError, Sealed};
use crate::writer::{Item, Writer};

/// How many bytes may wait to be written before [`Recording::ready`] makes the caller wait.
pub const MAX_WAITING: usize = 4 << 20;

/// A place in a recording: everything handed over up to it. The default one is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// A recording being made. Bytes count as recorded when [`Recording::written`] says so for their ticket.
///
/// Moments are counted from the start of the recording. Dropping it without [`Recording::seal`] still writes what was
/// handed over, and seals it as interrupted.
#[derive(Debug)]
pub struct Recording {
    queue: Arc<Queue>,
}

impl Recording {
    /// Makes `folder/name` and writes the header. The folder is made where it is missing; the name must be safe
    /// (`[A-Za-z0-9._-]`, ending with `.cast`) and new.
    ///
    /// # Errors
    /// When the file cannot be made, or its header not written.
    pub async fn start(folder: &Path, name: &str, header: Header, key: Arc<SealKey>) -> Result<Self, RecordingError> {
        if !file::is_safe_name(name) {
            return Err(RecordingError::Name(name.to_owned()));
        }
        let (folder, path, name) = (folder.to_owned(), folder.join(name), name.to_owned());
        let begin = move || {
            let writer = file::create(&folder, &name).and_then(|file| Writer::begin(Arc::new(file), header, key));
            // Where nobody waits for it any more, it is dropped, and that seals it.
            let begun = writer.map(|writer| Self::with_writer(path.clone(), writer));
            begun.map_err(|source| RecordingError::write(&path, source))
        };
        tokio::task::spawn_blocking(begin).await.map_err(|_| RecordingError::Stopped)?
    }

    /// A recording that goes on with a writer, on this runtime.
    pub(crate) fn with_writer(path: PathBuf, writer: Writer) -> Self {
        Self { queue: Arc::new(Queue::new(path, writer)) }
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.queue.path()
    }

    /// Records output: what the person saw, stdout and stderr in the order in which they are passed on.
    pub fn output(&self, at: Duration, bytes: Bytes) -> Ticket {
        self.push(at, Item::Output(bytes))
    }

    /// Records input: what the person typed.
    pub fn input(&self, at: Duration, bytes: Bytes) -> Ticket {
        self.push(at, Item::Input(bytes))
    }

    /// Records a new size of the terminal.
    pub fn resize(&self, at: Duration, cols: u32, rows: u32) -> Ticket {
        self.push(at, Item::Resize(cols, rows))
    }

    /// Records a named moment.
    pub fn marker(&self, at: Duration, label: &str) -> Ticket {
        self.push(at, Item::Marker(label.to_owned()))
    }

    /// Records one line of a transcript: for people as output, for programs in fields. The text may hold names that
    /// others chose: control characters become visible.
    pub fn note(&self, at: Duration, text: &str, fields: &serde_json::Value) -> Ticket {
        self.push(at, Item::Note { text: text.to_owned(), fields: fields.to_string() })
    }

    /// The ticket of what was last handed over.
    #[must_use]
    pub fn last(&self) -> Ticket {
        Ticket(self.queue.issued())
    }

    /// Up to where everything is written.
    #[must_use]
    pub fn written_up_to(&self) -> Ticket {
        Ticket(self.queue.progress().borrow().written)
    }

    /// Waits until everything up to this ticket is written, and gives up to where all is by now. May be cancelled.
    ///
    /// A disk may stall for ever, and then so does this: a caller with a deadline brings its own.
    ///
    /// # Errors
    /// When the recording failed before that.
    pub async fn written(&self, ticket: Ticket) -> Result<Ticket, RecordingError> {
        let progress = self.queue.wait_until(|progress| progress.written >= ticket.0).await?;
        Ok(Ticket(progress.written))
    }

    /// Waits until fewer than [`MAX_WAITING`] bytes wait to be written. Callers do so before they hand over more. May be
    /// cancelled.
    ///
    /// # Errors
    /// When the recording failed.
    pub async fn ready(&self) -> Result<(), RecordingError> {
        let has_room = |progress: &Progress| progress.error.is_none() && self.queue.waiting() < MAX_WAITING;
        self.queue.wait_until(has_room).await.map(drop)
    }

    /// Waits until the recording fails; for ever, where it does not. May be cancelled.
    pub async fn failed(&self) -> RecordingError {
        match self.queue.wait_until(|_| false).await {
            Err(error) => error,
            Ok(_) => std::future::pending().await,
        }
    }

    /// A view for those who watch: they read the file at their own pace.
    #[must_use]
    pub fn live(&self) -> LiveRecording {
        LiveRecording::new(self.queue.path().to_owned(), self.queue.progress().subscribe())
    }

    /// Ends the recording, and waits until it is sealed and on the disk. `end` says why it ended.
    ///
    /// # Errors
    /// When the recording failed: then it has no seal, and [`repair`](crate::repair) can give it one.
    pub async fn seal(self, end: &str, at: Duration) -> Result<Sealed, RecordingError> {
        let (done, sealed) = oneshot::channel();
        self.push(at, Item::Seal { state: Completeness::Complete, end: end.to_owned(), done: Some(done) });
        match sealed.await {
            Ok(sealed) => Ok(Sealed { path: self.path().to_owned(), ..sealed }),
            // Only a failure leaves the question without an answer.
            Err(_) => Err(self.failed().await),
        }
    }

    fn push(&self, at: Duration, item: Item) -> Ticket {
        Ticket(self.queue.push(at, item))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let end = "the recording was given up".to_owned();
        self.push(self.queue.last_at(), Item::Seal { state: Completeness::Interrupted, end, done: None });
    }
}

#[cfg(test)]
mod tests;
