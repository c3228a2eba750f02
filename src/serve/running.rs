//! A gateway that serves: until it is told to stop, reading the configuration again at SIGHUP, going down in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use curfew_proxy::gateway::Gateway;
use curfew_proxy::lease::drain::{Drain, Phase};
use curfew_proxy::ssh::algorithms;
use russh::keys::HashAlg;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::{Config, ConfigFaults};
use crate::control::{Control, ControlRuntime};
use crate::identity::keys::SshKeys;
use crate::ssh_door::SshDoor;
use crate::usecase::{App, Rulebook, reload};

/// How long the last sessions get to say goodbye and to seal their recordings, once they were told to end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// The configuration is faulty.
    #[error("{0}")]
    Config(#[from] ConfigFaults),
    /// Something else, in one line that says what to do.
    #[error("{0}")]
    Other(String),
}

/// A gateway that serves.
pub struct Running {
    /// Where SSH listens.
    pub address: SocketAddr,
    pub(super) file: PathBuf,
    /// Where the keys are that it began with, whatever the file says by now.
    pub(super) state_dir: PathBuf,
    pub(super) config: watch::Sender<Arc<Config>>,
    pub(super) keys: Arc<ArcSwap<SshKeys>>,
    pub(super) gateway: Arc<Gateway<SshDoor>>,
    pub(super) app: App,
    pub(super) control: Control,
    pub(super) drain: Drain,
    pub(super) tasks: tokio::task::JoinSet<()>,
    // Last, so that nothing above outlives its threads.
    pub(super) _runtimes: [ControlRuntime; 2],
}

/// What has changed in a configuration that was read again, and is in force only after a restart.
fn need_a_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("[gateway]", old.gateway != new.gateway),
        ("[ssh] listen", old.ssh.listen != new.ssh.listen),
        ("[store]", old.store != new.store),
        ("[recordings]", old.recordings != new.recordings),
    ];
    changed.into_iter().filter(|(_, changed)| *changed).map(|(section, _)| section).collect()
}

impl Running {
    /// Serves until SIGTERM or SIGINT, reading the configuration again at SIGHUP.
    pub(super) async fn until_told(self) -> ExitCode {
        let (Ok(mut hangup), Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::hangup()), signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            eprintln!("curfew: cannot listen for signals");
            return ExitCode::FAILURE;
        };
        'serving: loop {
            tokio::select! {
                _ = hangup.recv() => tokio::select! {
                    () = self.reload() => {}
                    // A disk that hangs while the file is read must not keep the gateway up.
                    _ = terminate.recv() => break 'serving,
                    _ = interrupt.recv() => break 'serving,
                },
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
            }
        }
        let patience = self.config.borrow().ssh.drain;
        tokio::select! {
            () = self.shut_down(patience) => ExitCode::SUCCESS,
            // Whoever says it twice means at once.
            _ = interrupt.recv() => ExitCode::FAILURE,
        }
    }

    /// Reads the configuration and the keys again. A faulty file changes nothing, and the log says why.
    pub async fn reload(&self) {
        let (file, state_dir) = (self.file.clone(), self.state_dir.clone());
        let read = tokio::task::spawn_blocking(move || {
            let loaded = Config::load(&file).map_err(|faults| faults.to_string())?;
            Ok((loaded, SshKeys::open(&state_dir).map_err(|error| error.to_string())?))
        });
        let (loaded, keys) = match read.await.unwrap_or_else(|why| Err(why.to_string())) {
            Ok(read) => read,
            Err(faults) => {
                tracing::error!("the configuration was not reloaded; the old one stays in force");
                for fault in faults.lines() {
                    tracing::error!("{fault}");
                }
                return;
            }
        };
        self.replace_keys(keys);
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        for section in need_a_restart(&self.config.borrow().clone(), &loaded.config) {
            tracing::warn!("{section} has changed; that takes a restart");
        }
        let rules = Rulebook::from(&loaded.config);
        self.config.send_replace(Arc::new(loaded.config));
        let app = self.app.clone();
        match self.control.whole(async move { reload::reload(&app, rules).await }).await {
            Some(Ok(())) => tracing::info!("the configuration was reloaded"),
            Some(Err(fault)) => {
                tracing::error!(%fault, "the configuration was reloaded, but the database does not answer");
            }
            None => tracing::error!("the configuration was reloaded, but what it takes away was not all taken away"),
        }
    }

    /// From now on these keys sign and are shown. Connections that are open go on.
    fn replace_keys(&self, keys: SshKeys) {
        let old = self.keys.load();
        let pairs = [
            ("host_key", &old.host_key, &keys.host_key),
            ("host_ca", &old.host_ca, &keys.host_ca),
            ("user_ca", &old.user_ca, &keys.user_ca),
        ];
        for (file, _, new) in pairs.iter().filter(|(_, old, new)| old.public_key() != new.public_key()) {
            tracing::warn!(file, key = %new.fingerprint(HashAlg::Sha256), "a key is another one; `curfew ca` has the new one");
        }
        self.gateway.server.store(algorithms::server(vec![keys.host_key.clone()], Vec::new()));
        self.keys.store(Arc::new(keys));
    }

    /// Goes down: no new sessions, time for the live ones, then their end; recordings are sealed.
    pub async fn shut_down(&self, patience: Duration) {
        self.drain.advance(Phase::Draining);
        tracing::info!(live = self.drain.live(), "draining");
        let _ = tokio::time::timeout(patience, self.drain.empty()).await;
        self.drain.advance(Phase::Closing);
        if tokio::time::timeout(LAST_WORDS, self.drain.empty()).await.is_err() {
            tracing::warn!(live = self.drain.live(), "some sessions did not end in time");
        }
        let app = self.app.clone();
        if let Some(Err(fault)) = self.control.whole(async move { crate::usecase::start::close(&app).await }).await {
            tracing::error!(%fault, "the database could not be closed in order");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.drain.advance(Phase::Closing);
        self.tasks.abort_all();
    }
}
