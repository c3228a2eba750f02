//! Nobody decided in time.

use curfew_policy::ask::has_lapsed;
use curfew_policy::request::{Approval, RequestState};

use super::{App, Change, Effect, Outcome};
use crate::store::{Action, Event, Events, Requests};

/// Lapses the requests that have waited for 24 hours, and says how many.
///
/// # Errors
/// When the database does not answer.
#[tracing::instrument(name = "lapse", level = "error", skip_all)]
pub async fn lapse(app: &App) -> Outcome<usize> {
    let waiting = app.store().view().await?.read().requests(Requests::Pending).await?;
    let due = |now| move |filed: &crate::store::Filed| has_lapsed(&filed.request, now);
    if !waiting.iter().any(due(app.clock().wall())) {
        return Ok(0);
    }
    let mut tx = app.store().begin().await?;
    let now = app.clock().wall();
    let (mut events, mut lapsed) = (Vec::new(), Vec::new());
    // Read again: somebody may have decided meanwhile.
    for filed in tx.read().requests(Requests::Pending).await?.into_iter().filter(due(now)) {
        let request = filed.request;
        let how = Approval { by: "curfew".to_owned(), at: now, note: None };
        tx.decided(request.id, RequestState::Lapsed, &how).await?;
        lapsed.push(request.id);
        events.push(
            Event::new(now, "curfew", Action::RequestLapsed, request.id)
                .with("user", request.user)
                .with("targets", request.targets)
                .with("role", request.role),
        );
    }
    let count = lapsed.len();
    if let Some(events) = Events::all(events) {
        let woken = lapsed.into_iter().map(Effect::RequestChanged);
        app.commit(tx, woken.fold(Change::new(events), Change::with)).await?;
    }
    Ok(count)
}
