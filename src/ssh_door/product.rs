//! What the product answers the doors that speak SSH.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use curfew_policy::decide::Permit;
use curfew_policy::id::SessionId;
use curfew_policy::refusal::Refusal;
use curfew_policy::target::{Protocol, TargetAuth};
use curfew_policy::user::Person;
use curfew_proxy::gate::{Admitted, Asking, ChannelInfo, Console, Credential, Identity, Output, Proof};
use curfew_proxy::lease::End;
use curfew_proxy::route::Route;
use curfew_proxy::ssh::say::messages::EXIT_REFUSED;
use curfew_recorder::{Header, Origin, Recording, SealKey, Sealed};
use jiff::Timestamp;
use russh::keys::{Certificate, HashAlg, PublicKey};
use tokio::sync::watch;

use crate::config::Config;
use crate::console;
use crate::console::ConsoleSetting;
use crate::console::asking::{self, AskingSetting, WaitingLimit};
use crate::console::hints::Hints;
use crate::control::Control;
use crate::identity::keys::SshKeys;
use crate::identity::{issue, proof, user_certificate};
use crate::live::recordings::{LiveChannel, LiveRecordings};
use crate::live::refusals::Refusals;
use crate::store::Recorded;
use crate::usecase::admit::admit;
use crate::usecase::caller::Caller;
use crate::usecase::offer::Place;
use crate::usecase::reach::reach;
use crate::usecase::status::StatusSource;
use crate::usecase::{Actor, App, Fault, end_session, record, refuse};

/// What they are told whose proof no longer holds.
const DISOWNED: &str = "the key or certificate you came with is no longer yours here; connect again";

/// The product behind the doors that speak SSH.
pub struct Product {
    /// What recordings call this gateway.
    pub gateway: String,
    /// What the use cases work with.
    pub app: App,
    /// The configuration; a reload replaces it whole.
    pub config: watch::Receiver<Arc<Config>>,
    /// The keys that SSH is spoken with; a reload replaces them whole.
    pub keys: Arc<ArcSwap<SshKeys>>,
    /// Seals recordings.
    pub seal: Arc<SealKey>,
    /// Where recordings are.
    pub recordings: PathBuf,
    /// Whose threads write them.
    pub recorder: Control,
    /// The recordings that are being made.
    pub live_recordings: LiveRecordings,
    /// What lives in this process, for the operator.
    pub status: StatusSource,
    /// What strangers were refused.
    pub refusals: Refusals,
    /// Who asks at a target's door, and waits.
    pub waiting_limit: WaitingLimit,
    /// Where SSH listens, for the commands that people are told to type.
    pub port: u16,
}

/// Answered from memory.
impl Product {
    pub(super) fn authenticate(&self, key: &PublicKey) -> Option<Identity> {
        let user = self.config().user_by_key(key)?.to_owned();
        Some(Identity { user, proof: Proof::Key(key.fingerprint(HashAlg::Sha256).to_string()) })
    }

    pub(super) fn certified(&self, certificate: &Certificate, from: SocketAddr) -> Result<Identity, String> {
        user_certificate::judge(certificate, &self.config(), from.ip(), self.app.clock().wall())
    }

    pub(super) fn knows(&self, key: &PublicKey, certificate: Option<&Certificate>) -> bool {
        let config = self.config();
        match certificate {
            Some(certificate) => user_certificate::is_worth_a_look(certificate, &config.certificates),
            None => config.user_by_key(key).is_some(),
        }
    }

    pub(super) fn is_target(&self, name: &str) -> bool {
        self.config().targets.contains_key(name)
    }

    pub(super) fn host_certificate(&self, target: Option<&str>, key: &PublicKey) -> Option<Certificate> {
        let config = self.config();
        let names: Vec<&str> = match target {
            Some(target) => vec![target],
            None => config.ssh.names.iter().map(String::as_str).collect(),
        };
        // Without a name it would be for any.
        if names.is_empty() {
            return None;
        }
        issue::for_host(&self.keys.load().host_ca, key, &names, self.app.clock().wall())
            .inspect_err(|error| tracing::error!(?names, %error, "no host certificate"))
            .ok()
    }

    pub(super) fn count_refusal(&self, from: SocketAddr, code: &'static str, detail: &str) {
        self.refusals.note(from, code, detail);
    }
}

