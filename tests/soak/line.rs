//! One connection of somebody inside this process, and its one channel.

use std::time::Duration;

use russh::client::{Handle, Handler, Msg};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelMsg, Disconnect};

use super::town::{Person, Town};
use crate::support::crowd;

/// How long anything may take that the gateway answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// They know the gateway: this program started it.
struct Trusts;

impl Handler for Trusts {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

pub struct Line {
    handle: Handle<Trusts>,
    channel: Channel<Msg>,
    /// What came since the last thing that was typed.
    said: Vec<u8>,
    /// How much came in all.
    pub came: usize,
    pub status: Option<u32>,
}

impl Line {
    /// Connects under this name, and opens a channel.
    pub async fn open(town: &Town, person: &Person, name: &str) -> Result<Self, String> {
        let (client, key) = (town.client.clone(), person.key.clone());
        let opening = async {
            let handle = crowd::log_in(town.gateway.address(), client, name, key, Trusts).await?;
            let channel = handle.channel_open_session().await.map_err(|error| format!("no channel: {error}"))?;
            Ok(Self { handle, channel, said: Vec::new(), came: 0, status: None })
        };
        within("the login", opening).await?
    }

    /// A terminal on a target, at its prompt. A line that was refused is given back with its status.
    pub async fn shell(town: &Town, person: &Person, target: &str) -> Result<Self, String> {
        let mut line = Self::open(town, person, &Town::at(target)).await?;
        line.channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await.map_err(gone)?;
        line.channel.request_shell(true).await.map_err(gone)?;
        // One that ends before its prompt is found out by the first line that is typed.
        let _ = line.hear("$ ").await;
        Ok(line)
    }

    pub async fn exec(&mut self, command: &str) -> Result<(), String> {
        self.channel.exec(true, command).await.map_err(gone)
    }

    /// Types a line, and waits until it comes back.
    pub async fn type_in(&mut self, text: &str) -> Result<(), String> {
        self.said.clear();
        self.channel.data_bytes(text.as_bytes().to_vec()).await.map_err(gone)?;
        self.hear(text).await
    }

    /// Sends this many bytes, and the end of input.
    pub async fn send(&mut self, mut bytes: usize) -> Result<(), String> {
        while bytes > 0 {
            let now = bytes.min(32 * 1024);
            within("room to send", self.channel.data_bytes(vec![b'x'; now])).await?.map_err(gone)?;
            bytes -= now;
        }
        self.channel.eof().await.map_err(gone)
    }

    async fn hear(&mut self, text: &str) -> Result<(), String> {
        while !self.said.windows(text.len()).any(|window| window == text.as_bytes()) {
            if !within(text.trim(), self.next()).await? {
                return Err(format!("ended with {:?} before `{text}`: {}", self.status, self.said()));
            }
        }
        Ok(())
    }

    /// Reads to the end of the channel, and gives its exit status.
    pub async fn ended(&mut self) -> Result<Option<u32>, String> {
        while within("the end", self.next()).await? {}
        Ok(self.status)
    }

    /// Takes what comes next; says whether more may follow.
    async fn next(&mut self) -> bool {
        match self.channel.wait().await {
            Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                self.came += data.len();
                // The beginning of a bulk of bytes is enough.
                if self.said.len() < 1 << 20 {
                    self.said.extend_from_slice(&data);
                }
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => self.status = Some(exit_status),
            Some(ChannelMsg::Close) | None => return false,
            Some(_) => {}
        }
        true
    }

    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said).into_owned()
    }

    /// Leaves as OpenSSH does.
    pub async fn leave(self) {
        let _ = self.channel.close().await;
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

/// `ssh bastion COMMAND`: its exit status and what it printed.
pub async fn ask(town: &Town, person: &Person, command: &str) -> Result<(Option<u32>, String), String> {
    let mut line = Line::open(town, person, &person.name).await?;
    line.exec(command).await?;
    let status = line.ended().await?;
    let said = line.said();
    line.leave().await;
    Ok((status, said))
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(PATIENCE, future).await.map_err(|_| format!("not within {PATIENCE:?}: {what}"))
}

fn gone(error: russh::Error) -> String {
    format!("the connection is gone: {error}")
}
