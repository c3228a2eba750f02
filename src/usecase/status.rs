//! What lives in this process now: for the operator, and for those who look for what was left behind.

use std::sync::Arc;

use curfew_proxy::lease::drain::{Drain, Phase};
use serde::Serialize;
use tokio::runtime::RuntimeMetrics;

use crate::live::recordings::LiveRecordings;
use crate::usecase::App;

/// Where to look for what lives. Its clones look at the same process.
#[derive(Debug, Clone)]
pub struct StatusSource {
    drain: Drain,
    runtimes: Arc<[RuntimeMetrics]>,
}

/// What `status` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusView {
    /// `open`, `draining` or `closing`.
    pub state: &'static str,
    /// Whether new sessions may begin.
    pub ready: bool,
    /// `ok`, or why the database does not answer.
    pub database: String,
    /// Live sessions.
    pub sessions: usize,
    /// Recordings that are being made.
    pub recordings: usize,
    /// Connections and their channels, with those to the bastion itself, and those nobody is proven on yet.
    pub connections: usize,
    /// Everything that runs for them, and what always runs: tasks of the async runtimes.
    pub tasks: usize,
}

impl StatusSource {
    /// Looks at these.
    #[must_use]
    pub fn new(drain: Drain, runtimes: impl IntoIterator<Item = RuntimeMetrics>) -> Self {
        Self { drain, runtimes: runtimes.into_iter().collect() }
    }

    /// How it is now.
    pub async fn now(&self, app: &App, live_recordings: &LiveRecordings) -> StatusView {
        let database = app.store().ping().await.map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        StatusView {
            ready: self.drain.phase() == Phase::Open && database == "ok",
            database,
            state: match self.drain.phase() {
                Phase::Open => "open",
                Phase::Draining => "draining",
                Phase::Closing => "closing",
            },
            sessions: app.leases().live().len(),
            recordings: live_recordings.count(),
            connections: self.drain.live(),
            tasks: self.runtimes.iter().map(RuntimeMetrics::num_alive_tasks).sum(),
        }
    }
}
