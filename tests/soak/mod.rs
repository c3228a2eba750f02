//! A day in a small team: people log in, type, copy, ask, are extended, revoked, killed and cut at their deadlines, the
//! targets restart, the configuration is reloaded. In the evening everybody leaves, and nothing may be left of them.
//!
//! Most people are clients inside this process, on a target inside this process; some are real `ssh`, `scp` and `sftp`
//! on a real sshd. The gateway is the real program.

mod diary;
mod evening;
mod line;
mod people;
mod tools;
mod town;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use evening::{Footprint, Left};
use town::{Hours, Town};

use crate::support::{Stopwatch, eventually};

/// How many people, for how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub people: usize,
    pub length: Duration,
}

/// How long people may take to come to the end of what they do when the doors close.
const CLOSING_TIME: Duration = Duration::from_secs(180);

/// How often the day is reported.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// What happens to everybody, and at which part of the day, in thousandths.
const EVENTS: [(u32, Event); 8] = [
    (250, Event::Reload),
    (350, Event::FaultyReload),
    (450, Event::TargetsGoDown),
    (480, Event::TargetsComeUp),
    (550, Event::Reload),
    (700, Event::TargetsGoDown),
    (720, Event::TargetsComeUp),
    (800, Event::Reload),
];

#[derive(Debug, Clone, Copy)]
enum Event {
    Reload,
    FaultyReload,
    TargetsGoDown,
    TargetsComeUp,
}

/// Lives through a day. The error says what was left, or what went wrong for somebody.
pub fn run(plan: Plan) -> Result<(), String> {
    println!("{} people for {:?}; the gateway is {}", plan.people, plan.length, crate::support::Gateway::binary());
    let town = Arc::new(Town::found(plan));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    people::move_in(&town, &runtime);
    let tools = tools::start(&town);

    // The first minute: whatever the gateway needs once, it has after that.
    let morning = plan.length.mul_f64(0.2).min(Duration::from_secs(60));
    pass(&town, morning, &[]);
    close_doors(&town);
    let before = Footprint::settled(&town);
    println!("after the first {} s, everybody out: {before}", morning.as_secs());

    town.set_hours(Hours::Open);
    pass(&town, plan.length - morning, &EVENTS);
    close_doors(&town);
    town.set_hours(Hours::Over);
    for tool in tools {
        tool.join().map_err(|_| "somebody with OpenSSH fell over".to_owned())?;
    }
    runtime.shutdown_timeout(Duration::from_secs(10));

    let after = Footprint::settled(&town);
    let left = Left::of(&town);
    println!("\n{}", town.diary.table());
    println!("{}", evening::table(&before, &after, &left));
    let wrong: Vec<String> = [town.diary.faults(), evening::judge(&before, &after, &left)].concat();
    if wrong.is_empty() {
        return Ok(());
    }
    println!("the gateway's log ends with\n{}", town.gateway.log_tail());
    Err(wrong.join("; "))
}

/// Lets some of the day go by.
fn pass(town: &Town, length: Duration, events: &[(u32, Event)]) {
    let (watch, mut due) = (Stopwatch::start(), events.iter().peekable());
    let mut reports = 0;
    while watch.elapsed() < length {
        if let Some((_, event)) = due.next_if(|(at, _)| watch.elapsed() >= length * *at / 1000) {
            happen(town, *event);
        }
        if watch.elapsed() >= REPORT_EVERY * reports {
            println!("{}", evening::progress(town));
            reports += 1;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    due.for_each(|(_, event)| happen(town, *event));
}

fn happen(town: &Town, event: Event) {
    match event {
        Event::Reload => town.reload(),
        Event::FaultyReload => town.reload_faulty(),
        Event::TargetsGoDown => town.targets_go_down(),
        Event::TargetsComeUp => town.targets_come_up(),
    }
}

/// Waits until everybody has come to the end of what they do.
fn close_doors(town: &Town) {
    town.set_hours(Hours::Closed);
    eventually(CLOSING_TIME, "everybody came to the end of what they did", || town.busy.load(Ordering::SeqCst) == 0);
}
