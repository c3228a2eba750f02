//! What a role lets a client ask for. The one place that decides; where path roots belong when roles have them.

use curfew_policy::role::SftpAccess;

use crate::ssh::sftp::request::{Effect, On, Op, Request};
use crate::ssh::sftp::wire::{code, flag};

/// The longest path that Linux takes (`PATH_MAX`).
pub const LONGEST_PATH: usize = 4096;

/// Why a request does not reach the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The status that the client gets.
    pub code: u32,
    /// And why, for people.
    pub why: &'static str,
}

const READ_ONLY: Refused = Refused { code: code::PERMISSION_DENIED, why: "role allows reading only" };
const NOT_KNOWN: Refused =
    Refused { code: code::OP_UNSUPPORTED, why: "role allows reading only, and this is not known" };
const NO_SFTP: Refused = Refused { code: code::PERMISSION_DENIED, why: "role allows no sftp" };
const ONE_VERSION: Refused = Refused { code: code::OP_UNSUPPORTED, why: "only SFTP version 3 is supported" };
const BAD_PATH: Refused = Refused { code: code::BAD_MESSAGE, why: "no path is that long or has a NUL in it" };

/// Whether a request may reach the target.
pub fn decide(access: SftpAccess, request: &Request<'_>) -> Result<(), Refused> {
    match request.on {
        On::Path(path) => check_path(path)?,
        On::Paths(from, to) => check_path(from).and_then(|()| check_path(to))?,
        // It would have both sides speak what is not understood here.
        On::Named(b"version-select") => return Err(ONE_VERSION),
        _ => {}
    }
    match access {
        SftpAccess::None => Err(NO_SFTP),
        SftpAccess::Write => Ok(()),
        SftpAccess::Read => only_looks(request.op, request.flags),
    }
}

fn only_looks(op: Op, flags: u32) -> Result<(), Refused> {
    match op.effect() {
        Effect::Looks => Ok(()),
        Effect::Opens if flags == flag::READ => Ok(()),
        Effect::Opens | Effect::Changes => Err(READ_ONLY),
        Effect::Unknown => Err(NOT_KNOWN),
    }
}

fn check_path(path: &[u8]) -> Result<(), Refused> {
    if path.len() < LONGEST_PATH && !path.contains(&0) { Ok(()) } else { Err(BAD_PATH) }
}
