//! What a role lets a client ask for. Where its paths really lead is looked at after that, by [`check`](super::check).

use std::borrow::Cow;

use curfew_policy::role::SftpAccess;

use crate::record::sftp::request::{Effect, On, Op, Request};
use crate::record::sftp::roots::Roots;
use crate::record::sftp::wire::{code, flag};

/// The longest path that Linux takes (`PATH_MAX`).
pub const LONGEST_PATH: usize = 4096;

/// Why a request does not reach the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status that the client gets.
    pub code: u32,
    /// And why, for people.
    pub why: Cow<'static, str>,
}

impl Refused {
    /// With words that are always the same.
    pub const fn new(code: u32, why: &'static str) -> Self {
        Self { code, why: Cow::Borrowed(why) }
    }
}

const READ_ONLY: Refused = Refused::new(code::PERMISSION_DENIED, "role allows reading only");
const NOT_KNOWN: Refused = Refused::new(code::OP_UNSUPPORTED, "role allows reading only, and this is not known");
const NO_SFTP: Refused = Refused::new(code::PERMISSION_DENIED, "role allows no sftp");
const ONE_VERSION: Refused = Refused::new(code::OP_UNSUPPORTED, "only SFTP version 3 is supported");
const BAD_PATH: Refused = Refused::new(code::BAD_MESSAGE, "no path is that long or has a NUL in it");

/// Whether a request may reach the target. In roots, where its paths lead is another question.
pub fn decide(access: SftpAccess, roots: Option<&Roots>, request: &Request<'_>) -> Result<(), Refused> {
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
    }?;
    roots.map_or(Ok(()), |roots| stays(request.op, roots))
}

/// What could leave the roots whatever its paths are. A symbolic link leads nowhere through here, but others on the target
/// may follow it; and nobody agrees on which of its two names is which.
fn stays(op: Op, roots: &Roots) -> Result<(), Refused> {
    let refused = |code, what: &str| Err(Refused { code, why: format!("{}, and {what}", roots.why()).into() });
    match op {
        Op::Symlink | Op::Link => refused(code::PERMISSION_DENIED, "no symbolic links are made there"),
        Op::HomeDirectory => refused(code::OP_UNSUPPORTED, "not what lies elsewhere"),
        Op::Extension | Op::Unknown(_) => refused(code::OP_UNSUPPORTED, "this is not known"),
        _ => Ok(()),
    }
}

/// A path that leads out of the roots.
pub fn outside(roots: &Roots) -> Refused {
    Refused { code: code::PERMISSION_DENIED, why: roots.why().to_string().into() }
}

fn only_looks(op: Op, flags: u32) -> Result<(), Refused> {
    match op.effect() {
        Effect::Looks => Ok(()),
        Effect::Opens if flags == flag::READ => Ok(()),
        Effect::Opens | Effect::Changes => Err(READ_ONLY),
        Effect::Unknown => Err(NOT_KNOWN),
    }
}

/// Whether Linux would take a path at all.
pub fn check_path(path: &[u8]) -> Result<(), Refused> {
    if path.len() < LONGEST_PATH && !path.contains(&0) { Ok(()) } else { Err(BAD_PATH) }
}
