//! A recording while it is made: events go in at once, and are written in order off the caller's thread.
//!
//! One job per recording writes whatever has gathered (so bulk output is written in large pieces, and a keystroke's echo
//! at once); a disk that stalls holds a thread of the blocking pool and this recording, nothing else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::cast::{Header, State};
use crate::file::{self, Sink};
use crate::follow::Live;
use crate::key::SealKey;
use crate::writer::{Item, Writer};

/// How many bytes may wait to be written before [`Recording::ready`] makes the caller wait.
pub const MAX_WAITING: usize = 4 << 20;

/// How long written bytes may wait in the system's memory before they are asked onto the disk.
const SYNC_WITHIN: Duration = Duration::from_secs(1);

/// Why a recording cannot go on. Once failed, it stays failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The name is not one a recording may have.
    #[error("{0:?} is not a name for a recording: letters, digits, `.`, `_`, `-`, and `.cast` at the end")]
    Name(String),
    /// The file cannot be made or written.
    #[error("the recording {path} cannot be written: {source}")]
    Write {
        /// The recording's file.
        path: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The process is stopping, and took the writer with it.
    #[error("the recording was stopped before all was written")]
    Stopped,
}

impl From<RecordingError> for io::Error {
    fn from(error: RecordingError) -> Self {
        let kind = match &error {
            RecordingError::Name(_) => io::ErrorKind::InvalidInput,
            RecordingError::Write { source, .. } => source.kind(),
            RecordingError::Stopped => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// A place in a recording: everything handed over up to it. The default one is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// How far the writing is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) written: u64,
    /// The file's length in bytes.
    pub(crate) len: u64,
    /// Nothing follows.
    pub(crate) over: bool,
    pub(crate) error: Option<RecordingError>,
}

/// A sealed recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its file.
    pub path: PathBuf,
    /// The file's length in bytes.
    pub bytes: u64,
    /// The file's SHA-256, in hexadecimal.
    pub sha256: String,
    /// How many bytes of output it holds.
    pub output_bytes: u64,
    /// How many lines it has.
    pub lines: u64,
    /// Its last moment.
    pub duration: Duration,
    /// Whether it holds all there was.
    pub state: State,
    /// Why it ended.
    pub end: String,
    /// The id of the key that sealed it.
    pub key: String,
}

/// A recording being made. Bytes count as recorded when [`Recording::written`] says so for their ticket.
///
/// Dropping it without [`Recording::seal`] still writes what was handed over, and seals it as interrupted.
#[derive(Debug)]
pub struct Recording {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    lane: Mutex<Lane>,
    progress: watch::Sender<Progress>,
    runtime: Handle,
}

/// What waits to be written.
#[derive(Debug, Default)]
struct Lane {
    queue: Vec<(Duration, Item)>,
    /// Bytes in the queue or in the writer's hands.
    waiting: usize,
    issued: u64,
    last_at: Duration,
    /// The writer, while no job has it.
    writer: Option<Box<Writer>>,
    /// A job will ask the disk soon.
    sync_due: bool,
    closed: bool,
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
        let begin = move || file::create(&folder, &name).and_then(|file| Writer::begin(Arc::new(file), header, key));
        let begun = tokio::task::spawn_blocking(begin).await.map_err(|_| RecordingError::Stopped)?;
        begun.map(|writer| Self::new(path.clone(), writer)).map_err(|source| write_error(&path, source))
    }

