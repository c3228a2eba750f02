//! What writes an answer: to stdout or stderr, piece by piece, for as long as somebody reads it.

use bytes::Bytes;
use curfew_proxy::gate::Output;
use tokio::sync::mpsc;

/// The largest piece that is handed over at once, in bytes.
const PIECE: usize = 32 * 1024;

/// The person is gone: nobody reads what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// Writes to one person. It waits where they read slowly, and holds no more than a piece meanwhile.
#[derive(Debug, Clone)]
pub struct Pen {
    output: mpsc::Sender<Output>,
}

impl Pen {
    /// A pen that writes there.
    #[must_use]
    pub const fn new(output: mpsc::Sender<Output>) -> Self {
        Self { output }
    }

    /// Writes text to stdout.
    ///
    /// # Errors
    /// When the person is gone.
    pub async fn out(&self, text: &str) -> Result<(), Gone> {
        self.pieces(text.as_bytes(), Output::Out).await
    }

    /// Writes text to stderr.
    ///
    /// # Errors
    /// When the person is gone.
    pub async fn err(&self, text: &str) -> Result<(), Gone> {
        self.pieces(text.as_bytes(), Output::Err).await
    }

    /// Writes bytes to stdout as they are: a recording has its own line endings.
    ///
    /// # Errors
    /// When the person is gone.
    pub async fn raw(&self, bytes: &[u8]) -> Result<(), Gone> {
        self.pieces(bytes, Output::Raw).await
    }

    /// Waits until the person is gone.
    pub async fn gone(&self) -> Gone {
        self.output.closed().await;
        Gone
    }

    async fn pieces(&self, bytes: &[u8], stream: impl Fn(Bytes) -> Output) -> Result<(), Gone> {
        for piece in bytes.chunks(PIECE) {
            self.output.send(stream(Bytes::copy_from_slice(piece))).await.map_err(|_| Gone)?;
        }
        Ok(())
    }
}
