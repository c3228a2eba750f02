//! The use cases against a real database in a temporary folder, on a clock that stands still until it is moved.

mod commit;
mod grace;
mod life;
mod lists;
mod property;
mod race;
mod reach;
mod rules;
mod trouble;
mod visibility;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use curfew_policy::grant::Grant;
use curfew_policy::id::{GrantId, RequestId, SessionId};
use curfew_policy::pattern::Glob;
use curfew_policy::role::Role;
use curfew_policy::rule::Rule;
use curfew_policy::target::{Address, Protocol, Target, TargetAuth};
use curfew_policy::user::{Duty, Person};
use curfew_proxy::lease::clock::Clock;
use tempfile::TempDir;

use super::admit::{Admitted, admit};
use super::caller::Caller;
use super::request::{Asked, Wish, file};
use super::{Actor, App, Fault, Outcome, Rulebook, start};
use crate::console::hints::Hints;
use crate::store::tests::place::Place;
use crate::store::{
    Filed, GrantScope, HEAD_FILE, ListFilter, Opening, Record, RequestScope, Session, SessionScope, Stage, Store,
    Verdict, Whose, verify_audit,
};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);

/// A gateway without its doors.
pub struct Bench {
    pub app: App,
    pub clock: Clock,
    pub place: Place,
    pub dir: TempDir,
    key: Vec<u8>,
}

async fn app(dir: &TempDir, place: &Place, key: &[u8], clock: &Clock) -> App {
    let usual = Opening::usual(dir.path(), Ed25519KeyPair::from_pkcs8(key).unwrap(), clock.wall());
    let store = Store::open(Opening { location: place.location.clone(), ..usual }).await.unwrap();
    let app = App::new(store, clock.clone(), rulebook());
    start::open(&app).await.unwrap();
    app
}

impl Bench {
    pub async fn new() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap().as_ref().to_vec();
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-11-23T04:00:00Z".parse().unwrap());
        let place = Place::new(dir.path()).await;
        let app = app(&dir, &place, &key, &clock).await;
        Self { app, clock, place, dir, key }
    }

    /// The process is gone without a word, and starts again.
    pub async fn crash(self) -> Self {
        let Self { app: old, clock, place, dir, key } = self;
        old.store().close().await;
        drop(old);
        let app = app(&dir, &place, &key, &clock).await;
        Self { app, clock, place, dir, key }
    }

    pub fn actor(&self, name: &str) -> Actor {
        Actor::Person(self.app.rules().people.get(name).unwrap().clone())
    }

    /// alice asks for admin on web1, which needs two leads.
    pub async fn ask(&self, span: Duration) -> Asked {
        file(&self.app, &self.actor("alice"), wish("web1", "admin", span)).await.unwrap()
    }

    /// alice holds admin on web1.
    pub async fn granted(&self, span: Duration) -> GrantId {
        let asked = self.ask(span).await;
        self.approve(&asked, "bob").await.unwrap();
        let asked = self.approve(&asked, "carol").await.unwrap();
        asked.request.grant.unwrap().parse().unwrap()
    }

    pub async fn approve(&self, asked: &Asked, who: &str) -> Outcome<Asked> {
        super::approve::approve(&self.app, &self.actor(who), id(asked), None, None).await
    }

    pub async fn connect(&self, user: &str, target: &str) -> Outcome<Admitted> {
        admit(&self.app, caller(user, target)).await
    }

    pub async fn grant(&self, id: GrantId) -> Grant {
        self.app.store().view().await.unwrap().read().grant(id).await.unwrap().unwrap()
    }

    pub async fn session_end(&self, id: SessionId) -> Option<String> {
        let session = self.app.store().view().await.unwrap().read().session(id).await.unwrap().unwrap();
        session.ended.map(|(_, why)| why)
    }

    /// The audit log, oldest first.
    pub async fn records(&self) -> Vec<Record> {
        let mut view = self.app.store().view().await.unwrap();
        let mut stretch = view.read().audit(all()).await.unwrap();
        let mut records = Vec::new();
        loop {
            let page = view.read().audit_page(&mut stretch).await.unwrap();
            if page.is_empty() {
                return records;
            }
            records.extend(page);
        }
    }

    /// All requests, newest first.
    pub async fn requests(&self) -> Vec<Filed> {
        let scope = RequestScope { whose: Whose::Everyones, stage: Stage::Any };
        self.app.store().view().await.unwrap().read().list_requests(scope, &all()).await.unwrap()
    }

    /// All grants, newest first.
    pub async fn grants(&self) -> Vec<Grant> {
        self.app.store().view().await.unwrap().read().list_grants(GrantScope::default(), &all()).await.unwrap()
    }

    /// All sessions, newest first.
    pub async fn sessions(&self) -> Vec<Session> {
        self.app.store().view().await.unwrap().read().list_sessions(SessionScope::default(), &all()).await.unwrap()
    }

    /// The actions in the audit log, oldest first.
    pub async fn log(&self) -> Vec<String> {
        self.records()
            .await
            .into_iter()
            .map(|record| format!("{} {} {}", record.actor, record.action, record.subject))
            .collect()
    }

    pub async fn verify(&self) -> Verdict {
        let store = self.app.store();
        let head = self.dir.path().join(HEAD_FILE);
        verify_audit(&self.place.location, store.gateway(), &store.public_key(), &head).await.unwrap()
    }
}

