//! Curfew: an SSH/TCP bastion where every access ends on time.

pub mod config;
pub mod console;
