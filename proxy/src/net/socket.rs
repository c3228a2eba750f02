//! A socket as the SSH halves read and write it: large reads, no waiting for acknowledgements while logging in, and an
//! end from outside.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::net::kill_switch::KillSwitch;

/// How much is read at once: a few SSH packets, which are at most 32 KiB each, for one system call.
const BUFFER: usize = 256 * 1024;

/// How many buffers a thread keeps for its next reads.
const KEPT: usize = 4;

/// How many reads at the beginning ask for quick acknowledgements: a key exchange, and a login with a few keys.
const HANDSHAKE: u32 = 48;

thread_local! {
    /// Buffers that nobody reads into. A connection has one only while there is something in it, so that a thousand
    /// idle connections have none.
    static SPARE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

fn take_spare() -> Box<[u8]> {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; BUFFER].into_boxed_slice())
}

fn give_back(buffer: Box<[u8]>) {
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < KEPT {
            spare.push(buffer);
        }
    });
}

/// A socket with a buffer in front of its reads. Writes go through.
#[derive(Debug)]
pub struct Socket {
    socket: Arc<TcpStream>,
    /// What was read and not taken yet.
    rest: Option<Rest>,
    reads: u32,
}

#[derive(Debug)]
struct Rest {
    buffer: Box<[u8]>,
    from: usize,
    to: usize,
}

impl Socket {
    /// The socket, which from now on sends small packets at once.
    #[must_use]
    pub fn new(socket: TcpStream) -> Self {
        // Keystrokes must not wait for more of them (Nagle); without the option they would, but work.
        let _ = socket.set_nodelay(true);
        Self { socket: Arc::new(socket), rest: None, reads: 0 }
    }

    /// What ends the connection from outside.
    #[must_use]
    pub fn kill_switch(&self) -> KillSwitch {
        KillSwitch::new(Arc::clone(&self.socket))
    }

    /// Reads what is there into the buffer, and says how much it is; nothing at the end.
    fn poll_fill(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_read_ready(cx))?;
            match self.socket.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }

    /// During the handshake both sides wait for each other's next message. A delayed acknowledgement would hold back a
    /// peer that uses Nagle's algorithm for 40 ms, more than once. The kernel forgets the wish, so it is said again.
    fn acknowledge_soon(&mut self) {
        if self.reads < HANDSHAKE {
            self.reads += 1;
            // Without it the login is slower, and works.
            let _ = rustix::net::sockopt::set_tcp_quickack(&self.socket, true);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut rest = match this.rest.take() {
            Some(rest) => rest,
            None => {
                let mut buffer = take_spare();
                match this.poll_fill(cx, &mut buffer) {
                    Poll::Ready(Ok(to)) if to > 0 => {
                        this.acknowledge_soon();
                        Rest { buffer, from: 0, to }
                    }
                    ended_or_pending => {
                        give_back(buffer);
                        return ended_or_pending.map_ok(|_| ());
                    }
                }
            }
        };
        let waiting = rest.buffer.get(rest.from..rest.to).unwrap_or_default();
        let taken = waiting.len().min(out.remaining());
        out.put_slice(waiting.get(..taken).unwrap_or_default());
        rest.from += taken;
        if rest.from < rest.to {
            this.rest = Some(rest);
        } else {
            give_back(rest.buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_write_ready(cx))?;
            match self.socket.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The system has it already.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shutdown(&*self.socket, Shutdown::Write).map_err(io::Error::from))
    }
}

#[cfg(test)]
mod tests;
