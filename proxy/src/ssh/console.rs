//! A channel to the bastion itself: a console command, with its output and its exit status.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, server};
use tokio::sync::mpsc;

use crate::gate::{Console, Gate, Identity, Output};
use crate::ssh::notice::EXIT_REFUSED;
use crate::ssh::relay::farewell;
use crate::ssh::requests::{Allowed, Asked, Start, gather};
use crate::ssh::server::Opened;

/// How many pieces of output may wait for a slow reader.
pub const OUTPUT_QUEUE: usize = 16;

/// How many pieces of input may wait for a command that does not read.
pub const INPUT_QUEUE: usize = 64;

/// Serves one console channel.
pub async fn serve<G: Gate>(gate: Arc<G>, identity: Identity, called: String, from: SocketAddr, opened: Opened) {
    let Opened { mut channel, reply, .. } = opened;
    reply.accept().await;
    let Some(asked) = gather(&mut channel, Allowed { terminal: true, env: &|_| false, agent: false }).await else {
        let _ = channel.close().await;
        return;
    };
    let (from_client, to_client) = channel.split();
    if asked.want_reply {
        let _ = to_client.reply(true).await;
    }
    let Asked { terminal, start, .. } = asked;
    let command = match start {
        Start::Shell => Bytes::new(),
        Start::Exec(command) => command.into(),
        Start::Subsystem(name) => {
            let line = format!(
                "curfew: the bastion itself has no {}; name a target: {} LOGIN@TARGET@BASTION",
                name.escape_debug(),
                if name == "sftp" { "sftp" } else { "ssh" }
            );
            let _ = farewell(&to_client, None, Some(&line), EXIT_REFUSED).await;
            return;
        }
    };
    let (output, printed) = mpsc::channel(OUTPUT_QUEUE);
    let (typed, input) = mpsc::channel(INPUT_QUEUE);
    let pty = terminal.map(|terminal| terminal.size);
    let console = Console { command, called, from, pty, output, input };
    let status = tokio::select! {
        biased;
        status = run(gate.as_ref(), &identity, console, printed, &to_client) => status,
        () = read(from_client, typed) => {
            let _ = to_client.close().await;
            return;
        }
    };
    let _ = farewell(&to_client, None, None, status).await;
}

/// Runs the command while its output goes out; all of it is out when this ends.
async fn run<G: Gate>(
    gate: &G,
    identity: &Identity,
    console: Console,
    printed: mpsc::Receiver<Output>,
    to_client: &ChannelWriteHalf<server::Msg>,
) -> u32 {
    let pty = console.pty.is_some();
    let (status, ()) = tokio::join!(gate.console(identity, console), print(printed, to_client, pty));
    status
}

/// Sends output on as it comes; on a terminal stderr goes where stdout does.
pub async fn print(mut printed: mpsc::Receiver<Output>, to_client: &ChannelWriteHalf<server::Msg>, pty: bool) {
    while let Some(output) = printed.recv().await {
        let sent = match output {
            Output::Out(text) | Output::Err(text) if pty => to_client.data_bytes(with_returns(&text)).await,
            Output::Out(bytes) | Output::Raw(bytes) => to_client.data_bytes(bytes).await,
            Output::Err(text) => to_client.extended_data_bytes(1, text).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Passes on what is typed. Ends when the client closes the channel; its end of input alone does not end a command.
async fn read(mut from_client: ChannelReadHalf, typed: mpsc::Sender<Bytes>) {
    let mut typed = Some(typed);
    while let Some(message) = from_client.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                // What a command does not read in time is not for it.
                let _ = typed.as_ref().map(|typed| typed.try_send(data));
            }
            ChannelMsg::Eof => typed = None,
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

/// A raw terminal needs a carriage return with each line feed.
fn with_returns(text: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(text.len() + 64);
    let mut last = 0;
    for &byte in text {
        if byte == b'\n' && last != b'\r' {
            out.extend_from_slice(b"\r");
        }
        out.extend_from_slice(&[byte]);
        last = byte;
    }
    out.freeze()
}
