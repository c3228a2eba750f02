//! russh 0.65.1 with the changes a gateway needs: see `edits` for each of them and why.
//!
//! Nothing of russh is kept here. `build.rs` finds the pinned release in cargo's registry, copies its `src`, applies our
//! edits and stops when one of them no longer fits; this file includes the result, as russh's own `lib.rs` does.
//!
//! Beyond russh's own documentation:
//!
//! - [`Channel`]: data waits in the channel until its reader takes it, and only then is the peer's window opened again.
//!   A peer that sends more than its window, or piles up more than `channel_buffer_size` unread messages, is
//!   disconnected. No channel holds up another one.
//! - [`ChannelMsg`]: whoever reads a channel answers its requests, in order, with [`ChannelWriteHalf::reply`]: exactly
//!   one reply for each message whose `want_reply` is true.
//! - [`ChannelMsg::Custom`]: every request russh has no name for, in both roles, as it came.

// The code below is upstream's: its warnings are not ours to fix, and our lints are not its rules.
#![allow(warnings, clippy::all, clippy::disallowed_methods, clippy::large_futures)]

// russh's unit tests are russh's: where this crate would be built as a test (clippy does), it is empty.
#[cfg(not(test))]
include!(concat!(env!("OUT_DIR"), "/russh/lib_inner.rs"));
