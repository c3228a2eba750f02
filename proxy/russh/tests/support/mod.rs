//! Two russh ends, linked over loopback.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod raw;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use russh::keys::{Algorithm, PrivateKey, PublicKeyOrCertificate};
use russh::server::{self, Auth, ChannelOpenHandle, GlobalReply};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A server that lets everybody in and hands every session channel to the test. Sockets are left unanswered. A listener on
/// `later` is put off until one on `now` is asked for; any other is refused.
pub struct Accepting {
    opened: mpsc::UnboundedSender<Channel<server::Msg>>,
    unanswered: Vec<ChannelOpenHandle>,
    put_off: Vec<GlobalReply>,
}

impl Accepting {
    pub fn new(opened: mpsc::UnboundedSender<Channel<server::Msg>>) -> Self {
        Self { opened, unanswered: Vec::new(), put_off: Vec::new() }
    }
}

impl server::Handler for Accepting {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn auth_publickey(&mut self, _user: &str, _key: server::VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<server::Msg>,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        let _ = self.opened.send(channel);
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<server::Msg>,
        _path: &str,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.unanswered.push(reply);
        Ok(())
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        _port: &mut u32,
        session: &mut server::Session,
    ) -> Result<bool, Self::Error> {
        match address {
            "later" => self.put_off.push(session.reply_later()),
            "now" => self.put_off.drain(..).for_each(|reply| reply.accept(Some(7))),
            _ => {}
        }
        Ok(address == "now")
    }
}

/// A client that trusts every host and remembers how the session ended.
pub struct Trusting {
    pub ended: mpsc::UnboundedSender<String>,
}

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }

    async fn disconnected(&mut self, reason: client::DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        let _ = self.ended.send(format!("{reason:?}"));
        Ok(())
    }
}

/// A client and a server that speak to each other.
pub struct Link {
    pub client: client::Handle<Trusting>,
    pub server: server::Handle,
    /// The channels the client opened, as the server sees them.
    pub opened: mpsc::UnboundedReceiver<Channel<server::Msg>>,
    /// How the client's session ended.
    pub ended: mpsc::UnboundedReceiver<String>,
}

impl Link {
    pub async fn with(server: server::Config, client: client::Config) -> Self {
        let (near, far) = sockets().await;
        Self::over(near, far, server, client).await
    }

    pub async fn over<S>(near: S, far: S, server: server::Config, client: client::Config) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (opened_sender, opened) = mpsc::unbounded_channel();
        let (ended_sender, ended) = mpsc::unbounded_channel();
        let serving = server::run_stream(Arc::new(server), far, Accepting::new(opened_sender));
        let connecting = client::connect_stream(Arc::new(client), near, Trusting { ended: ended_sender });
        let (running, client) = tokio::join!(serving, connecting);
        let (server, mut client) = (running.unwrap().handle(), client.unwrap());
        assert!(client.authenticate_none("someone").await.unwrap().success());
        Self { client, server, opened, ended }
    }

    pub async fn new() -> Self {
        Self::with(server_config(), client_config()).await
    }

    /// Opens a channel: the client's end and the server's.
    pub async fn channel(&mut self) -> (Channel<client::Msg>, Channel<server::Msg>) {
        let near = self.client.channel_open_session().await.unwrap();
        (near, self.opened.recv().await.unwrap())
    }
}

pub async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    (near, far)
}

pub fn server_config() -> server::Config {
    server::Config {
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap()],
        inactivity_timeout: None,
        channel_buffer_size: 1024,
        ..server::Config::default()
    }
}

pub fn client_config() -> client::Config {
    client::Config { channel_buffer_size: 1024, ..client::Config::default() }
}

/// Fails a test that would otherwise hang.
pub async fn within<T>(seconds: u64, what: &str, future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(seconds);
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| panic!("{what}: nothing after {seconds} s"))
}

/// Byte `position` of the test stream.
fn byte_at(position: u64) -> u8 {
    (position ^ (position >> 8) ^ (position >> 16)) as u8
}

/// Writes `length` bytes of the test stream, and its end.
pub async fn pour<S>(sink: &ChannelWriteHalf<S>, length: u64)
where
    S: From<(russh::ChannelId, ChannelMsg)> + Send + Sync + 'static,
{
    let mut position = 0;
    while position < length {
        let end = length.min(position + (64 << 10));
        let chunk: Vec<u8> = (position..end).map(byte_at).collect();
        sink.data_bytes(Bytes::from(chunk)).await.unwrap();
        position = end;
    }
    sink.eof().await.unwrap();
}

/// Reads the test stream to its end, checks every byte, and returns how many there were.
pub async fn drain(source: &mut ChannelReadHalf) -> u64 {
    let mut position = 0;
    while let Some(msg) = source.wait().await {
        match msg {
            ChannelMsg::Data { data } => {
                for byte in &data[..] {
                    assert_eq!(*byte, byte_at(position), "at byte {position}");
                    position += 1;
                }
            }
            ChannelMsg::Eof | ChannelMsg::Close => break,
            _ => {}
        }
    }
    position
}

/// Passes all that one channel says on to another, as a gateway does.
pub async fn relay<S>(mut source: ChannelReadHalf, sink: ChannelWriteHalf<S>)
where
    S: From<(russh::ChannelId, ChannelMsg)> + Send + Sync + 'static,
{
    while let Some(msg) = source.wait().await {
        let passed = match msg {
            ChannelMsg::Data { data } => sink.data_bytes(data).await,
            ChannelMsg::ExtendedData { data, ext } => sink.extended_data_bytes(ext, data).await,
            ChannelMsg::Eof => sink.eof().await,
            ChannelMsg::Close => break,
            other => pass_request(other, &sink).await,
        };
        if passed.is_err() {
            break;
        }
    }
    let _ = sink.close().await;
}

async fn pass_request<S>(msg: ChannelMsg, sink: &ChannelWriteHalf<S>) -> Result<(), russh::Error>
where
    S: From<(russh::ChannelId, ChannelMsg)> + Send + Sync + 'static,
{
    match msg {
        ChannelMsg::RequestPty { want_reply, term, col_width, row_height, pix_width, pix_height, terminal_modes } => {
            sink.request_pty(want_reply, &term, col_width, row_height, pix_width, pix_height, &terminal_modes).await
        }
        ChannelMsg::SetEnv { want_reply, variable_name, variable_value } => {
            sink.set_env(want_reply, variable_name, variable_value).await
        }
        ChannelMsg::RequestShell { want_reply } => sink.request_shell(want_reply).await,
        ChannelMsg::Exec { want_reply, command } => sink.exec(want_reply, command).await,
        ChannelMsg::RequestSubsystem { want_reply, name } => sink.request_subsystem(want_reply, name).await,
        ChannelMsg::WindowChange { col_width, row_height, pix_width, pix_height } => {
            sink.window_change(col_width, row_height, pix_width, pix_height).await
        }
        ChannelMsg::Signal { signal } => sink.signal(signal).await,
        ChannelMsg::Custom { name, want_reply, data } => sink.custom_request(want_reply, name, data).await,
        ChannelMsg::Success => sink.reply(true).await,
        ChannelMsg::Failure => sink.reply(false).await,
        ChannelMsg::ExitStatus { exit_status } => sink.exit_status(exit_status).await,
        ChannelMsg::ExitSignal { signal_name, core_dumped, error_message, lang_tag } => {
            sink.exit_signal(signal_name, core_dumped, error_message, lang_tag).await
        }
        _ => Ok(()),
    }
}

/// The most memory this process ever held, in bytes.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
