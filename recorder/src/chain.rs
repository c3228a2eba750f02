//! The hash chain: every link is the SHA-256 of every byte of the file before it, its own line's beginning included.
//!
//! So a link can be checked with `head -c N FILE | sha256sum`, holds the links before it, and leaves no byte of a line
//! uncovered: the closing bytes of the link's own line are the same in every file.

use crate::event::{CLOSING, code, push_opening};
use crate::hash::{Hasher, hex};

/// The running hash of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    hasher: Hasher,
}

/// The length of a hash in hexadecimal.
const HASH_LEN: usize = 64;

impl Chain {
    /// Takes bytes of the file, in their order.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// The hash of the file so far.
    pub(crate) fn current(&self) -> [u8; 32] {
        self.hasher.current()
    }

    /// Appends a link to `out`, of which the chain has not taken what follows `from`.
    pub(crate) fn push_link(&mut self, out: &mut Vec<u8>, from: usize, micros: u64) {
        push_opening(out, micros, code::LINK);
        self.update(out.get(from..).unwrap_or_default());
        let hash = hex(&self.current());
        let rest = out.len();
        out.extend_from_slice(hash.as_bytes());
        out.extend_from_slice(CLOSING);
        self.update(out.get(rest..).unwrap_or_default());
    }

    /// Takes the line of a link, and says whether it fits what came before.
    pub(crate) fn check_link(&mut self, line: &[u8]) -> bool {
        let Some((opening, stated)) = split_tail(line, HASH_LEN) else {
            self.update(line);
            return false;
        };
        self.update(opening);
        let fits = stated == hex(&self.current()).as_bytes();
        self.update(stated);
        self.update(CLOSING);
        fits
    }
}

/// Parts a line that ends with `len` bytes of proof and the closing: what comes before the proof, and the proof.
pub(crate) fn split_tail(line: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(CLOSING)?;
    line.split_at_checked(line.len().checked_sub(len)?)
}
