//! The files of the gateway.

pub mod private;
