//! The half that faces the target.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use curfew_policy::decide::Permit;
use curfew_policy::endpoint::EndpointBuf;
use curfew_policy::text::plain;
use russh::client::{self, AuthResult, ChannelOpenHandle, Handle, Msg, Session};
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{Channel, Disconnect};
use tokio::sync::watch;
use tracing::Span;

use crate::gate::Credential;
use crate::lease::clock::Clock;
use crate::net::alive::Alive;
use crate::net::dial::dial;
use crate::net::kill_switch::KillSwitch;
use crate::net::socket::Socket;
use crate::ssh::target::host_keys::HostKeys;
use crate::ssh::target::incoming::Incoming;

/// How long a target may take from the open socket to the proven login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(15);

/// What is wrong with the host key that a target showed, as a phrase that goes on from its name. Its clones are the same.
#[derive(Debug, Clone, Default)]
struct Wrong(Arc<Mutex<Option<String>>>);

impl Wrong {
    fn is(&self, why: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// What it is, and what to do about it.
    fn what(&self) -> Option<String> {
        let why = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(format!("{why}; tell your security team"))
    }
}

/// A proven connection to a target. Dropping it shuts the socket down.
pub struct Link {
    handle: Handle<TargetHandler>,
    kill_switch: KillSwitch,
    alive: Alive,
    incoming: Incoming,
    target: String,
    wrong: Wrong,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// Dials the permit's target, checks its host key, and logs in. `incoming` is what it may open of itself.
    ///
    /// # Errors
    /// One line for the person: what was wrong with the target.
    pub async fn open(
        clock: &Clock,
        permit: &Permit,
        credential: &Credential,
        incoming: Incoming,
    ) -> Result<Self, String> {
        let stream = dial(permit).await?;
        let failed = |why: &str| format!("{} {why}", permit.target());
        let socket = Socket::new(stream);
        let kill_switch = socket.kill_switch();
        let (gone, alive) = Alive::new();
        let wrong = Wrong::default();
        let accepted = HostKeys::of(permit, clock);
        let config = Arc::new(accepted.settings());
        let handler = TargetHandler {
            accepted,
            wrong: wrong.clone(),
            incoming: incoming.clone(),
            span: Span::current(),
            _gone: gone,
        };
        let login = async {
            let mut handle = client::connect_stream(config, socket, handler).await?;
            let proven = log_in(&mut handle, permit.login(), credential).await?;
            Ok::<_, russh::Error>((handle, proven))
        };
        match tokio::time::timeout(LOGIN_TIMEOUT, login).await {
            Ok(Ok((handle, true))) => {
                Ok(Self { handle, kill_switch, alive, incoming, target: permit.target().to_owned(), wrong })
            }
            Ok(Ok((_, false))) => Err(failed(&format!(
                "does not let the bastion in as `{}`; its operator should check what `curfew ca` prints",
                plain(permit.login())
            ))),
            Ok(Err(error)) => Err(failed(&wrong.what().unwrap_or_else(|| explain(&error)))),
            Err(_) => Err(failed(&format!("did not finish the SSH handshake within {} s", LOGIN_TIMEOUT.as_secs()))),
        }
    }

    /// Opens a session channel on the target.
    ///
    /// # Errors
    /// When the target refuses it or is gone.
    pub async fn open_session(&self) -> Result<Channel<Msg>, russh::Error> {
        self.handle.channel_open_session().await
    }

    /// Opens a connection from the target on. `from` is where it comes from, as the client says.
    ///
    /// # Errors
    /// When the target refuses it or is gone.
    pub async fn forward(&self, to: &EndpointBuf, (from, port): &(String, u32)) -> Result<Channel<Msg>, russh::Error> {
        match to {
            EndpointBuf::Tcp(host, to) => self.handle.channel_open_direct_tcpip(host, *to, from, *port).await,
            EndpointBuf::Unix(path) => self.handle.channel_open_direct_streamlocal(path).await,
        }
    }