/// Answered on the runtime for control work.
impl Product {
    pub(super) async fn write_refusal(&self, from: SocketAddr, code: &'static str, detail: &str) {
        refuse::connection(&self.app, &from.to_string(), code, detail).await;
    }

    pub(super) async fn reach(
        &self,
        identity: &Identity,
        host: &str,
        port: u32,
        from: SocketAddr,
    ) -> Result<Protocol, Refusal> {
        // The connection may be of yesterday.
        if !self.still_proves(identity) {
            return Err(Refusal::not_allowed("unknown-key", DISOWNED));
        }
        let caller = Caller { target: host.to_owned(), ..caller(identity, from) };
        reach(&self.app, caller, port, self.port).await.map_err(|fault| self.told(fault))
    }

    pub(super) async fn admit(
        &self,
        identity: &Identity,
        route: &Route,
        from: SocketAddr,
        client: &str,
    ) -> Result<Admitted, Refusal> {
        // They may have waited long since, for approval or with a login inside another connection.
        if !self.still_proves(identity) {
            return Err(Refusal::not_allowed("unknown-key", DISOWNED));
        }
        let (target, login, protocol) = match route {
            Route::Target { name, login } => (name.clone(), login.clone(), Protocol::Ssh),
            Route::Service(name) => (name.clone(), None, Protocol::Tcp),
            Route::Bastion(name) => (name.clone(), None, Protocol::Ssh),
        };
        let caller = Caller { target, login, protocol, client: client.to_owned(), ..caller(identity, from) };
        let admitted = admit(&self.app, caller).await.map_err(|fault| self.told(fault))?;
        Ok(Admitted { session: admitted.session, permit: Arc::new(admitted.permit), lease: admitted.lease })
    }

    pub(super) async fn credential(
        &self,
        session: SessionId,
        permit: &Permit,
        until: Timestamp,
    ) -> Result<Credential, String> {
        let made = match permit.auth() {
            TargetAuth::KeyFile(path) => read_key(path.clone()).await,
            TargetAuth::Certificate => {
                issue::for_session(&self.keys.load().user_ca, session, permit, self.app.clock().wall(), until)
                    .map_err(|error| error.to_string())
            }
        };
        made.map_err(|error| {
            tracing::error!(target = permit.target(), error, "no credential for a target");
            format!(
                "{} cannot be logged in to: the bastion's key for it cannot be read; tell its operator",
                permit.target()
            )
        })
    }

    pub(super) async fn record(
        &self,
        session: SessionId,
        permit: &Permit,
        info: &ChannelInfo,
    ) -> std::io::Result<Recording> {
        let now = self.app.clock().wall();
        let header = self.header(session, permit, info, now);
        let folder = self.recordings.join(now.strftime("%Y-%m-%d").to_string());
        let name = format!("{session}-{}.cast", info.channel);
        let seal = Arc::clone(&self.seal);
        // On a runtime of its own, whose threads write for all recordings: what others wait for holds none of them up.
        let started = self.recorder.whole(async move { Recording::start(&folder, &name, header, seal).await }).await;
        let started = started.ok_or_else(|| std::io::Error::other("the recorder failed"))?;
        let recording = started.map_err(std::io::Error::other)?;
        let row = Recorded {
            channel: info.channel,
            kind: info.kind.as_str().to_owned(),
            command: info.command.clone(),
            path: recording.path().display().to_string(),
            bytes: 0,
            sealed: None,
        };
        record::started(&self.app, session, &row).await.map_err(std::io::Error::other)?;
        self.live_recordings.begin(
            session,
            LiveChannel {
                number: info.channel,
                kind: info.kind.as_str(),
                command: info.command.clone(),
                size: info.size,
                live: recording.live(),
            },
        );
        if !self.app.leases().is_live(session) {
            // It ended while the disk kept this waiting, and nobody would take it off the air again.
            self.live_recordings.over(session);
        }
        Ok(recording)
    }

    pub(super) async fn sealed(&self, session: SessionId, info: &ChannelInfo, sealed: Sealed) {
        self.live_recordings.end(session, info.channel);
        let noted = record::sealed(&self.app, session, info.channel, sealed.bytes, &sealed.sha256).await;
        if let Err(fault) = noted {
            tracing::warn!(%session, channel = info.channel, %fault, "a seal is not in the database yet");
        }
    }

    pub(super) async fn ended(&self, session: SessionId, end: &End) {
        end_session::ended(&self.app, session, end).await;
        // After the lease was forgotten: see `LiveRecordings::over`.
        self.live_recordings.over(session);
    }

