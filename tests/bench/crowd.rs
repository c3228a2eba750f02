//! A thousand people and more: what each costs in memory, and how soon all are gone at one deadline or revocation.
//!
//! Clients and target are in this process, on threads of their own, since as many of OpenSSH's would measure the
//! machine. The target is an SSH server whose terminal gives back what is typed.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use russh::keys::{PrivateKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg, Preferred, cipher, client};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::figures::{Figure, Goal, Samples};
use super::report::Report;
use super::rig::Rig;
use super::sizing;
use crate::support::crowd::{self, EchoTarget};
use crate::support::{Stopwatch, eventually, login, text, wall};

/// How many log in at the same time.
const AT_ONCE: usize = 16;

/// The target's name.
pub const NAME: &str = "many";

/// A client's half.
struct Ear;

impl client::Handler for Ear {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        // It was started by this program a moment ago.
        Ok(true)
    }
}

struct Crowd {
    /// Each stays until its terminal is closed.
    people: JoinSet<()>,
    gone: mpsc::UnboundedReceiver<Timestamp>,
    /// How long the logins took together.
    took: Duration,
}

/// Logs `size` people in and waits until each has a prompt.
async fn gather(rig: &Rig, size: usize) -> Result<Crowd, String> {
    let key = Arc::new(PrivateKey::read_openssh_file(&rig.key.path).map_err(|error| error.to_string())?);
    let (gone_to, gone) = mpsc::unbounded_channel();
    let (address, turns) = (rig.gateway.address(), Arc::new(Semaphore::new(AT_ONCE)));
    let config = Arc::new(client::Config {
        inactivity_timeout: None,
        nodelay: true,
        // Cheap, since they share the machine with what is measured.
        preferred: Preferred { cipher: Cow::Borrowed(&[cipher::AES_128_GCM]), ..Preferred::default() },
        ..client::Config::default()
    });
    let watch = Stopwatch::start();
    let mut coming = JoinSet::new();
    for _ in 0..size {
        let (key, turns, config) = (Arc::clone(&key), Arc::clone(&turns), Arc::clone(&config));
        coming.spawn(async move {
            let _turn = turns.acquire().await;
            enter(address, config, key).await
        });
    }
    let mut people = JoinSet::new();
    while let Some(came) = coming.join_next().await {
        let (handle, channel) = came.map_err(|error| error.to_string())??;
        people.spawn(stay(handle, channel, gone_to.clone()));
    }
    Ok(Crowd { people, gone, took: watch.elapsed() })
}

async fn enter(
    address: SocketAddr,
    config: Arc<client::Config>,
    key: Arc<PrivateKey>,
) -> Result<(client::Handle<Ear>, Channel<client::Msg>), String> {
    let handle = crowd::log_in(address, config, &format!("{}@{NAME}", login()), key, Ear).await?;
    let channel = crowd::shell(&handle).await?;
    Ok((handle, channel))
}

/// Stays until the terminal is closed, tells when that was, and leaves as OpenSSH does at that moment: by itself.
async fn stay(handle: client::Handle<Ear>, mut channel: Channel<client::Msg>, gone: mpsc::UnboundedSender<Timestamp>) {
    while !matches!(channel.wait().await, Some(ChannelMsg::Close) | None) {}
    let _ = gone.send(wall());
    let _ = handle.disconnect(russh::Disconnect::ByApplication, "", "").await;
}

impl Crowd {
    /// How long after `moment` each connection was gone, in milliseconds.
    async fn leave_after(mut self, moment: impl FnOnce() -> Timestamp) -> Result<Samples, String> {
        let mut at = Vec::with_capacity(self.people.len());
        for _ in 0..self.people.len() {
            let gone = tokio::time::timeout(Duration::from_secs(120), self.gone.recv()).await;
            at.push(gone.ok().flatten().ok_or("a connection outlived its end by two minutes")?);
        }
        let moment = moment();
        let since = |at: Timestamp| at.duration_since(moment).as_secs_f64() * 1000.0;
        Ok(at.into_iter().map(since).collect::<Vec<_>>().into())
    }
}

/// Everything about many sessions at once.
pub fn run(rig: &Rig, target: &EchoTarget, report: &mut Report, sizes: &[usize]) {
    report.figure("crowd", || {
        let mib = rig.gateway.memory_kib("VmRSS") as f64 / 1024.0;
        Ok(vec![Figure::alone("crowd", sizing::EMPTY, "MiB", vec![mib].into(), None)])
    });
    for &size in sizes {
        report.figure("crowd", || {
            let measured = target.block_on(measure(rig, size))?;
            rig.forget_recordings();
            Ok(measured)
        });
    }
}

async fn measure(rig: &Rig, size: usize) -> Result<Vec<Figure>, String> {
    let many = size >= 5000;
    let alone =
        |name: String, unit, value, goal: f64| Figure::alone("crowd", &name, unit, value, Some(Goal::AtMost(goal)));
    // Whatever the gateway needs once, it has now.
    drop(gather(rig, 16).await?);
    eventually(Duration::from_secs(30), "the first ones are gone", || {
        rig.gateway.ctl_json("sessions --live") == serde_json::json!([])
    });
    let grant = request(rig, "8h");
    let before = rig.gateway.memory_kib("VmRSS");
    let crowd = gather(rig, size).await?;
    let took = crowd.took;
    // Until what logging in needed is let go.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let each = rig.gateway.memory_kib("VmRSS").saturating_sub(before) as f64 / size as f64;
    rig.gateway.ctl(&format!("revoke {grant} --note bench")).ok();
    let revoked = crowd.leave_after(|| moment(&rig.gateway.ctl_json(&format!("show {grant}"))["ended_at"])).await?;
    settle(rig).await;
    let span = took.as_secs() * 2 + 10;
    let grant = request(rig, &format!("{span}s"));
    let crowd = gather(rig, size).await?;
    let deadline = moment(&rig.gateway.ctl_json(&format!("show {grant}"))["expires_at"]);
    let cut = crowd.leave_after(|| deadline).await?;
    settle(rig).await;
    let tail = |samples: &Samples, share| Samples::from(vec![samples.quantile(share)]);
    let mut figures = vec![
        alone(sizing::memory(size), "KiB", vec![each].into(), 96.0),
        alone(
            format!("deadline → closed, {size} sessions, p99"),
            "ms",
            tail(&cut, 0.99),
            if many { 150.0 } else { 30.0 },
        ),
        alone(sizing::cut(size), "ms", tail(&cut, 1.0), if many { 150.0 } else { 60.0 }),
    ];
    if !many {
        let value = tail(&revoked, 0.99);
        figures.push(alone(format!("revoked → closed, {size} sessions of one grant, p99"), "ms", value, 50.0));
    }
    Ok(figures)
}

fn request(rig: &Rig, span: &str) -> String {
    let mut ssh = rig.client("ssh");
    ssh.args([
        "-l", "alice", "curfew", "request", NAME, "--role", "admin", "--for", span, "--reason", "bench", "--json",
    ]);
    let output = ssh.output().expect("run ssh");
    assert!(output.status.success(), "access was not granted: {}", String::from_utf8_lossy(&output.stderr));
    let request: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    text(&request["grant"])
}

fn moment(value: &serde_json::Value) -> Timestamp {
    text(value).parse().expect("a time")
}

/// Waits until every session has been written off.
async fn settle(rig: &Rig) {
    eventually(Duration::from_secs(60), "every session has ended", || {
        rig.gateway.ctl_json("sessions --live").as_array().is_some_and(Vec::is_empty)
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
}
