//! Sockets and streams: reaching a target, reading and writing, and an end from outside.

pub mod alive;
pub mod dial;
pub mod kill_switch;
pub mod socket;
pub mod tunnel;
