//! The sweep: writes down what time has brought about. Nothing waits for it: sessions end by their own leases, and
//! every reader judges a grant or request by its times.

use std::time::Duration;

use curfew_policy::lease::Deadline;
use jiff::Timestamp;

use crate::usecase::{App, Outcome, end_session, expire, lapse, record, refuse};

/// How long to rest at most: for what begins without a deadline that is known here, and after a failure.
const REST: Duration = Duration::from_secs(1);

/// Sweeps for ever: at each deadline, and every second.
pub async fn run(app: App) {
    let mut answers = true;
    loop {
        let next = match once(&app).await {
            Ok(next) => {
                if !std::mem::replace(&mut answers, true) {
                    tracing::info!("the database answers again");
                    // What was decided meanwhile may have gone unheard.
                    app.waiters().wake_all();
                }
                next
            }
            Err(fault) => {
                // Said once, not every second.
                if std::mem::take(&mut answers) {
                    tracing::error!(code = fault.code(), "the sweep waits for the database");
                }
                None
            }
        };
        let clock = app.clock();
        let now = clock.now();
        let rest = Deadline::new(now, curfew_policy::time::after(now.wall, REST));
        clock.sleep_until(next.map_or(rest, |next| Deadline::new(now, next).min(rest))).await;
    }
}

/// Sweeps once. Gives the next moment at which a grant begins or ends.
///
/// # Errors
/// When the database does not answer; the next sweep tries again.
pub async fn once(app: &App) -> Outcome<Option<Timestamp>> {
    end_session::catch_up(app).await?;
    record::catch_up(app).await?;
    refuse::settle(app).await?;
    lapse::lapse(app).await?;
    expire::expire(app).await
}
