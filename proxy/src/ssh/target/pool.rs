//! The connections of one session to its target: one, and another for every few channels more.
//!
//! sshd runs no more than ten sessions on a connection (`MaxSessions`). A person who multiplexes more is not to notice,
//! and the clean-up at the end needs a place of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use curfew_policy::decide::Permit;
use curfew_policy::endpoint::EndpointBuf;
use curfew_policy::id::SessionId;
use curfew_policy::text::plain;
use russh::client::Msg;
use russh::{Channel, ChannelOpenFailure};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::gate::Admit;
use crate::lease::clock::Clock;
use crate::lease::{End, Lease, Standing};
use crate::ssh::target::cleanup::clean_up;
use crate::ssh::target::client::Link;
use crate::ssh::target::incoming::{AgentLent, Incoming};

/// How many channels go over one connection.
const PER_LINK: usize = 8;

/// How long a target is waited for that is to stop listening. After it the connection closes, and the listeners with it.
const STOPPING: Duration = Duration::from_secs(2);

/// The connections of one session to its target.
pub struct Pool<G> {
    gate: Arc<G>,
    clock: Clock,
    session: SessionId,
    permit: Arc<Permit>,
    lease: Lease,
    incoming: Incoming,
    /// The one that everything goes over that is no session: forwards take no place from sshd's sessions, and a listener
    /// belongs to the connection that asked for it.
    first: OnceLock<Arc<Link>>,
    links: Mutex<Vec<Slot>>,
}

struct Slot {
    link: Arc<Link>,
    seats: Arc<AtomicUsize>,
}

/// A channel's seat on a connection, free again when it is dropped.
pub struct Seat {
    seats: Arc<AtomicUsize>,
    link: Arc<Link>,
    agent: Option<AgentLent>,
}

impl Seat {
    /// What was wrong with the target on this connection, if that ended it: a line for the person.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.link.fault()
    }

    /// Lets the target reach the client's agent, by this connection and as long as the seat is taken.
    pub fn lend_agent(&mut self) {
        self.agent = Some(self.link.incoming().lend_agent());
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<G: Admit> Pool<G> {
    /// Connects to the permit's target.
    ///
    /// # Errors
    /// One line for the person: what was wrong with the target.
    pub async fn connect(
        gate: Arc<G>,
        clock: Clock,
        session: SessionId,
        permit: Arc<Permit>,
        lease: Lease,
        incoming: Incoming,
    ) -> Result<Self, String> {
        let first = OnceLock::new();
        let pool = Self { gate, clock, session, permit, lease, incoming, first, links: Mutex::default() };
        let slot = pool.dial().await?;
        let _ = pool.first.set(Arc::clone(&slot.link));
        pool.links.lock().await.push(slot);
        Ok(pool)
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

    /// Opens a connection from the target on.
    ///
    /// # Errors
    /// The target's own refusal.
    pub async fn forward(&self, to: &EndpointBuf, from: &(String, u32)) -> Result<Channel<Msg>, ChannelOpenFailure> {
        let link = self.first.get().ok_or(ChannelOpenFailure::ConnectFailed)?;
        link.forward(to, from).await.map_err(|error| refusal_of(&error))
    }

    /// Has the target listen, and gives the port it chose where it was left to it.
    ///
    /// # Errors
    /// When the target refuses it or is gone.
    pub async fn listen(&self, on: &EndpointBuf) -> Result<Option<u32>, russh::Error> {
        self.first.get().ok_or(russh::Error::Disconnect)?.listen(on).await
    }

    /// Has the target listen no more; `false` when it refuses that or is gone.
    pub async fn cancel(&self, on: &EndpointBuf) -> bool {
        match self.first.get() {
            Some(link) => link.cancel(on).await.is_ok(),
            None => false,
        }
    }

    /// Has the target listen no more, and waits for nothing.
    pub fn stop_listening(&self, on: Vec<EndpointBuf>) {
        if let Some(link) = self.first.get().map(Arc::clone).filter(|_| !on.is_empty()) {
            tokio::spawn(async move {
                let all: JoinSet<_> = on
                    .into_iter()
                    .map(|on| {
                        let link = Arc::clone(&link);
                        async move { link.cancel(&on).await }
                    })
                    .collect();
                let _ = tokio::time::timeout(STOPPING, all.join_all()).await;
            });
        }
    }

    /// From now on the target may open connections that come by this listener.
    pub fn expect(&self, on: &EndpointBuf) {
        if let Some(link) = self.first.get() {
            link.incoming().expect(on);
        }
    }

    /// From now on it may not.
    pub fn forget(&self, on: &EndpointBuf) {
        if let Some(link) = self.first.get() {
            link.incoming().forget(on);
        }
    }

    async fn dial(&self) -> Result<Slot, String> {
        let until = match self.lease.standing() {
            Standing::Until(deadline) => deadline.expires_at(),
            Standing::Over(_) => return Err("the grant is over".to_owned()),
        };
        let credential = self.gate.credential(self.session, &self.permit, until).await?;
        let link = Link::open(&self.clock, &self.permit, &credential, self.incoming.another()).await?;
        Ok(Slot { link: Arc::new(link), seats: Arc::default() })
    }

    /// Waits until the last of the connections is gone, and says what became of the target.
    pub async fn closed(&self) -> End {
        let mut seen = 0;
        loop {
            let all: Vec<Arc<Link>> = self.links.lock().await.iter().map(|slot| Arc::clone(&slot.link)).collect();
            if all.len() == seen {
                return all.iter().find_map(|link| link.fault()).map_or(End::Target, End::Unreachable);
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
                    clean_up(&slot.link).await;
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
        let link = Arc::clone(&self.link);
        (Arc::clone(&link), Seat { seats: Arc::clone(&self.seats), link, agent: None })
    }
}

/// What one side said when it refused a channel, for the other side: its code, and its words made harmless.
#[must_use]
pub fn refusal_of(error: &russh::Error) -> ChannelOpenFailure {
    match error {
        russh::Error::ChannelOpenFailure(reason) => {
            ChannelOpenFailure::Other { code: reason.code(), reason: plain(reason.description()) }
        }
        _ => ChannelOpenFailure::ConnectFailed,
    }
}
