//! The `curfew` command: what is typed on the bastion's own host.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

pub mod ca;
pub mod check;
pub mod replay;
pub mod store;
pub mod verify;

/// An SSH/TCP bastion where every access ends on time.
#[derive(Debug, Parser)]
#[command(name = "curfew", version, about, max_term_width = 80)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Run the bastion.
    Serve {
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Read the configuration and report every fault at once.
    Check {
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Start a bastion, a target and two people in a temporary folder, ready to type at.
    Demo(crate::demo::DemoArgs),
    /// Type console commands as the operator, on the bastion's own host.
    #[command(
        after_help = "Examples:\n  curfew ctl --config curfew.toml requests --pending\n  curfew ctl --config curfew.toml revoke g9 --note 'laptop stolen'"
    )]
    Ctl {
        #[command(flatten)]
        file: ConfigFile,
        /// The command, as after `ssh BASTION`; `help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Print what targets and clients must trust, ready to paste.
    Ca {
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Play a recording in this terminal.
    Replay(replay::ReplayArgs),
    /// Check recordings, or the audit log: 0 is intact, 1 names the first bad record.
    Verify(verify::VerifyArgs),
    /// Do something with a database as a whole: copy it to another.
    Store(store::StoreArgs),
}

/// Where the configuration is.
#[derive(Debug, Clone, clap::Args)]
pub struct ConfigFile {
    /// The configuration file.
    #[arg(long = "config", value_name = "FILE")]
    pub config: PathBuf,
}

/// How long to wait for threads that are stuck, at the end.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// Reads the command line, and runs its command to the end.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match Builder::new_multi_thread().worker_threads(2).enable_all().build() {
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

async fn run(cli: Cli) -> ExitCode {
    match cli.command {
        CliCommand::Serve { file } => crate::serve::run(&file.config).await,
        CliCommand::Check { file } => check::run(&file.config),
        CliCommand::Demo(args) => crate::demo::run(args).await,
        CliCommand::Ctl { file, command } => crate::ctl::run(&file.config, &command).await,
        CliCommand::Ca { file } => ca::run(&file.config),
        CliCommand::Replay(args) => replay::run(args).await,
        CliCommand::Verify(args) => verify::run(args).await,
        CliCommand::Store(args) => store::run(args).await,
    }
}
