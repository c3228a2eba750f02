//! Curfew end to end: the real `curfew serve`, the real OpenSSH client, a real sshd as target.
//!
//! A file per promise of the design (`promise_…`) or feature. Needs openssh-client and openssh-server; tests of further
//! clients say so and are skipped where the client is not installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test fails by panicking.

#[allow(dead_code, unused_imports)] // Written ahead of the tests that use it.
mod support;

mod channels;
mod direct_door;
mod flow;
mod harness;
mod keys;
