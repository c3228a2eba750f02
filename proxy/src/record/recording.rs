//! The recordings of one session: each begins before its channel does, and is sealed when its channel is over.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use curfew_policy::decide::Permit;
use curfew_policy::id::SessionId;
use curfew_recorder::{Recording, RecordingError, Sealed};
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument as _;

use crate::gate::{Admit, ChannelInfo};
use crate::lease::End;
use crate::record::tape::STUCK;

/// Begins and seals the recordings of one session.
pub struct Recordings<G> {
    gate: Arc<G>,
    session: SessionId,
    permit: Arc<Permit>,
    /// The turns to seal a recording.
    seals: Arc<Semaphore>,
}

impl<G: Admit> Recordings<G> {
    /// Those of a session that was admitted. `seals` are the gateway's turns to seal a recording.
    #[must_use]
    pub const fn new(gate: Arc<G>, session: SessionId, permit: Arc<Permit>, seals: Arc<Semaphore>) -> Self {
        Self { gate, session, permit, seals }
    }

    /// Begins the recording of a channel.
    ///
    /// # Errors
    /// That nothing can be recorded; the log says why.
    pub async fn begin(&self, info: &ChannelInfo) -> Result<Recording, End> {
        self.begun(info).await.map_err(|error| {
            tracing::error!(%error, "a recording could not be begun");
            End::RecordingFailed
        })
    }

    /// A disk that is stuck gets no more time than for a write; a recording that it begins later is sealed at once, and its
    /// channel never was.
    async fn begun(&self, info: &ChannelInfo) -> std::io::Result<Recording> {
        let (gate, session, permit, info) =
            (Arc::clone(&self.gate), self.session, Arc::clone(&self.permit), info.clone());
        let (hand_over, begun) = oneshot::channel();
        let beginning = async move {
            let recording = gate.record(session, &permit, &info).await;
            let Err(Ok(late)) = hand_over.send(recording) else { return };
            if let Ok(sealed) = late.seal("too-late", Duration::ZERO).await {
                gate.sealed(session, &info, sealed).await;
            }
        };
        tokio::spawn(beginning.in_current_span());
        let stuck = |what: &str| std::io::Error::new(std::io::ErrorKind::TimedOut, what);
        let begun = tokio::time::timeout(STUCK, begun).await.map_err(|_| stuck("the disk does not answer"))?;
        begun.map_err(|_| stuck("it fell over"))?
    }

    /// Seals the recording of a channel when it is its turn.
    pub async fn seal(&self, info: &ChannelInfo, sealing: impl Future<Output = Result<Sealed, RecordingError>>) {
        // The semaphore is never closed; without a turn the recording is sealed all the same.
        let _turn = self.seals.acquire().await;
        match sealing.await {
            Ok(sealed) => self.gate.sealed(self.session, info, sealed).await,
            Err(error) => tracing::error!(%error, "a recording could not be sealed"),
        }
    }
}
