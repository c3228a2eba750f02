//! Receive windows follow the readers (`new/flow.rs`).
//!
//! russh opens a channel's window again when data *arrives*. Here it is debited when data arrives, a peer that exceeds
//! it is disconnected, and it is opened when the channel's reader has *consumed* the data. What was consumed reaches the
//! loop over the session's priority queue: that queue is unbounded, so no reader ever waits in it, and the loop leaves it
//! alone during a rekey, so WINDOW_ADJUST never falls into one (RFC 4253 §7.1).

use crate::edit::Edit;

const DEBIT: &str = "debit the window, and disconnect a peer that exceeds what a channel may hold";
const CREDIT: &str = "what the readers consumed opens the windows";
const LINE: &str = "the session and its handles know the way consumed bytes go";
const IN_FLIGHT: &str = "data in flight when we start a rekey is legal up to the windows, however many channels: \
                         they bound it, not this limit";

pub const EDITS: &[Edit] = &[
    Edit {
        file: "session.rs",
        why: "the window is debited before this is called, and opened by what is consumed, not by what arrives",
        find: "        if let Some(channel) = self.channels.get_mut(&channel) {
            trace!(
                \"adjust_window_size, channel = {}, size = {},\",",
        put: "        if false && let Some(channel) = self.channels.get_mut(&channel) {
            trace!(
                \"adjust_window_size, channel = {}, size = {},\",",
    },
    // Server role.
    Edit {
        file: "server/encrypted.rs",
        why: DEBIT,
        find: "        let Some(enc) = self.common.encrypted.as_mut() else {
            return Err(Error::Inconsistent.into());
        };

        // If we've successfully read a packet.",
        put: "        if let Some(fault) = self.common.debit(&self.channels, buf) {
            self.common.disconnect(Disconnect::ProtocolError, fault, \"\")?;
            return Ok(());
        }

        let Some(enc) = self.common.encrypted.as_mut() else {
            return Err(Error::Inconsistent.into());
        };

        // If we've successfully read a packet.",
    },
    Edit {
        file: "server/session.rs",
        why: CREDIT,
        find: "    Channel(ChannelId, ChannelMsg),
    ChannelOpenReply {",
        put: "    Channel(ChannelId, ChannelMsg),
    /// A channel's reader consumed this many bytes.
    Credit {
        channel: ChannelId,
        bytes: u32,
    },
    ChannelOpenReply {",
    },
    Edit {
        file: "server/session.rs",
        why: CREDIT,
        find: "            Msg::Channel(id, ChannelMsg::WindowAdjusted { new_size }) => {",
        put: "            Msg::Credit { channel, bytes } => {
                if let Some(enc) = self.common.encrypted.as_mut() {
                    enc.credit(channel, bytes)?;
                }
            }
            Msg::Channel(id, ChannelMsg::WindowAdjusted { new_size }) => {",
    },
    Edit {
        file: "server/session.rs",
        why: LINE,
        find: "    pub(crate) priority_sender: UnboundedSender<Msg>,
    pub(crate) sender: Sender<Msg>,
    pub(crate) channel_buffer_size: usize,
}

impl Handle {",
        put: "    pub(crate) priority_sender: UnboundedSender<Msg>,
    pub(crate) sender: Sender<Msg>,
    pub(crate) channel_buffer_size: usize,
    pub(crate) credit: CreditLine,
}

impl Handle {",
    },
    Edit {
        file: "server/mod.rs",
        why: LINE,
        find: "    let handle = server::session::Handle {
        priority_sender,",
        put: "    let credit_sender = priority_sender.clone();
    let credit = crate::channels::flow::CreditLine::new(config.window_size, move |channel, bytes| {
        let _ = credit_sender.send(Msg::Credit { channel, bytes });
    });
    let handle = server::session::Handle {
        credit,
        priority_sender,",
    },
    Edit {
        file: "server/mod.rs",
        why: IN_FLIGHT,
        find: "                session.pending_len = session.pending_len.saturating_add(pkt.buffer.len() as u32);",
        put: "                if !matches!(msg_type, msg::CHANNEL_DATA | msg::CHANNEL_EXTENDED_DATA) {
                    session.pending_len = session.pending_len.saturating_add(pkt.buffer.len() as u32);
                }",
    },
    // Client role.
    Edit {
        file: "client/encrypted.rs",
        why: DEBIT,
        find: "            self.client_read_authenticated(client, buf).await
        } else {",
        put: "            if let Some(fault) = self.common.debit(&self.channels, buf) {
                self.common.disconnect(crate::Disconnect::ProtocolError, fault, \"\")?;
                return Ok(());
            }
            self.client_read_authenticated(client, buf).await
        } else {",
    },
    Edit {
        file: "client/mod.rs",
        why: CREDIT,
        find: "    Channel(ChannelId, ChannelMsg),
    ServerChannelOpenReply {",
        put: "    Channel(ChannelId, ChannelMsg),
    /// A channel's reader consumed this many bytes.
    Credit {
        channel: ChannelId,
        bytes: u32,
    },
    ServerChannelOpenReply {",
    },
    Edit {
        file: "client/mod.rs",
        why: CREDIT,
        find: "            Msg::Channel(id, ChannelMsg::Close) => self.close(id)?,",
        put: "            Msg::Credit { channel, bytes } => {
                if let Some(enc) = self.common.encrypted.as_mut() {
                    enc.credit(channel, bytes)?;
                }
            }
            Msg::Channel(id, ChannelMsg::Close) => self.close(id)?,",
    },
    Edit {
        file: "client/mod.rs",
        why: LINE,
        find: "    inbound_channel_sender: Sender<Msg>,
    inbound_channel_receiver: Receiver<Msg>,
    open_global_requests: VecDeque<GlobalRequestResponse>,
    server_sig_algs: Option<Vec<Algorithm>>,",
        put: "    inbound_channel_sender: Sender<Msg>,
    inbound_channel_receiver: Receiver<Msg>,
    credit: CreditLine,
    open_global_requests: VecDeque<GlobalRequestResponse>,
    server_sig_algs: Option<Vec<Algorithm>>,",
    },
    Edit {
        file: "client/mod.rs",
        why: LINE,
        find: "        let (priority_sender, priority_receiver) = unbounded_channel();",
        put: "        let (priority_sender, priority_receiver) = unbounded_channel();
        let credit_sender = priority_sender.clone();
        let credit = CreditLine::new(common.config.window_size, move |channel, bytes| {
            let _ = credit_sender.send(Msg::Credit { channel, bytes });
        });",
    },
    Edit {
        file: "client/mod.rs",
        why: LINE,
        find: "            inbound_channel_receiver,
            channels: HashMap::new(),",
        put: "            inbound_channel_receiver,
            credit,
            channels: HashMap::new(),",
    },
    Edit {
        file: "client/mod.rs",
        why: LINE,
        find: "    join: russh_util::runtime::JoinHandle<Result<(), H::Error>>,
    channel_buffer_size: usize,",
        put: "    join: russh_util::runtime::JoinHandle<Result<(), H::Error>>,
    channel_buffer_size: usize,
    credit: CreditLine,",
    },
    Edit {
        file: "client/mod.rs",
        why: LINE,
        find: "    let (kex_done_signal, kex_done_signal_rx) = oneshot::channel();",
        put: "    let credit = session.credit.clone();
    let (kex_done_signal, kex_done_signal_rx) = oneshot::channel();",
    },
    Edit {
        file: "client/mod.rs",
        why: LINE,
        find: "        join,
        channel_buffer_size,
        agent_session_binding,",
        put: "        join,
        channel_buffer_size,
        credit,
        agent_session_binding,",
    },
    Edit {
        file: "client/mod.rs",
        why: IN_FLIGHT,
        find: "                session.pending_len = session.pending_len.saturating_add(pkt.buffer.len() as u32);",
        put: "                if !matches!(msg_type, msg::CHANNEL_DATA | msg::CHANNEL_EXTENDED_DATA) {
                    session.pending_len = session.pending_len.saturating_add(pkt.buffer.len() as u32);
                }",
    },
];
