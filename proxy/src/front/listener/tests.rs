//! A whole connection, with a product behind it that falls over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::Mutex;

use arc_swap::ArcSwap;
use curfew_policy::decide::{Decision, Facts, Permit, decide};
use curfew_policy::grant::Grant;
use curfew_policy::id::{GrantId, RequestId, SessionId};
use curfew_policy::lease::Deadline;
use curfew_policy::refusal::Refusal;
use curfew_policy::role::{AtExpiry, Role, SftpAccess};
use curfew_policy::target::{Address, Protocol, Target, TargetAuth};
use curfew_policy::time::after;
use curfew_policy::user::Person;
use curfew_recorder::{Recording, Sealed};
use jiff::Timestamp;
use russh::client;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{Certificate, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use tokio::sync::{Semaphore, mpsc};

use super::*;
use crate::gate::{Admit, Admitted, Asking, Authenticate, ChannelInfo, Console, Converse, Credential, Identity, Proof};
use crate::lease::clock::Clock;
use crate::lease::drain::Drain;
use crate::lease::{End, Lease, LeaseSender};
use crate::limits::unauthenticated::{Caps, Strangers};
use crate::ssh::algorithms;

const SOON: Duration = Duration::from_secs(20);

/// A product that lets everybody in, and falls over when a target is to be reached.
struct FallsOver {
    clock: Clock,
    leases: Mutex<Vec<LeaseSender>>,
    ends: mpsc::UnboundedSender<(SessionId, End)>,
}

impl Authenticate for FallsOver {
    async fn authenticate(&self, _: &PublicKey, _: SocketAddr) -> Option<Identity> {
        Some(Identity { user: "alice".to_owned(), proof: Proof::Key("a key".to_owned()) })
    }

    fn certified(&self, _: &Certificate, _: SocketAddr) -> Result<Identity, String> {
        Err("none is known".to_owned())
    }

    fn knows(&self, _: &PublicKey, _: Option<&Certificate>) -> bool {
        true
    }

    fn is_target(&self, name: &str) -> bool {
        name == "web1"
    }

    fn host_certificate(&self, _: Option<&str>, _: &PublicKey) -> Option<Certificate> {
        None
    }

    fn refused(&self, _: SocketAddr, code: &'static str, detail: &str) {
        panic!("refused: {code}: {detail}");
    }
}

impl Admit for FallsOver {
    async fn reach(&self, _: &Identity, _: &str, _: u32, _: SocketAddr) -> Result<Protocol, Refusal> {
        Ok(Protocol::Ssh)
    }

    async fn admit(&self, _: &Identity, _: &Route, _: SocketAddr, _: &str) -> Result<Admitted, Refusal> {
        let until = Deadline::new(self.clock.now(), after(self.clock.wall(), Duration::from_secs(3600)));
        let (sender, lease) = Lease::new(GrantId(1), until);
        self.leases.lock().unwrap().push(sender);
        Ok(Admitted { session: SessionId(7), permit: Arc::new(permit(self.clock.wall())), lease })
    }

    async fn credential(&self, _: SessionId, _: &Arc<Permit>, _: Timestamp) -> Result<Credential, String> {
        panic!("a test falls over, as it should");
    }

    async fn record(&self, _: SessionId, _: &Arc<Permit>, _: &ChannelInfo) -> std::io::Result<Recording> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    async fn sealed(&self, _: SessionId, _: &ChannelInfo, _: Sealed) {}

    async fn ended(&self, session: SessionId, end: &End) {
        self.ends.send((session, end.clone())).unwrap();
    }
}

impl Converse for FallsOver {
    async fn console(&self, _: &Identity, _: Console) -> u32 {
        0
    }

    async fn ask(&self, _: &Identity, _: &Route, asking: Asking) -> Result<(), Refusal> {
        Err(asking.refusal)
    }
}

/// Alice on her way to `web1`, for an hour from now on.
fn permit(now: Timestamp) -> Permit {
    let grant = Grant {
        id: GrantId(1),
        request: RequestId(1),
        user: "alice".to_owned(),
        targets: vec!["web1".to_owned()],
        role: "admin".to_owned(),
        login: None,
        starts_at: now,
        expires_at: after(now, Duration::from_secs(3600)),
        ended: None,
        ended_by: None,
        ended_note: None,
        used: false,
    };
    let role = Role {
        name: "admin".to_owned(),
        logins: vec!["root".to_owned()],
        shell: true,
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
    };
    let target = Target {
        name: "web1".to_owned(),
        protocol: Protocol::Ssh,
        address: Address { host: "127.0.0.1".to_owned(), port: 1 },
        host_keys: Vec::new(),
        host_cas: Vec::new(),
        labels: BTreeMap::new(),
        auth: TargetAuth::Certificate,
    };
    let person = Person { name: "alice".to_owned(), groups: BTreeSet::new(), may: BTreeSet::new() };
    let facts = Facts {
        person,
        target: Arc::new(target),
        login: Some("root".to_owned()),
        grants: vec![(grant, Arc::new(role))],
    };
    match decide(&facts, now) {
        Decision::Allow(permit) => *permit,
        Decision::Refuse(refusal) => panic!("refused: {refusal}"),
    }
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

/// Takes any host key.
struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

#[tokio::test]
async fn a_session_whose_task_falls_over_ends_as_interrupted() {
    let (clock, drain) = (Clock::system(None), Drain::new());
    let (ends, mut on_end) = mpsc::unbounded_channel();
    let gateway = Arc::new(Gateway {
        gate: Arc::new(FallsOver { clock: clock.clone(), leases: Mutex::default(), ends }),
        strangers: Arc::new(Strangers::new(Caps::fitting(1024), clock.clone())),
        clock,
        server: ArcSwap::new(algorithms::server(vec![key(1)], Vec::new())),
        drain: drain.clone(),
        farewells: Arc::default(),
        seals: Arc::new(Semaphore::new(1)),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(listen(gateway, listener, Arc::new(Workers::start(1).unwrap())));

    let mut client = client::connect(Arc::default(), address, Trusting).await.unwrap();
    let proof = PrivateKeyWithHashAlg::new(Arc::new(key(2)), None);
    assert!(client.authenticate_publickey("root@web1", proof).await.unwrap().success());

    let ended = tokio::time::timeout(SOON, on_end.recv()).await.expect("the end is told in time");
    assert_eq!(ended, Some((SessionId(7), End::Interrupted)));
    // The client's connection goes with the session, and nothing keeps the gateway from going down.
    tokio::time::timeout(SOON, client).await.expect("the connection ends in time").ok();
    drain.advance(Phase::Draining);
    tokio::time::timeout(SOON, async { (drain.empty().await, serving.await) })
        .await
        .expect("it is all over")
        .1
        .unwrap();
}
