//! Curfew: an SSH/TCP bastion where every access ends on time.

pub mod certify;
pub mod cli;
pub mod config;
pub mod console;
pub mod ctl;
pub mod gate;
pub mod leases;
pub mod nearest;
pub mod onair;
pub mod playback;
pub mod private;
pub mod repair;
pub mod secrets;
pub mod serve;
pub mod store;
pub mod sweep;
pub mod telemetry;
pub mod usecase;
pub mod words;
