//! A channel to the bastion itself: a console command, with its output and its exit status.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use curfew_policy::start::Start;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, server};
use tokio::sync::mpsc;

use crate::gate::{Console, Converse, Identity, Output};
use crate::ssh::channel::requests::{Allowed, Asked, gather};
use crate::ssh::connection::Opened;
use crate::ssh::say::last::farewell;
use crate::ssh::say::messages::EXIT_REFUSED;
use crate::ssh::say::print::{INPUT_QUEUE, OUTPUT_QUEUE, print};

/// Serves one console channel.
pub async fn serve<G: Converse>(gate: Arc<G>, identity: Identity, called: String, from: SocketAddr, opened: Opened) {
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
async fn run<G: Converse>(
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
