//! The gateway begins to serve, and goes down.

use super::{Desk, Outcome, hangup, reload};
use crate::store::{Action, Event, Events, Grants, Sessions};

/// Opens the desk: says so in the audit log, and what was wrong with it; closes the sessions that a crash left open;
/// fixes the deadlines of the grants there are; and revokes those that the configuration no longer names.
///
/// # Errors
/// When the database does not answer.
pub async fn open(desk: &Desk) -> Outcome<()> {
    let mut tx = desk.store().begin().await?;
    let now = desk.clock().now();
    let mut events = Events::from(
        Event::new(now.wall, "curfew", Action::GatewayStarted, "gateway").with("version", env!("CARGO_PKG_VERSION")),
    );
    if let Some(gap) = desk.store().gap() {
        tracing::error!(what = gap.what, "the audit log is not as it was left; run: curfew verify --audit");
        let gap = Event::new(now.wall, "curfew", Action::AuditGap, "audit")
            .with("what", gap.what.as_str())
            .with("expected", gap.expected)
            .with("found", gap.found);
        events = Events::from(gap).and_all(events);
    }
    for session in tx.read().sessions(Sessions::Open).await? {
        tx.close_session(session.id, now.wall, hangup::INTERRUPTED).await?;
        events = events.and(
            Event::new(now.wall, "curfew", Action::SessionEnded, session.id)
                .with("user", session.user)
                .with("grant", session.grant.to_string())
                .with("target", session.target)
                .with("why", hangup::INTERRUPTED),
        );
    }
    for held in tx.read().grants(Grants::Live).await? {
        desk.leases().deadline(held.id, now, held.expires_at);
    }
    tx.commit(events).await?;
    reload::revoke_gone(desk, Action::ConfigLoaded).await
}

/// The gateway goes down in order, its sessions having ended: says so in the audit log, and closes the database.
///
/// # Errors
/// When the database does not answer; it is closed all the same.
pub async fn close(desk: &Desk) -> Outcome<()> {
    let late = hangup::catch_up(desk).await;
    let event = Event::new(desk.clock().wall(), "curfew", Action::GatewayStopped, "gateway");
    let said = async { Ok(desk.store().begin().await?.commit(event).await?) }.await;
    desk.store().close().await;
    late.and(said)
}
