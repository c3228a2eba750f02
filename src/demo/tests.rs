//! The demo's target, as the gateway meets it. Its login shell, which reads the profile of whoever runs the tests, is
//! tested end to end instead (`tests/demo.rs`).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::ssh_key::getrandom::SysRng;
use russh::keys::ssh_key::rand_core::UnwrapErr;
use russh::keys::{Algorithm, Certificate, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg, Sig};
use rustix::process::{Pid, test_kill_process};
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

use super::connection::{self, DemoKeys};

const SOON: Duration = Duration::from_secs(10);
const LONG_AGO: u64 = 1_000_000_000;
const FAR_AWAY: u64 = 4_000_000_000;

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// A connection to a target that trusts `ca`.
struct Link {
    client: Handle<Trusting>,
    serving: JoinHandle<()>,
}

impl Link {
    async fn to(ca: &PrivateKey) -> Self {
        let (near, far): (DuplexStream, DuplexStream) = tokio::io::duplex(64 << 10);
        let keys = DemoKeys { host_key: new_key(), user_ca: ca.public_key().clone() };
        let serving = tokio::spawn(async move { drop(connection::serve(far, keys).await) });
        let client = client::connect_stream(Arc::default(), near, Trusting).await.unwrap();
        Self { client, serving }
    }

    /// A connection that is let in.
    async fn proven() -> Self {
        let (ca, key) = (new_key(), new_key());
        let mut link = Self::to(&ca).await;
        assert!(link.shows(&key, certificate(&ca, &key, "root", (LONG_AGO, FAR_AWAY), CertType::User)).await);
        link
    }

    /// Whether the certificate lets `root` in.
    async fn shows(&mut self, key: &PrivateKey, certificate: Certificate) -> bool {
        self.client.authenticate_openssh_cert("root", Arc::new(key.clone()), certificate).await.unwrap().success()
    }

    /// What a command writes and how it ends.
    async fn exec(&self, command: &str, input: &[u8]) -> Outcome {
        let channel = self.client.channel_open_session().await.unwrap();
        channel.exec(true, command).await.unwrap();
        channel.data_bytes(input.to_vec()).await.unwrap();
        channel.eof().await.unwrap();
        outcome(channel).await
    }

    async fn terminal(&self) -> Channel<client::Msg> {
        let channel = self.client.channel_open_session().await.unwrap();
        channel.request_pty(true, "xterm", 100, 30, 0, 0, &[]).await.unwrap();
        channel
    }
}

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    out: String,
    err: String,
    status: Option<u32>,
    signal: Option<String>,
}

async fn outcome(mut channel: Channel<client::Msg>) -> Outcome {
    let mut outcome = Outcome::default();
    let read = async {
        while let Some(msg) = channel.wait().await {
            match msg {
                ChannelMsg::Data { data } => outcome.out.push_str(&String::from_utf8_lossy(&data)),
                ChannelMsg::ExtendedData { data, .. } => outcome.err.push_str(&String::from_utf8_lossy(&data)),
                ChannelMsg::ExitStatus { exit_status } => outcome.status = Some(exit_status),
                ChannelMsg::ExitSignal { signal_name, .. } => outcome.signal = Some(format!("{signal_name:?}")),
                _ => {}
            }
        }
    };
    soon(read).await;
    outcome
}

/// Reads until what came so far has this in it.
async fn expect(channel: &mut Channel<client::Msg>, what: &str) -> String {
    let mut seen = String::new();
    let read = async {
        while !seen.contains(what) {
            match channel.wait().await {
                Some(ChannelMsg::Data { data }) => seen.push_str(&String::from_utf8_lossy(&data)),
                Some(_) => {}
                None => panic!("the channel closed after {seen:?}"),
            }
        }
    };
    soon(read).await;
    seen
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.expect("it happens soon")
}

fn new_key() -> PrivateKey {
    PrivateKey::random(&mut UnwrapErr(SysRng), Algorithm::Ed25519).unwrap()
}

fn certificate(ca: &PrivateKey, key: &PrivateKey, login: &str, valid: (u64, u64), kind: CertType) -> Certificate {
    let rng = &mut UnwrapErr(SysRng);
    let subject = key.public_key().key_data().clone();
    let mut builder = Builder::new_with_random_nonce(rng, subject, valid.0, valid.1).unwrap();
    builder.cert_type(kind).unwrap().valid_principal(login).unwrap();
    builder.sign(ca).unwrap()
}

