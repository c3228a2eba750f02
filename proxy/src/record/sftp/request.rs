//! What a client asks for: one packet, read.

use crate::record::sftp::wire::{self, Reader};
use crate::record::transcript::ProtocolFault;

/// An operation: draft-ietf-secsh-filexfer-02 §6, and OpenSSH's extensions (its PROTOCOL file, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Open,
    Close,
    Read,
    Write,
    Lstat,
    Fstat,
    Setstat,
    Fsetstat,
    OpenDir,
    ReadDir,
    Remove,
    Mkdir,
    Rmdir,
    Realpath,
    Stat,
    Rename,
    Readlink,
    Symlink,
    /// `SSH_FXP_LINK` of later versions, which some servers take in version 3 too.
    Link,
    PosixRename,
    Statvfs,
    Fstatvfs,
    Hardlink,
    Fsync,
    Lsetstat,
    Limits,
    ExpandPath,
    CopyData,
    HomeDirectory,
    UsersGroups,
    /// An extension nobody here knows.
    Extension,
    /// A packet type nobody here knows.
    Unknown(u8),
}

/// Whether an operation changes anything on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing is changed.
    Looks,
    /// It depends on the flags.
    Opens,
    /// Something is changed.
    Changes,
    /// Nobody here knows.
    Unknown,
}

impl Op {
    const fn of_kind(kind: u8) -> Self {
        match kind {
            3 => Self::Open,
            4 => Self::Close,
            5 => Self::Read,
            6 => Self::Write,
            7 => Self::Lstat,
            8 => Self::Fstat,
            9 => Self::Setstat,
            10 => Self::Fsetstat,
            11 => Self::OpenDir,
            12 => Self::ReadDir,
            13 => Self::Remove,
            14 => Self::Mkdir,
            15 => Self::Rmdir,
            16 => Self::Realpath,
            17 => Self::Stat,
            18 => Self::Rename,
            19 => Self::Readlink,
            20 => Self::Symlink,
            21 => Self::Link,
            other => Self::Unknown(other),
        }
    }

    const fn of_extension(name: &[u8]) -> Self {
        match name {
            b"posix-rename@openssh.com" => Self::PosixRename,
            b"statvfs@openssh.com" => Self::Statvfs,
            b"fstatvfs@openssh.com" => Self::Fstatvfs,
            b"hardlink@openssh.com" => Self::Hardlink,
            b"fsync@openssh.com" => Self::Fsync,
            b"lsetstat@openssh.com" => Self::Lsetstat,
            b"limits@openssh.com" => Self::Limits,
            b"expand-path@openssh.com" => Self::ExpandPath,
            b"copy-data" => Self::CopyData,
            b"home-directory" => Self::HomeDirectory,
            b"users-groups-by-id@openssh.com" => Self::UsersGroups,
            _ => Self::Extension,
        }
    }

    /// Its word in a transcript.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Read => "read",
            Self::Write => "write",
            Self::Lstat => "lstat",
            Self::Fstat => "fstat",
            Self::Setstat => "setstat",
            Self::Fsetstat => "fsetstat",
            Self::OpenDir => "opendir",
            Self::ReadDir => "readdir",
            Self::Remove => "remove",
            Self::Mkdir => "mkdir",
            Self::Rmdir => "rmdir",
            Self::Realpath => "realpath",
            Self::Stat => "stat",
            Self::Rename => "rename",
            Self::Readlink => "readlink",
            Self::Symlink => "symlink",
            Self::Link => "link",
            Self::PosixRename => "posix-rename",
            Self::Statvfs => "statvfs",
            Self::Fstatvfs => "fstatvfs",
            Self::Hardlink => "hardlink",
            Self::Fsync => "fsync",
            Self::Lsetstat => "lsetstat",
            Self::Limits => "limits",
            Self::ExpandPath => "expand-path",
            Self::CopyData => "copy-data",
            Self::HomeDirectory => "home-directory",
            Self::UsersGroups => "users-groups-by-id",
            Self::Extension => "extension",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether it changes anything. `fsync` only hurries what is written already.
    pub const fn effect(self) -> Effect {
        match self {
            Self::Open => Effect::Opens,
            Self::Close
            | Self::Read
            | Self::Lstat
            | Self::Fstat
            | Self::OpenDir
            | Self::ReadDir
            | Self::Realpath
            | Self::Stat
            | Self::Readlink
            | Self::Statvfs
            | Self::Fstatvfs
            | Self::Fsync
            | Self::Limits
            | Self::ExpandPath
            | Self::HomeDirectory
            | Self::UsersGroups => Effect::Looks,
            Self::Write
            | Self::Setstat
            | Self::Fsetstat
            | Self::Remove
            | Self::Mkdir
            | Self::Rmdir
            | Self::Rename
            | Self::Symlink
            | Self::Link
            | Self::PosixRename
            | Self::Hardlink
            | Self::Lsetstat
            | Self::CopyData => Effect::Changes,
            Self::Extension | Self::Unknown(_) => Effect::Unknown,
        }
    }
}

