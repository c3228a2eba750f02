//! `curfew check`: every fault of the configuration at once.

use std::path::Path;
use std::process::ExitCode;

use crate::config::Config;

/// Reads the file and says what is wrong with it; exit 2 when something is.
pub fn run(file: &Path) -> ExitCode {
    match Config::load(file) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("{warning}");
            }
            println!("{}", loaded.summary());
            ExitCode::SUCCESS
        }
        Err(faults) => {
            eprintln!("{faults}");
            ExitCode::from(2)
        }
    }
}
