//! The half that faces the person: proves who it is, and hands each channel over to the connection's story.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use curfew_policy::endpoint::EndpointBuf;
use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use tracing::{Instrument as _, Span};

use crate::gate::{Authenticate, Identity};
use crate::gateway::Gateway;
use crate::limits::unauthenticated::Knock;
use crate::net::alive::Alive;
use crate::route::LONGEST_NAME;
use crate::ssh::algorithms;
use crate::ssh::connection::{Forwarded, Listen, Open, Opened, Proven};

/// From how many channels on it is looked which of them are gone: more than there may be at once.
const MANY_CHANNELS: usize = 512;

/// How many wishes for listeners may wait for an answer.
const MOST_WISHES: usize = 64;

/// How much of what was typed, or is wrong with a certificate, goes into the log, in characters.
const LONGEST_DETAIL: usize = 160;

/// The settings of a connection to a target's name, or to the bastion itself, with certificates of this moment.
pub fn server_for<G: Authenticate>(gateway: &Gateway<G>, target: Option<&str>) -> Arc<russh::server::Config> {
    let config = gateway.server.load_full();
    let certify = |key: &PrivateKey| gateway.gate.host_certificate(target, key.public_key());
    let certificates: Vec<_> = config.keys.iter().filter_map(certify).collect();
    if certificates.is_empty() { config } else { algorithms::server(config.keys.clone(), certificates) }
}

/// What russh asks of the half that faces the person, for one connection.
pub struct ServerHandler<G> {
    gate: Arc<G>,
    from: SocketAddr,
    /// What is told of a stranger; inside another connection there is none.
    knock: Option<Knock>,
    /// Who is proven already, by the connection that this one is inside of.
    outer: Option<Identity>,
    identity: Option<Identity>,
    typed: String,
    proven: Option<oneshot::Sender<Proven>>,
    opens: mpsc::UnboundedSender<Open>,
    gone: HashMap<ChannelId, Arc<Notify>>,
    wishes: Arc<Semaphore>,
    /// Whose log lines these are: russh runs the handler in a task of its own.
    span: Span,
    /// Dropped with the connection, which is how others learn that it is gone.
    _alive: watch::Sender<()>,
}

/// What comes of a connection: first the proof, then channels.
pub struct Visitor {
    /// Who it is, once proven.
    pub proven: oneshot::Receiver<Proven>,
    /// The channels it opens.
    pub opens: mpsc::UnboundedReceiver<Open>,
    /// The connection itself.
    pub alive: Alive,
}

impl<G: Authenticate> ServerHandler<G> {
    /// A handler for a connection from outside, and what comes of it.
    #[must_use]
    pub fn new(gate: Arc<G>, from: SocketAddr, knock: Knock) -> (Self, Visitor) {
        Self::with(gate, from, Some(knock), None)
    }

    /// A handler for a connection inside that of somebody who is proven.
    #[must_use]
    pub fn inside(gate: Arc<G>, from: SocketAddr, identity: Identity) -> (Self, Visitor) {
        Self::with(gate, from, None, Some(identity))
    }

    fn with(gate: Arc<G>, from: SocketAddr, knock: Option<Knock>, outer: Option<Identity>) -> (Self, Visitor) {
        let (proven, on_proven) = oneshot::channel();
        let (opens, on_opens) = mpsc::unbounded_channel();
        let (sender, alive) = Alive::new();
        let handler = Self {
            gate,
            from,
            knock,
            outer,
            identity: None,
            typed: String::new(),
            proven: Some(proven),
            opens,
            gone: HashMap::new(),
            wishes: Arc::new(Semaphore::new(MOST_WISHES)),
            span: Span::current(),
            _alive: sender,
        };
        (handler, Visitor { proven: on_proven, opens: on_opens, alive })
    }

    /// Whether a key may be tried at all: SHA-1 signatures and endless names are not looked at.
    fn is_sane(typed: &str, algorithm: &Algorithm) -> bool {
        typed.len() <= LONGEST_NAME && !matches!(algorithm, Algorithm::Rsa { hash: None } | Algorithm::Dsa)
    }

    fn opened(&mut self, channel: Channel<Msg>, reply: ChannelOpenHandle) -> Opened {
        if self.gone.len() >= MANY_CHANNELS {
            // Nobody waits for those that were refused.
            self.gone.retain(|_, gone| Arc::strong_count(gone) > 1);
        }
        let gone = Arc::new(Notify::new());
        self.gone.insert(channel.id(), Arc::clone(&gone));
        Opened { channel, reply, gone }
    }

    /// Hands a wish for a listener over. Its answer comes later, so what is returned here counts for nothing.
    fn listen(&self, on: EndpointBuf, cancel: bool, session: &mut Session) -> Result<bool, russh::Error> {
        if let Ok(place) = Arc::clone(&self.wishes).try_acquire_owned() {
            // When nobody takes it the connection is ending; dropping it refuses it.
            let _ = self.opens.send(Open::Listen(Listen { on, cancel, reply: session.reply_later(), place }));
        }
        Ok(false)
    }

    /// Says no, later to whoever guesses. How much later hangs on the source alone: what was typed or offered makes no
    /// difference.
    async fn refuse(&self, code: &'static str, typed: &str) -> Auth {
        let shown: String = typed.chars().take(LONGEST_DETAIL).collect();
        self.span.in_scope(|| self.gate.refused(self.from, code, &shown));
        let later = self.knock.as_ref().map_or(Duration::ZERO, Knock::failed);
        if !later.is_zero() {
            tokio::time::sleep(later).await;
        }
        Auth::reject()
    }
}

