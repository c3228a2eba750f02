//! Recordings on disk: how they are played, and how those are repaired that a crash left open.

pub mod playback;
pub mod repair;
