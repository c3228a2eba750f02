//! The audit log, for those whose duty it is.

use curfew_policy::user::Duty;
use jiff::Timestamp;
use serde_json::Value;

use super::view::EventView;
use super::{Actor, Desk, Fault, Outcome};
use crate::store::MOST;

/// What of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// From when on.
    pub since: Option<Timestamp>,
    /// What this user did, or what was done to theirs.
    pub user: Option<String>,
    /// What concerns this target.
    pub target: Option<String>,
}

/// The audit log, oldest first; of very many events the newest.
///
/// # Errors
/// When the actor does not have the duty, or the database does not answer.
pub async fn audit(desk: &Desk, actor: &Actor, filter: &Filter) -> Outcome<Vec<EventView>> {
    if !actor.has(Duty::Audit) {
        return Err(Fault::refused("not-allowed", "the audit log is for those with the duty `audit`"));
    }
    let records = desk.store().view().await?.read().audit(filter.since, MOST).await?;
    Ok(records.into_iter().map(EventView::from).filter(|event| fits(event, filter)).collect())
}

fn fits(event: &EventView, filter: &Filter) -> bool {
    let is = |key: &str, value: &str| event.detail.get(key).and_then(Value::as_str) == Some(value);
    let lists = |key: &str, value: &str| {
        event.detail.get(key).and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == value))
    };
    let user = |user: &str| event.actor == user || event.subject == user || is("user", user);
    let target = |target: &str| event.subject == target || is("target", target) || lists("targets", target);
    filter.user.as_deref().is_none_or(user) && filter.target.as_deref().is_none_or(target)
}
