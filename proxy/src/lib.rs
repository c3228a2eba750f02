//! The bytes under a lease: listeners, SSH on both sides, and the cut.
//!
//! One connection reads from top to bottom in [`listener`] (who is it, where to) and [`session`] (admitted → live →
//! ended); one channel in [`ssh::channel`]. What comes over a connection to the bastion itself is in [`ssh::bastion`]: commands,
//! SSH inside SSH ([`ssh::jump`]), and TCP services ([`tcp`]). The product is behind one trait, [`gate::Gate`].

pub mod alive;
pub mod breaker;
pub mod clock;
pub mod deadline;
pub mod dial;
pub mod drain;
pub mod farewells;
pub mod gate;
pub mod hub;
pub mod idle;
pub mod listener;
pub mod penalties;
pub mod route;
pub mod session;
pub mod source;
pub mod ssh;
pub mod strangers;
#[cfg(test)]
mod strangers_tests;
pub mod tcp;
pub mod tunnel;
pub mod wire;
pub mod workers;
