//! What is written down of a channel: its bytes on a [`tape`], or a [`transcript`] of the files or connections in it.
//!
//! Each protocol that is read as it passes has its parser here: [`sftp`], and [`copy`] for scp.

pub mod copy;
pub mod count;
pub mod ending;
pub mod recording;
pub mod sftp;
pub mod tape;
pub mod transcript;
