//! A connection inside another one: an SSH channel as a stream that can be ended from outside.
//!
//! The channel's windows are its only buffer: what the inner connection does not read, the outer client may not send,
//! and the other way round.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::kill_switch::{Circuit, KillSwitch};

/// A stream with a kill switch. Once that is tripped, reads find the end and writes fail, also those that wait.
#[derive(Debug)]
pub struct Tunnel<S> {
    stream: S,
    circuit: Arc<Circuit>,
}

impl<S> Tunnel<S> {
    /// A tunnel through a stream.
    #[must_use]
    pub fn new(stream: S) -> Self {
        Self { stream, circuit: Arc::default() }
    }

    /// What ends it from outside.
    #[must_use]
    pub fn kill_switch(&self) -> KillSwitch {
        KillSwitch::inside(Arc::clone(&self.circuit))
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
mod tests;
