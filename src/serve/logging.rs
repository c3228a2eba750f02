//! Logs: one line an event on stderr, for journald.

use tracing_subscriber::EnvFilter;

/// Begins to log. `CURFEW_LOG` chooses what (`info` by default; `curfew_proxy=debug` and the like).
pub fn start() {
    let filter = EnvFilter::try_from_env("CURFEW_LOG").unwrap_or_else(|_| EnvFilter::new("info,russh=error,sqlx=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false)
        .init();
}
