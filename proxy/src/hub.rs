//! What all connections of a gateway share.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::drain::Drain;
use crate::farewells::Farewells;
use crate::gate::Gate;
use crate::ssh::algorithms;
use crate::strangers::Strangers;

/// What all connections of a gateway share.
pub struct Hub<G> {
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

impl<G: Gate> Hub<G> {
    /// The settings of a connection to a target's name, or to the bastion itself, with certificates of this moment.
    pub fn server_for(&self, target: Option<&str>) -> Arc<russh::server::Config> {
        let config = self.server.load_full();
        let certify = |key: &russh::keys::PrivateKey| self.gate.host_certificate(target, key.public_key());
        let certificates: Vec<_> = config.keys.iter().filter_map(certify).collect();
        if certificates.is_empty() { config } else { algorithms::server(config.keys.clone(), certificates) }
    }
}

/// How many recordings are sealed at a time.
pub const SEALS_AT_ONCE: usize = 4;
