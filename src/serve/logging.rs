//! Logs: one line an event on stderr, for journald.

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged where `CURFEW_LOG` does not say.
const DEFAULT: &str = "info,russh=error,sqlx=warn";

/// Begins to log. `CURFEW_LOG` chooses what (`info` by default; `curfew_proxy=debug` and the like).
pub fn start() {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false);
    tracing_subscriber::registry().with(filter(std::env::var("CURFEW_LOG").ok())).with(lines).init();
}

fn filter(wanted: Option<String>) -> Targets {
    let wanted = wanted.filter(|text| !text.is_empty()).and_then(|text| text.parse().ok());
    wanted.or_else(|| DEFAULT.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::filter;

    #[test]
    fn what_is_logged_is_asked_for_by_level_and_crate() {
        let all = filter(Some("info,curfew_proxy=debug".to_owned()));
        assert!(all.would_enable("curfew_proxy::ssh", &Level::DEBUG) && all.would_enable("curfew", &Level::INFO));
        assert!(!all.would_enable("curfew", &Level::DEBUG));
    }

    #[test]
    fn what_is_asked_for_and_unreadable_changes_nothing() {
        for wanted in [None, Some(""), Some("curfew=loud")] {
            let filter = filter(wanted.map(str::to_owned));
            assert!(filter.would_enable("curfew", &Level::INFO) && !filter.would_enable("sqlx", &Level::INFO));
        }
    }
}
