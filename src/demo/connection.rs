//! One connection to the demo's target: who may in, and a task for each of its channels.

use std::sync::Arc;
use std::time::Duration;

use curfew_proxy::lease::clock::Clock;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Certificate, HashAlg, PrivateKey, PublicKey};
use russh::server::{self, Auth, ChannelOpenHandle, Handler, Msg, Session};
use russh::{Channel, MethodKind, MethodSet};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::channel;
use super::program::LAST_WORDS;

/// What the target has, and whom it trusts.
#[derive(Debug)]
pub struct DemoKeys {
    /// Its host key.
    pub host_key: PrivateKey,
    /// The authority whose certificates it accepts, and nothing else.
    pub user_ca: PublicKey,
}

/// Serves a connection until it closes, and then ends what runs under it.
///
/// # Errors
/// When the client does not even begin to speak SSH. How it leaves is its own affair.
pub async fn serve<S>(stream: S, keys: DemoKeys) -> Result<(), russh::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = server::Config {
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![keys.host_key],
        inactivity_timeout: None,
        ..server::Config::default()
    };
    let (opened, mut channels) = mpsc::unbounded_channel();
    let door = DemoServer { user_ca: keys.user_ca, clock: Clock::system(None), opened };
    let mut session = server::run_stream(Arc::new(config), stream, door).await?;
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut session => break,
            Some(channel) = channels.recv() => { running.spawn(channel::serve(channel)); }
            Some(_) = running.join_next() => {}
        }
    }
    // Dropping a channel's task hangs up on its process group; what does not care is killed after that.
    running.shutdown().await;
    tokio::time::sleep(LAST_WORDS * 2).await;
    Ok(())
}

struct DemoServer {
    user_ca: PublicKey,
    clock: Clock,
    opened: mpsc::UnboundedSender<Channel<Msg>>,
}

impl DemoServer {
    /// Whether a certificate lets somebody in as `login` (PROTOCOL.certkeys). That its key was signed with is
    /// verified already.
    fn admits(&self, login: &str, certificate: &Certificate) -> bool {
        let now = u64::try_from(self.clock.wall().as_second()).unwrap_or_default();
        certificate.cert_type() == CertType::User
            && certificate.valid_principals().iter().any(|principal| principal == login)
            && certificate.critical_options().is_empty()
            && certificate.validate_at(now, [&self.user_ca.fingerprint(HashAlg::Sha256)]).is_ok()
    }
}

impl Handler for DemoServer {
    type Error = russh::Error;

    // A key without a certificate is refused: that is what the trait does with methods that are not here.

    async fn auth_openssh_certificate(&mut self, login: &str, shown: &Certificate) -> Result<Auth, Self::Error> {
        Ok(if self.admits(login, shown) { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        // When nobody takes it the connection is ending.
        let _ = self.opened.send(channel);
        Ok(())
    }
}
