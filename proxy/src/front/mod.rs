//! Where connections come in, and the threads that they are dealt to.

pub mod listener;
pub mod workers;
