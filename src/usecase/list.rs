//! Lists, newest last: one's own and what waits for one's decision; with the duty, everyone's.

use std::collections::HashMap;

use super::view::{GrantView, RequestView, SessionView};
use super::{Actor, App, Outcome, visibility};
use crate::store::{Filed, Grants, Requests, Sessions};

/// Which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// One's own and what waits for one's decision; with the duty, everyone's.
    #[default]
    Usual,
    /// Of those, what waits for a decision.
    Pending,
    /// One's own.
    Mine,
    /// All that one may see.
    All,
}

/// Requests.
///
/// # Errors
/// When the database does not answer.
pub async fn requests(app: &App, actor: &Actor, which: Which) -> Outcome<Vec<RequestView>> {
    let rules = app.rules();
    let mut view = app.store().view().await?;
    let wanted = match which {
        Which::Pending => Requests::Pending,
        Which::Mine => Requests::Of(actor.name()),
        Which::Usual | Which::All => Requests::All,
    };
    let everything = actor.has_any(&visibility::SEES_GRANTS);
    let now = app.clock().wall();
    let shown = |filed: &Filed| {
        let waits = super::approve::undecided(&filed.request, now).is_ok();
        let mine = actor.is(&filed.request.user);
        match which {
            Which::Mine => mine,
            Which::Pending => waits && visibility::sees_request(actor, filed, &rules),
            Which::Usual => mine || everything || (waits && visibility::sees_request(actor, filed, &rules)),
            Which::All => visibility::sees_request(actor, filed, &rules),
        }
    };
    let filed = view.read().requests(wanted).await?;
    Ok(filed.iter().filter(|filed| shown(filed)).map(|filed| RequestView::from(&filed.request)).collect())
}

/// Grants: one's own; with `all` also those that one approved or could have; with the duty, everyone's.
///
/// # Errors
/// When the database does not answer.
pub async fn grants(app: &App, actor: &Actor, all: bool) -> Outcome<Vec<GrantView>> {
    let rules = app.rules();
    let mut view = app.store().view().await?;
    let now = app.clock().wall();
    let everything = actor.has_any(&visibility::SEES_GRANTS);
    let grants = match actor.person() {
        Some(person) if !everything && !all => view.read().grants(Grants::Of(&person.name)).await?,
        _ => view.read().grants(Grants::All).await?,
    };
    let requests: HashMap<_, _> = if all && !everything {
        let requests = view.read().requests(Requests::All).await?;
        requests.into_iter().map(|filed| (filed.request.id, filed)).collect()
    } else {
        HashMap::new()
    };
    let origin_seen = |id| requests.get(&id).is_some_and(|filed| visibility::sees_request(actor, filed, &rules));
    let shown = grants.iter().filter(|grant| everything || actor.is(&grant.user) || origin_seen(grant.request));
    Ok(shown.map(|grant| GrantView::at(grant, now, &rules)).collect())
}

/// Sessions: one's own; with the duty, everyone's. With `live` only those that go on.
///
/// # Errors
/// When the database does not answer.
pub async fn sessions(app: &App, actor: &Actor, live: bool) -> Outcome<Vec<SessionView>> {
    let everything = actor.has_any(&visibility::SEES_SESSIONS);
    let wanted = match (live, everything) {
        (true, _) => Sessions::Open,
        (false, true) => Sessions::All,
        (false, false) => Sessions::Of(actor.name()),
    };
    let sessions = app.store().view().await?.read().sessions(wanted).await?;
    let shown = sessions.iter().filter(|session| everything || actor.is(&session.user));
    Ok(shown.map(SessionView::from).collect())
}
