//! A target that opens channels nobody asked it for, and one that does not answer.

use std::net::SocketAddr;
use std::sync::Arc;

use russh::keys::{Certificate, load_secret_key};
use russh::server::{
    Auth, ChannelOpenHandle, Config, GlobalReply, Handle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
    run_stream,
};
use russh::{Channel, ChannelId};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::keys::{self, KeyPair};

/// A hostile target. Its commands: `open` tries to open one channel of each kind towards the client, and says what became
/// of each; `flood` opens 300 channels by the last Unix listener, and says how many were accepted; `echo` says a word.
pub struct Rogue {
    pub host_key: KeyPair,
    pub address: SocketAddr,
    _dir: TempDir,
    _runtime: Runtime,
}

impl Rogue {
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("rogue").tempdir().expect("make a folder");
        let host_key = keys::generate(dir.path(), "host_key", "ed25519");
        let key = load_secret_key(&host_key.path, None).expect("read a key");
        let config = Arc::new(Config { keys: vec![key], ..Config::default() });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("bind a target's port");
        let address = listener.local_addr().expect("a bound port");
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let config = config.clone();
                tokio::spawn(async move {
                    if let Ok(running) = run_stream(config, stream, Visit::default()).await {
                        let _ = running.await;
                    }
                });
            }
        });
        Self { host_key, address, _dir: dir, _runtime: runtime }
    }
}

#[derive(Default)]
struct Visit {
    /// Replies that are never given.
    owed: Vec<GlobalReply>,
    path: watch::Sender<String>,
}

impl Handler for Visit {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, _: &str, _: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn auth_openssh_certificate(&mut self, _: &str, _: &Certificate) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn tcpip_forward(&mut self, _: &str, _: &mut u32, session: &mut Session) -> Result<bool, Self::Error> {
        self.owed.push(session.reply_later());
        Ok(false)
    }

    async fn streamlocal_forward(&mut self, path: &str, _: &mut Session) -> Result<bool, Self::Error> {
        self.path.send_replace(path.to_owned());
        Ok(true)
    }

    async fn exec_request(&mut self, id: ChannelId, command: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        let (handle, command, path) = (session.handle(), command.to_owned(), self.path.subscribe());
        tokio::spawn(async move {
            let said = match command.as_slice() {
                b"open" => try_all(&handle).await,
                b"flood" => flood(&handle, path).await,
                _ => "word".to_owned(),
            };
            let _ = handle.data(id, said.into_bytes()).await;
            let _ = handle.exit_status_request(id, 0).await;
            let _ = handle.close(id).await;
        });
        Ok(())
    }
}

async fn flood(handle: &Handle, mut path: watch::Receiver<String>) -> String {
    let path = path.wait_for(|path| !path.is_empty()).await.expect("the visit goes on").clone();
    let mut accepted = Vec::new();
    for _ in 0..300 {
        accepted.extend(handle.channel_open_forwarded_streamlocal(&path).await.ok());
    }
    format!("{} accepted", accepted.len())
}

async fn try_all(handle: &Handle) -> String {
    let mut said = Vec::new();
    let mut tell =
        |what: &str, opened: bool| said.push(format!("{what} {}", if opened { "opened" } else { "refused" }));
    tell("session", handle.channel_open_session().await.is_ok());
    tell("listener", handle.channel_open_forwarded_tcpip("localhost", 80, "1.2.3.4", 5).await.is_ok());
    tell("socket", handle.channel_open_forwarded_streamlocal("/tmp/socket").await.is_ok());
    tell("agent", handle.channel_open_agent().await.is_ok());
    tell("x11", handle.channel_open_x11("1.2.3.4", 6000).await.is_ok());
    tell("direct", handle.channel_open_direct_tcpip("localhost", 22, "1.2.3.4", 5).await.is_ok());
    tell("direct-socket", handle.channel_open_direct_streamlocal("/tmp/socket").await.is_ok());
    said.join("\n")
}
