//! What a target answers: one packet, read.

use crate::record::sftp::wire::{Reader, kind};
use crate::record::transcript::ProtocolFault;

/// An answer, content left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    Version(u32),
    Status(u32),
    Handle(&'a [u8]),
    /// So many names.
    Names(u32),
    /// Attributes, with the size if it is among them.
    Attrs(Option<u64>),
    Extended,
    /// A type nobody here knows.
    Unknown,
}

impl<'a> Reply<'a> {
    /// Reads a packet with its length field; gives its id and what it says.
    pub fn read(packet: &'a [u8]) -> Result<(u32, Self), ProtocolFault> {
        let mut reader = Reader::new(packet);
        let _length = reader.u32()?;
        let kind = reader.u8()?;
        let id = reader.u32()?;
        let reply = match kind {
            kind::VERSION => Self::Version(id),
            kind::STATUS => Self::Status(reader.u32()?),
            kind::HANDLE => Self::Handle(reader.string()?),
            kind::NAME => Self::Names(names(&mut reader)?),
            kind::ATTRS => Self::Attrs(reader.attrs()?),
            kind::EXTENDED_REPLY => Self::Extended,
            _ => Self::Unknown,
        };
        Ok((id, reply))
    }
}

/// How many names follow. Each takes at least twelve bytes.
fn names(reader: &mut Reader<'_>) -> Result<u32, ProtocolFault> {
    let count = reader.u32()?;
    let room = u32::try_from(reader.left() / 12).unwrap_or(u32::MAX);
    if count <= room { Ok(count) } else { Err(ProtocolFault::Malformed("more names than fit in it")) }
}

/// The names of the extensions in a target's greeting (§4).
pub fn extensions(version: &[u8]) -> Result<Vec<&[u8]>, ProtocolFault> {
    let mut reader = Reader::new(version);
    let (_length, _kind, _version) = (reader.u32()?, reader.u8()?, reader.u32()?);
    let mut names = Vec::new();
    while reader.left() > 0 {
        names.push(reader.string()?);
        let _version = reader.string()?;
    }
    Ok(names)
}
