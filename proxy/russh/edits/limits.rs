//! What a peer may ask of a server: bytes before it is authenticated, channels after, and time once it is told to go.

use crate::edit::Edit;

const STRANGERS: &str = "a stranger must not keep a session busy with bytes: `max_unauthenticated_bytes`";
const LARGE: &str =
    "a packet's length is a promise: a quarter of a megabyte is held for a stranger who never sends the rest";
const CHANNELS: &str = "every channel costs a window of memory: `max_channels`";
const TWICE: &str = "the drop of the reply handle refuses the channel too, and OpenSSH hangs up at a second refusal";
const LINGER: &str = "a client that was told to go, and neither goes nor says so, is dropped";
const REQUESTS: &str = "`channel_buffer_size` bounds what a peer may pile up unread";

pub const EDITS: &[Edit] = &[
    Edit {
        file: "server/mod.rs",
        why: REQUESTS,
        find: "    /// Buffer size for each channel (a number of unprocessed messages to store before propagating backpressure to the TCP stream)
    pub channel_buffer_size: usize,
",
        put: "    /// Unread messages other than data that the peer may pile up in one channel: one more, and it is disconnected. Data is
    /// bounded by `window_size`.
    pub channel_buffer_size: usize,
    /// Bytes a client may send, from its first packet on, before it is authenticated; `None` for any number. A packet
    /// counts as 512 bytes at least.
    pub max_unauthenticated_bytes: Option<usize>,
    /// Channels that may be open at once on one connection; the next one is refused. `None` for any number.
    pub max_channels: Option<usize>,
",
    },
    Edit {
        file: "server/mod.rs",
        why: STRANGERS,
        find: "            channel_buffer_size: 100,
",
        put: "            channel_buffer_size: 100,
            max_unauthenticated_bytes: None,
            max_channels: None,
",
    },
    Edit {
        file: "client/mod.rs",
        why: REQUESTS,
        find: "    /// Buffer size for each channel (a number of unprocessed messages to store before propagating backpressure to the TCP stream)
",
        put: "    /// Unread messages other than data that the peer may pile up in one channel: one more, and it is disconnected. Data is
    /// bounded by `window_size`.
",
    },
    Edit {
        file: "server/mod.rs",
        why: STRANGERS,
        find: "        pending_len: 0,
        channels: HashMap::new(),",
        put: "        pending_len: 0,
        unauthenticated_bytes: 0,
        opening: 0,
        channels: HashMap::new(),",
    },
    Edit {
        file: "server/session.rs",
        why: STRANGERS,
        find: "    pub(crate) pending_len: u32,
    pub(crate) channels: HashMap<ChannelId, ChannelRef>,",
        put: "    pub(crate) pending_len: u32,
    pub(crate) unauthenticated_bytes: usize,
    /// Channels the handler has neither accepted nor rejected yet.
    pub(crate) opening: usize,
    pub(crate) channels: HashMap<ChannelId, ChannelRef>,",
    },
    Edit {
        file: "lib_inner.rs",
        why: STRANGERS,
        find: "    /// The client is not yet authenticated.",
        put: "    /// The client sent more than it may before it is authenticated.
    #[error(\"Too many bytes before authentication\")]
    TooMuchBeforeAuthentication,

    /// The client is not yet authenticated.",
    },
    Edit {
        file: "server/session.rs",
        why: STRANGERS,
        find: "                    let mut pkt = self.maybe_decompress(&buffer)?;

                    match pkt.buffer.first() {",
        put: "                    buffer.stranger = self.count_stranger(buffer.buffer.len())?;
                    let mut pkt = self.maybe_decompress(&buffer)?;

                    match pkt.buffer.first() {",
    },
    Edit {
        file: "server/session.rs",
        why: STRANGERS,
        find: "    /// Get a handle to this session.
    pub fn handle(&self) -> Handle {",
        put: "    /// Counts a packet of a client that is not authenticated. Whether it is not.
    fn count_stranger(&mut self, bytes: usize) -> Result<bool, Error> {
        let authenticated =
            self.common.encrypted.as_ref().is_some_and(|enc| Self::automatic_rekey_eligible(&enc.state));
        if authenticated {
            return Ok(false);
        }
        self.unauthenticated_bytes = self.unauthenticated_bytes.saturating_add(bytes.max(512));
        match self.common.config.max_unauthenticated_bytes {
            Some(most) if self.unauthenticated_bytes > most => Err(Error::TooMuchBeforeAuthentication),
            most => Ok(most.is_some()),
        }
    }

    /// Get a handle to this session.
    pub fn handle(&self) -> Handle {",
    },
    Edit {
        file: "sshbuffer.rs",
        why: LARGE,
        find: "    pub len: usize,   // next packet length.
",
        put: "    pub len: usize,   // next packet length.
    /// The peer is not authenticated: its packets are no larger than everybody must take (RFC 4253 §6.1).
    pub stranger: bool,
",
    },
    Edit {
        file: "sshbuffer.rs",
        why: LARGE,
        find: "            buffer: Vec::new(),
            len: 0,
            bytes: 0,
",
        put: "            buffer: Vec::new(),
            len: 0,
            stranger: false,
            bytes: 0,
",
    },
    Edit {
        file: "cipher/mod.rs",
        why: LARGE,
        find: "            if len > MAXIMUM_PACKET_LEN {
",
        put: "            if len > MAXIMUM_PACKET_LEN || (buffer.stranger && len > 35_000) {
",
    },
    Edit {
        file: "server/session.rs",
        why: LARGE,
        find: "        let buffer = SSHBuffer::new();

        // Allow handing out references to the cipher",
        put: "        let mut buffer = SSHBuffer::new();
        buffer.stranger = self.common.config.max_unauthenticated_bytes.is_some();

        // Allow handing out references to the cipher",
    },
    Edit {
        file: "server/encrypted.rs",
        why: CHANNELS,
        find: "        let msg = OpenChannelMessage::parse(r)?;

        let sender_channel = if let Some(ref mut enc) = self.common.encrypted {
            enc.new_channel_id()",
        put: "        let msg = OpenChannelMessage::parse(r)?;

        if let (Some(most), Some(enc)) = (self.common.config.max_channels, self.common.encrypted.as_mut())
            && enc.channels.len() + self.opening >= most
        {
            return Ok(msg.fail(&mut enc.write, msg::SSH_OPEN_RESOURCE_SHORTAGE, b\"Too many channels\")?);
        }
        let sender_channel = if let Some(ref mut enc) = self.common.encrypted {
            enc.new_channel_id()",
    },
    Edit {
        file: "server/encrypted.rs",
        why: CHANNELS,
        find: "        let reply = ChannelOpenHandle::new(",
        put: "        self.opening += 1;
        let reply = ChannelOpenHandle::new(",
    },
    Edit {
        file: "server/session.rs",
        why: CHANNELS,
        find: "        result: Result<(), ChannelOpenFailure>,
    ) -> Result<(), Error> {
        if let Some(ref mut enc) = self.common.encrypted {",
        put: "        result: Result<(), ChannelOpenFailure>,
    ) -> Result<(), Error> {
        // Every handle answers once, if only by its drop.
        self.opening -= 1;
        if let Some(ref mut enc) = self.common.encrypted {",
    },
    Edit {
        file: "server/encrypted.rs",
        why: TWICE,
        find: "                if let Some(ref mut enc) = self.common.encrypted {
                    msg.fail(
                        &mut enc.write,
                        msg::SSH_OPEN_ADMINISTRATIVELY_PROHIBITED,
                        b\"Unsupported channel type\",
                    )?;
                }
                Ok(())
            }
            ChannelType::AgentForward => {
                if let Some(ref mut enc) = self.common.encrypted {
                    msg.fail(
                        &mut enc.write,
                        msg::SSH_OPEN_ADMINISTRATIVELY_PROHIBITED,
                        b\"Unsupported channel type\",
                    )?;
                }
                Ok(())
            }
            ChannelType::Unknown { typ } => {
                debug!(\"unknown channel type: {typ}\");
                if let Some(ref mut enc) = self.common.encrypted {
                    msg.unknown_type(&mut enc.write)?;
                }
                Ok(())",
        put: "                Ok(reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await)
            }
            ChannelType::AgentForward => {
                Ok(reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await)
            }
            ChannelType::Unknown { typ } => {
                debug!(\"unknown channel type: {typ}\");
                Ok(reply.reject(ChannelOpenFailure::UnknownChannelType).await)",
    },
    Edit {
        file: "client/encrypted.rs",
        why: TWICE,
        find: "                            if let Some(ref mut enc) = self.common.encrypted {
                                msg.unknown_type(&mut enc.write)?;
                            }",
        put: "                            reply.reject(ChannelOpenFailure::UnknownChannelType).await;",
    },
    Edit {
        file: "server/session.rs",
        why: LINGER,
        find: "        debug!(\"disconnected\");
        // Shutdown
",
        put: "        debug!(\"disconnected\");
        let linger = tokio::time::sleep(crate::LINGER);
        pin!(linger);
        // Shutdown
",
    },
    Edit {
        file: "server/session.rs",
        why: LINGER,
        find: "                // The client was told to disconnect and never closed its side;",
        put: "                () = &mut linger => break,
                // The client was told to disconnect and never closed its side;",
    },
    Edit {
        file: "lib_inner.rs",
        why: LINGER,
        find: "pub(crate) async fn flush_or_timeout<",
        put: "/// How long a session waits for its peer at the very end: to take the last words, and to hang up.
pub(crate) const LINGER: std::time::Duration = std::time::Duration::from_secs(2);

pub(crate) async fn flush_or_timeout<",
    },
];
