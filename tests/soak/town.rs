//! The gateway, its targets, its people, and the hours they keep.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use russh::client;
use russh::keys::PrivateKey;
use rustix::process::Signal;
use tokio::sync::watch;

use super::Plan;
use super::diary::Diary;
use crate::support::crowd::{EchoTarget, new_key, public};
use crate::support::process::send_signal;
use crate::support::{Client, Gateway, SOON, Setup, Target, eventually, login, processes};

/// The target inside this process.
pub const MANY: &str = "many";

/// How many people use the real OpenSSH.
const TOOLS: usize = 3;

/// How many share the rest of the work: each has many sessions, as a small team has.
const TEAM: usize = 20;

/// Whether people come in, stay away, or go home for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    Open,
    Closed,
    Over,
}

/// Somebody inside this process.
#[derive(Clone)]
pub struct Person {
    pub name: String,
    pub key: Arc<PrivateKey>,
}

impl Person {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), key: Arc::new(new_key()) }
    }
}

pub struct Town {
    pub plan: Plan,
    pub gateway: Gateway,
    pub many: EchoTarget,
    pub web1: Target,
    /// Those who work.
    pub team: Vec<Person>,
    /// Those whose access ends before their work does: each alone, so that no other grant of theirs carries on.
    pub troubled: Vec<Person>,
    /// Approves and denies.
    pub lead: Person,
    /// Revokes and kills.
    pub security: Person,
    /// Those with the real OpenSSH.
    pub tools: Vec<Client>,
    pub client: Arc<client::Config>,
    pub diary: Diary,
    /// How many are in the middle of something.
    pub busy: AtomicUsize,
    hours: watch::Sender<Hours>,
    restarts: AtomicUsize,
    down: AtomicBool,
}

impl Town {
    pub fn found(plan: Plan) -> Self {
        let (many, web1) = (EchoTarget::start(), Target::start());
        let team: Vec<_> = (0..TEAM).map(|n| Person::new(&format!("worker{n}"))).collect();
        let troubled: Vec<_> =
            (0..plan.people.div_ceil(20).max(4)).map(|n| Person::new(&format!("troubled{n}"))).collect();
        let (lead, security) = (Person::new("lead"), Person::new("security"));
        let tools: Vec<_> = (0..TOOLS).map(|n| Client::new(&format!("tool{n}"))).collect();
        let mut setup = Setup::usual();
        for person in team.iter().chain(&troubled) {
            setup.user(&person.name, &[&public(&person.key)], &["engineers", "oncall"]);
        }
        setup.user(&lead.name, &[&public(&lead.key)], &["leads"]);
        setup.user(&security.name, &[&public(&security.key)], &["security"]);
        for tool in &tools {
            setup.user(&tool.name, &[&tool.key.public], &["oncall"]);
        }
        setup.target(MANY, many.address, &many.host_key, "");
        setup.target("web1", web1.address(), &web1.host_key.bare(), "");
        let gateway = Gateway::start_under(&[], &setup.toml());
        web1.trust(&gateway.trust().user_ca);
        for tool in &tools {
            tool.meet(&gateway);
        }
        let client = client::Config { inactivity_timeout: None, nodelay: true, ..client::Config::default() };
        Self {
            plan,
            gateway,
            many,
            web1,
            team,
            troubled,
            lead,
            security,
            tools,
            client: Arc::new(client),
            diary: Diary::default(),
            busy: AtomicUsize::new(0),
            hours: watch::Sender::new(Hours::Open),
            restarts: AtomicUsize::new(0),
            down: AtomicBool::new(false),
        }
    }

    /// How long an errand takes, about: shorter in a short day of few.
    pub fn errand(&self) -> Duration {
        Duration::from_millis(self.plan.people as u64 * 30).clamp(Duration::from_secs(2), Duration::from_secs(30))
    }

    pub fn hours(&self) -> watch::Receiver<Hours> {
        self.hours.subscribe()
    }

    pub fn set_hours(&self, hours: Hours) {
        self.hours.send_replace(hours);
    }

    /// The way to a target's name at the gateway: `root@many`.
    pub fn at(target: &str) -> String {
        format!("{}@{target}", login())
    }

    /// Which restart of the targets the day has come to. An errand during which it changes may fail.
    pub fn restarts(&self) -> usize {
        self.restarts.load(Ordering::SeqCst)
    }

    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }

    /// As when the machines are switched off: everything on them is gone at once.
    pub fn targets_go_down(&self) {
        self.restarts.fetch_add(1, Ordering::SeqCst);
        self.down.store(true, Ordering::SeqCst);
        self.many.go_down();
        self.web1.hang_up();
        for left in processes(&["sleep", &self.marker()]) {
            send_signal(left, Signal::KILL);
        }
    }

    pub fn targets_come_up(&self) {
        self.many.come_up();
        self.restarts.fetch_add(1, Ordering::SeqCst);
        self.down.store(false, Ordering::SeqCst);
        self.diary.note("the targets restarted");
    }

    /// The argument by which the processes of this town's people on its target are known.
    pub fn marker(&self) -> String {
        format!("86{:05}", std::process::id() % 100_000)
    }

    /// Changes the configuration, and waits until it is in force.
    pub fn reload(&self) {
        let name = format!("new{}", self.diary.count("the configuration was reloaded"));
        self.gateway.edit(|toml| toml + &self.many.entry(&name));
        self.reloads("the configuration was reloaded");
    }

    /// Breaks the configuration, waits until that was refused, and mends it.
    pub fn reload_faulty(&self) {
        self.gateway.edit(|toml| toml + "[targets.]\n");
        self.reloads("the configuration was not reloaded");
        self.gateway.edit(|toml| toml.replace("[targets.]\n", ""));
    }

    fn reloads(&self, said: &'static str) {
        let times = || self.gateway.log().matches(said).count();
        let before = times();
        self.gateway.reload();
        eventually(SOON, said, || times() > before);
        self.diary.note(said);
    }
}
