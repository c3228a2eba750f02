//! The audit log, for those whose duty it is.

use curfew_policy::refusal::Refusal;
use curfew_policy::user::Duty;
use jiff::Timestamp;
use serde_json::Value;

use super::view::EventView;
use super::{Actor, App, Outcome};
use crate::store::{MOST, Stretch};

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

/// What was asked of the log, page by page: whoever reads it slowly holds one page, and no connection to the database.
#[derive(Debug)]
pub struct Pages {
    app: App,
    filter: Filter,
    stretch: Stretch,
}

/// The audit log, oldest first; of very many events the newest.
///
/// # Errors
/// When the actor does not have the duty, or the database does not answer.
pub async fn audit(app: &App, actor: &Actor, filter: Filter) -> Outcome<Pages> {
    if !actor.has(Duty::Audit) {
        return Err(Refusal::not_allowed("not-allowed", "the audit log is for those with the duty `audit`").into());
    }
    let stretch = app.store().view().await?.read().audit(filter.since, MOST).await?;
    Ok(Pages { app: app.clone(), filter, stretch })
}

impl Pages {
    /// The next events that fit; none at the end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next(&mut self) -> Outcome<Vec<EventView>> {
        loop {
            let records = self.app.store().view().await?.read().audit_page(&mut self.stretch).await?;
            let over = records.is_empty();
            let events = records.into_iter().map(EventView::from).filter(|event| fits(event, &self.filter));
            let events: Vec<EventView> = events.collect();
            if over || !events.is_empty() {
                return Ok(events);
            }
        }
    }
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
