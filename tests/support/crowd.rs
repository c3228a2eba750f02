//! Many people at once: an SSH target and clients inside the test's process, since as many of OpenSSH's would measure
//! the machine.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use russh::keys::{Algorithm, PrivateKey, PrivateKeyWithHashAlg};
use russh::server::{self, Auth, ChannelOpenHandle};
use russh::{Channel, ChannelMsg, client};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// How much is sent at once.
const PIECE: usize = 32 * 1024;

/// A new Ed25519 key.
pub fn new_key() -> PrivateKey {
    let mut rng = russh::keys::ssh_key::rand_core::UnwrapErr(russh::keys::ssh_key::getrandom::SysRng);
    PrivateKey::random(&mut rng, Algorithm::Ed25519).expect("make a key")
}

/// The public half as a line of the configuration.
pub fn public(key: &PrivateKey) -> String {
    key.public_key().to_openssh().expect("write a key down")
}

/// An SSH server with a terminal that gives back what is typed. The command `send N` sends N bytes, `take` reads to the
/// end of its input and says how many came; any other command is done at once.
pub struct EchoTarget {
    pub address: SocketAddr,
    pub host_key: String,
    runtime: Runtime,
    open: Open,
    down: Arc<AtomicBool>,
}

/// The connections that are open, by number.
type Open = Arc<Mutex<HashMap<u64, std::net::TcpStream>>>;

impl EchoTarget {
    pub fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        let key = new_key();
        let host_key = public(&key);
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("bind a port");
        let address = listener.local_addr().expect("a bound port");
        let config = Arc::new(server::Config {
            keys: vec![key],
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            inactivity_timeout: None,
            nodelay: true,
            ..server::Config::default()
        });
        let (open, down) = (Open::default(), Arc::new(AtomicBool::new(false)));
        runtime.spawn(accept(listener, config, Arc::clone(&open), Arc::clone(&down)));
        Self { address, host_key, runtime, open, down }
    }

    /// What the gateway's configuration says of it.
    pub fn entry(&self, name: &str) -> String {
        format!("[targets.{name}]\naddress = \"{}\"\nhost_key = \"{}\"\n", self.address, self.host_key)
    }

    /// Runs something on the target's threads.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Drops every connection, and hangs up on new ones until it is up again.
    pub fn go_down(&self) {
        self.down.store(true, Ordering::SeqCst);
        for stream in self.open.lock().expect("not poisoned").values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn come_up(&self) {
        self.down.store(false, Ordering::SeqCst);
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.open.lock().expect("not poisoned").len()
    }
}

async fn accept(listener: TcpListener, config: Arc<server::Config>, open: Open, down: Arc<AtomicBool>) {
    static NUMBERS: AtomicU64 = AtomicU64::new(0);
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(stream) = stream.into_std() else { continue };
        if down.load(Ordering::SeqCst) {
            continue;
        }
        let (Ok(other), Ok(stream)) = (stream.try_clone(), TcpStream::from_std(stream)) else { continue };
        let (config, open, number) = (Arc::clone(&config), Arc::clone(&open), NUMBERS.fetch_add(1, Ordering::SeqCst));
        open.lock().expect("not poisoned").insert(number, other);
        tokio::spawn(async move {
            if let Ok(session) = server::run_stream(config, stream, Terminal).await {
                let _ = session.await;
            }
            open.lock().expect("not poisoned").remove(&number);
        });
    }
}

struct Terminal;

impl server::Handler for Terminal {
    type Error = russh::Error;

    async fn auth_openssh_certificate(&mut self, _: &str, _: &russh::keys::Certificate) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<server::Msg>,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        tokio::spawn(serve(channel));
        Ok(())
    }
}

async fn serve(mut channel: Channel<server::Msg>) {
    let (mut taking, mut taken) = (false, 0);
    while let Some(message) = channel.wait().await {
        let _ = match message {
            ChannelMsg::RequestShell { .. } => {
                let _ = channel.reply(true).await;
                channel.data_bytes(&b"$ "[..]).await
            }
            ChannelMsg::Data { data } if taking => {
                taken += data.len();
                Ok(())
            }
            ChannelMsg::Data { data } => channel.data_bytes(data).await,
            ChannelMsg::Exec { command, .. } => {
                let _ = channel.reply(true).await;
                taking = command == b"take";
                match String::from_utf8_lossy(&command).strip_prefix("send ").and_then(|n| n.parse().ok()) {
                    _ if taking => Ok(()),
                    Some(bytes) => match send(&channel, bytes).await {
                        Ok(()) => finish(&channel).await,
                        gone => gone,
                    },
                    // The gateway's clean-up, say: there is nothing to clean.
                    None => finish(&channel).await,
                }
            }
            ChannelMsg::Eof if taking => {
                let _ = channel.data_bytes(taken.to_string().into_bytes()).await;
                finish(&channel).await
            }
            ChannelMsg::Close => break,
            _ => Ok(()),
        };
    }
}

/// Sends text lines, as a program's output is.
async fn send(channel: &Channel<server::Msg>, mut bytes: usize) -> Result<(), russh::Error> {
    let piece: Bytes = b"0123456789abcdef0123456789abcd\r\n".repeat(PIECE / 32).into();
    while bytes > 0 {
        let now = bytes.min(PIECE);
        channel.data_bytes(piece.slice(..now)).await?;
        bytes -= now;
    }
    Ok(())
}

async fn finish(channel: &Channel<server::Msg>) -> Result<(), russh::Error> {
    let _ = channel.exit_status(0).await;
    channel.close().await
}

/// Connects to the gateway and proves a key under this name (`root@web1`, `alice`).
pub async fn log_in<H: client::Handler<Error = russh::Error> + Send + 'static>(
    address: SocketAddr,
    config: Arc<client::Config>,
    name: &str,
    key: Arc<PrivateKey>,
    handler: H,
) -> Result<client::Handle<H>, String> {
    let failed = |error: russh::Error| format!("a login failed: {error}");
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let _ = stream.set_nodelay(true);
    let mut handle = client::connect_stream(config, stream, handler).await.map_err(failed)?;
    let proven = handle.authenticate_publickey(name, PrivateKeyWithHashAlg::new(key, None)).await.map_err(failed)?;
    if proven.success() { Ok(handle) } else { Err("a login was refused".to_owned()) }
}

/// Opens a terminal and waits for its prompt.
pub async fn shell<H: client::Handler>(handle: &client::Handle<H>) -> Result<Channel<client::Msg>, String> {
    let failed = |error: russh::Error| format!("no terminal: {error}");
    let mut channel = handle.channel_open_session().await.map_err(failed)?;
    channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await.map_err(failed)?;
    channel.request_shell(true).await.map_err(failed)?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Data { .. }) => return Ok(channel),
            Some(ChannelMsg::Close) | None => return Err("a session ended at once".to_owned()),
            Some(_) => {}
        }
    }
}
