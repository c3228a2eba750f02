//! Who may see what. A stranger is told that it does not exist.

use curfew_policy::grant::Grant;
use curfew_policy::id::{GrantId, RequestId, SessionId};
use curfew_policy::user::Duty;

use super::{Actor, Fault, Outcome, Rulebook};
use crate::store::{Filed, Reading, Session};

/// The duties that show everyone's requests and grants.
pub const SEES_GRANTS: [Duty; 2] = [Duty::Revoke, Duty::Audit];

/// The duties that show everyone's sessions.
pub const SEES_SESSIONS: [Duty; 4] = [Duty::Watch, Duty::Replay, Duty::Kill, Duty::Audit];

/// Whether the actor approved this request, or could.
#[must_use]
pub fn is_approver(actor: &Actor, filed: &Filed, rules: &Rulebook) -> bool {
    let Some(person) = actor.person() else { return false };
    filed.request.approvals.iter().any(|approval| approval.by == person.name) || rules.counts(person, filed)
}

/// Whether the actor may see this request, and the grant that came of it.
#[must_use]
pub fn sees_request(actor: &Actor, filed: &Filed, rules: &Rulebook) -> bool {
    actor.is(&filed.request.user) || actor.has_any(&SEES_GRANTS) || is_approver(actor, filed, rules)
}

/// A request that the actor may see.
///
/// # Errors
/// "Not found" for one that is not there or not theirs to see.
pub async fn request(read: &mut Reading<'_>, actor: &Actor, rules: &Rulebook, id: RequestId) -> Outcome<Filed> {
    let filed = read.request(id).await?;
    filed.filter(|filed| sees_request(actor, filed, rules)).ok_or_else(|| Fault::not_found(id))
}

/// A grant that the actor may see, and the request that it came of.
///
/// # Errors
/// "Not found" for one that is not there or not theirs to see.
pub async fn grant(read: &mut Reading<'_>, actor: &Actor, rules: &Rulebook, id: GrantId) -> Outcome<(Grant, Filed)> {
    let grant = read.grant(id).await?.ok_or_else(|| Fault::not_found(id))?;
    let filed = request(read, actor, rules, grant.request).await.map_err(|fault| match fault {
        Fault::Refused(_) => Fault::not_found(id),
        store @ Fault::Store(_) => store,
    })?;
    Ok((grant, filed))
}

/// A session that the actor may see: their own, one under a grant they approved, or any by duty.
///
/// # Errors
/// "Not found" for one that is not there or not theirs to see.
pub async fn session(read: &mut Reading<'_>, actor: &Actor, rules: &Rulebook, id: SessionId) -> Outcome<Session> {
    let session = read.session(id).await?.ok_or_else(|| Fault::not_found(id))?;
    if actor.is(&session.user) || actor.has_any(&SEES_SESSIONS) {
        return Ok(session);
    }
    match grant(read, actor, rules, session.grant).await {
        Ok(_) => Ok(session),
        Err(Fault::Refused(_)) => Err(Fault::not_found(id)),
        Err(store) => Err(store),
    }
}
