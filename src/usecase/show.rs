//! One request, grant or session, by its id.

use curfew_policy::id::AnyId;

use super::view::{AnyView, GrantView, RequestView, SessionView};
use super::{Actor, Desk, Outcome, sight};

/// Shows one thing, of any of the three kinds.
///
/// # Errors
/// "Not found" for what is not there, and for what is not the actor's to see.
pub async fn show(desk: &Desk, actor: &Actor, id: AnyId) -> Outcome<AnyView> {
    let rules = desk.rules();
    let mut view = desk.store().view().await?;
    let mut read = view.read();
    Ok(match id {
        AnyId::Request(id) => {
            AnyView::Request(RequestView::from(&sight::request(&mut read, actor, &rules, id).await?.request))
        }
        AnyId::Grant(id) => {
            let (grant, _) = sight::grant(&mut read, actor, &rules, id).await?;
            AnyView::Grant(GrantView::at(&grant, desk.clock().wall(), &rules))
        }
        AnyId::Session(id) => AnyView::Session(SessionView::from(&sight::session(&mut read, actor, &rules, id).await?)),
    })
}
