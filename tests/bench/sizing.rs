//! How large a machine a team needs, from what was measured.

use std::fmt::Write;

use super::figures::{Figure, number};

/// How many files a session has open in the gateway: two sockets and a recording.
pub const FILES_EACH: u64 = 3;

/// The name of the figure of memory at this many sessions.
pub fn memory(size: usize) -> String {
    format!("memory of an idle recorded terminal, {size} of them")
}

/// The name of the figure of the last one to be cut, of this many.
pub fn cut(size: usize) -> String {
    format!("deadline → closed, {size} sessions, last")
}

/// The name of the figure of what the gateway holds before anybody comes.
pub const EMPTY: &str = "memory of the gateway before anybody came";

/// The name of the figure of processor time per GiB that is not recorded.
pub const UP: &str = "processor time of the gateway per GiB up, which is not recorded";

/// The name of the figure of processor time per GiB of text that is.
pub const DOWN: &str = "the same per GiB of text down, recorded";

/// A table in Markdown for these numbers of sessions, as far as they were measured; nothing where none was.
pub fn table(figures: &[Figure], sizes: &[usize]) -> String {
    let median = |name: &str| figures.iter().find(|figure| figure.name == name).map(|figure| figure.value.median());
    let Some(empty) = median(EMPTY) else { return String::new() };
    let mut table = String::from(
        "| recorded terminals at once | memory | open files | all are gone after one deadline |\n|---|---|---|---|\n",
    );
    for &size in sizes {
        let (Some(each), Some(last)) = (median(&memory(size)), median(&cut(size))) else { continue };
        let mib = empty + each * size as f64 / 1024.0;
        let files = size as u64 * FILES_EACH;
        let _ = writeln!(table, "| {size} | {} MiB | {files} | {} ms |", number(mib), number(last));
    }
    if let (Some(up), Some(down)) = (median(UP), median(DOWN)) {
        let _ = writeln!(
            table,
            "\nA core passes {} MiB/s where nothing is recorded, and {} MiB/s of text that is.",
            number(1024.0 / up),
            number(1024.0 / down)
        );
    }
    table
}
