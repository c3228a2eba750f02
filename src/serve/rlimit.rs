//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What to count with where the system sets no limit.
const NO_LIMIT: u64 = 1 << 20;

/// Raises the soft limit to the hard one, and gives what it is now. The soft one is low for the sake of old programs
/// that use `select(2)`; whoever means a limit sets the hard one.
pub fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files could not be raised");
        }
    }
    let now = getrlimit(Resource::Nofile).current.unwrap_or(NO_LIMIT).min(NO_LIMIT);
    usize::try_from(now).unwrap_or(usize::MAX)
}
