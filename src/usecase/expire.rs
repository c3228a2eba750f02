//! Time passes: scheduled grants begin, and grants whose time is up end. Live sessions end by their own leases; this
//! writes down that it happened.

use std::collections::HashSet;

use curfew_policy::grant::{Grant, GrantEnd};
use curfew_policy::id::GrantId;
use curfew_policy::time::rfc3339;
use jiff::Timestamp;

use super::{App, Outcome, grant, reconcile};
use crate::store::{Action, Event, Events, Grants};

/// Writes down which grants have begun and which have ended. Gives the next moment at which one will.
///
/// # Errors
/// When the database does not answer.
#[tracing::instrument(name = "expire", level = "error", skip_all)]
pub async fn expire(app: &App) -> Outcome<Option<Timestamp>> {
    let now = app.clock().now();
    // Before the database is asked, so that none of them is younger than its answer.
    let known = app.leases().grants();
    let live = app.store().view().await?.read().grants(Grants::Live).await?;
    let over = |grant: &Grant| app.leases().time_of(grant.id, now, grant.expires_at).is_over(now);
    let due = app.store().view().await?.read().grants(Grants::Due(now.wall)).await?;
    if !due.is_empty() || live.iter().any(over) {
        write(app).await?;
    }
    let alive: HashSet<GrantId> = live.iter().map(|grant| grant.id).collect();
    let ended: Vec<GrantId> = known.into_iter().filter(|id| !alive.contains(id)).collect();
    follow(app, &live, &ended).await?;
    app.leases().forget_grants(&ended);
    let ends = live.iter().filter(|grant| !over(grant)).map(|grant| grant.expires_at);
    let begins = live.iter().map(|grant| grant.starts_at).filter(|at| *at > now.wall);
    Ok(ends.chain(begins).min())
}

/// Has live sessions follow what the store says of their grants, whoever wrote it there.
async fn follow(app: &App, live: &[Grant], ended: &[GrantId]) -> Outcome<()> {
    let carrying: HashSet<GrantId> = app.leases().live().into_iter().map(|live| live.grant).collect();
    for held in live.iter().filter(|held| carrying.contains(&held.id)) {
        reconcile::follow(app, held.id, Some(held));
    }
    for id in ended.iter().filter(|id| carrying.contains(id)) {
        reconcile::reconcile(app, *id).await?;
    }
    Ok(())
}

async fn write(app: &App) -> Outcome<()> {
    let mut tx = app.store().begin().await?;
    let now = app.clock().now();
    let at = curfew_policy::time::to_millis(now.wall);
    let mut events = Vec::new();
    // Read again: what was done, revoked or extended meanwhile is not due any more.
    for due in tx.read().grants(Grants::Due(at)).await? {
        tx.started(due.id).await?;
        events.push(
            Event::new(at, "curfew", Action::GrantStarted, due.id)
                .with("user", due.user)
                .with("targets", due.targets)
                .with("role", due.role)
                .with("expires_at", rfc3339(due.expires_at)),
        );
    }
    for held in tx.read().grants(Grants::Live).await? {
        if app.leases().time_of(held.id, now, held.expires_at).is_over(now) {
            let why = if held.used { GrantEnd::Expired } else { GrantEnd::Unused };
            // It ended when it was to, not when we looked; earlier only if the monotonic clock said so.
            let end = held.expires_at.min(at);
            events.push(grant::end(&mut tx, &held, end, "curfew", why, None).await?);
        }
    }
    if let Some(events) = Events::all(events) {
        app.commit(tx, events).await?;
    }
    Ok(())
}
