//! The connections of one session to its target: one, and another for every few channels more.
//!
//! sshd runs no more than ten sessions on a connection (`MaxSessions`). A person who multiplexes more is not to notice,
//! and the clean-up at the end needs a place of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use curfew_policy::decide::Permit;
use curfew_policy::id::SessionId;
use russh::client::Msg;
use russh::{Channel, client};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::deadline::{Lease, Standing};
use crate::gate::Gate;
use crate::ssh::client::Link;
use crate::ssh::reap::reap;

/// How many channels go over one connection.
const PER_LINK: usize = 8;

/// The connections of one session to its target.
pub struct Links<G> {
    gate: Arc<G>,
    config: Arc<client::Config>,
    session: SessionId,
    permit: Arc<Permit>,
    lease: Lease,
    links: Mutex<Vec<Slot>>,
}

struct Slot {
    link: Arc<Link>,
    seats: Arc<AtomicUsize>,
}

/// A channel's seat on a connection, free again when it is dropped.
#[derive(Debug)]
pub struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<G: Gate> Links<G> {
    /// Connects to the permit's target.
    ///
    /// # Errors
    /// One line for the person: what was wrong with the target.
    pub async fn connect(
        gate: Arc<G>,
        config: Arc<client::Config>,
        session: SessionId,
        permit: Arc<Permit>,
        lease: Lease,
    ) -> Result<Self, String> {
        let links = Self { gate, config, session, permit, lease, links: Mutex::default() };
        let first = links.dial().await?;
        links.links.lock().await.push(first);
        Ok(links)
    }

    /// Opens a session channel on the target, over a further connection where the others are full.
    ///
    /// # Errors
    /// One line for the person.
    pub async fn open_session(&self) -> Result<(Channel<Msg>, Seat), String> {
        let mut links = self.links.lock().await;
        let free = links.iter().find(|slot| slot.seats.load(Ordering::SeqCst) < PER_LINK);
        let (link, seat) = match free {
            Some(slot) => slot.take(),
            None => {
                let slot = self.dial().await?;
                let taken = slot.take();
                links.push(slot);
                taken
            }
        };
        drop(links);
        let channel =
            link.open_session().await.map_err(|_| format!("{} refused a further channel", self.permit.target()))?;
        Ok((channel, seat))
    }

    async fn dial(&self) -> Result<Slot, String> {
        let until = match self.lease.standing() {
            Standing::Until(deadline) => deadline.expires_at(),
            Standing::Over(_) => return Err("the grant is over".to_owned()),
        };
        let credential = self.gate.credential(self.session, &self.permit, until).await?;
        let link = Link::open(Arc::clone(&self.config), &self.permit, &credential).await?;
        Ok(Slot { link: Arc::new(link), seats: Arc::default() })
    }

    /// Waits until the last of the connections is gone.
    pub async fn closed(&self) {
        let mut seen = 0;
        loop {
            let all: Vec<Arc<Link>> = self.links.lock().await.iter().map(|slot| Arc::clone(&slot.link)).collect();
            if all.len() == seen {
                return;
            }
            seen = all.len();
            for link in all {
                link.closed().await;
            }
        }
    }

    /// Closes all connections; before that, when `clean` says so, ends what still runs under them on the target.
    pub async fn close(&self, clean: bool) {
        let mut closing = JoinSet::new();
        for slot in self.links.lock().await.drain(..) {
            closing.spawn(async move {
                if clean {
                    reap(&slot.link).await;
                }
                slot.link.close().await;
            });
        }
        closing.join_all().await;
    }
}

impl Slot {
    fn take(&self) -> (Arc<Link>, Seat) {
        self.seats.fetch_add(1, Ordering::SeqCst);
        (Arc::clone(&self.link), Seat(Arc::clone(&self.seats)))
    }
}
