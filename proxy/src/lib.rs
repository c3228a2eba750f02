//! The bytes under a lease: listeners, SSH on both sides, and the cut.
