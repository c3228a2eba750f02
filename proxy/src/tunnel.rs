//! A connection inside another one: an SSH channel as a stream that can be ended from outside.
//!
//! The channel's windows are its only buffer: what the inner connection does not read, the outer client may not send,
//! and the other way round.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::breaker::Breaker;

/// A stream with a breaker. Once that is tripped, reads find the end and writes fail, also those that wait.
#[derive(Debug)]
pub struct Tunnel<S> {
    stream: S,
    circuit: Arc<Circuit>,
}

/// What a tunnel and its breaker share.
#[derive(Debug, Default)]
pub(crate) struct Circuit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Circuit {
    /// Opens it: nothing flows any more.
    pub(crate) fn open(&self) {
        let mut state = self.state();
        state.open = true;
        let waiting = [state.reader.take(), state.writer.take()];
        drop(state);
        for waker in waiting.into_iter().flatten() {
            waker.wake();
        }
    }

    /// Whether it is open; else who is to be woken when it is.
    fn is_open(&self, cx: &Context<'_>, side: impl FnOnce(&mut State) -> &mut Option<Waker>) -> bool {
        let mut state = self.state();
        if state.open {
            return true;
        }
        let waiting = side(&mut state);
        if !waiting.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waiting = Some(cx.waker().clone());
        }
        false
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Tunnel<S> {
    /// A tunnel through a stream.
    #[must_use]
    pub fn new(stream: S) -> Self {
        Self { stream, circuit: Arc::default() }
    }

    /// What ends it from outside.
    #[must_use]
    pub fn breaker(&self) -> Breaker {
        Breaker::inside(Arc::clone(&self.circuit))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tunnel<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.circuit.is_open(cx, |state| &mut state.reader) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, out)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tunnel<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.circuit.is_open(cx, |state| &mut state.writer) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.circuit.is_open(cx, |state| &mut state.writer) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.circuit.is_open(cx, |state| &mut state.writer) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

    use super::*;

    #[tokio::test]
    async fn a_read_and_a_write_that_wait_end_when_the_breaker_trips() {
        // Room for one byte: the write waits for a peer that never reads.
        let (near, far) = duplex(1);
        let tunnel = Tunnel::new(near);
        let breaker = tunnel.breaker();
        let (mut reading, mut writing) = split(tunnel);
        let reader = tokio::spawn(async move { reading.read(&mut [0; 8]).await });
        let writer = tokio::spawn(async move { writing.write_all(b"never read").await });
        tokio::task::yield_now().await;
        breaker.trip();
        assert_eq!(reader.await.unwrap().unwrap(), 0);
        assert_eq!(writer.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        drop(far);
    }

    #[tokio::test]
    async fn until_then_bytes_pass_both_ways_and_a_dropped_breaker_ends_it() {
        let (near, mut far) = duplex(64);
        let mut tunnel = Tunnel::new(near);
        let breaker = tunnel.breaker();
        tunnel.write_all(b"there").await.unwrap();
        far.write_all(b"back").await.unwrap();
        let mut came = [0; 5];
        far.read_exact(&mut came).await.unwrap();
        assert_eq!(&came, b"there");
        tunnel.read_exact(&mut came[..4]).await.unwrap();
        assert_eq!(&came[..4], b"back");
        drop(breaker);
        assert_eq!(tunnel.read(&mut came).await.unwrap(), 0);
        assert!(tunnel.write(b"x").await.is_err());
    }
}
