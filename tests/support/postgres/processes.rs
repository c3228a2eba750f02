//! The processes of a server: the first one, and its children.

use rustix::process::{Pid, Signal, kill_process};

use super::cluster::{Cluster, until};

/// Whether a server runs.
pub fn runs(cluster: &Cluster) -> bool {
    first(cluster).is_some()
}

/// Ends a server in good order (its "fast" shutdown).
pub fn stop(cluster: &Cluster) {
    let all = all(cluster);
    all.iter().take(1).for_each(|pid| signal(*pid, Signal::INT));
    wait_for(&all);
}

/// Ends every process at once.
pub fn kill9(cluster: &Cluster) {
    let all = all(cluster);
    all.iter().for_each(|pid| signal(*pid, Signal::KILL));
    wait_for(&all);
}

/// Has every process stand still.
pub fn freeze(cluster: &Cluster) {
    // The first one first, so that it makes no more.
    first(cluster).into_iter().for_each(|pid| signal(pid, Signal::STOP));
    all(cluster).into_iter().for_each(|pid| signal(pid, Signal::STOP));
}

/// Lets every process go on.
pub fn thaw(cluster: &Cluster) {
    all(cluster).into_iter().for_each(|pid| signal(pid, Signal::CONT));
}

/// Every process of a server that runs, the first one first.
fn all(cluster: &Cluster) -> Vec<u32> {
    let Some(first) = first(cluster) else { return Vec::new() };
    let pids = std::fs::read_dir("/proc").expect("read /proc").flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children = pids.filter(|pid| standing(*pid).is_some_and(|(_, parent)| parent == first));
    [first].into_iter().chain(children).collect()
}

/// The first process, where it runs: the number that is written down may be another's by now.
fn first(cluster: &Cluster) -> Option<u32> {
    let pid = cluster.pid()?;
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let data = cluster.data();
    line.split(|byte| *byte == 0).any(|word| word == data.as_os_str().as_encoded_bytes()).then_some(pid)
}

/// The state of a process, and its parent (proc(5), `stat`).
fn standing(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, parentheses too.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn wait_for(pids: &[u32]) {
    // Who has ended may not have been waited for.
    let gone = |pid: &u32| standing(*pid).is_none_or(|(state, _)| matches!(state, 'Z' | 'X'));
    until("PostgreSQL ends", || pids.iter().all(gone), || format!("{pids:?}"));
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may be gone.
        let _ = kill_process(pid, signal);
    }
}
