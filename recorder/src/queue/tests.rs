//! No recording, no bytes: a disk that is full, broken or stuck.

use std::fs::OpenOptions;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::file::Sink;
use crate::tests::{Studio, ms};
use crate::{MAX_WAITING, RecordingError, Repaired, Ticket, Verdict, repair, verify};

const HELLO: Bytes = Bytes::from_static(b"hello");

/// Whether something is not ready yet.
fn is_pending(future: impl Future) -> bool {
    matches!(pin!(future).poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
}

/// A file that runs out of room after so many writes, half-way through the next.
struct Shrinking {
    file: std::fs::File,
    writes: AtomicUsize,
}

impl Sink for Shrinking {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        if self.writes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            return self.file.append(bytes);
        }
        self.file.append(&bytes[..bytes.len() / 2])?;
        Err(io::ErrorKind::StorageFull.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes wait until the test lets each go.
struct Stuck {
    go: Mutex<mpsc::Receiver<()>>,
}

impl Stuck {
    /// One that lets the header through.
    fn new() -> (Arc<Self>, mpsc::Sender<()>) {
        let (sender, go) = mpsc::channel();
        sender.send(()).unwrap();
        (Arc::new(Self { go: Mutex::new(go) }), sender)
    }
}

impl Sink for Stuck {
    fn append(&self, _: &[u8]) -> io::Result<()> {
        self.go.lock().unwrap().recv().map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes bytes, and cannot keep them.
struct Unsyncable(AtomicBool);

impl Sink for Unsyncable {
    fn append(&self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.store(true, Ordering::Relaxed);
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[tokio::test]
async fn a_recording_does_not_start_on_a_full_disk() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = Studio::new().start_into(Arc::new(full)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn a_disk_that_fills_fails_every_waiter_at_once_and_for_ever() {
    let studio = Studio::new();
    let file = crate::file::create(studio.folder.path(), crate::tests::NAME).unwrap();
    let recording = studio.start_into(Arc::new(Shrinking { file, writes: AtomicUsize::new(2) })).unwrap();
    let first = recording.output(ms(1), HELLO);
    recording.written(first).await.unwrap();

    let second = recording.output(ms(2), HELLO);
    let third = recording.output(ms(3), HELLO);
    let error = recording.written(third).await.unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    assert!(matches!(recording.written(second).await, Err(RecordingError::Write { .. })));
    assert!(matches!(recording.ready().await, Err(RecordingError::Write { .. })));
    assert!(matches!(recording.failed().await, RecordingError::Write { .. }));
    let later = recording.output(ms(4), HELLO);
    assert!(recording.written(later).await.is_err());
    assert_eq!(recording.written_up_to(), first);
    assert_eq!(recording.written(first).await.unwrap(), first);

    // What was written can be sealed at once: only whole lines count.
    let path = studio.path();
    assert!(matches!(recording.seal("exit 0", ms(5)).await, Err(RecordingError::Write { .. })));
    assert!(matches!(repair(&path, &studio.key).unwrap(), Repaired::Sealed(_)));
    assert!(matches!(verify(&path, &[studio.key.public()]).unwrap(), Verdict::Intact(_)));
}

#[tokio::test]
async fn a_seal_that_cannot_be_written_is_an_error() {
    let studio = Studio::new();
    let file = crate::file::create(studio.folder.path(), crate::tests::NAME).unwrap();
    let recording = studio.start_into(Arc::new(Shrinking { file, writes: AtomicUsize::new(1) })).unwrap();
    let error = recording.seal("exit 0", ms(1)).await.unwrap_err();
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn bytes_that_do_not_reach_the_disk_fail_the_recording_too() {
    let sink = Arc::new(Unsyncable(AtomicBool::new(false)));
    let recording = Studio::new().start_into(sink.clone()).unwrap();
    let ticket = recording.output(ms(1), HELLO);
    recording.written(ticket).await.unwrap();
    assert!(matches!(recording.failed().await, RecordingError::Write { .. }));
    assert!(sink.0.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_stuck_disk_delays_its_own_recording_and_no_other() {
    let (stuck_studio, studio) = (Studio::new(), Studio::new());
    let (sink, go) = Stuck::new();
    let stuck = stuck_studio.start_into(sink).unwrap();
    let waiting = stuck.output(ms(1), HELLO);
    assert!(is_pending(stuck.written(waiting)));

    // The one thread of this runtime goes on, and so does another recording.
    let other = studio.start().await;
    for at in 0..100 {
        let ticket = other.output(ms(at), HELLO);
        other.written(ticket).await.unwrap();
    }
    other.seal("exit 0", ms(200)).await.unwrap();
    assert!(is_pending(stuck.written(waiting)));
    assert_eq!(stuck.written_up_to(), Ticket::default());

    go.send(()).unwrap();
    assert_eq!(stuck.written(waiting).await.unwrap(), waiting);
}

#[tokio::test]
async fn a_caller_waits_when_too_much_waits_to_be_written() {
    let (sink, go) = Stuck::new();
    let recording = Studio::new().start_into(sink).unwrap();
    let mut chunks = 0;
    while !is_pending(recording.ready()) {
        recording.output(ms(1), Bytes::from(vec![b'x'; 64 << 10]));
        chunks += 1;
    }
    assert!((MAX_WAITING / (64 << 10) - 1..=MAX_WAITING / (64 << 10)).contains(&chunks), "{chunks}");
    (0..chunks).for_each(|_| go.send(()).unwrap());
    recording.ready().await.unwrap();
}

#[test]
fn a_runtime_that_stops_takes_no_waiter_with_it() {
    let studio = Studio::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let recording = runtime.block_on(studio.start());
    drop(runtime);
    let ticket = recording.output(ms(1), HELLO);
    let outcome = pin!(recording.written(ticket)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(outcome, Poll::Ready(Err(RecordingError::Stopped))));
}
