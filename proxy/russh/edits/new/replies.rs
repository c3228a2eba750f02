//! Replies to global requests leave in the order of the requests (RFC 4254 §4), also where one of them takes its time.

use std::collections::VecDeque;

use ssh_encoding::Encode;
use tokio::sync::mpsc::UnboundedSender;

use super::{Msg, Session};
use crate::{Disconnect, Error, msg};

/// How many replies may wait behind one that takes its time, before the client is disconnected.
const MAX_WAITING: usize = 1024;

/// The reply to one global request, to be given later. Dropped, it is a failure.
#[derive(Debug)]
pub struct GlobalReply {
    sender: UnboundedSender<Msg>,
    /// `None` once it is given, and for a request that wants none.
    slot: Option<u64>,
    words: Option<String>,
}

/// What a client is told.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// Yes; with the port that was chosen, where one was.
    Success(Option<u32>),
    /// No.
    Failure,
}

/// The replies that are owed, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// The number of the first that waits.
    first: u64,
    waiting: VecDeque<Option<Answer>>,
}

impl GlobalReply {
    /// Says yes; with the port that was chosen, where the client left the choice.
    pub fn accept(mut self, port: Option<u32>) {
        self.send(Answer::Success(port));
    }

    /// Says no; why goes ahead of it in an SSH_MSG_DEBUG, since the reply itself has no room for words.
    pub fn refuse(mut self, why: &str) {
        self.words = Some(why.to_owned());
    }

    fn send(&mut self, answer: Answer) {
        let (slot, words) = (self.slot.take(), self.words.take());
        if slot.is_some() || words.is_some() {
            // When nobody takes it the connection is gone.
            let _ = self.sender.send(Msg::GlobalReply { slot, answer, words });
        }
    }
}

impl Drop for GlobalReply {
    fn drop(&mut self) {
        self.send(Answer::Failure);
    }
}

impl Session {
    /// Puts the reply to the global request that is being handled off. What the handler returns counts for nothing then.
    pub fn reply_later(&mut self) -> GlobalReply {
        let slot = std::mem::take(&mut self.common.wants_reply).then(|| {
            self.replies.waiting.push_back(None);
            self.replies.first + self.replies.waiting.len() as u64 - 1
        });
        GlobalReply { sender: self.sender.priority_sender.clone(), slot, words: None }
    }

    /// Replies to the global request that is being handled, if it wants that: after those before it.
    pub(crate) fn reply_now(&mut self, answer: Answer) -> Result<(), Error> {
        if !std::mem::take(&mut self.common.wants_reply) {
            return Ok(());
        }
        if self.replies.waiting.is_empty() {
            return self.write_reply(answer);
        }
        if self.replies.waiting.len() >= MAX_WAITING {
            return self.common.disconnect(Disconnect::ProtocolError, "too many unanswered requests", "");
        }
        self.replies.waiting.push_back(Some(answer));
        Ok(())
    }

    /// A reply that was put off is there.
    pub(crate) fn replied(&mut self, slot: Option<u64>, answer: Answer, words: Option<&str>) -> Result<(), Error> {
        if let Some(words) = words {
            self.debug(true, words, "")?;
        }
        let Some(slot) = slot else { return Ok(()) };
        let at = slot.checked_sub(self.replies.first).and_then(|at| usize::try_from(at).ok());
        if let Some(owed) = at.and_then(|at| self.replies.waiting.get_mut(at)) {
            *owed = Some(answer);
        }
        while let Some(&Some(answer)) = self.replies.waiting.front() {
            self.replies.waiting.pop_front();
            self.replies.first += 1;
            self.write_reply(answer)?;
        }
        Ok(())
    }

    fn write_reply(&mut self, answer: Answer) -> Result<(), Error> {
        if let Some(ref mut enc) = self.common.encrypted {
            push_packet!(enc.write, {
                match answer {
                    Answer::Success(port) => {
                        enc.write.push(msg::REQUEST_SUCCESS);
                        if let Some(port) = port {
                            port.encode(&mut enc.write)?;
                        }
                    }
                    Answer::Failure => enc.write.push(msg::REQUEST_FAILURE),
                }
            })
        }
        Ok(())
    }
}
