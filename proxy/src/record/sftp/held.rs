//! What a client sent that is not taken yet: after a request that waits for what the target says of its paths, or because
//! too many wait for their answers. Requests keep their order, and whoever feeds the [`SftpGate`](super::SftpGate) waits with them.

use bytes::Bytes;

use crate::record::sftp::check::Check;
use crate::record::transcript::ProtocolFault;

/// The most that is kept of what a client sends meanwhile. Whoever feeds this waits with it.
const MOST_HELD_BACK: usize = 1024 * 1024;

/// Why nothing more of the client is taken, and what it sent.
#[derive(Debug)]
pub enum Held {
    /// The target was asked where the paths of a request lead.
    Asked(Check, Bytes),
    /// So many requests wait for their answers that no more should.
    Full(Bytes),
}

/// What was held back, and what came now.
pub(super) fn joined(rest: Bytes, data: Bytes) -> Result<Bytes, ProtocolFault> {
    match (rest.is_empty(), data.is_empty()) {
        (true, _) => Ok(data),
        (_, true) => Ok(rest),
        _ if rest.len() + data.len() > MOST_HELD_BACK => Err(ProtocolFault::TooMany),
        _ => Ok([rest, data].concat().into()),
    }
}
