//! A connection that may not go on: each channel it opens learns why, in one line, and ends with a status.

use std::time::Duration;

use russh::ChannelOpenFailure;
use tokio::sync::mpsc;

use crate::ssh::channel::requests::{Allowed, gather};
use crate::ssh::connection::{Open, Opened};
use crate::ssh::say::last::farewell;
use crate::ssh::say::terminal::Screen;

/// How long a refused connection may stay.
const REFUSED_STAY: Duration = Duration::from_secs(10);

/// How long a connection may stay without a channel that could be told (`ssh -N`).
pub const SILENCE: Duration = Duration::from_secs(2);

/// Tells every channel why, until the client leaves or has had time enough.
pub async fn refuse(mut opens: mpsc::UnboundedReceiver<Open>, why: &str, status: u32) {
    let tell = async {
        let mut next = tokio::time::timeout(SILENCE, opens.recv()).await.ok().flatten();
        while let Some(open) = next {
            refuse_one(open, why, status).await;
            next = opens.recv().await;
        }
    };
    let _ = tokio::time::timeout(REFUSED_STAY, tell).await;
}

/// Tells one why.
pub async fn refuse_one(open: Open, why: &str, status: u32) {
    match open {
        Open::Session(opened) => tell_one(opened, &format!("curfew: {why}"), status).await,
        Open::Forward(wanted) => wanted.opened.refuse(ChannelOpenFailure::AdministrativelyProhibited, why).await,
        Open::Listen(listen) => listen.refuse(why),
    }
}

async fn tell_one(opened: Opened, line: &str, status: u32) {
    let Opened { mut channel, reply, .. } = opened;
    reply.accept().await;
    let Some(asked) = gather(&mut channel, Allowed { terminal: true, env: &|_| false, agent: false }).await else {
        let _ = channel.close().await;
        return;
    };
    let (_from_client, to_client) = channel.split();
    if asked.want_reply {
        let _ = to_client.reply(true).await;
    }
    let screen = Screen::default();
    let _ = farewell(&to_client, asked.terminal.is_some().then_some(&screen), Some(line), status).await;
}
