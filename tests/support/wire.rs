//! A client that sends what OpenSSH's does not: signals, long names, many requests. It uses the SSH library directly.

use std::sync::Arc;
use std::time::Duration;

use russh::client::{AuthResult, Config, Handle, Handler, Msg, connect};
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{Channel, ChannelMsg, Sig};
use tokio::runtime::Runtime;

use super::{Client, Gateway, SOON};

/// A connection to the gateway, step by step.
pub struct Wire {
    runtime: Runtime,
    handle: Handle<TrustsAll>,
}

/// The tests of host keys use OpenSSH.
struct TrustsAll;

impl Handler for TrustsAll {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// How a command ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub output: String,
    pub status: Option<u32>,
    pub signal: Option<String>,
}

impl Wire {
    pub fn open(gateway: &Gateway) -> Self {
        // A thread of its own: the connection goes on while the test looks elsewhere.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let handle = runtime.block_on(within(connect(Arc::new(Config::default()), gateway.address(), TrustsAll)));
        Self { runtime, handle: handle.expect("the gateway answers") }
    }

    /// Proves a key under this name. An error where the gateway hangs up.
    pub fn prove(&mut self, name: &str, person: &Client) -> Result<bool, russh::Error> {
        let key = Arc::new(load_secret_key(&person.key.path, None).expect("read a key"));
        let proof = self.handle.authenticate_publickey(name, PrivateKeyWithHashAlg::new(key, None));
        self.runtime.block_on(within(proof)).map(|result| matches!(result, AuthResult::Success))
    }

    /// Opens a channel, and sends a command on it.
    pub fn exec(&self, command: &str) -> Channel<Msg> {
        let channel = self.channel();
        self.start(&channel, command).expect("send a command");
        channel
    }

    /// Opens a channel, and says nothing of what is to run on it.
    pub fn channel(&self) -> Channel<Msg> {
        self.runtime.block_on(within(self.handle.channel_open_session())).expect("open a channel")
    }

    /// Sends a command on a channel. An error where it is closed.
    pub fn start(&self, channel: &Channel<Msg>, command: &str) -> Result<(), russh::Error> {
        self.runtime.block_on(within(channel.exec(true, command)))
    }

    /// Waits for the end of what a channel is asked.
    pub fn wait<T>(&self, asking: impl Future<Output = T>) -> T {
        self.runtime.block_on(within(asking))
    }

    /// Waits for the answer to a request on a channel. `false` where the channel ended without one.
    pub fn answer(&self, channel: &mut Channel<Msg>) -> bool {
        self.wait(async {
            loop {
                match channel.wait().await {
                    Some(ChannelMsg::Success) => return true,
                    Some(ChannelMsg::Failure) | None => return false,
                    Some(_) => {}
                }
            }
        })
    }

    pub fn signal(&self, channel: &Channel<Msg>, signal: Sig) {
        self.runtime.block_on(within(channel.signal(signal))).expect("send a signal");
    }

    /// Reads a channel until this text came.
    pub fn wait_for(&self, channel: &mut Channel<Msg>, text: &str) {
        let reading = async {
            let mut output = String::new();
            while !output.contains(text) {
                match channel.wait().await {
                    Some(ChannelMsg::Data { data }) => output.push_str(&String::from_utf8_lossy(&data)),
                    Some(_) => {}
                    None => panic!("the channel ended with {output:?}"),
                }
            }
        };
        self.runtime.block_on(within(reading));
    }

    /// Reads a channel to its end.
    pub fn ended(&self, mut channel: Channel<Msg>) -> Ended {
        let reading = async {
            let mut ended = Ended::default();
            while let Some(message) = channel.wait().await {
                match message {
                    ChannelMsg::Data { data } => ended.output.push_str(&String::from_utf8_lossy(&data)),
                    ChannelMsg::ExitStatus { exit_status } => ended.status = Some(exit_status),
                    ChannelMsg::ExitSignal { signal_name, .. } => ended.signal = Some(format!("{signal_name:?}")),
                    _ => {}
                }
            }
            ended
        };
        self.runtime.block_on(within(reading))
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON + Duration::from_secs(10), future).await.expect("the gateway answers in time")
}
