//! Whether a connection is still there, for those who only need to know that.

use tokio::sync::watch;

/// A connection, as far as others need to know of it: whether it is still there.
#[derive(Debug, Clone)]
pub struct Alive(watch::Receiver<()>);

impl Alive {
    /// Something that is there until the sender is dropped.
    #[must_use]
    pub fn new() -> (watch::Sender<()>, Self) {
        let (sender, receiver) = watch::channel(());
        (sender, Self(receiver))
    }

    /// Waits until it is gone.
    pub async fn gone(&self) {
        // Nothing is ever sent: the only change is the end of the sender.
        while self.0.clone().changed().await.is_ok() {}
    }
}