    /// Has the target listen, and gives the port it chose where it was left to it.
    ///
    /// # Errors
    /// When the target refuses it or is gone.
    pub async fn listen(&self, on: &EndpointBuf) -> Result<Option<u32>, russh::Error> {
        match on {
            EndpointBuf::Tcp(host, port) => {
                let chosen = self.handle.tcpip_forward(host, *port).await?;
                Ok((*port == 0).then_some(chosen))
            }
            EndpointBuf::Unix(path) => self.handle.streamlocal_forward(path).await.map(|()| None),
        }
    }

    /// Has the target listen no more.
    ///
    /// # Errors
    /// When the target refuses it or is gone.
    pub async fn cancel(&self, on: &EndpointBuf) -> Result<(), russh::Error> {
        match on {
            EndpointBuf::Tcp(host, port) => self.handle.cancel_tcpip_forward(host, *port).await,
            EndpointBuf::Unix(path) => self.handle.cancel_streamlocal_forward(path).await,
        }
    }

    /// What the target may open of itself.
    #[must_use]
    pub const fn incoming(&self) -> &Incoming {
        &self.incoming
    }

    /// What was wrong with the target when handler were renewed: a line for the person. The connection is gone then.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        Some(format!("{} {}", self.target, self.wrong.what()?))
    }

    /// Waits until the connection is gone.
    pub async fn closed(&self) {
        self.alive.gone().await;
    }

    /// Says goodbye and shuts the socket down.
    pub async fn close(&self) {
        let goodbye = self.handle.disconnect(Disconnect::ByApplication, "", "");
        let _ = tokio::time::timeout(Duration::from_millis(200), goodbye).await;
        self.kill_switch.trip();
    }
}

/// Which host handler are accepted, what is wrong with one that is not, and what the target may open of itself.
struct TargetHandler {
    accepted: HostKeys,
    wrong: Wrong,
    incoming: Incoming,
    /// Whose log lines these are: russh runs the handler in a task of its own.
    span: Span,
    /// Dropped with the session loop, which is how a link learns that it is gone.
    _gone: watch::Sender<()>,
}

impl client::Handler for TargetHandler {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let checked = self.accepted.check(shown);
        if let Err(why) = &checked {
            self.span.in_scope(|| tracing::warn!(%why, "a target is not who it should be"));
            self.wrong.is(why.clone());
        }
        Ok(checked.is_ok())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        from: &str,
        from_port: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let on = EndpointBuf::Tcp(host.to_owned(), port);
        self.incoming.by_listener(on, (from.to_owned(), from_port), channel, reply).await;
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.incoming.by_listener(EndpointBuf::Unix(path.to_owned()), (String::new(), 0), channel, reply).await;
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.incoming.by_agent(channel, reply).await;
        Ok(())
    }

    // russh accepts the others unless it is told otherwise.

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.incoming.refuse(reply).await;
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.incoming.refuse(reply).await;
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.incoming.refuse(reply).await;
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.incoming.refuse(reply).await;
        Ok(())
    }
}

async fn log_in(
    handle: &mut Handle<TargetHandler>,
    login: &str,
    credential: &Credential,
) -> Result<bool, russh::Error> {
    let key = Arc::clone(&credential.key);
    let result = match &credential.certificate {
        Some(certificate) => handle.authenticate_openssh_cert(login, key, certificate.clone()).await?,
        None => {
            let hash = if key.algorithm().is_rsa() { handle.best_supported_rsa_hash().await?.flatten() } else { None };
            handle.authenticate_publickey(login, PrivateKeyWithHashAlg::new(key, hash)).await?
        }
    };
    Ok(matches!(result, AuthResult::Success))
}

fn explain(error: &russh::Error) -> String {
    match error {
        russh::Error::NoCommonAlgo { .. } => "speaks none of the SSH algorithms that the bastion accepts".to_owned(),
        russh::Error::IO(_) | russh::Error::Disconnect | russh::Error::HUP => {
            "closed the connection during the SSH handshake".to_owned()
        }
        _ => "does not speak SSH as it should".to_owned(),
    }
}
