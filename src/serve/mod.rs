//! `curfew serve`: puts the parts together, runs them, and takes them down in order.

mod logging;
mod rlimit;
pub mod sweep;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use curfew_proxy::front::listener::listen;
use curfew_proxy::front::workers::Workers;
use curfew_proxy::gate::Console;
use curfew_proxy::gateway::{Gateway, SEALS_AT_ONCE};
use curfew_proxy::lease::clock::Clock;
use curfew_proxy::lease::drain::{Drain, Phase};
use curfew_proxy::limits::unauthenticated::{Caps, Strangers};
use curfew_proxy::ssh::algorithms;
use russh::keys::HashAlg;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

use crate::config::{Config, ConfigFaults};
use crate::console::asking::WaitingLimit;
use crate::console::hints::Hints;
use crate::console::{self, ConsoleSetting};
use crate::control::{Control, ControlRuntime};
use crate::ctl;
use crate::identity::keys::{GatewayKeys, SshKeys};
use crate::live::recordings::LiveRecordings;
use crate::live::refusals::Refusals;
use crate::recordings::repair;
use crate::ssh_door::{Product, SshDoor};
use crate::store::{GATEWAY, Opening, Store};
use crate::usecase::status::StatusSource;
use crate::usecase::{Actor, App, Rulebook, reload, start};

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
    file: PathBuf,
    /// Where the keys are that it began with, whatever the file says by now.
    state_dir: PathBuf,
    config: watch::Sender<Arc<Config>>,
    keys: Arc<ArcSwap<SshKeys>>,
    gateway: Arc<Gateway<SshDoor>>,
    app: App,
    control: Control,
    drain: Drain,
    tasks: tokio::task::JoinSet<()>,
    // Last, so that nothing above outlives its threads.
    _runtime: ControlRuntime,
}

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

/// Starts a gateway: keys, database, recordings that a crash left open, then the doors.
///
/// # Errors
/// When the configuration is faulty, or something it needs is not there.
pub async fn start(file: &Path) -> Result<Running, NotStarted> {
    let loaded = Config::load(file)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let config = loaded.config;
    let gateway = config.gateway.clone();
    let spool = config.recordings.spool.clone();
    let listener = bind(config.ssh.listen).await?;
    let address = listener.local_addr().map_err(other)?;

    let secrets = GatewayKeys::open(&gateway.state_dir).map_err(other)?;
    let seal = Arc::new(secrets.seal);
    let keys = Arc::new(ArcSwap::from_pointee(secrets.keys));
    let name = gateway.name.clone().unwrap_or_else(|| GATEWAY.to_owned());
    let opening = Opening {
        state_dir: &gateway.state_dir,
        location: config.store.location(&gateway.state_dir).map_err(other)?,
        gateway: &name,
        key: secrets.audit,
        now: Clock::system(None).wall(),
    };
    let store = Store::open(opening).await.map_err(other)?;
    let clock = Clock::system(store.newest_at());
    let app = App::new(store, clock.clone(), Rulebook::from(&config));
    start::open(&app).await.map_err(other)?;
    repair::unsealed(&app, &spool, &seal).await.map_err(other)?;

    let (live_recordings, refusals) = (LiveRecordings::default(), Refusals::default());
    let drain = Drain::new();
    let workers = Workers::start(std::thread::available_parallelism().map_or(1, usize::from)).map_err(other)?;
    let runtime = ControlRuntime::start().map_err(other)?;
    let control = runtime.control().ok_or_else(|| other("no runtime"))?;
    let runtimes =
        workers.metrics().into_iter().chain([tokio::runtime::Handle::current().metrics(), control.metrics()]);
    let status = StatusSource::new(drain.clone(), runtimes);
    let config = watch::Sender::new(Arc::new(config));
    let product = Product {
        gateway: name,
        app: app.clone(),
        config: config.subscribe(),
        keys: Arc::clone(&keys),
        seal: Arc::clone(&seal),
        recordings: spool,
        live_recordings: live_recordings.clone(),
        status: status.clone(),
        refusals: refusals.clone(),
        waiting_limit: WaitingLimit::default(),
        port: address.port(),
    };
    let proxy = Arc::new(Gateway {
        gate: Arc::new(SshDoor::new(product, control.clone())),
        strangers: Arc::new(Strangers::new(Caps::fitting(rlimit::raise()), clock.clone())),
        clock: clock.clone(),
        server: ArcSwap::new(algorithms::server(vec![keys.load().host_key.clone()], Vec::new())),
        drain: drain.clone(),
        farewells: Arc::default(),
        seals: Arc::new(Semaphore::new(SEALS_AT_ONCE)),
    });
    let door = ctl::OperatorDoor::open(&gateway.state_dir).map_err(other)?;
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(listen(Arc::clone(&proxy), listener, Arc::new(workers)));
    tasks.spawn(refusals.tell(clock));
    tasks.spawn(attached(control.clone(), sweep::run(app.clone())));
    tasks.spawn(attached(control.clone(), serve_operator(door, app.clone(), live_recordings, status, address.port())));
    Ok(Running {
        address,
        file: file.to_owned(),
        state_dir: gateway.state_dir,
        config,
        keys,
        gateway: proxy,
        app,
        control,
        drain,
        tasks,
        _runtime: runtime,
    })
}

/// Runs on the runtime for control work for as long as this task lives.
async fn attached(control: Control, work: impl Future<Output = ()> + Send + 'static) {
    control.attached(work).await;
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

async fn bind(address: SocketAddr) -> Result<TcpListener, NotStarted> {
    TcpListener::bind(address)
        .await
        .map_err(|error| NotStarted::Other(format!("cannot listen on {address} ([ssh] listen): {error}")))
}

fn other(error: impl std::fmt::Display) -> NotStarted {
    NotStarted::Other(error.to_string())
}

async fn serve_operator(
    door: ctl::OperatorDoor,
    app: App,
    live_recordings: LiveRecordings,
    status: StatusSource,
    port: u16,
) {
    let run = move |console: Console, file: String| {
        let (app, live_recordings, status) = (app.clone(), live_recordings.clone(), status.clone());
        async move {
            let hints = Hints::ctl(Path::new(&file), "bastion", port);
            let setting =
                ConsoleSetting { app: &app, live_recordings: &live_recordings, hints: &hints, status: &status };
            console::run(setting, &Actor::Operator, console).await
        }
    };
    door.serve(run).await;
}

impl Running {
    /// Serves until SIGTERM or SIGINT, reading the configuration again at SIGHUP.
    async fn until_told(self) -> ExitCode {
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
        if let Some(Err(fault)) = self.control.whole(async move { start::close(&app).await }).await {
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
