//! Channel requests and their replies, as whoever reads and writes a channel sees them (RFC 4254 §5.4).

use bytes::Bytes;
use ssh_encoding::{Encode, Reader};

use super::{Channel, ChannelMsg, ChannelRef, ChannelWriteHalf};
use crate::session::Encrypted;
use crate::{ChannelId, Error, Sig, msg};

impl<S: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static> ChannelWriteHalf<S> {
    /// Answers the oldest unanswered request of the peer on this channel that wanted a reply.
    ///
    /// To be called once for every [`ChannelMsg`] with `want_reply`, in the order they were read. It takes its place in
    /// line with the data written before and after it.
    ///
    /// # Errors
    ///
    /// [`Error::SendError`] when the session is gone.
    pub async fn reply(&self, success: bool) -> Result<(), Error> {
        self.send_msg(if success { ChannelMsg::Success } else { ChannelMsg::Failure }).await
    }

    /// Sends a channel request that russh has no name for: `break` (RFC 4335), `eow@openssh.com`. `data` is everything
    /// that follows `want_reply` in the message.
    ///
    /// # Errors
    ///
    /// [`Error::SendError`] when the session is gone.
    pub async fn custom_request(
        &self,
        want_reply: bool,
        name: impl Into<String>,
        data: impl Into<Bytes>,
    ) -> Result<(), Error> {
        self.send_msg(ChannelMsg::Custom { name: name.into(), want_reply, data: data.into() }).await
    }

    /// Tells the client which signal ended the program (RFC 4254 §6.10). Server role only.
    ///
    /// # Errors
    ///
    /// [`Error::SendError`] when the session is gone.
    pub async fn exit_signal(
        &self,
        signal_name: Sig,
        core_dumped: bool,
        error_message: impl Into<String>,
        lang_tag: impl Into<String>,
    ) -> Result<(), Error> {
        let (error_message, lang_tag) = (error_message.into(), lang_tag.into());
        self.send_msg(ChannelMsg::ExitSignal { signal_name, core_dumped, error_message, lang_tag }).await
    }
}

impl<S: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static> Channel<S> {
    /// As [`ChannelWriteHalf::reply`].
    pub async fn reply(&self, success: bool) -> Result<(), Error> {
        self.write_half.reply(success).await
    }

    /// As [`ChannelWriteHalf::custom_request`].
    pub async fn custom_request(
        &self,
        want_reply: bool,
        name: impl Into<String>,
        data: impl Into<Bytes>,
    ) -> Result<(), Error> {
        self.write_half.custom_request(want_reply, name, data).await
    }

    /// As [`ChannelWriteHalf::exit_signal`].
    pub async fn exit_signal(
        &self,
        signal_name: Sig,
        core_dumped: bool,
        error_message: impl Into<String>,
        lang_tag: impl Into<String>,
    ) -> Result<(), Error> {
        self.write_half.exit_signal(signal_name, core_dumped, error_message, lang_tag).await
    }
}

impl ChannelRef {
    /// Hands a request without a name in russh to the channel's reader. False when there is none.
    pub(crate) async fn custom(&self, name: &str, want_reply: bool, data: Bytes) -> bool {
        self.send(ChannelMsg::Custom { name: name.to_owned(), want_reply, data }).await.is_ok()
    }
}

/// All that is left of a message.
pub(crate) fn rest(reader: &mut impl Reader) -> Result<Bytes, Error> {
    let mut rest = vec![0; reader.remaining_len()];
    reader.read(&mut rest)?;
    Ok(rest.into())
}

impl Encrypted {
    /// Writes a channel request with the fields `data`.
    pub(crate) fn custom_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        want_reply: bool,
        data: &[u8],
    ) -> Result<(), Error> {
        if let Some(channel) = self.channels.get(&channel) {
            push_packet!(self.write, {
                self.write.push(msg::CHANNEL_REQUEST);
                channel.recipient_channel.encode(&mut self.write)?;
                name.encode(&mut self.write)?;
                self.write.push(u8::from(want_reply));
                self.write.extend_from_slice(data);
            });
        }
        Ok(())
    }

    /// Answers a request of the peer, if one is still unanswered.
    pub(crate) fn reply(&mut self, channel: ChannelId, success: bool) -> Result<(), Error> {
        if let Some(channel) = self.channels.get_mut(&channel)
            && channel.replies_owed > 0
        {
            channel.replies_owed -= 1;
            push_packet!(self.write, {
                self.write.push(if success { msg::CHANNEL_SUCCESS } else { msg::CHANNEL_FAILURE });
                channel.recipient_channel.encode(&mut self.write)?;
            });
        }
        Ok(())
    }
}
