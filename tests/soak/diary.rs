//! What was done in the day, how often, and what went wrong.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

/// How many faults are told one by one.
const TOLD: usize = 10;

#[derive(Default)]
pub struct Diary {
    done: Mutex<BTreeMap<&'static str, u64>>,
    faults: Mutex<Vec<String>>,
}

impl Diary {
    pub fn note(&self, what: &'static str) {
        *self.done.lock().expect("not poisoned").entry(what).or_default() += 1;
    }

    pub fn fault(&self, what: &str, why: &str) {
        let mut faults = self.faults.lock().expect("not poisoned");
        if faults.len() < TOLD {
            println!("  WRONG: {what}: {why}");
        }
        faults.push(format!("{what}: {why}"));
    }

    /// How much was done of everything.
    pub fn sum(&self) -> u64 {
        self.done.lock().expect("not poisoned").values().sum()
    }

    pub fn count(&self, what: &str) -> u64 {
        self.done.lock().expect("not poisoned").get(what).copied().unwrap_or(0)
    }

    /// What went wrong, the first of many.
    pub fn faults(&self) -> Vec<String> {
        let faults = self.faults.lock().expect("not poisoned");
        let more = (faults.len() > TOLD).then(|| format!("and {} more", faults.len() - TOLD));
        faults.iter().take(TOLD).cloned().chain(more).collect()
    }

    pub fn table(&self) -> String {
        let mut table = "| what was done | times |\n| --- | ---: |\n".to_owned();
        for (what, times) in self.done.lock().expect("not poisoned").iter() {
            let _ = writeln!(table, "| {what} | {times} |");
        }
        table
    }
}
