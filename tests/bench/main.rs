//! `make bench`: what Curfew costs beside direct ssh and `ssh -J`, measured side by side in one run.
//!
//! `cargo bench --profile release --bench bench -- [--rounds N] [--quick] [--out FOLDER] [WORD…]`; words choose figures by group or name.
//! Each comparison runs its ways in turn, drops the first round, and gives the median of the ratios within the rounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // It fails by panicking.
#![allow(clippy::cast_precision_loss, dead_code, unused_imports)] // Not all of the tests' support is used here.

#[path = "../support/mod.rs"]
mod support;

mod alone;
mod bulk;
mod crowd;
mod figures;
mod latency;
mod machine;
mod onward;
mod report;
mod rig;
mod sizing;

use std::path::PathBuf;
use std::process::ExitCode;

use report::Report;
use rig::{GIB, Rig};

/// How much is moved.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// A large file, in bytes.
    pub bytes: u64,
    /// How many small ones.
    pub small_files: u64,
    /// How many people at once.
    pub crowds: &'static [usize],
}

struct Options {
    rounds: usize,
    size: Size,
    out: PathBuf,
    only: Vec<String>,
}

fn options() -> Options {
    let mut options = Options {
        rounds: 5,
        size: Size { bytes: GIB, small_files: 10_000, crowds: &[1000, 5000] },
        out: PathBuf::from("target/bench"),
        only: Vec::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // Cargo says it to every bench.
            "--bench" => {}
            "--rounds" => options.rounds = words.next().and_then(|n| n.parse().ok()).expect("--rounds takes a number"),
            "--quick" => {
                options.rounds = 1;
                options.size = Size { bytes: GIB / 8, small_files: 1000, crowds: &[200] };
            }
            "--out" => options.out = words.next().expect("--out takes a folder").into(),
            _ => options.only.push(word),
        }
    }
    options
}

/// Allows as many open files as thousands of sessions need, or what the machine gives, and says how many.
fn raise_open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = 65_536;
    let now = getrlimit(Resource::Nofile);
    let hard = now.maximum.unwrap_or(wanted).max(wanted);
    for maximum in [hard, now.maximum.unwrap_or(wanted)] {
        if setrlimit(Resource::Nofile, Rlimit { current: Some(maximum.min(wanted)), maximum: Some(maximum) }).is_ok() {
            break;
        }
    }
    getrlimit(Resource::Nofile).current.unwrap_or(wanted)
}

fn main() -> ExitCode {
    let options = options();
    let machine = machine::describe();
    println!("{machine}\n");
    let most = raise_open_files();
    let crowd = support::crowd::EchoTarget::start();
    let rig = Rig::start(&(crowd.entry(crowd::NAME) + &onward::entry()));
    rig.grant();
    let mut report = Report::new(options.rounds, options.only);
    let sizes: Vec<usize> =
        options.size.crowds.iter().copied().filter(|size| *size as u64 * sizing::FILES_EACH < most).collect();
    crowd::run(&rig, &crowd, &mut report, &sizes);
    alone::run(&mut report);
    latency::run(&rig, &mut report);
    bulk::prepare(&rig, options.size);
    bulk::run(&rig, &mut report, options.size);
    onward::run(&rig, &mut report, options.size);
    drop(rig);
    if report.write(&options.out, &machine) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