    /// A recording that goes on with a writer.
    pub(crate) fn new(path: PathBuf, writer: Writer) -> Self {
        let progress = watch::Sender::new(Progress { len: writer.len(), ..Progress::default() });
        let lane = Mutex::new(Lane { writer: Some(Box::new(writer)), ..Lane::default() });
        Self { shared: Arc::new(Shared { path, lane, progress, runtime: Handle::current() }) }
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Records output: what the person saw, stdout and stderr in the order in which they were passed on.
    pub fn output(&self, at: Duration, bytes: Bytes) -> Ticket {
        self.shared.push(at, Item::Output(bytes))
    }

    /// Records input: what the person typed.
    pub fn input(&self, at: Duration, bytes: Bytes) -> Ticket {
        self.shared.push(at, Item::Input(bytes))
    }

    /// Records a new size of the terminal.
    pub fn resize(&self, at: Duration, cols: u32, rows: u32) -> Ticket {
        self.shared.push(at, Item::Resize(cols, rows))
    }

    /// Records a named moment.
    pub fn marker(&self, at: Duration, label: &str) -> Ticket {
        self.shared.push(at, Item::Marker(label.to_owned()))
    }

    /// Records one line of a transcript: for people as output, for programs in fields. The text may hold names that
    /// others chose: control characters become visible.
    pub fn note(&self, at: Duration, text: &str, fields: &serde_json::Value) -> Ticket {
        self.shared.push(at, Item::Note { text: text.to_owned(), fields: fields.to_string() })
    }

    /// The ticket of what was last handed over.
    #[must_use]
    pub fn last(&self) -> Ticket {
        Ticket(self.shared.lane().issued)
    }

    /// Up to where everything is written.
    #[must_use]
    pub fn written_up_to(&self) -> Ticket {
        Ticket(self.shared.progress.borrow().written)
    }

    /// Waits until everything up to this ticket is written, and gives up to where all is by now.
    ///
    /// A disk may stall for ever, and then so does this: a caller with a deadline brings its own.
    ///
    /// # Errors
    /// When the recording failed before that.
    pub async fn written(&self, ticket: Ticket) -> Result<Ticket, RecordingError> {
        let reached = |progress: &Progress| progress.written >= ticket.0;
        let progress = self.shared.wait_until(reached).await?;
        Ok(Ticket(progress.written))
    }

    /// Waits until fewer than [`MAX_WAITING`] bytes wait to be written. Callers do so before they hand over more.
    ///
    /// # Errors
    /// When the recording failed.
    pub async fn ready(&self) -> Result<(), RecordingError> {
        let has_room = |progress: &Progress| progress.error.is_none() && self.shared.lane().waiting < MAX_WAITING;
        self.shared.wait_until(has_room).await.map(|_| ())
    }

    /// Waits until the recording fails; for ever, if it does not.
    pub async fn failed(&self) -> RecordingError {
        match self.shared.wait_until(|_| false).await {
            Err(error) => error,
            Ok(_) => std::future::pending().await,
        }
    }

    /// A view for those who watch: they read the file at their own pace.
    #[must_use]
    pub fn live(&self) -> Live {
        Live::new(self.shared.path.clone(), self.shared.progress.subscribe())
    }

    /// Ends the recording, and waits until it is sealed and on the disk. `end` says why it ended.
    ///
    /// # Errors
    /// When the recording failed: then it has no seal.
    pub async fn seal(self, end: &str, at: Duration) -> Result<Sealed, RecordingError> {
        let (done, sealed) = oneshot::channel();
        self.shared.push(at, Item::Seal { state: State::Complete, end: end.to_owned(), done: Some(done) });
        match sealed.await {
            Ok(sealed) => Ok(Sealed { path: self.shared.path.clone(), ..sealed }),
            Err(_) => Err(self.shared.progress.borrow().error.clone().unwrap_or(RecordingError::Stopped)),
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let at = self.shared.lane().last_at;
        let end = "the recording was given up".to_owned();
        self.shared.push(at, Item::Seal { state: State::Interrupted, end, done: None });
    }
}

impl Shared {
    /// Nothing panics while it holds the lock, so the lane behind a poisoned one is as good as any.
    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an item, and starts a job where none runs. After the end nothing is queued, so its ticket is never written.
    fn push(self: &Arc<Self>, at: Duration, item: Item) -> Ticket {
        let mut lane = self.lane();
        lane.issued += 1;
        let ticket = Ticket(lane.issued);
        if lane.closed {
            return ticket;
        }
        lane.closed = matches!(item, Item::Seal { .. });
        lane.last_at = lane.last_at.max(at);
        lane.waiting += item.weight();
        lane.queue.push((at, item));
        if let Some(writer) = lane.writer.take() {
            drop(lane);
            let job = Job { shared: Arc::clone(self), finished: false };
            self.runtime.spawn_blocking(move || job.run(writer));
        }
        ticket
    }

    /// Waits until progress is such; the error, where the recording failed before.
    async fn wait_until(&self, mut reached: impl FnMut(&Progress) -> bool) -> Result<Progress, RecordingError> {
        let mut progress = self.progress.subscribe();
        let seen = progress.wait_for(|progress| reached(progress) || progress.error.is_some()).await;
        // The sender lives in `self`, so it cannot be gone.
        let seen = seen.map_err(|_| RecordingError::Stopped)?.clone();
        match &seen.error {
            Some(error) if !reached(&seen) => Err(error.clone()),
            _ => Ok(seen),
        }
    }

    /// Says that `items` more, of this weight, are written.
    fn advance(&self, items: u64, weight: usize, writer: &Writer) {
        {
            let mut lane = self.lane();
            lane.waiting = lane.waiting.saturating_sub(weight);
        }
        self.progress.send_modify(|progress| {
            progress.written += items;
            progress.len = writer.len();
        });
    }

    fn fail(&self, error: RecordingError) {
        let abandoned = {
            let mut lane = self.lane();
            lane.closed = true;
            lane.waiting = 0;
            std::mem::take(&mut lane.queue)
        };
        self.progress.send_modify(|progress| {
            progress.over = true;
            progress.error.get_or_insert(error);
        });
        // Whoever waits for the seal finds the error in place.
        drop(abandoned);
    }

    /// Has the disk asked for what was written, a while from now, once.
    fn sync_soon(self: &Arc<Self>, sink: &Arc<dyn Sink>) {
        if std::mem::replace(&mut self.lane().sync_due, true) {
            return;
        }
        let (shared, sink) = (Arc::downgrade(self), Arc::clone(sink));
        self.runtime.spawn(sync_later(shared, sink));
    }
}

/// Asks written bytes onto the disk, beside the writing: a slow answer delays nobody.
async fn sync_later(shared: Weak<Shared>, sink: Arc<dyn Sink>) {
    tokio::time::sleep(SYNC_WITHIN).await;
    let Some(recording) = shared.upgrade() else { return };
    recording.lane().sync_due = false;
    if let Some(writer) = &mut recording.lane().writer {
        writer.shrink();
    }
    drop(recording);
    let synced = tokio::task::spawn_blocking(move || sink.sync()).await;
    if let (Ok(Err(source)), Some(shared)) = (synced, shared.upgrade()) {
        shared.fail(write_error(&shared.path, source));
    }
}

/// The one job of a recording. However it ends, those who wait learn of it.
struct Job {
    shared: Arc<Shared>,
    finished: bool,
}

impl Job {
    /// Writes what is queued until nothing is.
    fn run(mut self, mut writer: Box<Writer>) {
        loop {
            let batch = {
                let mut lane = self.shared.lane();
                if lane.queue.is_empty() {
                    lane.queue.shrink_to(8);
                    lane.writer = Some(writer);
                    self.finished = true;
                    return;
                }
                std::mem::take(&mut lane.queue)
            };
            match self.write(&mut writer, batch) {
                Ok(false) => self.shared.sync_soon(writer.sink()),
                Ok(true) => {
                    self.shared.progress.send_modify(|progress| progress.over = true);
                    self.finished = true;
                    return;
                }
                Err(source) => {
                    self.shared.fail(write_error(&self.shared.path, source));
                    self.finished = true;
                    return;
                }
            }
        }
    }

    /// Writes a batch, and says whether the recording ended with it.
    fn write(&self, writer: &mut Writer, batch: Vec<(Duration, Item)>) -> io::Result<bool> {
        let (mut items, mut weight, mut last_at) = (0, 0, Duration::ZERO);
        for (at, item) in batch {
            items += 1;
            weight += item.weight();
            last_at = at;
            if let Item::Seal { state, end, done } = item {
                let sealed = writer.seal(at, state, &end)?;
                file::sync_folder_of(&self.shared.path)?;
                self.shared.advance(items, weight, writer);
                // Whoever asked may be gone.
                if let Some(done) = done {
                    let _ = done.send(sealed);
                }
                return Ok(true);
            }
            writer.encode(at, &item)?;
            if writer.is_full() {
                writer.flush(at)?;
                self.shared.advance(std::mem::take(&mut items), std::mem::take(&mut weight), writer);
            }
        }
        if items > 0 {
            writer.flush(last_at)?;
            self.shared.advance(items, weight, writer);
        }
        Ok(false)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.finished {
            self.shared.fail(RecordingError::Stopped);
        }
    }
}

fn write_error(path: &Path, source: io::Error) -> RecordingError {
    RecordingError::Write { path: path.display().to_string(), source: Arc::new(source) }
}
