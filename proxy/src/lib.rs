//! The bytes under a lease: listeners, SSH on both sides, and the cut.

pub mod clock;
pub mod deadline;
// pub mod gate; waits for russh and the recorder
pub mod route;
