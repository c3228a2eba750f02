//! The receive windows of a session's channels (RFC 4254 §5.2): debited when data arrives, opened by what was consumed.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use byteorder::{BigEndian, ByteOrder};
use ssh_encoding::Encode;

use super::ChannelRef;
use crate::session::{CommonSession, Encrypted};
use crate::{ChannelId, msg};

/// The way back from the readers of a session's channels to its loop: unbounded, so no reader ever waits in it, and
/// small, since a message goes over it only for every `batch` bytes of an opened window.
#[derive(Clone)]
pub(crate) struct CreditLine {
    batch: u32,
    send: Arc<dyn Fn(ChannelId, u32) + Send + Sync>,
}

impl CreditLine {
    /// For channels with windows of `window` bytes. `send` must not wait.
    pub(crate) fn new(window: u32, send: impl Fn(ChannelId, u32) + Send + Sync + 'static) -> Self {
        // An eighth: the peer always has seven eighths of its window, and a 2 MiB window costs a message per 256 KiB.
        Self { batch: (window / 8).max(1), send: Arc::new(send) }
    }

    /// The credit of one channel.
    pub(crate) fn of(&self, channel: ChannelId) -> Credit {
        Credit { line: self.clone(), channel, owed: 0 }
    }
}

impl fmt::Debug for CreditLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreditLine").field("batch", &self.batch).finish()
    }
}

/// What was consumed of one channel, and not yet told to the loop.
#[derive(Debug)]
pub(crate) struct Credit {
    line: CreditLine,
    channel: ChannelId,
    owed: u32,
}

impl Credit {
    pub(crate) fn consumed(&mut self, bytes: usize) {
        self.owed = self.owed.saturating_add(bytes as u32);
        if self.owed >= self.line.batch {
            (self.line.send)(self.channel, std::mem::take(&mut self.owed));
        }
    }
}

impl<C> CommonSession<C> {
    /// Debits a packet the peer sent on a channel, before anything else is done with it.
    ///
    /// Returns what is wrong, for a peer that sent more than its window or piled up more than a channel may hold.
    pub(crate) fn debit(&mut self, channels: &HashMap<ChannelId, ChannelRef>, packet: &[u8]) -> Option<&'static str> {
        let (&kind, fields) = packet.split_first()?;
        if !(msg::CHANNEL_WINDOW_ADJUST..=msg::CHANNEL_FAILURE).contains(&kind) {
            return None;
        }
        let id = ChannelId(field(fields, 0)?);
        if channels.get(&id).is_some_and(|channel| channel.is_overfull()) {
            return Some("too many unread messages on a channel");
        }
        let length = match kind {
            msg::CHANNEL_DATA => field(fields, 1)?,
            msg::CHANNEL_EXTENDED_DATA => field(fields, 2)?,
            _ => return None,
        };
        let channel = self.encrypted.as_mut()?.channels.get_mut(&id)?;
        match channel.sender_window_size.checked_sub(length) {
            Some(left) => channel.sender_window_size = left,
            None => return Some("more data than the channel's window"),
        }
        None
    }
}

/// The `index`th of a packet's leading `uint32` fields.
fn field(fields: &[u8], index: usize) -> Option<u32> {
    fields.get(4 * index..4 * index + 4).map(BigEndian::read_u32)
}

impl Encrypted {
    /// Opens the peer's window by what the channel's reader consumed.
    pub(crate) fn credit(&mut self, channel: ChannelId, bytes: u32) -> Result<(), crate::Error> {
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.sender_window_size = channel.sender_window_size.saturating_add(bytes);
            push_packet!(self.write, {
                self.write.push(msg::CHANNEL_WINDOW_ADJUST);
                channel.recipient_channel.encode(&mut self.write)?;
                bytes.encode(&mut self.write)?;
            });
        }
        Ok(())
    }
}
