//! Channel requests are answered by whoever reads the channel, and unknown ones reach it too (`new/requests.rs`).
//!
//! russh remembers one `wants_reply` per channel, so a second request before the first answer loses one; it tells the
//! reader `want_reply: true` whatever the peer asked; and it fails requests it has no name for on its own.

use crate::edit::Edit;

const COUNT: &str = "requests are pipelined: count the replies owed, and answer each in its turn";
const TRUTH: &str = "the reader answers exactly the requests that want a reply, so it must be told which do";
const CUSTOM: &str = "a request without a name in russh goes to the channel's reader, who may pass it on";

pub const EDITS: &[Edit] = &[
    Edit {
        file: "channels/mod.rs",
        why: CUSTOM,
        find: "    OpenFailure(ChannelOpenFailure),
}",
        put: "    OpenFailure(ChannelOpenFailure),
    /// A request russh has no name for, in both roles; `data` is everything after `want_reply`.
    Custom {
        name: String,
        want_reply: bool,
        data: Bytes,
    },
}",
    },
    Edit {
        file: "lib_inner.rs",
        why: COUNT,
        find: "    wants_reply: bool,
    /// (buffer,",
        put: "    replies_owed: u32,
    /// (buffer,",
    },
    Edit {
        file: "session.rs",
        why: COUNT,
        find: "                    confirmed: false,
                    wants_reply: false,",
        put: "                    confirmed: false,
                    replies_owed: 0,",
    },
    // Server role.
    Edit {
        file: "server/encrypted.rs",
        why: COUNT,
        find: "            confirmed: true,
            wants_reply: false,",
        put: "            confirmed: true,
            replies_owed: 0,",
    },
    Edit {
        file: "server/encrypted.rs",
        why: COUNT,
        // RFC 4254 §6.7 and §6.9 give these two no reply.
        find: "                    channel.wants_reply = wants_reply != 0;",
        put: "                    if wants_reply != 0 && !matches!(req_type.as_str(), \"window-change\" | \"signal\") {
                        channel.replies_owed = channel.replies_owed.saturating_add(1);
                    }",
    },
    Edit {
        file: "server/session.rs",
        why: COUNT,
        find: "            if channel.wants_reply {
                channel.wants_reply = false;
                debug!(\"channel_success {channel:?}\");",
        put: "            if channel.replies_owed > 0 {
                channel.replies_owed -= 1;
                debug!(\"channel_success {channel:?}\");",
    },
    Edit {
        file: "server/session.rs",
        why: COUNT,
        find: "            if channel.wants_reply {
                channel.wants_reply = false;
                push_packet!(enc.write, {
                    enc.write.push(msg::CHANNEL_FAILURE);",
        put: "            if channel.replies_owed > 0 {
                channel.replies_owed -= 1;
                push_packet!(enc.write, {
                    enc.write.push(msg::CHANNEL_FAILURE);",
    },
    told(
        "ChannelMsg::RequestPty {\n                                    want_reply: true,",
        "ChannelMsg::RequestPty {\n                                    want_reply: wants_reply != 0,",
    ),
    told(
        "ChannelMsg::RequestX11 {\n                                    want_reply: true,",
        "ChannelMsg::RequestX11 {\n                                    want_reply: wants_reply != 0,",
    ),
    told("ChannelMsg::RequestShell { want_reply: true }", "ChannelMsg::RequestShell { want_reply: wants_reply != 0 }"),
    told("ChannelMsg::AgentForward { want_reply: true }", "ChannelMsg::AgentForward { want_reply: wants_reply != 0 }"),
    told(
        "ChannelMsg::Exec {\n                                    want_reply: true,",
        "ChannelMsg::Exec {\n                                    want_reply: wants_reply != 0,",
    ),
    told(
        "ChannelMsg::RequestSubsystem {\n                                    want_reply: true,",
        "ChannelMsg::RequestSubsystem {\n                                    want_reply: wants_reply != 0,",
    ),
    told(
        "ChannelMsg::SetEnv {\n                                    want_reply: true,",
        "ChannelMsg::SetEnv {\n                                    want_reply: wants_reply != 0,",
    ),
    Edit {
        file: "server/encrypted.rs",
        why: "a variable that is not UTF-8 must not end the connection: it goes to the reader byte for byte",
        find: "                        let env_variable = map_err!(String::decode(r))?;
                        let env_value = map_err!(String::decode(r))?;
                        map_err!(ensure_end(r))?;
",
        put: "                        let raw = crate::channels::rest(r)?;
                        let mut r = &raw[..];
                        let env_variable = map_err!(Bytes::decode(&mut r))?;
                        let env_value = map_err!(Bytes::decode(&mut r))?;
                        map_err!(ensure_end(&r))?;
                        let (Ok(env_variable), Ok(env_value)) = (
                            String::from_utf8(env_variable.into()),
                            String::from_utf8(env_value.into()),
                        ) else {
                            return Ok(self.custom_received(channel_num, &req_type, wants_reply != 0, raw).await?);
                        };
",
    },
    Edit {
        file: "server/encrypted.rs",
        why: "the reader of the channel answers, as it does all others",
        find: "                        let response = handler.agent_request(channel_num, self).await?;
                        if response {
                            self.channel_success(channel_num)?
                        } else {
                            self.channel_failure(channel_num)?
                        }
                        Ok(())",
        put: "                        handler.agent_request(channel_num, self).await?;
                        Ok(())",
    },
    Edit {
        file: "server/encrypted.rs",
        why: CUSTOM,
        find: "                        warn!(\"unknown channel request {x}\");
                        self.channel_failure(channel_num)?;
                        Ok(())",
        put: "                        let data = crate::channels::rest(r)?;
                        Ok(self.custom_received(channel_num, x, wants_reply != 0, data).await?)",
    },
    Edit {
        file: "server/session.rs",
        why: CUSTOM,
        find: "    /// Send the exit status of a program.
    pub fn exit_status_request(",
        put: "    /// Hands a request without a name in russh to the channel's reader; fails it when there is none.
    pub(crate) async fn custom_received(
        &mut self,
        id: ChannelId,
        name: &str,
        want_reply: bool,
        data: bytes::Bytes,
    ) -> Result<(), Error> {
        match self.channels.get(&id) {
            Some(channel) if channel.custom(name, want_reply, data).await => Ok(()),
            _ if want_reply => self.channel_failure(id),
            _ => Ok(()),
        }
    }

    /// Send the exit status of a program.
    pub fn exit_status_request(",
    },
    Edit {
        file: "server/session.rs",
        why: CUSTOM,
        find: "            Msg::Channel(id, ChannelMsg::XonXoff { client_can_do }) => {",
        put: "            Msg::Channel(id, ChannelMsg::Custom { name, want_reply, data }) => {
                if let Some(enc) = self.common.encrypted.as_mut() {
                    enc.custom_request(id, &name, want_reply, &data)?;
                }
            }
            Msg::Channel(id, ChannelMsg::XonXoff { client_can_do }) => {",
    },
    Edit {
        file: "server/encrypted.rs",
        why: "a server that sends requests reads the client's replies to them",
        find: "            msg::CHANNEL_OPEN_FAILURE => {
                debug!(\"channel_open_failure\");",
        put: "            msg::CHANNEL_SUCCESS | msg::CHANNEL_FAILURE => {
                let channel_num = map_err!(ChannelId::decode(r))?;
                map_err!(ensure_end(r))?;
                if self.common.is_established_channel(channel_num)
                    && let Some(chan) = self.channels.get(&channel_num)
                {
                    let reply = if msg == msg::CHANNEL_SUCCESS { ChannelMsg::Success } else { ChannelMsg::Failure };
                    let _ = chan.send(reply).await;
                }
                Ok(())
            }
            msg::CHANNEL_OPEN_FAILURE => {
                debug!(\"channel_open_failure\");",
    },
    // Client role.
    Edit {
        file: "client/encrypted.rs",
        why: COUNT,
        find: "                    confirmed: true,
                    wants_reply: false,",
        put: "                    confirmed: true,
                    replies_owed: 0,",
    },
    Edit {
        file: "client/encrypted.rs",
        why: CUSTOM,
        find: "                        let wants_reply = map_err!(u8::decode(&mut r))?;
                        if wants_reply == 1
                            && let Some(ref mut enc) = self.common.encrypted
                        {
                            self.common.wants_reply = false;
                            if let Some(ch) = enc.channels.get(&channel_num) {
                                push_packet!(enc.write, {
                                    map_err!(msg::CHANNEL_FAILURE.encode(&mut enc.write))?;
                                    map_err!(ch.recipient_channel.encode(&mut enc.write))?;
                                })
                            }
                        }
                        info!(\"Unknown channel request {req:?} {wants_reply:?}\",);
                        Ok(())",
        put: "                        let want_reply = map_err!(u8::decode(&mut r))? != 0;
                        let data = crate::channels::rest(&mut r)?;
                        if want_reply && let Some(channel) =
                            self.common.encrypted.as_mut().and_then(|enc| enc.channels.get_mut(&channel_num))
                        {
                            channel.replies_owed = channel.replies_owed.saturating_add(1);
                        }
                        let heard = match self.channels.get(&channel_num) {
                            Some(channel) => channel.custom(&req, want_reply, data).await,
                            None => false,
                        };
                        if want_reply && !heard && let Some(enc) = self.common.encrypted.as_mut() {
                            enc.reply(channel_num, false)?;
                        }
                        Ok(())",
    },
    Edit {
        file: "client/mod.rs",
        why: CUSTOM,
        find: "            Msg::Channel(id, ChannelMsg::Eof) => {",
        put: "            Msg::Channel(id, ChannelMsg::Custom { name, want_reply, data }) => {
                if let Some(enc) = self.common.encrypted.as_mut() {
                    enc.custom_request(id, &name, want_reply, &data)?;
                }
            }
            Msg::Channel(id, reply @ (ChannelMsg::Success | ChannelMsg::Failure)) => {
                if let Some(enc) = self.common.encrypted.as_mut() {
                    enc.reply(id, matches!(reply, ChannelMsg::Success))?;
                }
            }
            Msg::Channel(id, ChannelMsg::Eof) => {",
    },
];

const fn told(find: &'static str, put: &'static str) -> Edit {
    Edit { file: "server/encrypted.rs", why: TRUTH, find, put }
}
