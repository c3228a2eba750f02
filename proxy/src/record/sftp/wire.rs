//! SFTP version 3 on the wire (draft-ietf-secsh-filexfer-02): numbers, and how to read them.

use bytes::{BufMut, Bytes, BytesMut};

use crate::record::transcript::ProtocolFault;

/// The version, the only one that OpenSSH speaks.
pub const VERSION: u32 = 3;

/// Packet types (§3).
pub mod kind {
    #![allow(missing_docs)]
    pub const INIT: u8 = 1;
    pub const VERSION: u8 = 2;
    pub const WRITE: u8 = 6;
    pub const REALPATH: u8 = 16;
    pub const STATUS: u8 = 101;
    pub const HANDLE: u8 = 102;
    pub const DATA: u8 = 103;
    pub const NAME: u8 = 104;
    pub const ATTRS: u8 = 105;
    pub const EXTENDED: u8 = 200;
    pub const EXTENDED_REPLY: u8 = 201;
}

/// Status codes (§7).
pub mod code {
    #![allow(missing_docs)]
    pub const OK: u32 = 0;
    pub const EOF: u32 = 1;
    pub const PERMISSION_DENIED: u32 = 3;
    pub const FAILURE: u32 = 4;
    pub const BAD_MESSAGE: u32 = 5;
    pub const OP_UNSUPPORTED: u32 = 8;
}

/// Open flags (§6.3).
pub mod flag {
    #![allow(missing_docs)]
    pub const READ: u32 = 0x01;
    pub const WRITE: u32 = 0x02;
    pub const APPEND: u32 = 0x04;
    pub const TRUNC: u32 = 0x10;
    pub const EXCL: u32 = 0x20;
}

/// A status code in words.
pub fn status_words(status: u32) -> String {
    let words = match status {
        code::OK => "ok",
        code::EOF => "end of file",
        2 => "no such file",
        code::PERMISSION_DENIED => "permission denied",
        code::FAILURE => "failure",
        code::BAD_MESSAGE => "bad message",
        6 => "no connection",
        7 => "connection lost",
        code::OP_UNSUPPORTED => "unsupported",
        other => return format!("status {other}"),
    };
    words.to_owned()
}

/// An answer of our own: `SSH_FXP_STATUS` (§7).
pub fn status(id: u32, status: u32, message: &str) -> Bytes {
    let length = 1 + 4 + 4 + 4 + message.len() + 4;
    let mut packet = BytesMut::with_capacity(4 + length);
    packet.put_u32(u32::try_from(length).unwrap_or_default());
    packet.put_u8(kind::STATUS);
    packet.put_u32(id);
    packet.put_u32(status);
    packet.put_u32(u32::try_from(message.len()).unwrap_or_default());
    packet.put_slice(message.as_bytes());
    // The language of the message: none, as OpenSSH's server has it.
    packet.put_u32(0);
    packet.freeze()
}

/// The greeting of a client of version 3, without extensions (§4).
pub const INIT: &[u8] = &[0, 0, 0, 5, kind::INIT, 0, 0, 0, 3];

/// Reads the fields of a packet from front to back.
#[derive(Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// From the beginning of these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ProtocolFault> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ProtocolFault::Malformed("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtocolFault> {
        self.take(N)?.try_into().map_err(|_| ProtocolFault::Malformed("cut short"))
    }

    /// How many bytes are left.
    pub const fn left(self) -> usize {
        self.0.len()
    }

    /// A byte.
    pub fn u8(&mut self) -> Result<u8, ProtocolFault> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number of 32 bits.
    pub fn u32(&mut self) -> Result<u32, ProtocolFault> {
        self.array().map(u32::from_be_bytes)
    }

    /// A number of 64 bits.
    pub fn u64(&mut self) -> Result<u64, ProtocolFault> {
        self.array().map(u64::from_be_bytes)
    }

    /// A string: its length, then its bytes.
    pub fn string(&mut self) -> Result<&'a [u8], ProtocolFault> {
        let length = self.u32()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// File attributes (§5), of which only the size matters here.
    pub fn attrs(&mut self) -> Result<Option<u64>, ProtocolFault> {
        let flags = self.u32()?;
        let size = if flags & 1 == 0 { None } else { Some(self.u64()?) };
        // uid and gid; permissions; atime and mtime.
        for (bit, length) in [(2, 8), (4, 4), (8, 8)] {
            if flags & bit != 0 {
                self.take(length)?;
            }
        }
        if flags & 0x8000_0000 != 0 {
            for _ in 0..self.u32()? {
                self.string()?;
                self.string()?;
            }
        }
        Ok(size)
    }
}
