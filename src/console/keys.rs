//! What is typed while a command goes on: to stop it.

use bytes::Bytes;
use tokio::sync::mpsc;

/// Ctrl-C and Ctrl-D, as a terminal in raw mode sends them.
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;

/// The person's keyboard.
#[derive(Debug)]
pub struct Keystrokes(mpsc::Receiver<Bytes>);

impl Keystrokes {
    /// What is typed there.
    #[must_use]
    pub const fn new(input: mpsc::Receiver<Bytes>) -> Self {
        Self(input)
    }

    /// Waits until Ctrl-C or Ctrl-D is typed; for ever, where nothing more can be typed.
    pub async fn interrupt(&mut self) {
        self.any_of(|key| matches!(key, CTRL_C | CTRL_D)).await;
    }

    /// Waits until Ctrl-C, Ctrl-D or `q` is typed; for ever, where nothing more can be typed.
    pub async fn quit(&mut self) {
        self.any_of(|key| matches!(key, CTRL_C | CTRL_D | b'q' | b'Q')).await;
    }

    async fn any_of(&mut self, wanted: impl Fn(u8) -> bool) {
        while let Some(typed) = self.0.recv().await {
            if typed.iter().any(|key| wanted(*key)) {
                return;
            }
        }
        std::future::pending().await
    }
}
