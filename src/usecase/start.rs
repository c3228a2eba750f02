//! The gateway begins to serve, and goes down.

use super::{App, Outcome, end_session, record, reload};
use crate::live::late_ends::INTERRUPTED;
use crate::store::{Action, Event, Events, Grants, Sessions};

/// Opens the gateway: says so in the audit log, and what was wrong with it; closes the sessions that a crash left open;
/// fixes the deadlines of the grants there are; and revokes those that the configuration no longer names.
///
/// # Errors
/// When the database does not answer.
pub async fn open(app: &App) -> Outcome<()> {
    let mut tx = app.store().begin().await?;
    let now = app.clock().now();
    let mut events = Events::from(
        Event::new(now.wall, "curfew", Action::GatewayStarted, "gateway").with("version", env!("CARGO_PKG_VERSION")),
    );
    if let Some(gap) = app.store().gap() {
        tracing::error!(what = gap.what, "the audit log is not as it was left; run: curfew verify --audit");
        let gap = Event::new(now.wall, "curfew", Action::AuditGap, "audit")
            .with("what", gap.what.as_str())
            .with("expected", gap.expected)
            .with("found", gap.found);
        events = Events::from(gap).and_all(events);
    }
    for session in tx.read().sessions(Sessions::Open).await? {
        tx.close_session(session.id, now.wall, INTERRUPTED).await?;
        events = events.and(
            Event::new(now.wall, "curfew", Action::SessionEnded, session.id)
                .with("user", session.user)
                .with("grant", session.grant.to_string())
                .with("target", session.target)
                .with("why", INTERRUPTED),
        );
    }
    for held in tx.read().grants(Grants::Live).await? {
        app.leases().deadline(held.id, now, held.expires_at);
    }
    app.commit(tx, events).await?;
    reload::revoke_gone(app, Action::ConfigLoaded).await
}

/// The gateway goes down in order, its sessions having ended: says so in the audit log, and closes the database.
///
/// # Errors
/// When the database does not answer; it is closed all the same.
pub async fn close(app: &App) -> Outcome<()> {
    let late = async { end_session::catch_up(app).await.and(record::catch_up(app).await) }.await;
    let event = Event::new(app.clock().wall(), "curfew", Action::GatewayStopped, "gateway");
    let said = async { app.commit(app.store().begin().await?, event).await }.await;
    app.store().close().await;
    late.and(said)
}
