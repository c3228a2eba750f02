//! Puts a gateway together: keys, database, recordings that a crash left open, then the doors.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use curfew_proxy::front::listener::listen;
use curfew_proxy::front::workers::Workers;
use curfew_proxy::gate::Console;
use curfew_proxy::gateway::{Gateway, SEALS_AT_ONCE};
use curfew_proxy::lease::clock::Clock;
use curfew_proxy::lease::drain::Drain;
use curfew_proxy::limits::unauthenticated::{Caps, Strangers};
use curfew_proxy::ssh::algorithms;
use curfew_recorder::SealKey;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::running::{NotStarted, Running};
use super::{rlimit, sweep};
use crate::config::Config;
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
use crate::usecase::{Actor, App, Rulebook, start};

/// What is behind all doors.
struct Core {
    name: String,
    app: App,
    clock: Clock,
    keys: Arc<ArcSwap<SshKeys>>,
    seal: Arc<SealKey>,
}

/// Starts a gateway.
///
/// # Errors
/// When the configuration is faulty, or something it needs is not there.
pub async fn start(file: &Path) -> Result<Running, NotStarted> {
    let loaded = Config::load(file)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let config = loaded.config;
    // The port first: who cannot have it should not touch the database.
    let listener = bind(config.ssh.listen).await?;
    let address = listener.local_addr().map_err(other)?;
    let state_dir = config.gateway.state_dir.clone();
    let core = open(&config).await?;

    let workers = Workers::start(std::thread::available_parallelism().map_or(1, usize::from)).map_err(other)?;
    let (control_runtime, recorder_runtime) = (runtime("control")?, runtime("recorder")?);
    let (control, recorder) = (control_runtime.control(), recorder_runtime.control());
    let drain = Drain::new();
    let others = [Handle::current().metrics(), control.metrics(), recorder.metrics()];
    let status = StatusSource::new(drain.clone(), workers.metrics().into_iter().chain(others));
    let config = watch::Sender::new(Arc::new(config));
    let product = product(&core, config.subscribe(), recorder, status, address.port());
    let operator = operator(&product, ctl::OperatorDoor::open(&state_dir).map_err(other)?);

    let mut tasks = JoinSet::new();
    tasks.spawn(product.refusals.clone().tell(core.clock.clone()));
    tasks.spawn(attached(control.clone(), sweep::run(core.app.clone())));
    tasks.spawn(attached(control.clone(), operator));
    let gateway = Arc::new(Gateway {
        gate: Arc::new(SshDoor::new(product, control.clone())),
        strangers: Arc::new(Strangers::new(Caps::fitting(rlimit::raise()), core.clock.clone())),
        clock: core.clock,
        server: ArcSwap::new(algorithms::server(vec![core.keys.load().host_key.clone()], Vec::new())),
        drain: drain.clone(),
        farewells: Arc::default(),
        seals: Arc::new(Semaphore::new(SEALS_AT_ONCE)),
    });
    tasks.spawn(listen(Arc::clone(&gateway), listener, Arc::new(workers)));
    let (file, app, keys) = (file.to_owned(), core.app, core.keys);
    Ok(Running {
        address,
        file,
        state_dir,
        config,
        keys,
        gateway,
        app,
        control,
        drain,
        tasks,
        _runtimes: [control_runtime, recorder_runtime],
    })
}

fn runtime(name: &str) -> Result<ControlRuntime, NotStarted> {
    ControlRuntime::start(name).map_err(other)
}

/// Opens keys and database, and writes down what a crash left open.
async fn open(config: &Config) -> Result<Core, NotStarted> {
    let state_dir = &config.gateway.state_dir;
    let secrets = GatewayKeys::open(state_dir).map_err(other)?;
    let seal = Arc::new(secrets.seal);
    let name = config.gateway.name.clone().unwrap_or_else(|| GATEWAY.to_owned());
    let opening = Opening {
        state_dir,
        location: config.store.location(state_dir).map_err(other)?,
        gateway: &name,
        key: secrets.audit,
        now: Clock::system(None).wall(),
    };
    let store = Store::open(opening).await.map_err(other)?;
    let clock = Clock::system(store.newest_at());
    let app = App::new(store, clock.clone(), Rulebook::from(config));
    start::open(&app).await.map_err(other)?;
    repair::unsealed(&app, &config.recordings.spool, &seal).await.map_err(other)?;
    Ok(Core { name, app, clock, keys: Arc::new(ArcSwap::from_pointee(secrets.keys)), seal })
}

fn product(
    core: &Core,
    config: watch::Receiver<Arc<Config>>,
    recorder: Control,
    status: StatusSource,
    port: u16,
) -> Product {
    let recordings = config.borrow().recordings.spool.clone();
    Product {
        gateway: core.name.clone(),
        app: core.app.clone(),
        config,
        keys: Arc::clone(&core.keys),
        seal: Arc::clone(&core.seal),
        recordings,
        recorder,
        live_recordings: LiveRecordings::default(),
        status,
        refusals: Refusals::default(),
        waiting_limit: WaitingLimit::default(),
        port,
    }
}

/// Serves the operator's door to the same product.
fn operator(product: &Product, door: ctl::OperatorDoor) -> impl Future<Output = ()> + Send + use<> {
    let parts = (product.app.clone(), product.live_recordings.clone(), product.status.clone());
    let port = product.port;
    let run = move |console: Console, file: String| {
        let (app, live_recordings, status) = parts.clone();
        async move {
            let hints = Hints::ctl(Path::new(&file), "bastion", port);
            let setting =
                ConsoleSetting { app: &app, live_recordings: &live_recordings, hints: &hints, status: &status };
            console::run(setting, &Actor::Operator, console).await
        }
    };
    async move { door.serve(run).await }
}

/// Runs on the runtime for control work for as long as this task lives.
async fn attached(control: Control, work: impl Future<Output = ()> + Send + 'static) {
    control.attached(work).await;
}

async fn bind(address: SocketAddr) -> Result<TcpListener, NotStarted> {
    TcpListener::bind(address)
        .await
        .map_err(|error| NotStarted::Other(format!("cannot listen on {address} ([ssh] listen): {error}")))
}

fn other(error: impl std::fmt::Display) -> NotStarted {
    NotStarted::Other(error.to_string())
}
