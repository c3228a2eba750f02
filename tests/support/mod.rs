//! What the end-to-end tests stand on: a real gateway, real targets, real clients.

pub mod agent;
pub mod ca;
pub mod cable;
pub mod client;
pub mod crowd;
pub mod database;
pub mod gateway;
pub mod keys;
pub mod postgres;
pub mod process;
pub mod rogue;
pub mod service;
pub mod setup;
pub mod stage;
pub mod target;
pub mod terminal;
pub mod wait;
pub mod wire;

pub use client::{Client, Master, text};
pub use gateway::Gateway;
pub use postgres::Postgres;
pub use process::{Outcome, Program, own_sleep, processes};
pub use rogue::Rogue;
pub use service::Service;
pub use setup::Setup;
pub use stage::{Stage, login, web1};
pub use target::{Fake, Target};
pub use terminal::Terminal;
pub use wait::{Stopwatch, eventually, eventually_some, wall};
pub use wire::Wire;

use std::time::Duration;

/// How long anything may take that should take no time at all, on a machine that is busy with other tests.
pub const SOON: Duration = Duration::from_secs(20);

/// Keeps tests that need the machine for themselves (gigabytes, timing) apart, also across processes. Held until dropped.
pub fn heavy() -> std::fs::File {
    let path = std::env::temp_dir().join("curfew-e2e-heavy.lock");
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("open the lock file");
    file.lock().expect("lock a file");
    file
}
