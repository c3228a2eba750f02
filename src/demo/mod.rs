//! `curfew demo`: a bastion, a target and two people in a temporary folder, and what to type at them.
//!
//! `stage` writes the folder, `target` is the host behind the bastion, `guide` says what to type.

mod channel;
mod connection;
mod guide;
mod program;
mod stage;
mod target;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use self::guide::Guide;
use self::stage::Stage;
use self::target::Target;
use crate::identity::keys::GatewayKeys;
use crate::serve;

/// What follows `curfew demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// How long the grant of the tour is.
    #[arg(long, value_name = "60s", default_value = "60s")]
    grant: String,
    /// Serve the SSH connection that is stdin, as the target whose keys are in this folder.
    #[arg(long, value_name = "FOLDER", hide = true)]
    target_connection: Option<PathBuf>,
}

/// Runs the demo until it is interrupted, and leaves nothing behind.
pub async fn run(args: DemoArgs) -> ExitCode {
    let ended = match &args.target_connection {
        Some(folder) => target::serve_stdin(folder).await.map_err(|error| format!("demo target: {error}")),
        None => show(&args.grant).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("curfew: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn show(grant: &str) -> Result<(), String> {
    // First of all, so that whatever interrupts the demo, the folder goes.
    let mut interrupts = Interrupts::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let stage = Stage::build().map_err(|error| format!("cannot prepare the demo's folder: {error}"))?;
    let outcome = play(&stage, grant, &mut interrupts).await;
    let folder = stage.path().to_owned();
    match stage.clear() {
        Ok(()) => outcome,
        Err(error) => Err(format!("{} could not be removed: {error}", folder.display())),
    }
}

/// Starts everything, says what to type, and serves until it is interrupted.
async fn play(stage: &Stage, grant: &str, interrupts: &mut Interrupts) -> Result<(), String> {
    let keys = GatewayKeys::open(&stage.state_dir()).map_err(|error| error.to_string())?.public();
    let cannot = |error: io::Error| format!("cannot set the demo up: {error}");
    let host_key = keys.host_key.to_openssh().map_err(|error| error.to_string())?;
    let target = Target::start(&stage.target_folder(), &keys.user_ca).await.map_err(cannot)?;
    stage.configure_bastion(&target).map_err(cannot)?;
    let gateway = serve::start(&stage.config()).await.map_err(|error| error.to_string())?;
    stage.configure_people(gateway.address, &host_key).map_err(cannot)?;
    let program = std::env::current_exe().map_err(cannot)?;
    let guide = Guide { stage, bastion: gateway.address, grant, program: &program };
    // Somebody who no longer reads does not want the demo either.
    if writeln!(io::stdout(), "{guide}").is_ok() {
        interrupts.any().await;
    }
    gateway.shut_down(Duration::ZERO).await;
    Ok(())
}

/// What ends the demo: Ctrl-C, a closed terminal, an orderly end of the machine.
struct Interrupts([Signal; 3]);

impl Interrupts {
    fn listen() -> io::Result<Self> {
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?, signal(SignalKind::terminate())?]))
    }

    async fn any(&mut self) {
        let Self([interrupt, hangup, terminate]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}
