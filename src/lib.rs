//! Curfew: an SSH/TCP bastion where every access ends on time.

pub mod config;
pub mod console;
pub mod ctl;
pub mod leases;
pub mod onair;
pub mod playback;
pub mod private;
pub mod secrets;
pub mod store;
pub mod sweep;
pub mod usecase;
pub mod words;
