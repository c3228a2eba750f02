//! What people and programs are shown, with exactly the fields of the documentation. Times are RFC 3339 in UTC with
//! milliseconds, and what has no value is `null`.

use std::collections::BTreeMap;

use curfew_policy::grant::Grant;
use curfew_policy::request::{Approval, Request};
use curfew_policy::time::rfc3339;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Rulebook;
use crate::store::{Record, Session};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestView {
    /// `r12`
    pub id: String,
    /// `pending`, `granted`, `denied`, `cancelled`, `lapsed`
    pub state: String,
    /// Who asks.
    pub user: String,
    /// For which targets.
    pub targets: Vec<String>,
    /// For which role.
    pub role: String,
    /// For which login; any of the role's where there is none.
    pub login: Option<String>,
    /// For how long, in seconds; an approver may have shortened it.
    pub duration_s: u64,
    /// Why.
    pub reason: String,
    /// From when on, where it was asked for later.
    pub starts_at: Option<String>,
    /// The approvals so far, oldest first.
    pub approvals: Vec<ApprovalView>,
    /// How many it needs in all.
    pub needed: u32,
    /// The grant that came of it, or that it would extend.
    pub grant: Option<String>,
    /// Whether it asks for more time under `grant`.
    pub extends: bool,
    /// When it was asked.
    pub asked_at: String,
    /// Who denied or cancelled it, when, and in which words.
    pub decided: Option<ApprovalView>,
}

/// Somebody's word on a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalView {
    /// Who.
    pub by: String,
    /// When.
    pub at: String,
    /// With which words.
    pub note: Option<String>,
}

impl From<&Approval> for ApprovalView {
    fn from(approval: &Approval) -> Self {
        Self { by: approval.by.clone(), at: rfc3339(approval.at), note: approval.note.clone() }
    }
}

