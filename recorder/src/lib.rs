//! Recordings: asciicast, hash-chained while written, sealed when they end.

#![allow(dead_code)] // The readers come next.

mod cast;
mod chain;
mod event;
mod file;
mod follow;
mod hash;
mod json;
mod key;
mod lines;
mod live;
mod text;
mod utf8;
mod writer;

pub use cast::{FORMAT, Header, Origin, State, Statement};
pub use event::{Event, What};
pub use file::{EXTENSION, find_unsealed};
pub use follow::{Follower, Live};
pub use hash::{Hasher, hex, sha256};
pub use key::{KeyError, PublicKey, SealKey};
pub use live::{MAX_WAITING, Recording, RecordingError, Sealed, Ticket};
pub use text::printable;

#[cfg(test)]
mod tests;
