//! The queue of one recording: events go in at once, and are written in order off the caller's thread.
//!
//! One job per queue writes whatever has gathered (so bulk output is written in large pieces, and a keystroke's echo at
//! once); a disk that stalls holds a thread of the blocking pool and this recording, nothing else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::file::{self, Sink};
use crate::sealed::{RecordingError, Sealed};
use crate::writer::{Item, Writer};

/// How long written bytes may wait in the system's memory before they are asked onto the disk.
const SYNC_WITHIN: Duration = Duration::from_secs(1);

/// How far the writing is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// How many items are written.
    pub(crate) written: u64,
    /// The file's length in bytes.
    pub(crate) len: u64,
    /// Nothing follows.
    pub(crate) over: bool,
    pub(crate) error: Option<RecordingError>,
}

/// What a recording shares with the job that writes it.
#[derive(Debug)]
pub(crate) struct Queue {
    path: PathBuf,
    backlog: Mutex<Backlog>,
    progress: watch::Sender<Progress>,
    runtime: Handle,
}

/// Items with their moments, in order.
type Batch = Vec<(Duration, Item)>;

/// What waits to be written.
#[derive(Debug, Default)]
struct Backlog {
    items: Batch,
    /// About how many bytes are in `items` or in the writer's hands.
    bytes: usize,
    /// How many items were ever handed over.
    issued: u64,
    last_at: Duration,
    /// The writer, while no job has it.
    writer: Option<Box<Writer>>,
    /// The disk will be asked soon.
    sync_due: bool,
    /// Nothing more is taken: the seal is in the queue, or the recording failed.
    closed: bool,
}

