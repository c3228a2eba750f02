//! Who somebody is to Curfew, what they hold, and what waits for them.

use curfew_policy::grant::GrantState;
use curfew_policy::user::Duty;

use super::view::{GrantView, WhoamiView};
use super::{Actor, App, Outcome, list};
use crate::store::{Grants, ListFilter, MOST};

/// Who the actor is, their grants that are scheduled or active, and the requests that wait: their own, and those that
/// they may decide.
///
/// # Errors
/// When the database does not answer.
pub async fn whoami(app: &App, actor: &Actor) -> Outcome<WhoamiView> {
    let now = app.clock().wall();
    let grants = match actor.person() {
        Some(person) => app.store().view().await?.read().grants(Grants::LiveOf(&person.name)).await?,
        None => Vec::new(),
    };
    let rules = app.rules();
    let mut pending = Vec::new();
    if let Some(person) = actor.person() {
        let mut view = app.store().view().await?;
        let waiting = view.read().requests(crate::store::Requests::Pending).await?;
        pending = waiting
            .iter()
            .filter(|filed| super::approve::undecided(&filed.request, now).is_ok())
            .filter(|filed| {
                let request = &filed.request;
                let said = request.approvals.iter().any(|approval| approval.by == person.name);
                request.user == person.name || (!said && rules.counts(person, filed))
            })
            .map(|filed| super::view::RequestView::from(&filed.request))
            .collect();
    } else {
        let most = ListFilter { limit: MOST, ..ListFilter::default() };
        pending.extend(list::requests(app, actor, list::Which::Pending, most).await?.items);
    }
    let duties: Vec<String> = Duty::ALL.into_iter().filter(|duty| actor.has(*duty)).map(|d| d.to_string()).collect();
    Ok(WhoamiView {
        user: actor.name().to_owned(),
        groups: actor.person().map(|person| person.groups.iter().cloned().collect()).unwrap_or_default(),
        may: duties,
        grants: grants
            .iter()
            .filter(|grant| grant.state(now) != GrantState::Ended)
            .map(|grant| GrantView::at(grant, now, &rules))
            .collect(),
        pending,
    })
}
