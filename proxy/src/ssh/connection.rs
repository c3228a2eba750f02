//! A connection of a person's on its way through the gateway, state by state, and what its client may want.

use std::net::SocketAddr;
use std::sync::Arc;

use curfew_policy::endpoint::EndpointBuf;
use russh::server::{ChannelOpenHandle, GlobalReply, Handle, Msg};
use russh::{Channel, ChannelOpenFailure};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};

use crate::gate::Identity;
use crate::gateway::Gateway;
use crate::net::alive::Alive;
use crate::net::kill_switch::KillSwitch;
use crate::route::Route;

/// Somebody who proved who they are.
#[derive(Debug)]
pub struct Proven {
    /// Who.
    pub identity: Identity,
    /// The user name that was typed.
    pub typed: String,
    /// The client's identification string, as it came.
    pub client: String,
    /// The way to open channels to the client, and to end the connection with a word.
    pub handle: Handle,
}

/// A connection whose person is proven and wants to a target.
pub struct Authenticated<G> {
    /// The gateway.
    pub gateway: Arc<Gateway<G>>,
    /// Who it is.
    pub identity: Identity,
    /// Where to.
    pub route: Route,
    /// Where from.
    pub from: SocketAddr,
    /// What the client calls itself.
    pub client: String,
    /// The way to open channels to it, and to end the connection with a word.
    pub handle: Handle,
    /// The channels it opens; ends with the connection.
    pub opens: mpsc::UnboundedReceiver<Open>,
    /// The connection itself.
    pub alive: Alive,
    /// Shuts the client's socket down.
    pub kill_switch: KillSwitch,
}

/// A connection to the bastion itself.
pub struct Arrived<G> {
    /// The gateway.
    pub gateway: Arc<Gateway<G>>,
    /// Who it is.
    pub identity: Identity,
    /// The name under which the bastion was called.
    pub called: String,
    /// Where from.
    pub from: SocketAddr,
    /// What the client calls itself.
    pub client: String,
    /// The channels it opens; ends with the connection.
    pub opens: mpsc::UnboundedReceiver<Open>,
    /// The connection itself.
    pub alive: Alive,
}

impl<G> Arrived<G> {
    /// The same person on the way to a target inside this connection.
    #[must_use]
    pub fn passing(&self) -> Passing<G> {
        Passing {
            gateway: Arc::clone(&self.gateway),
            identity: self.identity.clone(),
            from: self.from,
            client: self.client.clone(),
            alive: self.alive.clone(),
        }
    }
}

/// A connection onwards that a client wants (RFC 4254 §7.2): `ssh -J`, `-W`, `-L`.
pub struct Direct {
    /// The channel.
    pub opened: Opened,
    /// The host as it was typed.
    pub host: String,
    /// The port.
    pub port: u32,
    /// Where the connection came from that is to be carried on, in the client's words; never trusted.
    pub origin: (String, u32),
}

/// Somebody on the way to a target, inside their connection to the bastion.
pub struct Passing<G> {
    /// The gateway.
    pub gateway: Arc<Gateway<G>>,
    /// Who it is.
    pub identity: Identity,
    /// Where from.
    pub from: SocketAddr,
    /// What the client calls itself.
    pub client: String,
    /// The connection to the bastion.
    pub alive: Alive,
}

/// What the client wants: a channel, or that somebody listens.
pub enum Open {
    /// A session (RFC 4254 §6.1).
    Session(Opened),
    /// A connection onwards (RFC 4254 §7.2; OpenSSH's PROTOCOL §2.4): `ssh -L`, `-D`, `-W`.
    Forward(Forwarded),
    /// Connections from there (RFC 4254 §7.1; OpenSSH's PROTOCOL §2.4): `ssh -R`.
    Listen(Listen),
}

/// A connection onwards that a client wants.
pub struct Forwarded {
    /// The channel.
    pub opened: Opened,
    /// Where to, as it was typed.
    pub to: EndpointBuf,
    /// Where the connection came from that is to be carried on, in the client's words; never trusted.
    pub from: (String, u32),
}

/// A listener that a client wants, or wants no more.
pub struct Listen {
    /// Where, as it was typed.
    pub on: EndpointBuf,
    /// Whether it is to end.
    pub cancel: bool,
    /// Takes the answer.
    pub reply: GlobalReply,
    /// Its place among those that may wait for an answer.
    pub(super) place: OwnedSemaphorePermit,
}

impl Listen {
    /// Refuses it, in one line that clients show when they are asked to tell more.
    pub fn refuse(self, why: &str) {
        self.reply.refuse(&format!("curfew: {why}"));
        drop(self.place);
    }
}

/// A channel to be accepted or refused.
pub struct Opened {
    /// Both its halves.
    pub channel: Channel<Msg>,
    /// Accepts or refuses it.
    pub reply: ChannelOpenHandle,
    /// Told when the client closes it, even while nobody reads it.
    pub gone: Arc<Notify>,
}

impl Opened {
    /// Refuses it, in one line that the client shows.
    pub async fn refuse(self, reason: ChannelOpenFailure, why: &str) {
        self.reply.reject(ChannelOpenFailure::Other { code: reason.code(), reason: format!("curfew: {why}") }).await;
    }
}