async fn gone(pid: i32) {
    soon(async {
        while is_running(pid) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn is_running(pid: i32) -> bool {
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok()
}

#[tokio::test]
async fn only_a_fitting_certificate_of_the_bastion_lets_somebody_in() {
    let (ca, stranger, key) = (new_key(), new_key(), new_key());
    let now = (LONG_AGO, FAR_AWAY);
    for (ca_used, login, valid, kind) in [
        (&stranger, "root", now, CertType::User),
        (&ca, "alice", now, CertType::User),
        (&ca, "root", (LONG_AGO, LONG_AGO + 60), CertType::User),
        (&ca, "root", (FAR_AWAY - 60, FAR_AWAY), CertType::User),
        (&ca, "root", now, CertType::Host),
    ] {
        let mut link = Link::to(&ca).await;
        let shown = certificate(ca_used, &key, login, valid, kind);
        assert!(!link.shows(&key, shown).await, "{login} {valid:?} {kind:?}");
    }
    let mut link = Link::to(&ca).await;
    let plain = PrivateKeyWithHashAlg::new(Arc::new(ca.clone()), None);
    assert!(!link.client.authenticate_publickey("root", plain).await.unwrap().success(), "a plain key");
    assert!(link.shows(&key, certificate(&ca, &key, "root", now, CertType::User)).await);
}

#[tokio::test]
async fn a_command_keeps_its_streams_apart_and_its_exit_status() {
    let link = Link::proven().await;
    let outcome = link.exec("cat; echo oops >&2; exit 7", b"typed").await;
    assert_eq!(outcome, Outcome { out: "typed".into(), err: "oops\n".into(), status: Some(7), signal: None });
}

#[tokio::test]
async fn a_command_that_a_signal_ended_says_which() {
    let link = Link::proven().await;
    let outcome = link.exec("kill -TERM $$", b"").await;
    assert_eq!((outcome.status, outcome.signal.as_deref()), (None, Some("TERM")));
}

#[tokio::test]
async fn a_signal_reaches_the_command() {
    let link = Link::proven().await;
    let mut channel = link.client.channel_open_session().await.unwrap();
    channel.exec(true, "trap 'echo caught; exit 3' USR1; echo ready; while :; do sleep 0.05; done").await.unwrap();
    expect(&mut channel, "ready").await;
    channel.signal(Sig::USR1).await.unwrap();
    expect(&mut channel, "caught").await;
    assert_eq!(outcome(channel).await.status, Some(3));
}

#[tokio::test]
async fn much_output_arrives_whole() {
    let link = Link::proven().await;
    let outcome = link.exec("head -c 5000000 /dev/zero | tr '\\0' x", b"").await;
    assert_eq!((outcome.out.len(), outcome.status), (5_000_000, Some(0)));
}

#[tokio::test]
async fn a_shell_has_a_terminal_of_the_right_size_and_learns_of_a_new_one() {
    let link = Link::proven().await;
    let mut channel = link.terminal().await;
    channel.exec(true, "stty size; echo $TERM; read line; stty size; tty").await.unwrap();
    expect(&mut channel, "30 100\r\nxterm\r\n").await;
    channel.window_change(120, 40, 0, 0).await.unwrap();
    channel.data_bytes(&b"go\n"[..]).await.unwrap();
    expect(&mut channel, "40 120\r\n/dev/").await;
    assert_eq!(outcome(channel).await.status, Some(0));
}

#[tokio::test]
async fn what_a_shell_left_on_its_terminal_does_not_keep_the_channel_open() {
    let link = Link::proven().await;
    let channel = link.terminal().await;
    channel.exec(true, "trap '' HUP; sleep 60 & echo done").await.unwrap();
    assert!(outcome(channel).await.out.contains("done"));
}

#[tokio::test]
async fn what_is_not_served_is_refused_and_the_channel_goes_on() {
    let link = Link::proven().await;
    let mut channel = link.client.channel_open_session().await.unwrap();
    channel.set_env(true, "LD_PRELOAD", "/tmp/evil.so").await.unwrap();
    channel.request_subsystem(true, "sftp").await.unwrap();
    channel.set_env(true, "LC_DEMO", "passed on").await.unwrap();
    channel.exec(true, "echo $LD_PRELOAD $LC_DEMO").await.unwrap();
    let mut answers = Vec::new();
    while answers.len() < 4 {
        match soon(channel.wait()).await.unwrap() {
            ChannelMsg::Success => answers.push(true),
            ChannelMsg::Failure => answers.push(false),
            _ => {}
        }
    }
    assert_eq!(answers, [false, false, true, true]);
    assert_eq!(outcome(channel).await.out, "passed on\n");
}

#[tokio::test]
async fn when_the_connection_goes_so_does_what_runs_under_it() {
    for terminal in [false, true] {
        let link = Link::proven().await;
        let mut channel =
            if terminal { link.terminal().await } else { link.client.channel_open_session().await.unwrap() };
        channel.exec(true, "trap '' HUP TERM; echo pid=$$.; sleep 1000 & wait; wait").await.unwrap();
        let seen = expect(&mut channel, ".").await;
        let pid: i32 = seen.split(['=', '.']).nth(1).unwrap().parse().unwrap();
        assert!(is_running(pid));
        drop((channel, link.client));
        soon(link.serving).await.unwrap();
        gone(pid).await;
    }
}
