//! Makes what memory knows of a grant what the store says: after an answer that was lost, or a change that another gateway
//! made.

use curfew_policy::grant::{Grant, GrantEnd};
use curfew_policy::id::GrantId;
use curfew_proxy::lease::End;

use super::{App, Outcome};

/// Has the live sessions of a grant follow the store: they end when it was revoked or done, and get the time it was
/// extended by.
///
/// # Errors
/// When the database does not answer. What memory knows stays as it is then, and the deadline stands.
pub async fn reconcile(app: &App, id: GrantId) -> Outcome<()> {
    let held = app.store().view().await?.read().grant(id).await?;
    follow(app, id, held.as_ref());
    Ok(())
}

/// The same for a grant that was read just now.
pub(super) fn follow(app: &App, id: GrantId, held: Option<&Grant>) {
    let Some(held) = held else {
        let note = "its grant is gone from the database".to_owned();
        return app.leases().end_grant(id, &End::Revoked { by: "curfew".to_owned(), note });
    };
    match held.ended {
        None => app.leases().follow(id, app.clock().now(), held.expires_at),
        // Its own deadline ends a session then, and a grace may be running.
        Some((_, GrantEnd::Expired | GrantEnd::Unused)) => {}
        Some((_, why @ (GrantEnd::Revoked | GrantEnd::Done))) => {
            let by = held.ended_by.clone().unwrap_or_else(|| "curfew".to_owned());
            let note = held.ended_note.clone().unwrap_or_else(|| why.to_string());
            app.leases().end_grant(id, &End::Revoked { by, note });
        }
    }
}
