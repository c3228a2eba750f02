//! What the channels of a session have of it.

use std::sync::Arc;

use curfew_policy::decide::Permit;
use curfew_policy::id::SessionId;
use russh::server;
use tokio::sync::{Semaphore, watch};
use tracing::Span;

use crate::lease::clock::Clock;
use crate::lease::drain::LiveConnection;
use crate::lease::farewells::Farewells;
use crate::lease::idle::Activity;
use crate::lease::{End, Lease};
use crate::record::recording::Recordings;
use crate::ssh::say::queued::QueuedLines;
use crate::ssh::target::pool::Pool;

/// What all channels of a session share.
pub struct SessionContext<G> {
    /// The session.
    pub id: SessionId,
    /// The way to the target, and what may be done there.
    pub permit: Arc<Permit>,
    /// The right to go on.
    pub lease: Lease,
    /// The time.
    pub clock: Clock,
    /// Begins and seals recordings.
    pub recordings: Recordings<G>,
    /// The connections to the target.
    pub pool: Pool<G>,
    /// The connection to the client.
    pub handle: server::Handle,
    /// The places for forwarded connections.
    pub forwards: Arc<Semaphore>,
    /// Lines that the next channel shows.
    pub queued: QueuedLines,
    /// Becomes the end of the session, once there is one.
    pub cut: watch::Receiver<Option<End>>,
    /// The sessions that are being told goodbye.
    pub farewells: Arc<Farewells>,
    /// When something last moved.
    pub activity: Activity,
}

/// What one channel has of its session.
pub struct ChannelContext<G> {
    /// The session.
    pub session: Arc<SessionContext<G>>,
    /// The number of the channel in its session, from 1.
    pub number: u32,
    /// Whose log lines these are.
    pub span: Span,
    /// Keeps the gateway from going down before the recording is sealed.
    pub live: LiveConnection,
}

/// Waits for the end of the session. A session that forgot to say why was shut down.
pub async fn ended(cut: &mut watch::Receiver<Option<End>>) -> End {
    match cut.wait_for(Option::is_some).await {
        Ok(end) => end.clone().unwrap_or(End::Shutdown),
        Err(_) => End::Shutdown,
    }
}
