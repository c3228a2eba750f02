//! Global requests can be answered later (`new/replies.rs`): a handler that had to ask elsewhere would hold up the whole
//! connection meanwhile. Their replies have no number, so they leave in the order of the requests (RFC 4254 §4).

use crate::edit::Edit;

const LATER: &str = "a global request is answered when its answer is there, and the loop goes on meanwhile";
const ORDER: &str = "replies to global requests leave in the order of the requests, whoever gives them";

pub const EDITS: &[Edit] = &[
    Edit {
        file: "server/mod.rs",
        why: LATER,
        find: "mod kex;\nmod session;\n",
        put: "mod kex;
mod replies;
pub use self::replies::GlobalReply;
mod session;
",
    },
    Edit {
        file: "server/mod.rs",
        why: LATER,
        find: "        pending_len: 0,
        unauthenticated_bytes: 0,",
        put: "        pending_len: 0,
        replies: Default::default(),
        unauthenticated_bytes: 0,",
    },
    Edit {
        file: "server/session.rs",
        why: LATER,
        find: "    pub(crate) pending_len: u32,
    pub(crate) unauthenticated_bytes: usize,",
        put: "    pub(crate) pending_len: u32,
    pub(crate) replies: super::replies::Replies,
    pub(crate) unauthenticated_bytes: usize,",
    },
    Edit {
        file: "server/session.rs",
        why: LATER,
        find: "    /// A channel's reader consumed this many bytes.",
        put: "    /// The reply to a global request that was put off.
    GlobalReply {
        slot: Option<u64>,
        answer: super::replies::Answer,
        words: Option<String>,
    },
    /// A channel's reader consumed this many bytes.",
    },
    Edit {
        file: "server/session.rs",
        why: LATER,
        find: "            Msg::Credit { channel, bytes } => {",
        put: "            Msg::GlobalReply { slot, answer, words } => self.replied(slot, answer, words.as_deref())?,
            Msg::Credit { channel, bytes } => {",
    },
    Edit {
        file: "server/session.rs",
        why: ORDER,
        find: "        if self.common.wants_reply
            && let Some(ref mut enc) = self.common.encrypted
        {
            self.common.wants_reply = false;
            push_packet!(enc.write, enc.write.push(msg::REQUEST_SUCCESS))
        }",
        put: "        // What can fail here is the encoding of a number, or the end of the connection.
        let _ = self.reply_now(super::replies::Answer::Success(None));",
    },
    Edit {
        file: "server/session.rs",
        why: ORDER,
        find: "        if self.common.wants_reply
            && let Some(ref mut enc) = self.common.encrypted
        {
            self.common.wants_reply = false;
            push_packet!(enc.write, enc.write.push(msg::REQUEST_FAILURE))
        }",
        put: "        let _ = self.reply_now(super::replies::Answer::Failure);",
    },
    Edit {
        file: "server/encrypted.rs",
        why: ORDER,
        find: "                            if self.common.wants_reply
                                && let Some(ref mut enc) = self.common.encrypted
                            {
                                self.common.wants_reply = false;
                                push_packet!(enc.write, {
                                    enc.write.push(msg::REQUEST_SUCCESS);
                                    if port == 0 && returned_port != 0 {
                                        map_err!(returned_port.encode(&mut enc.write))?;
                                    }
                                })
                            }",
        put: "                            let chosen = (port == 0 && returned_port != 0).then_some(returned_port);
                            self.reply_now(super::replies::Answer::Success(chosen))?;",
    },
];
