//! What is there in the morning, what is left in the evening, and whether that is nothing.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::tools::left_running;
use super::town::Town;
use crate::support::{SOON, Stopwatch, eventually};

/// How much more memory there may be in the evening than after the first minute. Freed memory lies in holes between
/// what lives, and which holes is chance; a leak of 4 KiB a session would be four times as much.
const MORE_MEMORY: f64 = 0.25;
const MORE_MEMORY_KIB: u64 = 16 * 1024;

/// How long the gateway gets to let go of what it keeps for the next moment: the threads of its pool, ten seconds after
/// the last grant has run out.
const REST: Duration = Duration::from_secs(18);

/// What the gateway's process has.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    pub memory_kib: u64,
    pub files: u64,
    pub threads: u64,
    pub tasks: u64,
}

impl Footprint {
    fn now(town: &Town) -> Self {
        let status = town.gateway.ctl_json("status");
        Self {
            memory_kib: town.gateway.memory_kib("VmRSS"),
            files: town.gateway.open_files() as u64,
            threads: town.gateway.memory_kib("Threads"),
            tasks: status["tasks"].as_u64().expect("a number"),
        }
    }

    /// Waits until nobody is there, and a little longer.
    pub fn settled(town: &Town) -> Self {
        let quiet = |status: &Value| ["sessions", "recordings", "connections"].iter().all(|name| status[*name] == 0);
        eventually(Duration::from_secs(60), "nobody is connected", || quiet(&town.gateway.ctl_json("status")));
        let watch = Stopwatch::start();
        eventually(REST + SOON, "the gateway rests", || watch.elapsed() > REST);
        // The least of a few looks: each look is a caller of the gateway itself.
        let looks: Vec<Self> = (0..5).map(|_| Self::now(town)).collect();
        let least = |of: fn(&Self) -> u64| looks.iter().map(of).min().expect("some looks");
        Self {
            memory_kib: least(|look| look.memory_kib),
            files: least(|look| look.files),
            threads: least(|look| look.threads),
            tasks: least(|look| look.tasks),
        }
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory_kib, files, threads, tasks } = self;
        write!(f, "{} MiB, {files} files, {threads} threads, {tasks} tasks", memory_kib / 1024)
    }
}

/// What is left of the day's sessions.
#[derive(Debug)]
pub struct Left {
    pub running: usize,
    pub open_sessions: i64,
    pub unsealed: i64,
    pub sessions: i64,
    pub recordings: usize,
    /// What `curfew verify` found, and `verify --audit`.
    pub verdicts: [bool; 2],
}

impl Left {
    pub fn of(town: &Town) -> Self {
        let mut database = town.gateway.database();
        let mut count = |what: &str| database.number(&format!("SELECT COUNT(*) FROM {what}"));
        let verified = |words: &[&str]| {
            let run = town.gateway.curfew(words).limit(Duration::from_secs(300)).run();
            if run.code != Some(0) {
                println!("  WRONG: {run:?}");
            }
            run.code == Some(0)
        };
        Self {
            running: left_running(town),
            open_sessions: count("sessions WHERE ended_at IS NULL"),
            unsealed: count("recordings WHERE sealed_at IS NULL"),
            sessions: count("sessions"),
            recordings: town.gateway.cast_files().len(),
            verdicts: [verified(&["verify"]), verified(&["verify", "--audit"])],
        }
    }
}

/// What is wrong with the evening, beside the morning.
pub fn judge(before: &Footprint, after: &Footprint, left: &Left) -> Vec<String> {
    let most = before.memory_kib + MORE_MEMORY_KIB.max((before.memory_kib as f64 * MORE_MEMORY) as u64);
    let [recordings, audit] = left.verdicts;
    let wrong = [
        (left.running > 0, "something still runs on a target"),
        (left.open_sessions > 0, "the database has an open session"),
        (left.unsealed > 0, "the database has a recording without a seal"),
        (!recordings, "a recording is not intact"),
        (!audit, "the audit log is not intact"),
        (after.tasks > before.tasks, "a task is left"),
        (after.files > before.files, "a file is left open"),
        (after.threads > before.threads, "a thread is left"),
        (after.memory_kib > most, "memory did not come back"),
    ];
    wrong.into_iter().filter(|(is, _)| *is).map(|(_, what)| what.to_owned()).collect()
}

pub fn table(before: &Footprint, after: &Footprint, left: &Left) -> String {
    let intact = left.verdicts.map(|intact| if intact { "intact" } else { "NOT INTACT" });
    format!(
        "| in the gateway, nobody connected | after the first minute | at the end |\n| --- | ---: | ---: |\n\
         | memory, MiB | {} | {} |\n| open files | {} | {} |\n| threads | {} | {} |\n| tasks | {} | {} |\n\n\
         | at the end | |\n| --- | ---: |\n| sessions there were | {} |\n| recordings, {} | {} |\n\
         | the audit log | {} |\n| open sessions in the database | {} |\n| recordings without a seal | {} |\n\
         | connections and processes on the targets | {} |\n",
        before.memory_kib / 1024,
        after.memory_kib / 1024,
        before.files,
        after.files,
        before.threads,
        after.threads,
        before.tasks,
        after.tasks,
        left.sessions,
        intact[0],
        left.recordings,
        intact[1],
        left.open_sessions,
        left.unsealed,
        left.running,
    )
}

/// A line about the day so far.
pub fn progress(town: &Town) -> String {
    let status = town.gateway.ctl_json("status");
    format!("  {} live, {} errands done, {}", status["sessions"], town.diary.sum(), Footprint::now(town))
}
