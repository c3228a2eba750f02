//! The end of a session is written down however the task that serves the session ends.

use std::sync::Arc;

use curfew_policy::id::SessionId;
use tokio::runtime::Handle;
use tracing::Instrument as _;

use crate::gate::Admit;
use crate::lease::End;
use crate::lease::drain::{Drain, LiveConnection};

/// A session whose end the product has not been told yet. When this is dropped before that, because the session's task
/// panicked or was dropped, the product is told that the session was interrupted.
pub struct Ending<G: Admit>(Option<Untold<G>>);

struct Untold<G> {
    gate: Arc<G>,
    session: SessionId,
    /// Where the product is told of an interruption.
    runtime: Handle,
    /// Keeps the gateway from going down before the product has been told.
    _live: LiveConnection,
}

impl<G: Admit> Ending<G> {
    /// For a session that was admitted. It is made in the task that serves the session.
    #[must_use]
    pub fn new(gate: Arc<G>, session: SessionId, drain: &Drain) -> Self {
        Self(Some(Untold { gate, session, runtime: Handle::current(), _live: drain.enter() }))
    }

    /// Tells the product how the session ended.
    pub async fn ended(mut self, end: &End) {
        if let Some(untold) = &self.0 {
            untold.gate.ended(untold.session, end).await;
        }
        self.0 = None;
    }
}

impl<G: Admit> Drop for Ending<G> {
    fn drop(&mut self) {
        let Some(untold) = self.0.take() else { return };
        tracing::error!("the task of a session fell over; the session is closed as interrupted");
        let runtime = untold.runtime.clone();
        let telling = async move { untold.gate.ended(untold.session, &End::Interrupted).await };
        runtime.spawn(telling.in_current_span());
    }
}
