//! The audit log, for those whose duty it is.

use curfew_policy::refusal::Refusal;
use curfew_policy::user::Duty;

use super::view::EventView;
use super::{Actor, App, Outcome};
use crate::store::{ListFilter, Stretch};

/// What was asked of the log, page by page: whoever reads it slowly holds one page, and no connection to the database.
#[derive(Debug)]
pub struct Pages {
    app: App,
    stretch: Stretch,
    /// Where the older events that fit begin, as the filter's `before` takes it; `None` when there are none.
    pub next: Option<String>,
    /// How many older events fit, where they were counted: very many are not.
    pub left_out: Option<i64>,
}

/// The events of the audit log that fit, oldest first; of more than the limit the newest.
///
/// # Errors
/// When the actor does not have the duty, or the database does not answer.
pub async fn audit(app: &App, actor: &Actor, filter: ListFilter) -> Outcome<Pages> {
    if !actor.has(Duty::Audit) {
        return Err(Refusal::not_allowed("not-allowed", "the audit log is for those with the duty `audit`").into());
    }
    let mut view = app.store().view().await?;
    let stretch = view.read().audit(filter).await?;
    let left_out = view.read().audit_before(&stretch).await?;
    let next = stretch.first().filter(|_| left_out != Some(0)).map(|first| first.to_string());
    Ok(Pages { app: app.clone(), stretch, next, left_out })
}

impl Pages {
    /// The next events; none at the end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn more(&mut self) -> Outcome<Vec<EventView>> {
        let records = self.app.store().view().await?.read().audit_page(&mut self.stretch).await?;
        Ok(records.into_iter().map(EventView::from).collect())
    }
}
