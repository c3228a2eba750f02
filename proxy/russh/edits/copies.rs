//! What a packet brings is handed on in the packet's own memory.
//!
//! russh fills a buffer with zeros, reads into it, decrypts it in place, copies the packet out of it, and copies the data
//! out of the packet. Here a packet is read into memory of its own, and the data of a channel is a share of that.

use crate::edit::Edit;

const NO_ZEROS: &str = "memory that is about to be read into needs no zeros";
const WHOLE: &str = "a packet is its buffer, less its length and padding, not a copy of it";
const SHARED: &str = "the data of a channel is a share of its packet, not a copy of it";

const DECOMPRESSED: &str =
    "    fn maybe_decompress(&mut self, buffer: &SSHBuffer) -> Result<IncomingSshPacket, Error> {
        if let Some(ref mut enc) = self.common.encrypted {
            let mut decomp = Vec::new();
            Ok(IncomingSshPacket {
                #[allow(clippy::indexing_slicing)] // length checked
                buffer: enc.decompress.decompress(
                    &buffer.buffer[5..],
                    &mut decomp,
                )?.into(),
                seqn: buffer.seqn,
            })
        } else {
            Ok(IncomingSshPacket {
                #[allow(clippy::indexing_slicing)] // length checked
                buffer: buffer.buffer[5..].into(),
                seqn: buffer.seqn,
            })
        }
    }";
/// There is no compression in this build, and none is ever agreed on.
const TAKEN: &str = "    fn maybe_decompress(&mut self, buffer: &mut SSHBuffer) -> Result<IncomingSshPacket, Error> {
        let whole = bytes::Bytes::from(std::mem::take(&mut buffer.buffer));
        self.common.packet = whole.slice(5..);
        Ok(IncomingSshPacket {
            buffer: self.common.packet.clone(),
            seqn: buffer.seqn,
        })
    }";

pub const EDITS: &[Edit] = &[
    Edit {
        file: "cipher/mod.rs",
        why: NO_ZEROS,
        find: "    buffer.buffer.resize(buffer.len + 4, 0);
    trace!(\"read_exact {:?}\", buffer.len + 4);

    let l = cipher.packet_length_to_read_for_block_length();

    #[allow(clippy::indexing_slicing)] // length checked
    stream.read_exact(&mut buffer.buffer[l..]).await?;
",
        put: "    let missing = (buffer.len + 4).saturating_sub(buffer.buffer.len());
    buffer.buffer.reserve_exact(missing);
    let mut rest = stream.take(missing as u64);
    while rest.limit() > 0 {
        if rest.read_buf(&mut buffer.buffer).await? == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
    }
",
    },
    Edit {
        file: "sshbuffer.rs",
        why: WHOLE,
        find: "pub(crate) struct IncomingSshPacket {
    pub buffer: Vec<u8>,",
        put: "pub(crate) struct IncomingSshPacket {
    pub buffer: Bytes,",
    },
    Edit {
        file: "session.rs",
        why: SHARED,
        find: "    pub alive_timeouts: usize,
    pub received_data: bool,
}
",
        put: "    pub alive_timeouts: usize,
    pub received_data: bool,
    /// The packet in hand.
    pub packet: Bytes,
}

impl<C> CommonSession<C> {
    /// What is left of the packet in hand, which is one string (RFC 4251 §5), as a share of the packet.
    pub(crate) fn shared_string<R: ssh_encoding::Reader>(&self, r: &mut R) -> Result<Bytes, ssh_encoding::Error> {
        let len = <usize as ssh_encoding::Decode>::decode(r)?;
        match self.packet.len().checked_sub(len) {
            Some(at) if r.remaining_len() == len => Ok(self.packet.slice(at..)),
            _ => Err(ssh_encoding::Error::Length),
        }
    }
}
",
    },
    // Server role.
    Edit {
        file: "server/mod.rs",
        why: SHARED,
        find: "        received_data: false,
        remote_sshid: sshid.into(),
    };
    Ok(session)",
        put: "        received_data: false,
        packet: Bytes::new(),
        remote_sshid: sshid.into(),
    };
    Ok(session)",
    },
    Edit { file: "server/session.rs", why: WHOLE, find: DECOMPRESSED, put: TAKEN },
    Edit {
        file: "server/session.rs",
        why: WHOLE,
        find: "let mut pkt = self.maybe_decompress(&buffer)?;",
        put: "let mut pkt = self.maybe_decompress(&mut buffer)?;",
    },
    Edit {
        file: "server/encrypted.rs",
        why: SHARED,
        find: "                trace!(\"handler.data {ext:?} {channel_num:?}\");
                let data = map_err!(Bytes::decode(r))?;
                map_err!(ensure_end(r))?;",
        put: "                trace!(\"handler.data {ext:?} {channel_num:?}\");
                let data = map_err!(self.common.shared_string(r))?;",
    },
    // Client role.
    Edit {
        file: "client/mod.rs",
        why: SHARED,
        find: "            received_data: false,
            remote_sshid: sshid.into(),
        },
        session_receiver,",
        put: "            received_data: false,
            packet: bytes::Bytes::new(),
            remote_sshid: sshid.into(),
        },
        session_receiver,",
    },
    Edit { file: "client/mod.rs", why: WHOLE, find: DECOMPRESSED, put: TAKEN },
    Edit {
        file: "client/mod.rs",
        why: WHOLE,
        find: "let mut pkt = self.maybe_decompress(&buffer)?;",
        put: "let mut pkt = self.maybe_decompress(&mut buffer)?;",
    },
    Edit {
        file: "client/encrypted.rs",
        why: SHARED,
        find: "                let channel_num = map_err!(ChannelId::decode(&mut r))?;
                let data = map_err!(Bytes::decode(&mut r))?;
                map_err!(ensure_end(&r))?;",
        put: "                let channel_num = map_err!(ChannelId::decode(&mut r))?;
                let data = map_err!(self.common.shared_string(&mut r))?;",
    },
    Edit {
        file: "client/encrypted.rs",
        why: SHARED,
        find: "                let extended_code = map_err!(u32::decode(&mut r))?;
                let data = map_err!(Bytes::decode(&mut r))?;
                map_err!(ensure_end(&r))?;",
        put: "                let extended_code = map_err!(u32::decode(&mut r))?;
                let data = map_err!(self.common.shared_string(&mut r))?;",
    },
];
