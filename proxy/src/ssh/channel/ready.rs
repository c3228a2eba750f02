//! A channel that waits for its session to be admitted.

use std::sync::Arc;
use std::time::Duration;

use russh::{ChannelReadHalf, ChannelWriteHalf, server};
use tokio::sync::Notify;

use crate::ssh::channel::requests::Asked;
use crate::ssh::connection::Open;
use crate::ssh::say::last::farewell;

/// How long the last line may take to be read.
const LAST_LINE: Duration = Duration::from_secs(10);

/// A channel that has said what is to run, and waits for that.
pub struct Ready {
    /// What was asked for.
    pub asked: Asked,
    /// From the client.
    pub from_client: ChannelReadHalf,
    /// To the client.
    pub to_client: ChannelWriteHalf<server::Msg>,
    /// Told when the client closes it.
    pub gone: Arc<Notify>,
    /// What the client wanted before it: forwards and listeners, which wait likewise.
    pub before: Vec<Open>,
}

/// Tells a channel that waited why it does not go on, and ends it.
pub async fn tell(ready: &Ready, why: &str, status: u32) {
    let line = format!("curfew: {why}");
    let last = async {
        if ready.asked.want_reply {
            ready.to_client.reply(true).await?;
        }
        if ready.asked.terminal.is_none() {
            return farewell(&ready.to_client, None, Some(&line), status).await;
        }
        ready.to_client.data_bytes(format!("{line}\r\n").into_bytes()).await?;
        farewell(&ready.to_client, None, None, status).await
    };
    let _ = tokio::time::timeout(LAST_LINE, last).await;
}
