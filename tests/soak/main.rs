//! `make soak`: a day in a small team, and what is left of it in the evening.
//!
//! `cargo bench --profile release --bench soak -- [--minutes N] [--people N]`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // It fails by panicking.
#![allow(dead_code, unused_imports)] // Not all of the tests' support is used here.

#[path = "../support/mod.rs"]
mod support;

#[path = "mod.rs"]
mod soak;

use std::process::ExitCode;
use std::time::Duration;

use soak::Plan;

fn plan() -> Plan {
    let (mut minutes, mut people) = (10.0, 1000);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|n| n.parse::<f64>().ok()).expect("it takes a number");
        match word.as_str() {
            // Cargo says it to every bench.
            "--bench" => {}
            "--minutes" => minutes = number(),
            "--people" => people = number() as usize,
            other => panic!("what is {other}? --minutes N or --people N"),
        }
    }
    Plan { people, length: Duration::from_secs_f64(minutes * 60.0) }
}

fn main() -> ExitCode {
    match soak::run(plan()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("\nFAILED: {why}");
            ExitCode::FAILURE
        }
    }
}
