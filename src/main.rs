//! The `curfew` command.

use std::process::ExitCode;

use clap::Parser;
use curfew::cli::{Cli, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => {
            eprintln!("curfew: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
