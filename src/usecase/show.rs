//! One request, grant or session, by its id.

use curfew_policy::id::AnyId;

use super::view::{AnyView, GrantView, RequestView, SessionView};
use super::{Actor, App, Outcome, visibility};

/// Shows one thing, of any of the three kinds.
///
/// # Errors
/// "Not found" for what is not there, and for what is not the actor's to see.
pub async fn show(app: &App, actor: &Actor, id: AnyId) -> Outcome<AnyView> {
    let rules = app.rules();
    let mut view = app.store().view().await?;
    let mut read = view.read();
    Ok(match id {
        AnyId::Request(id) => {
            AnyView::Request(RequestView::from(&visibility::request(&mut read, actor, &rules, id).await?.request))
        }
        AnyId::Grant(id) => {
            let (grant, _) = visibility::grant(&mut read, actor, &rules, id).await?;
            AnyView::Grant(GrantView::at(&grant, app.clock().wall(), &rules))
        }
        AnyId::Session(id) => {
            AnyView::Session(SessionView::from(&visibility::session(&mut read, actor, &rules, id).await?))
        }
    })
}