impl<G: Authenticate> Handler for ServerHandler<G> {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        // There is none. It is asked for when keys are exchanged.
        if let Some(knock) = &self.knock {
            knock.met();
        }
        Ok(None)
    }

    // The user's name is not looked at until a key is proven: no name, of a person or a target, gets another answer than
    // any other, or a later one. A key does: the answer to an offer tells whether the key is known. That is SSH
    // (RFC 4252 §7), and sshd does the same. To ask for a signature with every key that is offered would hide it, but then a
    // token has to be touched for a key that is nobody's, an agent asks its owner to confirm each, and every client with
    // several keys is slower. What it tells is worth little: a public key has to be known to ask about it, and whoever
    // has it has not come nearer to the private one. Whose it is, or where it may go, is not told.
    async fn auth_publickey_offered(&mut self, typed: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        // An offer proves nothing; this only spares the client a signature with a key that is nobody's.
        if Self::is_sane(typed, offer.algorithm) && self.gate.knows(offer.public_key, offer.certificate) {
            if let Some(knock) = &self.knock {
                knock.offered();
            }
            return Ok(Auth::Accept);
        }
        Ok(self.refuse("unknown-key", typed).await)
    }

    // Who is proven on the outer connection is not asked again. Clients try `none` first.
    async fn auth_none(&mut self, typed: &str) -> Result<Auth, Self::Error> {
        match &self.outer {
            Some(identity) if typed.len() <= LONGEST_NAME => {
                self.identity = Some(identity.clone());
                typed.clone_into(&mut self.typed);
                Ok(Auth::Accept)
            }
            _ => Ok(Auth::reject()),
        }
    }

    async fn auth_password(&mut self, typed: &str, _: &str) -> Result<Auth, Self::Error> {
        // It was not offered; whoever tries it guesses.
        Ok(self.refuse("password", typed).await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        typed: &str,
        _: &str,
        _: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.refuse("password", typed).await)
    }

    async fn auth_publickey(&mut self, typed: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        if !Self::is_sane(typed, key.algorithm) {
            return Ok(self.refuse("bad-offer", typed).await);
        }
        let key: &PublicKey = key.public_key;
        match self.gate.authenticate(key, self.from).instrument(self.span.clone()).await {
            // Nobody else can log in inside somebody's connection.
            Some(identity) if self.outer.as_ref().is_none_or(|outer| outer.user == identity.user) => {
                self.identity = Some(identity);
                typed.clone_into(&mut self.typed);
                Ok(Auth::Accept)
            }
            _ => Ok(self.refuse("unknown-key", typed).await),
        }
    }

    async fn auth_openssh_certificate(&mut self, typed: &str, shown: &Certificate) -> Result<Auth, Self::Error> {
        // The name and the algorithm were looked at when it was offered, which comes before every signature.
        match self.span.in_scope(|| self.gate.certified(shown, self.from)) {
            // Nobody else can log in inside somebody's connection.
            Ok(identity) if self.outer.as_ref().is_some_and(|outer| outer.user != identity.user) => {
                Ok(self.refuse("unknown-key", typed).await)
            }
            Ok(identity) => {
                self.identity = Some(identity);
                typed.clone_into(&mut self.typed);
                Ok(Auth::Accept)
            }
            Err(why) => Ok(self.refuse("certificate", &why).await),
        }
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), Self::Error> {
        let client = String::from_utf8_lossy(session.remote_sshid()).chars().take(128).collect();
        match (self.identity.take(), self.proven.take()) {
            (Some(identity), Some(proven)) => {
                // When nobody waits any more the connection is ending.
                let (typed, handle) = (std::mem::take(&mut self.typed), session.handle());
                let _ = proven.send(Proven { identity, typed, client, handle });
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
        let opened = self.opened(channel, reply);
        // When nobody takes it the connection is ending; dropping it refuses it.
        let _ = self.opens.send(Open::Session(opened));
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        origin: &str,
        origin_port: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let opened = self.opened(channel, reply);
        let (to, from) = (EndpointBuf::Tcp(host.to_owned(), port), (origin.to_owned(), origin_port));
        let _ = self.opens.send(Open::Forward(Forwarded { opened, to, from }));
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let opened = self.opened(channel, reply);
        let (to, from) = (EndpointBuf::Unix(path.to_owned()), (String::new(), 0));
        let _ = self.opens.send(Open::Forward(Forwarded { opened, to, from }));
        Ok(())
    }

    async fn tcpip_forward(&mut self, host: &str, port: &mut u32, session: &mut Session) -> Result<bool, Self::Error> {
        self.listen(EndpointBuf::Tcp(host.to_owned(), *port), false, session)
    }

    async fn cancel_tcpip_forward(&mut self, host: &str, port: u32, s: &mut Session) -> Result<bool, Self::Error> {
        self.listen(EndpointBuf::Tcp(host.to_owned(), port), true, s)
    }

    async fn streamlocal_forward(&mut self, path: &str, session: &mut Session) -> Result<bool, Self::Error> {
        self.listen(EndpointBuf::Unix(path.to_owned()), false, session)
    }

    async fn cancel_streamlocal_forward(&mut self, path: &str, session: &mut Session) -> Result<bool, Self::Error> {
        self.listen(EndpointBuf::Unix(path.to_owned()), true, session)
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        if let Some(gone) = self.gone.remove(&channel) {
            gone.notify_one();
        }
        Ok(())
    }
}
