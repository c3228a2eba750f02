//! A connection that may not go on: each channel it opens learns why, in one line, and ends with a status.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::ssh::relay::farewell;
use crate::ssh::requests::{Allowed, gather};
use crate::ssh::screen::Screen;
use crate::ssh::server::{Open, Opened};

/// How long a refused connection may stay.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells every channel why, until the client leaves or has had time enough.
pub async fn refuse(mut opens: mpsc::UnboundedReceiver<Open>, why: &str, status: u32) {
    let line = format!("curfew: {why}");
    let tell = async {
        while let Some(Open::Session(opened)) = opens.recv().await {
            tell_one(opened, &line, status).await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, tell).await;
}

async fn tell_one(opened: Opened, line: &str, status: u32) {
    let Opened { mut channel, reply, .. } = opened;
    reply.accept().await;
    let Some(asked) = gather(&mut channel, Allowed { terminal: true, env: &|_| false }).await else {
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
