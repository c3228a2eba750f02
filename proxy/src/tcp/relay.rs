//! The bytes of one connection to a TCP service, both ways, with the SSH window as the brake. Each direction ends by
//! itself, as TCP's do.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{Notify, watch};

use crate::deadline::End;
use crate::idle::Activity;

/// How much is read at once: two SSH packets. A buffer is there only while there is something in it.
const ROOM: usize = 64 * 1024;

/// Less than this is copied out of its buffer, so that a byte on its way does not hold 64 KiB.
const SMALL: usize = ROOM / 4;

/// How long what a client sent before it closed may take to reach a service that is slow to read.
const LAST_INPUT: Duration = Duration::from_secs(5);

/// The bytes that went through, as they go.
#[derive(Debug, Default)]
pub(super) struct Counts {
    to_target: AtomicU64,
    from_target: AtomicU64,
}

impl Counts {
    /// Bytes that the service was sent.
    pub(super) fn to_target(&self) -> u64 {
        self.to_target.load(Ordering::Relaxed)
    }

    /// Bytes that came from it and were handed on.
    pub(super) fn from_target(&self) -> u64 {
        self.from_target.load(Ordering::Relaxed)
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
    let up = upwards(from_client, to_target, counts, activity, &finished);
    let down = downwards(from_target, to_client, counts, activity, client_finished);
    let hurry = async {
        gone.notified().await;
        tokio::time::sleep(LAST_INPUT).await;
    };
    tokio::select! {
        biased;
        end = down => end,
        end = up => end,
        () = hurry => End::Client,
    }
}

/// From the client to the service, until the client closes the channel.
async fn upwards(
    from: &mut ChannelReadHalf,
    mut to: WriteHalf<'_>,
    counts: &Counts,
    activity: &Activity,
    finished: &watch::Sender<bool>,
) -> End {
    while let Some(message) = from.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                activity.touch();
                if to.write_all(&data).await.is_err() {
                    // The service reads no more. It may still have something to say: the other direction ends this one.
                    return std::future::pending().await;
                }
                count(&counts.to_target, data.len());
            }
            ChannelMsg::Eof => {
                let _ = to.shutdown().await;
                finished.send_replace(true);
            }
            ChannelMsg::Close => break,
            _ => {}
        }
    }
    End::Client
}

/// From the service to the client; then waits until the client has finished too.
async fn downwards(
    from: ReadHalf<'_>,
    to: &ChannelWriteHalf<server::Msg>,
    counts: &Counts,
    activity: &Activity,
    mut client_finished: watch::Receiver<bool>,
) -> End {
    loop {
        match read(&from).await {
            Ok(data) if data.is_empty() => break,
            Ok(data) => {
                activity.touch();
                let bytes = data.len();
                if to.data_bytes(data).await.is_err() {
                    return End::Client;
                }
                count(&counts.from_target, bytes);
            }
            Err(_) => return End::Target,
        }
    }
    let first = if *client_finished.borrow() { End::Client } else { End::Target };
    if to.eof().await.is_err() {
        return End::Client;
    }
    // The sender lives as long as the relay.
    let _ = client_finished.wait_for(|finished| *finished).await;
    first
}

/// The next bytes; none at the end.
async fn read(from: &ReadHalf<'_>) -> io::Result<Bytes> {
    loop {
        from.readable().await?;
        let mut buffer = BytesMut::with_capacity(ROOM);
        match from.try_read_buf(&mut buffer) {
            Ok(read) if read < SMALL => return Ok(Bytes::copy_from_slice(&buffer)),
            Ok(_) => return Ok(buffer.freeze()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
