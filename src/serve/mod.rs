//! `curfew serve`: puts the parts together ([`start()`]), runs them, and takes them down in order ([`Running`]).

mod logging;
mod rlimit;
mod running;
mod start;
pub mod sweep;

use std::path::Path;
use std::process::ExitCode;

pub use self::running::{NotStarted, Running};
pub use self::start::start;

/// Runs a gateway until it is told to stop.
pub async fn run(file: &Path) -> ExitCode {
    logging::start();
    match start(file).await {
        Ok(running) => {
            // A line for whoever started it: tests, scripts, people.
            println!("ready ssh={}", running.address);
            running.until_told().await
        }
        Err(NotStarted::Config(faults)) => {
            eprintln!("{faults}");
            ExitCode::from(2)
        }
        Err(NotStarted::Other(why)) => {
            eprintln!("curfew: {why}");
            ExitCode::FAILURE
        }
    }
}
