//! The half that faces the person: proves who it is, and hands each channel over to the connection's story.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use russh::keys::{Algorithm, Certificate, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::alive::Alive;
use crate::gate::{Gate, Identity};
use crate::route::LONGEST_NAME;

/// Somebody who proved who they are.
#[derive(Debug)]
pub struct Proven {
    /// Who.
    pub identity: Identity,
    /// The user name that was typed.
    pub typed: String,
    /// The client's identification string, as it came.
    pub client: String,
}

/// A channel that the client wants.
pub enum Open {
    /// A session (RFC 4254 §6.1).
    Session(Opened),
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

/// The door that one connection came through.
pub struct Door<G> {
    gate: Arc<G>,
    from: SocketAddr,
    identity: Option<Identity>,
    typed: String,
    proven: Option<oneshot::Sender<Proven>>,
    opens: mpsc::UnboundedSender<Open>,
    gone: HashMap<ChannelId, Arc<Notify>>,
    /// Dropped with the connection, which is how others learn that it is gone.
    _alive: watch::Sender<()>,
}

/// What comes through a door: first the proof, then channels.
pub struct Visitor {
    /// Who it is, once proven.
    pub proven: oneshot::Receiver<Proven>,
    /// The channels it opens.
    pub opens: mpsc::UnboundedReceiver<Open>,
    /// The connection itself.
    pub alive: Alive,
}

impl<G: Gate> Door<G> {
    /// A door, and what comes through it.
    #[must_use]
    pub fn new(gate: Arc<G>, from: SocketAddr) -> (Self, Visitor) {
        let (proven, on_proven) = oneshot::channel();
        let (opens, on_opens) = mpsc::unbounded_channel();
        let (sender, alive) = Alive::new();
        let door = Self {
            gate,
            from,
            identity: None,
            typed: String::new(),
            proven: Some(proven),
            opens,
            gone: HashMap::new(),
            _alive: sender,
        };
        (door, Visitor { proven: on_proven, opens: on_opens, alive })
    }

    /// Whether a key may be tried at all: SHA-1 signatures and endless names are not looked at.
    fn is_sane(typed: &str, algorithm: &Algorithm) -> bool {
        typed.len() <= LONGEST_NAME && !matches!(algorithm, Algorithm::Rsa { hash: None } | Algorithm::Dsa)
    }

    fn refuse(&self, code: &'static str, typed: &str) -> Auth {
        let shown: String = typed.chars().take(64).collect();
        self.gate.refused(self.from, code, &shown.escape_debug().to_string());
        Auth::reject()
    }
}

impl<G: Gate> Handler for Door<G> {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, typed: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        // An offer proves nothing; this only spares the client a signature with a key that is nobody's.
        let worth = Self::is_sane(typed, offer.algorithm) && self.gate.knows(offer.public_key);
        Ok(if worth { Auth::Accept } else { self.refuse("unknown-key", typed) })
    }

    async fn auth_publickey(&mut self, typed: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        if !Self::is_sane(typed, key.algorithm) {
            return Ok(self.refuse("bad-offer", typed));
        }
        let key: &PublicKey = key.public_key;
        match self.gate.authenticate(key, self.from).await {
            Some(identity) => {
                self.identity = Some(identity);
                typed.clone_into(&mut self.typed);
                Ok(Auth::Accept)
            }
            None => Ok(self.refuse("unknown-key", typed)),
        }
    }

    async fn auth_openssh_certificate(&mut self, typed: &str, _: &Certificate) -> Result<Auth, Self::Error> {
        Ok(self.refuse("certificate", typed))
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), Self::Error> {
        let client = String::from_utf8_lossy(session.remote_sshid()).chars().take(128).collect();
        match (self.identity.take(), self.proven.take()) {
            (Some(identity), Some(proven)) => {
                // When nobody waits any more the connection is ending.
                let _ = proven.send(Proven { identity, typed: std::mem::take(&mut self.typed), client });
                Ok(())
            }
            // Success without a proof of ours cannot be; if it ever is, the connection ends here.
            _ => Err(russh::Error::Inconsistent),
        }
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let gone = Arc::new(Notify::new());
        self.gone.insert(channel.id(), Arc::clone(&gone));
        // When nobody takes it the connection is ending; dropping `reply` refuses it.
        let _ = self.opens.send(Open::Session(Opened { channel, reply, gone }));
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        if let Some(gone) = self.gone.remove(&channel) {
            gone.notify_one();
        }
        Ok(())
    }
}
