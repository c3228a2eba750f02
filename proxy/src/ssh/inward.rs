//! What a target may open towards the client: connections by listeners that the client asked for and got, and to the
//! client's agent while a channel that may use it is open. All else that a target opens is refused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use curfew_policy::endpoint::EndpointBuf;
use russh::{Channel, ChannelOpenFailure, client};
use tokio::sync::{Semaphore, mpsc};

use crate::ssh::forward::{By, Came};

/// What one connection to a target may open towards the client.
#[derive(Clone)]
pub struct Inward {
    places: Arc<Semaphore>,
    came: mpsc::UnboundedSender<Came>,
    expected: Arc<Expected>,
}

/// What was asked for on one connection.
#[derive(Default)]
struct Expected {
    listeners: Mutex<Vec<EndpointBuf>>,
    agents: AtomicUsize,
    warned: AtomicBool,
}

/// The right of a target to reach the client's agent, until it is dropped.
pub struct AgentLent(Arc<Expected>);

impl Drop for AgentLent {
    fn drop(&mut self) {
        self.0.agents.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Inward {
    /// For the connections of one session: how many there may be at once, and where they go.
    #[must_use]
    pub fn new(places: Arc<Semaphore>, came: mpsc::UnboundedSender<Came>) -> Self {
        Self { places, came, expected: Arc::default() }
    }

    /// The same for another connection of the session, on which nothing was asked for yet.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(Arc::clone(&self.places), self.came.clone())
    }

    /// From now on connections may come by this listener.
    pub fn expect(&self, on: &EndpointBuf) {
        self.listeners().push(on.clone());
    }

    /// From now on none may.
    pub fn forget(&self, on: &EndpointBuf) {
        let mut listeners = self.listeners();
        if let Some(at) = listeners.iter().position(|listener| listener == on) {
            listeners.swap_remove(at);
        }
    }

    /// Lets the target reach the client's agent.
    #[must_use]
    pub fn lend_agent(&self) -> AgentLent {
        self.expected.agents.fetch_add(1, Ordering::SeqCst);
        AgentLent(Arc::clone(&self.expected))
    }

    /// The listener that a connection came by, in the spelling in which the client asked for it. Targets name the host
    /// as it was asked for, or as they bound it (RFC 4254 §7.2 says "the address that was connected").
    fn listener(&self, on: &EndpointBuf) -> Option<EndpointBuf> {
        let listeners = self.listeners();
        let same_port = |listener: &&EndpointBuf| match (listener, on) {
            // A port of 0 is one that the target is just choosing.
            (EndpointBuf::Tcp(_, a), EndpointBuf::Tcp(_, b)) => a == b || *a == 0,
            _ => false,
        };
        let found = listeners.iter().find(|listener| *listener == on).or_else(|| listeners.iter().find(same_port))?;
        Some(match (found, on) {
            (EndpointBuf::Tcp(host, _), EndpointBuf::Tcp(_, port)) => EndpointBuf::Tcp(host.clone(), *port),
            _ => found.clone(),
        })
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<EndpointBuf>> {
        // Nothing in here panics half-way through a change.
        self.expected.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection that came by a listener, if there is one.
    pub async fn by_listener(
        &self,
        on: EndpointBuf,
        from: (String, u32),
        channel: Channel<client::Msg>,
        reply: client::ChannelOpenHandle,
    ) {
        match self.listener(&on) {
            Some(on) => self.take(By::Listener(on), from, channel, reply).await,
            None => self.refuse(reply).await,
        }
    }

    /// Takes a connection to the client's agent, if it is lent.
    pub async fn by_agent(&self, channel: Channel<client::Msg>, reply: client::ChannelOpenHandle) {
        if self.expected.agents.load(Ordering::SeqCst) == 0 {
            return self.refuse(reply).await;
        }
        self.take(By::Agent, (String::new(), 0), channel, reply).await;
    }

    async fn take(&self, by: By, from: (String, u32), channel: Channel<client::Msg>, reply: client::ChannelOpenHandle) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return reply.reject(ChannelOpenFailure::ResourceShortage).await;
        };
        // When nobody takes it the session is over; dropping it refuses it.
        let _ = self.came.send(Came { by, from, channel, reply, place });
    }

    /// Refuses what nobody asked for. That a target does it is worth a line, not a flood of them.
    pub async fn refuse(&self, reply: client::ChannelOpenHandle) {
        if !self.expected.warned.swap(true, Ordering::SeqCst) {
            tracing::warn!("a target opens channels that nobody asked for; they are refused");
        }
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inward() -> Inward {
        Inward::new(Arc::new(Semaphore::new(1)), mpsc::unbounded_channel().0)
    }

    fn tcp(host: &str, port: u32) -> EndpointBuf {
        EndpointBuf::Tcp(host.to_owned(), port)
    }

    #[test]
    fn only_what_was_asked_for_is_expected() {
        let inward = inward();
        assert_eq!(inward.listener(&tcp("localhost", 80)), None);
        inward.expect(&tcp("localhost", 80));
        assert_eq!(inward.listener(&tcp("localhost", 81)), None);
        assert_eq!(inward.listener(&EndpointBuf::Unix("localhost".to_owned())), None);
        // A target that names what it bound means the same listener.
        assert_eq!(inward.listener(&tcp("127.0.0.1", 80)), Some(tcp("localhost", 80)));
        inward.forget(&tcp("localhost", 80));
        assert_eq!(inward.listener(&tcp("localhost", 80)), None);
    }

    #[test]
    fn of_two_listeners_on_a_port_the_one_named_is_meant() {
        let inward = inward();
        inward.expect(&tcp("127.0.0.1", 80));
        inward.expect(&tcp("::1", 80));
        assert_eq!(inward.listener(&tcp("::1", 80)), Some(tcp("::1", 80)));
    }

    #[test]
    fn a_socket_is_expected_by_its_exact_path() {
        let inward = inward();
        inward.expect(&EndpointBuf::Unix("/run/a".to_owned()));
        assert_eq!(inward.listener(&EndpointBuf::Unix("/run/b".to_owned())), None);
        assert!(inward.listener(&EndpointBuf::Unix("/run/a".to_owned())).is_some());
    }

    #[test]
    fn what_is_asked_for_on_one_connection_is_not_expected_on_another() {
        let (first, other) = (inward(), inward().another());
        first.expect(&tcp("localhost", 80));
        assert_eq!(other.listener(&tcp("localhost", 80)), None);
        let lent = first.lend_agent();
        assert_eq!(first.expected.agents.load(Ordering::SeqCst), 1);
        drop(lent);
        assert_eq!(first.expected.agents.load(Ordering::SeqCst), 0);
    }
}