impl From<&Request> for RequestView {
    fn from(request: &Request) -> Self {
        Self {
            id: request.id.to_string(),
            state: request.state.to_string(),
            user: request.user.clone(),
            targets: request.targets.clone(),
            role: request.role.clone(),
            login: request.login.clone(),
            duration_s: request.duration.as_secs(),
            reason: request.reason.clone(),
            starts_at: request.starts_at.map(rfc3339),
            approvals: request.approvals.iter().map(ApprovalView::from).collect(),
            needed: request.needed,
            grant: request.grant.map(|grant| grant.to_string()),
            extends: request.extends,
            asked_at: rfc3339(request.asked_at),
            decided: request.decided.as_ref().map(ApprovalView::from),
        }
    }
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantView {
    /// `g9`
    pub id: String,
    /// The request it came of.
    pub request: String,
    /// `scheduled`, `active`, `ended`
    pub state: String,
    /// Whose it is.
    pub user: String,
    /// For which targets.
    pub targets: Vec<String>,
    /// In which role.
    pub role: String,
    /// With which login; any of the role's where there is none.
    pub login: Option<String>,
    /// From when on.
    pub starts_at: String,
    /// Until when.
    pub expires_at: String,
    /// For how many seconds after that what runs may finish, where it may.
    pub grace_s: Option<u64>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// `expired`, `revoked`, `done`, `unused`
    pub ended_why: Option<String>,
    /// What was said when it was revoked.
    pub note: Option<String>,
}

impl GrantView {
    /// The grant as it stands at `now`. One whose time is up has ended, whether or not the sweep has been there.
    #[must_use]
    pub fn at(grant: &Grant, now: Timestamp, rules: &Rulebook) -> Self {
        use curfew_policy::grant::{GrantEnd, GrantState};
        let state = grant.state(now);
        let up = (state == GrantState::Ended)
            .then_some((grant.expires_at, if grant.used { GrantEnd::Expired } else { GrantEnd::Unused }));
        let ended = grant.ended.or(up);
        Self {
            id: grant.id.to_string(),
            request: grant.request.to_string(),
            state: state.to_string(),
            user: grant.user.clone(),
            targets: grant.targets.clone(),
            role: grant.role.clone(),
            login: grant.login.clone(),
            starts_at: rfc3339(grant.starts_at),
            expires_at: rfc3339(grant.expires_at),
            grace_s: rules.grace(&grant.role).map(|grace| grace.as_secs()),
            ended_at: ended.map(|(at, _)| rfc3339(at)),
            ended_why: ended.map(|(_, why)| why.to_string()),
            note: grant.ended_note.clone(),
        }
    }
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionView {
    /// `s345`
    pub id: String,
    /// The grant that carries it.
    pub grant: String,
    /// Whose it is.
    pub user: String,
    /// Where it leads.
    pub target: String,
    /// The login there; empty, and `null` in JSON, for a TCP target.
    #[serde(serialize_with = "null_when_empty")]
    pub login: String,
    /// `ssh` or `tcp`
    pub protocol: String,
    /// Where the client is: address and port.
    pub client: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Why it ended: `client`, `target`, `expired`, `revoked`, `killed`, `idle`, `interrupted`, …
    pub ended_why: Option<String>,
    /// What was recorded.
    pub recordings: Vec<RecordingView>,
    /// The role it has.
    pub role: String,
    /// What the client says it is.
    pub client_version: String,
}

fn null_when_empty<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    Some(text).filter(|text| !text.is_empty()).serialize(to)
}

/// The recording of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordingView {
    /// The file, absolute.
    pub path: String,
    /// `shell`, `exec`, `sftp`, `subsystem`, `forward`
    pub kind: String,
    /// How long the file is; 0 until it is sealed.
    pub bytes: u64,
    /// Whether it was sealed.
    pub sealed: bool,
    /// The channel's number in its session.
    pub channel: u32,
    /// The command or subsystem.
    pub command: Option<String>,
}

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        let recordings = session.recordings.iter().map(|recording| RecordingView {
            path: recording.path.clone(),
            kind: recording.kind.clone(),
            bytes: recording.bytes,
            sealed: recording.sealed.is_some(),
            channel: recording.channel,
            command: recording.command.clone(),
        });
        Self {
            id: session.id.to_string(),
            grant: session.grant.to_string(),
            user: session.user.clone(),
            target: session.target.clone(),
            login: session.login.clone(),
            protocol: session.protocol.clone(),
            client: session.client.clone(),
            started_at: rfc3339(session.started_at),
            ended_at: session.ended.as_ref().map(|(at, _)| rfc3339(*at)),
            ended_why: session.ended.as_ref().map(|(_, why)| why.clone()),
            recordings: recordings.collect(),
            role: session.role.clone(),
            client_version: session.client_version.clone(),
        }
    }
}

/// Who somebody is, what they hold, and what waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhoamiView {
    /// The proven name, or `operator`.
    pub user: String,
    /// The groups it is in.
    pub groups: Vec<String>,
    /// What it may do beyond its own.
    pub may: Vec<String>,
    /// Its grants that are scheduled or active.
    pub grants: Vec<GrantView>,
    /// Requests that wait: its own, and those that it may decide.
    pub pending: Vec<RequestView>,
}

/// A target that somebody may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetView {
    /// Its name.
    pub name: String,
    /// `ssh` or `tcp`
    pub protocol: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The roles that may be asked for on it.
    pub roles: Vec<String>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventView {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: String,
    /// Who: a user, `operator`, or `curfew` itself.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what: an id or a name.
    pub subject: String,
    /// The rest.
    pub detail: Value,
    /// The hash of the line before.
    pub prev: String,
    /// The hash of this line.
    pub hash: String,
}

impl From<Record> for EventView {
    fn from(record: Record) -> Self {
        // Text that somebody changed by hand is still shown.
        let detail = serde_json::from_str(&record.detail).unwrap_or(Value::String(record.detail));
        Self {
            seq: record.seq,
            at: record.at,
            actor: record.actor,
            action: record.action,
            subject: record.subject,
            detail,
            prev: record.prev,
            hash: record.hash,
        }
    }
}

/// Any of the three things that `show` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AnyView {
    /// A request.
    Request(RequestView),
    /// A grant.
    Grant(GrantView),
    /// A session.
    Session(SessionView),
}
