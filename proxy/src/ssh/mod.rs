//! The story of a session, with SSH on both sides.
//!
//! [`server`] proves who a person is; a [`connection`] to a target becomes a [`session`], for which a person may have to be
//! [`asking`] first; its channels are in [`channel`], the target's half in [`target`], and what people read in [`say`].

pub mod algorithms;
pub mod asking;
pub mod channel;
pub mod connection;
mod panic;
pub mod say;
pub mod server;
pub mod session;
pub mod target;
