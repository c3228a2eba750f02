//! What the gateway does by itself: starts, and decides who gets in among a million past grants.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use curfew::config::Config;
use curfew::config::store::DATABASE_FILE;
use curfew::control::Control;
use curfew::identity::keys::GatewayKeys;
use curfew::live::recordings::LiveRecordings;
use curfew::live::refusals::Refusals;
use curfew::ssh_door::{Product, SshDoor};
use curfew::store::{Opening, Store};
use curfew::usecase::status::StatusSource;
use curfew::usecase::{App, Rulebook, end_session, start};
use curfew_proxy::gate::{Admit as _, Identity, Proof};
use curfew_proxy::lease::End;
use curfew_proxy::lease::clock::Clock;
use curfew_proxy::lease::drain::Drain;
use curfew_proxy::route::Route;
use russh::keys::{HashAlg, PublicKey};
use tempfile::TempDir;
use tokio::sync::watch;

use super::figures::{Figure, Goal, Samples};
use super::report::Report;
use crate::support::database::Database;
use crate::support::{Gateway, Stopwatch, keys};

/// How many grants there are, those that have ended and those that go on, and whose they are.
const PAST: u64 = 1_000_000;
const ACTIVE: u64 = 10_000;
const PEOPLE: u64 = 500;

/// How many admissions are measured.
const ADMISSIONS: usize = 1000;

/// The size of the program, how soon it serves, and how soon it decides.
pub fn run(report: &mut Report) {
    let rounds = report.rounds();
    report.figure("alone", || {
        let bytes = fs::metadata(Gateway::binary()).map_err(|error| error.to_string())?.len();
        let megabytes = vec![bytes as f64 / 1e6].into();
        let ready = (0..=rounds).map(|_| ready()).collect::<Result<Vec<f64>, String>>()?;
        let alone = |name, unit, value, goal| Figure::alone("alone", name, unit, value, Some(Goal::AtMost(goal)));
        Ok(vec![
            alone("size of the program", "MB", megabytes, 25.0),
            alone("start → first connection accepted", "ms", ready.split_off_first().into(), 100.0),
        ])
    });
    report.figure("admission", || {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        let took = runtime.block_on(admissions())?;
        let tail = vec![took.quantile(0.99)].into();
        let name = "proven → dialling, among 10,000 active grants and 1,000,000 past ones, p99";
        Ok(vec![Figure::alone("admission", name, "ms", tail, Some(Goal::AtMost(2.0)))])
    });
}

trait SplitOffFirst {
    /// The others: the first was the warm-up.
    fn split_off_first(self) -> Self;
}

impl SplitOffFirst for Vec<f64> {
    fn split_off_first(mut self) -> Self {
        self.remove(0);
        self
    }
}

fn configuration(port: u16, key: &str) -> String {
    format!(
        "[gateway]\nstate_dir = \"state\"\n[ssh]\nlisten = \"127.0.0.1:{port}\"\n[recordings]\nspool = \"recordings\"\n\
         [users.alice]\nkeys = [\"{key}\"]\ngroups = [\"oncall\"]\n\
         [targets.web1]\naddress = \"127.0.0.1:22\"\nhost_key = \"{key}\"\n\
         [roles.admin]\nlogins = [\"root\"]\nshell = true\n\
         [[rules]]\ngroups = [\"oncall\"]\ntargets = [\"*\"]\nroles = [\"admin\"]\nmax_duration = \"8h\"\napprovals = 0\n"
    )
}

fn prepare(port: u16) -> TempDir {
    let dir = tempfile::Builder::new().prefix("bench").tempdir().expect("make a folder");
    let key = keys::generate(dir.path(), "id", "ed25519");
    fs::write(dir.path().join("curfew.toml"), configuration(port, &key.public)).expect("write the configuration");
    dir
}

/// From the start of the program to its identification string, with keys and database there already, in milliseconds.
fn ready() -> Result<f64, String> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a port").port();
    let dir = prepare(port);
    let mut took = 0.0;
    for _ in 0..2 {
        let watch = Stopwatch::start();
        let mut serve = Command::new(Gateway::binary());
        serve.args(["serve", "--config"]).arg(dir.path().join("curfew.toml"));
        let mut gateway = serve
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let greeted = greeting(port, &watch);
        took = watch.elapsed().as_secs_f64() * 1000.0;
        let _ = gateway.kill();
        let _ = gateway.wait();
        greeted?;
    }
    Ok(took)
}