/// A filter that filters nothing.
pub fn all() -> ListFilter {
    ListFilter { limit: i64::MAX, ..ListFilter::default() }
}

pub fn id(asked: &Asked) -> RequestId {
    asked.request.id.parse().unwrap()
}

pub fn wish(target: &str, role: &str, duration: Duration) -> Wish {
    Wish {
        targets: vec![target.into()],
        role: role.into(),
        login: None,
        duration,
        reason: "INC-7: disk full".into(),
        at: None,
    }
}

pub fn caller(user: &str, target: &str) -> Caller {
    Caller {
        user: user.into(),
        proof: "SHA256:x".into(),
        target: target.into(),
        login: None,
        protocol: Protocol::Ssh,
        from: "203.0.113.5:50022".into(),
        client: "SSH-2.0-OpenSSH_10.0".into(),
    }
}

pub fn code<T: std::fmt::Debug>(outcome: Outcome<T>) -> &'static str {
    outcome.unwrap_err().code()
}

/// What a person at the SSH door is told.
pub fn said<T: std::fmt::Debug>(outcome: Outcome<T>) -> String {
    Hints::ssh("bastion", 22).told_of(&outcome.unwrap_err())
}

pub fn is_unavailable<T>(outcome: &Outcome<T>) -> bool {
    matches!(outcome, Err(Fault::Store(crate::store::StoreError::Unavailable(_))))
}

/// alice and dave are engineers, alice is on call, bob and carol are leads, eve is security, mallory is nobody.
pub fn rulebook() -> Rulebook {
    let people = [
        person("alice", &["engineers", "oncall"], &[]),
        person("dave", &["engineers"], &[]),
        person("bob", &["leads", "engineers"], &[]),
        person("carol", &["leads"], &[]),
        person("eve", &["security"], &Duty::ALL),
        person("mallory", &["visitors"], &[]),
    ];
    let targets = [target("web1", "prod"), target("web2", "prod"), target("vault", "secret")];
    let roles = [role("admin", "root"), role("look", "viewer")];
    Rulebook {
        people: people.into_iter().map(|person| (person.name.clone(), person)).collect(),
        targets: targets.into_iter().map(|target| (target.name.clone(), Arc::new(target))).collect(),
        roles: roles.into_iter().map(|role| (role.name.clone(), Arc::new(role))).collect(),
        rules: vec![rule("oncall", "web*", "look", HOUR, 0), rule("engineers", "web*", "admin", 4 * HOUR, 2)],
    }
}

pub fn person(name: &str, groups: &[&str], may: &[Duty]) -> Person {
    Person {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect::<BTreeSet<_>>(),
        may: may.iter().copied().collect(),
    }
}

fn target(name: &str, env: &str) -> Target {
    Target {
        name: name.into(),
        protocol: Protocol::Ssh,
        address: Address { host: "10.0.0.5".into(), port: 22 },
        host_keys: vec!["ssh-ed25519 AAAA".into()],
        host_cas: Vec::new(),
        labels: BTreeMap::from([("env".into(), env.into())]),
        auth: TargetAuth::Certificate,
    }
}

fn role(name: &str, login: &str) -> Role {
    Role {
        name: name.into(),
        logins: vec![login.into()],
        shell: true,
        exec: Vec::new(),
        sftp: curfew_policy::role::SftpAccess::None,
        sftp_roots: Vec::new(),
        forward: Vec::new(),
        listen: Vec::new(),
        agent: false,
        env: Vec::new(),
        max_idle: None,
        max_sessions: None,
        at_expiry: curfew_policy::role::AtExpiry::Cut,
        record_input: false,
    }
}

pub fn rule(group: &str, targets: &str, role: &str, max_duration: Duration, approvals: u32) -> Rule {
    Rule {
        groups: vec![group.into()],
        targets: vec![Glob::new(targets)],
        labels: BTreeMap::new(),
        roles: vec![role.into()],
        max_duration,
        reason: Some(regex::Regex::new("INC-\\d+").unwrap()),
        approvals,
        approvers: vec!["leads".into()],
    }
}
