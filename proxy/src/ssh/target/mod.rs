//! The target's half of a session: its connections, which host keys it may show, what it may open, and what is cleaned up.

pub mod cleanup;
pub mod client;
pub mod host_keys;
pub mod incoming;
pub mod pool;
