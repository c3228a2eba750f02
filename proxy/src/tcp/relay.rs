//! The bytes of one connection to a TCP service, both ways, with the SSH window as the brake. Each direction ends by
//! itself, as TCP's do.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{Notify, watch};

use crate::lease::End;
use crate::lease::farewells::LAST_INPUT;
use crate::lease::idle::Activity;

/// How much is read at once: two SSH packets. A buffer is there only while there is something in it.
const READ_SIZE: usize = 64 * 1024;

/// Less than this is copied out of its buffer, so that a byte on its way does not hold 64 KiB.
const SMALL: usize = READ_SIZE / 4;

/// The bytes that went through, as they go.
#[derive(Debug, Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Counts {
    /// Bytes that the service was sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes that came from it and were handed on.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

fn count(counter: &AtomicU64, bytes: usize) {
    counter.fetch_add(u64::try_from(bytes).unwrap_or_default(), Ordering::Relaxed);
}

/// Relays until both directions have ended, or one side is gone; says which side ended it. `gone` is told when the client
/// closes the channel, even while nobody reads it.
pub(super) async fn relay(
    from_client: &mut ChannelReadHalf,
    to_client: &ChannelWriteHalf<server::Msg>,
    socket: &mut TcpStream,
    gone: &Notify,
    counts: &Counts,
    activity: &Activity,
) -> End {
    // Without it small messages wait for others, and arrive all the same.
    let _ = socket.set_nodelay(true);
    let (from_target, to_target) = socket.split();
    let (finished, client_finished) = watch::channel(false);
    let first = OnceLock::new();
    let course = Course { counts, activity, first: &first };
    let up = upwards(from_client, to_target, course, &finished);
    let down = downwards(from_target, to_client, course, client_finished);
    let hurry = async {
        gone.notified().await;
        tokio::time::sleep(LAST_INPUT).await;
    };
    tokio::select! {
        biased;
        end = down => end,
        end = up => end,
        () = hurry => course.ended_by(End::Client),
    }
}

/// What both directions know.
#[derive(Clone, Copy)]
struct Course<'a> {
    counts: &'a Counts,
    activity: &'a Activity,
    /// Which side finished first.
    first: &'a OnceLock<End>,
}

impl Course<'_> {
    /// One side has finished, or is gone. Says which of them was the first.
    fn ended_by(self, end: End) -> End {
        self.first.get_or_init(|| end).clone()
    }
}

/// From the client to the service, until the client closes the channel.
async fn upwards(
    from: &mut ChannelReadHalf,
    mut to: WriteHalf<'_>,
    course: Course<'_>,
    finished: &watch::Sender<bool>,
) -> End {
    while let Some(message) = from.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                course.activity.touch();
                if to.write_all(&data).await.is_err() {
                    // The service reads no more. It may still have something to say: the other direction ends this one.
                    return std::future::pending().await;
                }
                count(&course.counts.sent, data.len());
            }
            ChannelMsg::Eof => {
                course.ended_by(End::Client);
                let _ = to.shutdown().await;
                finished.send_replace(true);
            }
            ChannelMsg::Close => break,
            _ => {}
        }
    }
    course.ended_by(End::Client)
}

/// From the service to the client; then waits until the client has finished too.
async fn downwards(
    from: ReadHalf<'_>,
    to: &ChannelWriteHalf<server::Msg>,
    course: Course<'_>,
    mut client_finished: watch::Receiver<bool>,
) -> End {
    loop {
        match read(&from).await {
            Ok(data) if data.is_empty() => break,
            Ok(data) => {
                course.activity.touch();
                let bytes = data.len();
                if to.data_bytes(data).await.is_err() {
                    return course.ended_by(End::Client);
                }
                count(&course.counts.received, bytes);
            }
            Err(_) => return course.ended_by(End::Target),
        }
    }
    let first = course.ended_by(End::Target);
    if to.eof().await.is_ok() {
        // The sender lives as long as the relay.
        let _ = client_finished.wait_for(|finished| *finished).await;
    }
    first
}

/// The next bytes; none at the end.
async fn read(from: &ReadHalf<'_>) -> io::Result<Bytes> {
    loop {
        from.readable().await?;
        let mut buffer = BytesMut::with_capacity(READ_SIZE);
        match from.try_read_buf(&mut buffer) {
            Ok(read) if read < SMALL => return Ok(Bytes::copy_from_slice(&buffer)),
            Ok(_) => return Ok(buffer.freeze()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
