//! A peer that writes its own packets, to do what russh would not: no encryption, no window, no manners.

use std::borrow::Cow;
use std::sync::Arc;

use russh::keys::Algorithm;
use russh::{Channel, Preferred, cipher, compression, kex, mac, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::{Accepting, server_config, sockets};

pub const DISCONNECT: u8 = 1;
const CHANNEL_OPEN_CONFIRMATION: u8 = 91;
pub const CHANNEL_OPEN_FAILURE: u8 = 92;
pub const CHANNEL_DATA: u8 = 94;
pub const CHANNEL_REQUEST: u8 = 98;

/// A client made by hand, at a server of ours.
pub struct RawClient {
    pub stream: TcpStream,
    /// The channels it opened, as the server sees them.
    pub opened: mpsc::UnboundedReceiver<Channel<server::Msg>>,
}

impl RawClient {
    /// Connected, and no more.
    pub async fn stranger(config: server::Config) -> Self {
        let none = Preferred {
            kex: Cow::Owned(vec![kex::NONE]),
            key: Cow::Owned(vec![Algorithm::Ed25519]),
            host_key_certificates: Cow::Borrowed(&[]),
            cipher: Cow::Owned(vec![cipher::NONE]),
            mac: Cow::Owned(vec![mac::NONE]),
            compression: Cow::Owned(vec![compression::NONE]),
        };
        let config = Arc::new(server::Config { preferred: none, ..config });
        let (stream, far) = sockets().await;
        let (sender, opened) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            if let Ok(running) = server::run_stream(config, far, Accepting::new(sender)).await {
                let _ = running.await;
            }
        });
        let mut raw = Self { stream, opened };
        raw.stream.write_all(b"SSH-2.0-raw\r\n").await.unwrap();
        while raw.stream.read_u8().await.unwrap() != b'\n' {}
        raw.read().await.unwrap();
        raw
    }

    /// Key exchange (none) is done.
    pub async fn kexed(config: server::Config) -> Self {
        let mut raw = Self::stranger(config).await;
        let mut init = vec![20];
        init.extend([0; 16]);
        for names in ["none", "ssh-ed25519", "none", "none", "none", "none", "none", "none", "", ""] {
            string(&mut init, names.as_bytes());
        }
        init.extend([0; 5]);
        raw.send(&init).await;
        assert_eq!(raw.read().await.unwrap(), [21]);
        raw.send(&[21]).await;
        raw
    }

    /// Let in.
    pub async fn authenticated() -> Self {
        let mut raw = Self::kexed(server_config()).await;
        raw.log_in().await;
        raw
    }

    pub async fn log_in(&mut self) {
        let mut service = vec![5];
        string(&mut service, b"ssh-userauth");
        self.send(&service).await;
        assert_eq!(self.read().await.unwrap()[0], 6);
        let mut auth = vec![50];
        for field in ["someone", "ssh-connection", "none"] {
            string(&mut auth, field.as_bytes());
        }
        self.send(&auth).await;
        assert_eq!(self.read().await.unwrap(), [52]);
    }

    /// Opens a session channel: the server's number for it and its window, or the code of the refusal.
    pub async fn open(&mut self) -> Result<(u32, u32), u32> {
        self.ask_for_channel().await;
        let answer = self.read().await.unwrap();
        match answer[0] {
            CHANNEL_OPEN_CONFIRMATION => Ok((uint32(&answer, 5), uint32(&answer, 9))),
            CHANNEL_OPEN_FAILURE => Err(uint32(&answer, 5)),
            other => panic!("message {other} in answer to CHANNEL_OPEN"),
        }
    }

    pub async fn ask_for_channel(&mut self) {
        let mut open = vec![90];
        string(&mut open, b"session");
        for field in [7_u32, 1 << 20, 32 << 10] {
            open.extend(field.to_be_bytes());
        }
        self.send(&open).await;
    }

    /// Asks for a unix socket, which `Accepting` neither grants nor refuses.
    pub async fn ask_for_socket(&mut self) {
        let mut open = vec![90];
        string(&mut open, b"direct-streamlocal@openssh.com");
        for field in [7_u32, 1 << 20, 32 << 10] {
            open.extend(field.to_be_bytes());
        }
        string(&mut open, b"/socket");
        open.extend([0; 8]);
        self.send(&open).await;
    }

    pub async fn data(&mut self, channel: u32, data: &[u8]) {
        let mut packet = vec![CHANNEL_DATA];
        packet.extend(channel.to_be_bytes());
        string(&mut packet, data);
        self.send(&packet).await;
    }

    pub async fn request(&mut self, channel: u32, name: &str, want_reply: bool, data: &[u8]) {
        let mut packet = vec![CHANNEL_REQUEST];
        packet.extend(channel.to_be_bytes());
        string(&mut packet, name.as_bytes());
        packet.push(u8::from(want_reply));
        packet.extend(data);
        self.send(&packet).await;
    }

    /// Sends a request that is always failed: its answer says that all that was sent before is done.
    pub async fn answer_to_global_request(&mut self) -> Vec<u8> {
        let mut packet = vec![80];
        string(&mut packet, b"are-you-there@example.com");
        packet.push(1);
        self.send(&packet).await;
        self.read().await.unwrap()
    }

    /// Sends a packet; one that the server no longer takes is lost.
    pub async fn send(&mut self, payload: &[u8]) {
        let padding = 8 + 7 - (5 + 7 + payload.len()) % 8;
        let mut packet = Vec::new();
        packet.extend(((1 + payload.len() + padding) as u32).to_be_bytes());
        packet.push(padding as u8);
        packet.extend(payload);
        packet.resize(packet.len() + padding, 0);
        let _ = self.stream.write_all(&packet).await;
    }

    /// The payload of the next packet, or `None` when the server hung up.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        let length = self.stream.read_u32().await.ok()? as usize;
        let mut packet = vec![0; length];
        self.stream.read_exact(&mut packet).await.ok()?;
        let padding = usize::from(packet[0]);
        Some(packet[1..length - padding].to_vec())
    }

    /// Reads until the server disconnects, and returns its reason code and words.
    pub async fn disconnect(&mut self) -> (u32, String) {
        while let Some(packet) = self.read().await {
            if packet[0] == DISCONNECT {
                let length = uint32(&packet, 5) as usize;
                return (uint32(&packet, 1), String::from_utf8_lossy(&packet[9..9 + length]).into_owned());
            }
        }
        panic!("the server hung up without a word");
    }
}

pub fn string(packet: &mut Vec<u8>, text: &[u8]) {
    packet.extend((text.len() as u32).to_be_bytes());
    packet.extend(text);
}

pub fn uint32(packet: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(packet[at..at + 4].try_into().unwrap())
}
