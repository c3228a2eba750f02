//! Received messages wait in an inbox per channel (`new/inbox.rs`), and the session's loop never waits for a reader.
//!
//! russh awaits room in a bounded queue per channel, inside the loop: one reader that stops freezes every channel of the
//! connection, and two sessions that relay to each other deadlock. The inbox has the queue's methods, so that the places
//! that deliver messages (`chan.send(…).await`) stay as they are.

use crate::edit::Edit;

const TYPE: &str = "a channel's messages wait in our inbox, not in tokio's bounded queue";
const OPENED: &str = "a channel we open reads from an inbox too, and tells the session what it consumed";
const INFORMATION: &str =
    "the writer waits for the window by itself; a note for the reader per adjustment would pile up unread";

pub const EDITS: &[Edit] = &[
    Edit {
        file: "channels/mod.rs",
        why: TYPE,
        find: "use tokio::sync::mpsc::{Receiver, Sender};",
        put: "use tokio::sync::mpsc::Sender;",
    },
    Edit {
        file: "channels/mod.rs",
        why: "the modules of ours",
        find: "mod channel_ref;\n",
        put: "mod channel_ref;
pub(crate) mod flow;
pub(crate) mod inbox;
mod requests;
pub(crate) use requests::rest;
use flow::CreditLine;
use inbox::{Inbox, inbox};
",
    },
    Edit {
        file: "channels/mod.rs",
        why: TYPE,
        find: "pub(crate) receiver: Receiver<ChannelMsg>,",
        put: "pub(crate) receiver: Inbox,",
    },
    Edit {
        file: "channels/mod.rs",
        why: "a channel the peer opens tells the session what its reader consumed",
        find: "        channel_buffer_size: usize,
    ) -> (Self, ChannelRef) {
        let (tx, rx) = tokio::sync::mpsc::channel(channel_buffer_size);
",
        put: "        channel_buffer_size: usize,
        credit: &CreditLine,
    ) -> (Self, ChannelRef) {
        let (tx, rx) = inbox(channel_buffer_size);
        let rx = rx.crediting(credit.of(id));
",
    },
    Edit {
        file: "channels/channel_ref.rs",
        why: TYPE,
        find: "use tokio::sync::mpsc::Sender;\n\nuse super::WindowSizeRef;\nuse crate::ChannelMsg;\n",
        put: "use super::WindowSizeRef;\nuse super::inbox::InboxSender;\n",
    },
    Edit {
        file: "channels/channel_ref.rs",
        why: TYPE,
        find: "pub(super) sender: Sender<ChannelMsg>,",
        put: "pub(super) sender: InboxSender,",
    },
    Edit {
        file: "channels/channel_ref.rs",
        why: TYPE,
        find: "pub fn new(sender: Sender<ChannelMsg>) -> Self {",
        put: "pub fn new(sender: InboxSender) -> Self {",
    },
    Edit {
        file: "channels/channel_ref.rs",
        why: TYPE,
        find: "type Target = Sender<ChannelMsg>;",
        put: "type Target = InboxSender;",
    },
    // Server role.
    Edit {
        file: "server/session.rs",
        why: OPENED,
        find: "use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel};",
        put: "use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender};",
    },
    Edit {
        file: "server/session.rs",
        why: OPENED,
        find: "use channels::WindowSizeRef;",
        put: "use channels::WindowSizeRef;
use channels::flow::CreditLine;
use channels::inbox::{Inbox, inbox as channel};",
    },
    Edit {
        file: "server/session.rs",
        why: OPENED,
        find: "mut receiver: Receiver<ChannelMsg>,",
        put: "mut receiver: Inbox,",
    },
    Edit {
        file: "server/session.rs",
        why: OPENED,
        find: "read_half: ChannelReadHalf { receiver },",
        put: "read_half: ChannelReadHalf { receiver: receiver.crediting(self.credit.of(id)) },",
    },
    Edit {
        file: "server/encrypted.rs",
        why: "a channel the peer opens tells the session what its reader consumed",
        find: "            channel_params.recipient_window_size,
            self.common.config.channel_buffer_size,
",
        put: "            channel_params.recipient_window_size,
            self.common.config.channel_buffer_size,
            &self.sender.credit,
",
    },
    Edit {
        file: "server/encrypted.rs",
        why: INFORMATION,
        find: "let _ = chan.try_send(ChannelMsg::WindowAdjusted { new_size });",
        put: "",
    },
    // Client role.
    Edit {
        file: "client/mod.rs",
        why: OPENED,
        find: "use tokio::sync::mpsc::{
    Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel,
};",
        put: "use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use crate::channels::flow::CreditLine;
use crate::channels::inbox::{Inbox, inbox as channel};",
    },
    Edit {
        file: "client/mod.rs",
        why: "`channel` is the inbox now; the session's own queue is as it was",
        find: "let (handle_sender, session_receiver) = channel(10);",
        put: "let (handle_sender, session_receiver) = mpsc::channel(10);",
    },
    Edit {
        file: "client/mod.rs",
        why: "`channel` is the inbox now; the session's own queue is as it was",
        find: "let (inbound_channel_sender, inbound_channel_receiver) = channel(10);",
        put: "let (inbound_channel_sender, inbound_channel_receiver) = mpsc::channel(10);",
    },
    Edit {
        file: "client/mod.rs",
        why: OPENED,
        find: "mut receiver: Receiver<ChannelMsg>,",
        put: "mut receiver: Inbox,",
    },
    Edit {
        file: "client/mod.rs",
        why: OPENED,
        find: "read_half: ChannelReadHalf { receiver },",
        put: "read_half: ChannelReadHalf { receiver: receiver.crediting(self.credit.of(id)) },",
    },
    Edit {
        file: "client/encrypted.rs",
        why: "a channel the peer opens tells the session what its reader consumed",
        find: "                    channel_params.recipient_window_size,
                    self.common.config.channel_buffer_size,
",
        put: "                    channel_params.recipient_window_size,
                    self.common.config.channel_buffer_size,
                    &self.credit,
",
    },
    Edit {
        file: "client/encrypted.rs",
        why: INFORMATION,
        find: "let _ = chan.try_send(ChannelMsg::WindowAdjusted { new_size });",
        put: "",
    },
];
