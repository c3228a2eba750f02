//! What all connections of a gateway share.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use crate::lease::clock::Clock;
use crate::lease::drain::Drain;
use crate::lease::farewells::Farewells;
use crate::limits::unauthenticated::Strangers;

/// What all connections of a gateway share.
pub struct Gateway<G> {
    /// The product.
    pub gate: Arc<G>,
    /// The time.
    pub clock: Clock,
    /// The settings of the half that faces people; host keys may change while it runs.
    pub server: ArcSwap<russh::server::Config>,
    /// Who is at the door, and how many there may be.
    pub strangers: Arc<Strangers>,
    /// The shutdown.
    pub drain: Drain,
    /// The sessions that are being told goodbye.
    pub farewells: Arc<Farewells>,
    /// The turns to seal a recording. When a thousand sessions end at once, sealing them all at once would take a
    /// thousand threads, and the time in which others are still to be told goodbye.
    pub seals: Arc<Semaphore>,
}

/// How many recordings are sealed at a time.
pub const SEALS_AT_ONCE: usize = 4;