impl Queue {
    /// A queue to a writer, on this runtime.
    pub(crate) fn new(path: PathBuf, writer: Writer) -> Self {
        let progress = watch::Sender::new(Progress { len: writer.len(), ..Progress::default() });
        let backlog = Mutex::new(Backlog { writer: Some(Box::new(writer)), ..Backlog::default() });
        Self { path, backlog, progress, runtime: Handle::current() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn progress(&self) -> &watch::Sender<Progress> {
        &self.progress
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lock().bytes
    }

    pub(crate) fn issued(&self) -> u64 {
        self.lock().issued
    }

    pub(crate) fn last_at(&self) -> Duration {
        self.lock().last_at
    }

    /// Nothing panics while it holds the lock, so the queue behind a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an item, starts a job where none runs, and gives the item's number. After the end nothing is queued, so
    /// that number is never written.
    pub(crate) fn push(self: &Arc<Self>, at: Duration, item: Item) -> u64 {
        let mut backlog = self.lock();
        backlog.issued += 1;
        let number = backlog.issued;
        if backlog.closed {
            return number;
        }
        backlog.closed = matches!(item, Item::Seal { .. });
        backlog.last_at = backlog.last_at.max(at);
        backlog.bytes += item.weight();
        backlog.items.push((at, item));
        if let Some(writer) = backlog.writer.take() {
            drop(backlog);
            let job = Job { queue: Arc::clone(self), finished: false };
            self.runtime.spawn_blocking(move || job.run(writer));
        }
        number
    }

    /// Waits until progress is such; the error, where the recording failed before.
    pub(crate) async fn wait_until(&self, reached: impl Fn(&Progress) -> bool) -> Result<Progress, RecordingError> {
        let mut progress = self.progress.subscribe();
        let seen = progress.wait_for(|progress| reached(progress) || progress.error.is_some()).await;
        // The sender lives in `self`, so it cannot be gone.
        let seen = seen.map_err(|_| RecordingError::Stopped)?.clone();
        match &seen.error {
            Some(error) if !reached(&seen) => Err(error.clone()),
            _ => Ok(seen),
        }
    }

    /// Says that `items` more, of this weight, are written. After a failure nothing counts any more.
    fn advance(&self, items: u64, weight: usize, len: u64) {
        {
            let mut backlog = self.lock();
            backlog.bytes = backlog.bytes.saturating_sub(weight);
        }
        self.progress.send_if_modified(|progress| {
            let goes_on = progress.error.is_none();
            if goes_on {
                progress.written += items;
                progress.len = len;
            }
            goes_on
        });
    }

    /// The recording is sealed.
    fn end(&self, Ending { items, sealed, done }: Ending) {
        self.advance(items, 0, sealed.bytes);
        self.progress.send_modify(|progress| progress.over = true);
        if let Some(done) = done {
            // Whoever asked may be gone.
            let _ = done.send(sealed);
        }
    }

    /// Ends the recording for ever, and tells everybody who waits.
    fn fail(&self, error: RecordingError) {
        let abandoned = {
            let mut backlog = self.lock();
            backlog.closed = true;
            backlog.bytes = 0;
            (std::mem::take(&mut backlog.items), backlog.writer.take())
        };
        self.progress.send_modify(|progress| {
            progress.over = true;
            progress.error.get_or_insert(error);
        });
        // Only now: who waits for the seal finds the error in place.
        drop(abandoned);
    }

    /// Has the disk asked for what was written, a while from now, once.
    fn sync_soon(self: &Arc<Self>, sink: &Arc<dyn Sink>) {
        if !std::mem::replace(&mut self.lock().sync_due, true) {
            self.runtime.spawn(sync_later(Arc::downgrade(self), Arc::downgrade(sink)));
        }
    }
}

/// Asks written bytes onto the disk, beside the writing: a slow answer delays nobody.
async fn sync_later(queue: Weak<Queue>, sink: Weak<dyn Sink>) {
    tokio::time::sleep(SYNC_WITHIN).await;
    if let Some(queue) = queue.upgrade() {
        let mut backlog = queue.lock();
        backlog.sync_due = false;
        if let Some(writer) = &mut backlog.writer {
            writer.shrink();
        }
    }
    let Some(sink) = sink.upgrade() else { return };
    let synced = tokio::task::spawn_blocking(move || sink.sync()).await;
    if let (Ok(Err(source)), Some(queue)) = (synced, queue.upgrade()) {
        queue.fail(RecordingError::write(&queue.path, source));
    }
}

/// The end of a recording, and who asked for it.
struct Ending {
    /// How many items were written with it.
    items: u64,
    sealed: Sealed,
    done: Option<oneshot::Sender<Sealed>>,
}

/// The one job of a queue. However it ends, those who wait learn of it.
struct Job {
    queue: Arc<Queue>,
    finished: bool,
}

impl Job {
    /// Writes what is queued until nothing is, or the recording ended.
    fn run(mut self, mut writer: Box<Writer>) {
        while let Some((batch, writing)) = self.next_batch(writer) {
            writer = writing;
            let ending = match self.write(&mut writer, batch) {
                Ok(None) => {
                    self.queue.sync_soon(writer.sink());
                    continue;
                }
                Ok(Some(ending)) => Ok(ending),
                Err(source) => Err(RecordingError::write(&self.queue.path, source)),
            };
            // The file is let go before anybody hears of the end, so that it can be read or repaired at once.
            drop(writer);
            match ending {
                Ok(ending) => self.queue.end(ending),
                Err(error) => self.queue.fail(error),
            }
            break;
        }
        self.finished = true;
    }

    /// What is queued, and the writer for it; where nothing is, the writer goes back for the next job.
    fn next_batch(&self, writer: Box<Writer>) -> Option<(Batch, Box<Writer>)> {
        let mut backlog = self.queue.lock();
        if backlog.items.is_empty() {
            backlog.writer = (!backlog.closed).then_some(writer);
            return None;
        }
        Some((std::mem::take(&mut backlog.items), writer))
    }

    /// Writes a batch, and gives the recording's end where that was in it.
    fn write(&self, writer: &mut Writer, batch: Batch) -> io::Result<Option<Ending>> {
        let (mut items, mut weight, mut last_at) = (0, 0, Duration::ZERO);
        for (at, item) in batch {
            items += 1;
            weight += item.weight();
            last_at = at;
            if let Item::Seal { state, end, done } = item {
                let sealed = writer.seal(at, state, &end)?;
                file::sync_folder_of(&self.queue.path)?;
                return Ok(Some(Ending { items, sealed, done }));
            }
            writer.encode(at, &item)?;
            if writer.is_full() {
                writer.flush(at)?;
                self.queue.advance(std::mem::take(&mut items), std::mem::take(&mut weight), writer.len());
            }
        }
        if items > 0 {
            writer.flush(last_at)?;
            self.queue.advance(items, weight, writer.len());
        }
        Ok(None)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.finished {
            self.queue.fail(RecordingError::Stopped);
        }
    }
}

#[cfg(test)]
mod tests;
