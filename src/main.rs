//! The `curfew` command.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use curfew::cli::{Cli, run};

/// How long to wait for threads that are stuck, at the end.
const LAST_THREADS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => {
            let status = runtime.block_on(run(cli));
            // A thread that is stuck in a disk that hangs must not keep the process.
            runtime.shutdown_timeout(LAST_THREADS);
            status
        }
        Err(error) => {
            eprintln!("curfew: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