    pub(super) async fn console(&self, identity: &Identity, console: Console) -> u32 {
        let person = self.config().person(&identity.user).filter(|_| self.still_proves(identity));
        let output = console.output.clone();
        let end = async |why: &str| {
            // Whoever takes no more output is gone.
            let _ = output.send(Output::Err(format!("curfew: {why}\n").into())).await;
            EXIT_REFUSED
        };
        // The connection may be of yesterday.
        let Some(person) = person else { return end(DISOWNED).await };
        let hints = Hints::ssh("bastion", self.port);
        let setting = ConsoleSetting {
            app: &self.app,
            live_recordings: &self.live_recordings,
            hints: &hints,
            status: &self.status,
        };
        let actor = Actor::Person(person.clone());
        tokio::select! {
            status = console::run(setting, &actor, console) => status,
            why = self.disowned(identity, &person) => end(why).await,
        }
    }

    pub(super) async fn ask(&self, identity: &Identity, route: &Route, asking: Asking) -> Result<(), Refusal> {
        let Route::Target { name, login } = route else { return Err(asking.refusal) };
        let Some(person) = self.config().person(&identity.user) else { return Err(asking.refusal) };
        let hints = Hints::ssh("bastion", self.port);
        let setting = AskingSetting { app: &self.app, hints: &hints, waiting_limit: &self.waiting_limit };
        let place = Place { target: name.clone(), login: login.clone() };
        asking::ask(setting, &Actor::Person(person), place, asking).await
    }
}

impl Product {
    /// Waits until a reload takes somebody's key, certificate or name away, or one of their duties: what they watch or wait
    /// for ends then. Says what they are told.
    async fn disowned(&self, identity: &Identity, person: &Person) -> &'static str {
        let mut configs = self.config.clone();
        // What was in force when the command was let in may have been replaced since.
        configs.mark_changed();
        loop {
            if configs.changed().await.is_err() {
                // The gateway goes down, which ends the command otherwise.
                std::future::pending::<()>().await;
            }
            let now = Arc::clone(&configs.borrow_and_update());
            if !self.still_proves(identity) {
                return DISOWNED;
            }
            if !now.person(&identity.user).is_some_and(|today| person.may.is_subset(&today.may)) {
                return "what you may do here has changed; type it again";
            }
        }
    }

    /// What a recording says of itself.
    fn header(&self, session: SessionId, permit: &Permit, info: &ChannelInfo, now: Timestamp) -> Header {
        let origin = Origin {
            gateway: self.gateway.clone(),
            session: session.to_string(),
            grant: permit.grant().to_string(),
            user: permit.user().to_owned(),
            target: permit.target().to_owned(),
            login: permit.login().to_owned(),
            channel: info.channel,
            kind: info.kind.as_str().to_owned(),
            command: info.command.clone(),
            ..Origin::default()
        };
        let to = match permit.login() {
            "" => permit.target().to_owned(),
            login => format!("{login}@{}", permit.target()),
        };
        let title = format!("{}: {to} ({session})", permit.user());
        let begun = u64::try_from(now.as_second()).unwrap_or_default();
        Header::new(info.size, begun, info.term.as_deref(), Some(&title), origin)
    }

    /// The configuration that is in force.
    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Why something was not done, as a person at this door reads it.
    fn told(&self, fault: Fault) -> Refusal {
        Hints::ssh("bastion", self.port).written_out(fault.into_refusal())
    }

    /// Whether what proved somebody when their connection began still does.
    fn still_proves(&self, identity: &Identity) -> bool {
        proof::still_holds(identity, &self.config(), self.app.clock().wall())
    }
}

/// A key from a file, on a thread that may wait for the disk.
async fn read_key(path: PathBuf) -> Result<Credential, String> {
    let read = tokio::task::spawn_blocking(move || russh::keys::load_secret_key(path, None));
    let key = read.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    Ok(Credential { key: Arc::new(key), certificate: None })
}

/// Somebody proven, before it is known where to.
fn caller(identity: &Identity, from: SocketAddr) -> Caller {
    Caller {
        user: identity.user.clone(),
        proof: identity.proof.to_string(),
        target: String::new(),
        login: None,
        protocol: Protocol::Ssh,
        from: from.to_string(),
        client: String::new(),
    }
}
