//! The output of what the product itself says on a channel, as it comes.

use bytes::{Bytes, BytesMut};
use russh::{ChannelWriteHalf, server};
use tokio::sync::mpsc;

use crate::gate::Output;

/// How many pieces of output may wait for a slow reader.
pub const OUTPUT_QUEUE: usize = 16;

/// How many pieces of input may wait for a command that does not read.
pub const INPUT_QUEUE: usize = 64;

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
