//! What a target may open towards the client: connections by listeners that the client asked for and got, and to the
//! client's agent while a channel that may use it is open. All else that a target opens is refused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use curfew_policy::endpoint::EndpointBuf;
use russh::{Channel, ChannelOpenFailure, client};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::Span;

/// A connection that a target opens towards the client, because somebody asked for that.
pub struct Came {
    /// By which way.
    pub by: By,
    /// Where it came from, in the target's words.
    pub from: (String, u32),
    /// The channel.
    pub channel: Channel<client::Msg>,
    /// Accepts or refuses it.
    pub reply: client::ChannelOpenHandle,
    /// Its place among those that a session may have.
    pub place: OwnedSemaphorePermit,
}

/// By which way a target reaches the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A listener that the client asked for: where it listens.
    Listener(EndpointBuf),
    /// The client's agent.
    Agent,
}

/// What one connection to a target may open towards the client.
#[derive(Clone)]
pub struct Incoming {
    places: Arc<Semaphore>,
    came: mpsc::UnboundedSender<Came>,
    expected: Arc<Expected>,
    /// Whose log lines these are.
    span: Span,
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

impl Incoming {
    /// For the connections of one session: how many there may be at once, and where they go.
    #[must_use]
    pub fn new(places: Arc<Semaphore>, came: mpsc::UnboundedSender<Came>) -> Self {
        Self { places, came, expected: Arc::default(), span: Span::current() }
    }

    /// The same for another connection of the session, on which nothing was asked for yet.
    #[must_use]
    pub fn another(&self) -> Self {
        let (places, came) = (Arc::clone(&self.places), self.came.clone());
        Self { places, came, expected: Arc::default(), span: self.span.clone() }
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
            let warning = || tracing::warn!("the target opens channels that nobody asked for; they are refused");
            self.span.in_scope(warning);
        }
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    }
}

#[cfg(test)]
mod tests;
