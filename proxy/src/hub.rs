//! What all connections of a gateway share.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::drain::Drain;

/// What all connections of a gateway share.
pub struct Hub<G> {
    /// The product.
    pub gate: Arc<G>,
    /// The time.
    pub clock: Clock,
    /// The settings of the half that faces people; host keys may change while it runs.
    pub server: ArcSwap<russh::server::Config>,
    /// The settings of the half that faces targets.
    pub client: Arc<russh::client::Config>,
    /// The shutdown.
    pub drain: Drain,
}
