//! Turns a request whose rules are satisfied into a grant, or into more time for one: the common end of asking and
//! approving.

use std::time::Duration;

use curfew_policy::ask::{Carried, within};
use curfew_policy::grant::{Grant, GrantState};
use curfew_policy::id::GrantId;
use curfew_policy::refusal::Refusal;
use curfew_policy::request::Request;
use curfew_policy::time::{after, format_duration, rfc3339, to_millis};
use jiff::Timestamp;

use super::{Effect, Outcome};
use crate::store::{Action, Event, NewGrant, StoreError, Tx};

/// What a granted request came to, for the live sessions to be told once it is committed.
#[derive(Debug)]
pub(super) enum GivenTime {
    /// A new grant until then.
    New(GrantId, Timestamp),
    /// A grant that ended at the first moment ends at the second.
    Longer(GrantId, Timestamp, Timestamp),
}

impl GivenTime {
    /// The grant.
    pub(super) const fn id(&self) -> GrantId {
        match self {
            Self::New(id, _) | Self::Longer(id, ..) => *id,
        }
    }

    /// What follows from it for live sessions.
    pub(super) const fn effect(&self) -> Effect {
        match *self {
            Self::New(id, expires_at) => Effect::Granted(id, expires_at),
            Self::Longer(id, from, to) => Effect::Extended(id, from, to),
        }
    }
}

/// Grants a pending request for `duration` from `now`, or from when it was asked for.
pub(super) async fn give(
    tx: &mut Tx,
    request: &Request,
    duration: Duration,
    now: Timestamp,
) -> Result<GivenTime, StoreError> {
    let starts_at = request.starts_at.map_or(now, |at| at.max(now));
    let expires_at = to_millis(after(starts_at, duration));
    let id = tx
        .give(&NewGrant {
            request: request.id,
            user: &request.user,
            targets: &request.targets,
            role: &request.role,
            login: request.login.as_deref(),
            starts_at,
            expires_at,
            started: starts_at <= now,
        })
        .await?;
    tx.granted(request.id, id).await?;
    Ok(GivenTime::New(id, expires_at))
}

/// Grants a pending request for more time.
pub(super) async fn lengthen(
    tx: &mut Tx,
    request: &Request,
    grant: &Grant,
    to: Timestamp,
) -> Result<GivenTime, StoreError> {
    tx.extended(grant.id, to).await?;
    tx.granted(request.id, grant.id).await?;
    Ok(GivenTime::Longer(grant.id, grant.expires_at, to))
}

/// The new end of an extended grant, and those of the rules that allow so long a grant.
///
/// # Errors
/// When the grant has ended, or would last longer than any of the rules allows, counted from now.
pub(super) fn longer<'r>(
    carried: &Carried<'r>,
    grant: &Grant,
    by: Duration,
    now: Timestamp,
) -> Result<(Carried<'r>, Timestamp), Refusal> {
    if grant.state(now) == GrantState::Ended {
        return Err(Refusal::conflict("ended", format!("{} has ended; ask for a new one with `request`", grant.id)));
    }
    let to = to_millis(after(grant.expires_at, by));
    // One that is still to begin counts from its beginning.
    Ok((within(carried, now.max(grant.starts_at), to)?, to))
}

/// The events of a granted request: that it was, and what it came to.
pub(super) fn events(request: &Request, given: &GivenTime, actor: &str, now: Timestamp) -> Vec<Event> {
    let granted = Event::new(now, actor, Action::RequestGranted, request.id)
        .with("user", request.user.as_str())
        .with("targets", request.targets.clone())
        .with("role", request.role.as_str())
        .with("login", request.login.clone())
        .with("grant", given.id().to_string())
        .with("approved_by", request.approvals.iter().map(|a| a.by.clone()).collect::<Vec<_>>());
    match given {
        GivenTime::New(_, expires_at) => vec![
            granted
                .with("starts_at", rfc3339(request.starts_at.map_or(now, |at| at.max(now))))
                .with("expires_at", rfc3339(*expires_at)),
        ],
        GivenTime::Longer(id, from, to) => vec![
            granted,
            Event::new(now, actor, Action::GrantExtended, id)
                .with("user", request.user.as_str())
                .with("targets", request.targets.clone())
                .with("request", request.id.to_string())
                .with("from", rfc3339(*from))
                .with("expires_at", rfc3339(*to)),
        ],
    }
}

/// The event of a filed request.
pub(super) fn filed_event(request: &Request, actor: &str, now: Timestamp) -> Event {
    Event::new(now, actor, Action::RequestFiled, request.id)
        .with("user", request.user.as_str())
        .with("targets", request.targets.clone())
        .with("role", request.role.as_str())
        .with("login", request.login.clone())
        .with("for", format_duration(request.duration))
        .with("reason", request.reason.as_str())
        .with("starts_at", request.starts_at.map(rfc3339))
        .with("needed", request.needed)
        .with("extends", request.grant.filter(|_| request.extends).map(|grant| grant.to_string()))
}

/// Ends a grant in the store, and gives the event for it.
pub(super) async fn end(
    tx: &mut Tx,
    grant: &Grant,
    now: Timestamp,
    actor: &str,
    why: curfew_policy::grant::GrantEnd,
    note: Option<&str>,
) -> Outcome<Event> {
    use curfew_policy::grant::GrantEnd;
    let action = match why {
        GrantEnd::Expired => Action::GrantExpired,
        GrantEnd::Unused => Action::GrantUnused,
        GrantEnd::Done => Action::GrantDone,
        GrantEnd::Revoked => Action::GrantRevoked,
    };
    tx.ended(grant.id, now, why, actor, note).await?;
    Ok(Event::new(now, actor, action, grant.id)
        .with("user", grant.user.as_str())
        .with("targets", grant.targets.clone())
        .with("role", grant.role.as_str())
        .with("expires_at", rfc3339(grant.expires_at))
        .with("note", note))
}
