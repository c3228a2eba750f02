//! What the unit tests share: people, targets, roles, rules and grants to begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use regex::Regex;

use crate::grant::Grant;
use crate::id::{GrantId, RequestId};
use crate::pattern::Glob;
use crate::role::{AtExpiry, Role, SftpAccess};
use crate::rule::Rule;
use crate::target::{Address, Protocol, Target, TargetAuth};
use crate::user::Person;

pub(crate) const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// A moment, in seconds after an arbitrary noon.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_435_200 + seconds).unwrap()
}

pub(crate) fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

pub(crate) fn person(name: &str, groups: &[&str]) -> Person {
    Person { name: name.to_owned(), groups: strings(groups).into_iter().collect(), may: BTreeSet::new() }
}

pub(crate) fn target(name: &str, labels: &[(&str, &str)]) -> Target {
    Target {
        name: name.to_owned(),
        protocol: Protocol::Ssh,
        address: Address { host: "10.0.0.5".to_owned(), port: 22 },
        host_keys: strings(&["ssh-ed25519 AAAA"]),
        host_cas: strings(&["ssh-ed25519 BBBB"]),
        labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        auth: TargetAuth::Certificate,
    }
}

pub(crate) fn tcp_target(name: &str) -> Target {
    Target { protocol: Protocol::Tcp, host_keys: Vec::new(), ..target(name, &[]) }
}

pub(crate) fn role(name: &str, logins: &[&str]) -> Role {
    Role {
        name: name.to_owned(),
        logins: strings(logins),
        shell: false,
        exec: Vec::new(),
        sftp: SftpAccess::None,
        sftp_roots: Vec::new(),
        forward: Vec::new(),
        listen: Vec::new(),
        agent: false,
        env: Vec::new(),
        max_idle: None,
        max_sessions: None,
        at_expiry: AtExpiry::Cut,
        record_input: false,
    }
}

/// A rule for `engineers`, every target and the role `admin`, for at most an hour.
pub(crate) fn rule(approvals: u32, approvers: &[&str]) -> Rule {
    Rule {
        groups: strings(&["engineers"]),
        targets: vec![Glob::new("*")],
        labels: BTreeMap::new(),
        roles: strings(&["admin"]),
        max_duration: minutes(60),
        reason: None,
        approvals,
        approvers: strings(approvers),
    }
}

pub(crate) fn pattern(text: &str) -> Option<Regex> {
    Some(Regex::new(text).unwrap())
}

/// A grant of alice for `web1` in the role `admin`, active from `at(0)` to `at(3600)`.
pub(crate) fn grant(id: i64) -> Grant {
    Grant {
        id: GrantId(id),
        request: RequestId(id),
        user: "alice".to_owned(),
        targets: strings(&["web1"]),
        role: "admin".to_owned(),
        login: None,
        starts_at: at(0),
        expires_at: at(3600),
        ended: None,
        ended_by: None,
        ended_note: None,
        used: false,
    }
}
