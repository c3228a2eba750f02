//! What a session has received for one channel and its reader has not taken yet.
//!
//! The session's loop puts messages in without waiting; the reader takes them out at its own pace. Data is bounded by
//! the channel's window, which opens again only by what the reader took (RFC 4254 §5.2); everything else is bounded by
//! a count and a sum, and a peer that exceeds them is disconnected. So one reader that stops fills its own inbox and
//! holds up nobody else.

use std::collections::VecDeque;
use std::future::{Future, Ready, poll_fn, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};

use super::ChannelMsg;
use super::flow::Credit;

/// Bytes that unread messages other than data may hold.
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// Unread messages of all kinds.
const MAX_MESSAGES: usize = 16 << 10;
/// Data packets below this size are joined once `JOIN_AFTER` messages wait, up to `JOINED` bytes.
const TINY: usize = 1 << 10;
const JOIN_AFTER: usize = 256;
const JOINED: usize = 32 << 10;

/// The two ends of an inbox in which up to `max_requests` messages that are not data may wait.
pub(crate) fn inbox(max_requests: usize) -> (InboxSender, Inbox) {
    let state = State { max_requests, ..State::default() };
    let shared = Arc::new(Mutex::new(state));
    (InboxSender { shared: shared.clone() }, Inbox { shared })
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<ChannelMsg>,
    max_requests: usize,
    requests: usize,
    request_bytes: usize,
    /// How consumed data is told to the session, once the channel is known to it.
    credit: Option<Credit>,
    reader: Option<Waker>,
    reader_gone: bool,
    session_gone: bool,
}

impl State {
    fn put(&mut self, msg: ChannelMsg) {
        match weight(&msg) {
            Weight::Data(_) if self.joined(&msg) => return,
            Weight::Data(_) => {}
            Weight::Request(bytes) => {
                self.requests += 1;
                self.request_bytes += bytes;
            }
        }
        self.waiting.push_back(msg);
    }

    /// Adds a tiny packet to the last message of its stream, so that a window full of single bytes does not become
    /// millions of messages. Looks past one message of the other stream; a request in between ends the search.
    fn joined(&mut self, msg: &ChannelMsg) -> bool {
        if self.waiting.len() < JOIN_AFTER {
            return false;
        }
        let Some((stream, new)) = as_data(msg) else { return false };
        if new.len() >= TINY {
            return false;
        }
        for last in self.waiting.iter_mut().rev().take(2) {
            match last {
                ChannelMsg::Data { data } if stream.is_none() => return join(data, new),
                ChannelMsg::ExtendedData { data, ext } if stream == Some(*ext) => return join(data, new),
                ChannelMsg::Data { .. } | ChannelMsg::ExtendedData { .. } => {}
                _ => return false,
            }
        }
        false
    }

    fn take(&mut self) -> Option<ChannelMsg> {
        let msg = self.waiting.pop_front()?;
        match weight(&msg) {
            Weight::Data(bytes) => self.consumed(bytes),
            Weight::Request(bytes) => {
                self.requests -= 1;
                self.request_bytes -= bytes;
            }
        }
        Some(msg)
    }

    fn consumed(&mut self, bytes: usize) {
        if let Some(credit) = &mut self.credit {
            credit.consumed(bytes);
        }
    }
}

fn as_data(msg: &ChannelMsg) -> Option<(Option<u32>, &Bytes)> {
    match msg {
        ChannelMsg::Data { data } => Some((None, data)),
        ChannelMsg::ExtendedData { data, ext } => Some((Some(*ext), data)),
        _ => None,
    }
}

fn join(data: &mut Bytes, more: &Bytes) -> bool {
    if data.len() + more.len() > JOINED {
        return false;
    }
    let mut whole = std::mem::take(data).try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    whole.extend_from_slice(more);
    *data = whole.freeze();
    true
}

/// What a message counts for while it is unread.
enum Weight {
    /// Bytes of the channel's window.
    Data(usize),
    /// Bytes of a request's own fields.
    Request(usize),
}

fn weight(msg: &ChannelMsg) -> Weight {
    match msg {
        ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => Weight::Data(data.len()),
        ChannelMsg::RequestPty { term, terminal_modes, .. } => {
            Weight::Request(term.len() + std::mem::size_of_val(&terminal_modes[..]))
        }
        ChannelMsg::Exec { command, .. } => Weight::Request(command.len()),
        ChannelMsg::RequestSubsystem { name, .. } => Weight::Request(name.len()),
        ChannelMsg::RequestX11 { x11_authentication_protocol: protocol, x11_authentication_cookie: cookie, .. } => {
            Weight::Request(protocol.len() + cookie.len())
        }
        ChannelMsg::SetEnv { variable_name, variable_value, .. } => {
            Weight::Request(variable_name.len() + variable_value.len())
        }
        ChannelMsg::ExitSignal { error_message, lang_tag, .. } => Weight::Request(error_message.len() + lang_tag.len()),
        ChannelMsg::Custom { name, data, .. } => Weight::Request(name.len() + data.len()),
        _ => Weight::Request(0),
    }
}

/// The reader is gone, and with it whoever wanted the message.
#[derive(Debug)]
pub struct ReaderGone;

/// The session's end.
#[derive(Debug)]
pub struct InboxSender {
    shared: Arc<Mutex<State>>,
}

impl InboxSender {
    /// Puts a message in. Never waits: the future is for those who used to.
    ///
    /// Data for a reader that is gone counts as consumed, so that the peer can go on to the end of it.
    pub fn send(&self, msg: ChannelMsg) -> Ready<Result<(), ReaderGone>> {
        let mut state = lock(&self.shared);
        if state.reader_gone {
            if let Weight::Data(bytes) = weight(&msg) {
                state.consumed(bytes);
            }
            return ready(Err(ReaderGone));
        }
        state.put(msg);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        ready(Ok(()))
    }

    /// Whether the peer has piled up more than it may.
    pub(crate) fn is_overfull(&self) -> bool {
        let state = lock(&self.shared);
        state.requests > state.max_requests
            || state.request_bytes > MAX_REQUEST_BYTES
            || state.waiting.len() > MAX_MESSAGES
    }
}

impl Drop for InboxSender {
    fn drop(&mut self) {
        let mut state = lock(&self.shared);
        state.session_gone = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// The reader's end.
#[derive(Debug)]
pub(crate) struct Inbox {
    shared: Arc<Mutex<State>>,
}

impl Inbox {
    /// From now on tells the session what was consumed.
    pub(crate) fn crediting(self, credit: Credit) -> Self {
        lock(&self.shared).credit = Some(credit);
        self
    }

    /// The next message, or `None` once the channel is closed and all of it was taken.
    pub(crate) async fn recv(&mut self) -> Option<ChannelMsg> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// As `recv`.
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<ChannelMsg>> {
        let mut state = lock(&self.shared);
        if let Some(msg) = state.take() {
            return Poll::Ready(Some(msg));
        }
        if state.session_gone || state.reader_gone {
            return Poll::Ready(None);
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes no more messages than wait already; data still to come counts as consumed.
    pub(crate) fn close(&mut self) {
        lock(&self.shared).reader_gone = true;
    }
}

impl Drop for Inbox {
    /// Nobody will read what waits: it counts as consumed, so that the peer can go on to the end of it.
    fn drop(&mut self) {
        self.close();
        let mut state = lock(&self.shared);
        while state.take().is_some() {}
    }
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    // The state is whole between any two statements, so a panic elsewhere does not spoil it.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