/// Connects as soon as that works, and waits for the greeting.
fn greeting(port: u16, watch: &Stopwatch) -> Result<(), String> {
    while watch.elapsed() < Duration::from_secs(20) {
        let mut greeting = [0; 4];
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        if stream.and_then(|mut stream| stream.read_exact(&mut greeting)).is_ok() && &greeting == b"SSH-" {
            return Ok(());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Err("the gateway did not get ready".to_owned())
}

/// How long each admission took, from the proven identity to the credential for the target, in milliseconds.
async fn admissions() -> Result<Samples, String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let dir = prepare(0);
    let file = dir.path().join("curfew.toml");
    let state = dir.path().join("state");
    let now = Clock::system(None).wall();
    let secrets = GatewayKeys::open(&state).map_err(|error| failed(&error))?;
    Store::open(Opening::usual(&state, secrets.audit, now)).await.map_err(|error| failed(&error))?.close().await;
    let database = state.join(DATABASE_FILE);
    tokio::task::spawn_blocking(move || fill(&database)).await.map_err(|error| failed(&error))?;

    let secrets = GatewayKeys::open(&state).map_err(|error| failed(&error))?;
    let store = Store::open(Opening::usual(&state, secrets.audit, now)).await.map_err(|error| failed(&error))?;
    let config = Config::load(&file).map_err(|faults| failed(&faults))?.config;
    let app = App::new(store, Clock::system(None), Rulebook::from(&config));
    start::open(&app).await.map_err(|error| failed(&error))?;
    let config = watch::Sender::new(Arc::new(config));
    let product = Product {
        gateway: "bench".to_owned(),
        app: app.clone(),
        config: config.subscribe(),
        keys: Arc::new(ArcSwap::from_pointee(secrets.keys)),
        seal: Arc::new(secrets.seal),
        recordings: dir.path().join("recordings"),
        recorder: Control::here(),
        live_recordings: LiveRecordings::default(),
        status: StatusSource::new(Drain::new(), []),
        refusals: Refusals::default(),
        waiting_limit: curfew::console::asking::WaitingLimit::default(),
        port: 22,
    };
    let door = SshDoor::new(product, Control::here());
    let public = fs::read_to_string(dir.path().join("id.pub")).map_err(|error| failed(&error))?;
    let key = PublicKey::from_openssh(&public).map_err(|error| failed(&error))?;
    let proof = Proof::Key(key.fingerprint(HashAlg::Sha256).to_string());
    let identity = Identity { user: "alice".to_owned(), proof };
    let route = Route::Target { name: "web1".to_owned(), login: Some("root".to_owned()) };
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let mut took = Vec::with_capacity(ADMISSIONS);
    for _ in 0..ADMISSIONS {
        let watch = Stopwatch::start();
        let admitted = door.admit(&identity, &route, from, "SSH-2.0-bench").await;
        let admitted = admitted.map_err(|refusal| refusal.public)?;
        door.credential(admitted.session, &admitted.permit, admitted.permit.expires_at()).await?;
        took.push(watch.elapsed().as_secs_f64() * 1000.0);
        end_session::ended(&app, admitted.session, &End::Client).await;
    }
    start::close(&app).await.map_err(|error| failed(&error))?;
    Ok(took.into())
}

/// Writes the grants of years into the database, shared out among people of whom alice is the first.
fn fill(path: &Path) {
    let mut database = Database::open(path);
    let all = PAST + ACTIVE;
    database.run(&format!(
        "BEGIN;
         INSERT INTO requests (id, state, person, role, asked_ms, duration_ms, reason, asked_at, needed, extends)
         VALUES (1, 'granted', 'alice', 'admin', 1, 1, 'bench', 1, 0, 0);
         CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {all})
         SELECT i, CASE WHEN i % {PEOPLE} = 0 THEN 'alice' ELSE 'person' || (i % {PEOPLE}) END AS person,
         1000 * (unixepoch() + 28800) AS later, i > {PAST} AS active FROM n;
         INSERT INTO grants (id, request, person, role, starts_at, expires_at, started, used, ended_at, ended_why)
         SELECT i, 1, person, 'admin', i, CASE WHEN active THEN later ELSE i + 1 END, 1, 1,
         CASE WHEN active THEN NULL ELSE i + 1 END, CASE WHEN active THEN NULL ELSE 'expired' END FROM n;
         INSERT INTO grant_targets (grant_id, position, target, person) SELECT i, 0, 'web1', person FROM n;
         DROP TABLE n;
         COMMIT;"
    ));
    database.close();
}