/// What an operation is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On<'a> {
    Nothing,
    Path(&'a [u8]),
    /// From, to; or what there is, and the new name of it.
    Paths(&'a [u8], &'a [u8]),
    Handle(&'a [u8]),
    /// From, to.
    Handles(&'a [u8], &'a [u8]),
    /// Something nobody here knows, by its name.
    Named(&'a [u8]),
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub id: u32,
    pub op: Op,
    pub on: On<'a>,
    /// The flags of an open.
    pub flags: u32,
    /// Where a read or write begins.
    pub offset: u64,
    /// How much a read or write is for.
    pub length: u32,
    /// The size that attributes set.
    pub size: Option<u64>,
}

impl<'a> Request<'a> {
    /// Reads a packet with its length field; of a write, its head is enough.
    ///
    /// What comes after the last field is left alone, as OpenSSH's server leaves it.
    pub fn read(packet: &'a [u8]) -> Result<Self, ProtocolFault> {
        let mut reader = Reader::new(packet);
        let _length = reader.u32()?;
        let kind = reader.u8()?;
        let id = reader.u32()?;
        if kind == wire::kind::EXTENDED {
            Self::extended(id, reader)
        } else {
            Self::plain(id, Op::of_kind(kind), reader)
        }
    }

    const fn new(id: u32, op: Op, on: On<'a>) -> Self {
        Self { id, op, on, flags: 0, offset: 0, length: 0, size: None }
    }

    fn plain(id: u32, op: Op, mut reader: Reader<'a>) -> Result<Self, ProtocolFault> {
        let mut request = Self::new(id, op, On::Nothing);
        match op {
            Op::Close | Op::Read | Op::Write | Op::Fstat | Op::Fsetstat | Op::ReadDir => {
                request.on = On::Handle(reader.string()?);
            }
            // Nobody agrees on what follows the two names of a link.
            Op::Rename | Op::Symlink | Op::Link => request.on = On::Paths(reader.string()?, reader.string()?),
            Op::Unknown(_) => {}
            _ => request.on = On::Path(reader.string()?),
        }
        match op {
            Op::Open => {
                request.flags = reader.u32()?;
                request.size = reader.attrs()?;
            }
            Op::Setstat | Op::Fsetstat | Op::Mkdir => request.size = reader.attrs()?,
            Op::Read | Op::Write => {
                request.offset = reader.u64()?;
                request.length = reader.u32()?;
            }
            _ => {}
        }
        Ok(request)
    }

    fn extended(id: u32, mut reader: Reader<'a>) -> Result<Self, ProtocolFault> {
        let name = reader.string()?;
        let op = Op::of_extension(name);
        let mut request = Self::new(id, op, On::Named(name));
        request.on = match op {
            Op::PosixRename | Op::Hardlink => On::Paths(reader.string()?, reader.string()?),
            Op::Statvfs | Op::Lsetstat | Op::ExpandPath | Op::HomeDirectory => On::Path(reader.string()?),
            Op::Fstatvfs | Op::Fsync => On::Handle(reader.string()?),
            Op::CopyData => {
                let from = reader.string()?;
                let (_offset, _length) = (reader.u64()?, reader.u64()?);
                On::Handles(from, reader.string()?)
            }
            Op::Extension => On::Named(name),
            _ => On::Nothing,
        };
        if op == Op::Lsetstat {
            request.size = reader.attrs()?;
        }
        Ok(request)
    }
}
