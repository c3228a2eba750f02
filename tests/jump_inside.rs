//! Inside a ProxyJump, with a client that does what OpenSSH does not.

use std::sync::Arc;

use russh::client::{self, Handle};
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::ca::Ca;
use crate::support::{Client, SOON, Stage, eventually, login};

/// A client that trusts every host.
struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { tokio::time::timeout(SOON, work).await.expect("it does not hang") });
}

fn key(who: &Client) -> PrivateKeyWithHashAlg {
    PrivateKeyWithHashAlg::new(Arc::new(load_secret_key(&who.key.path, None).unwrap()), None)
}

/// A proven connection to the bastion.
async fn outer(stage: &Stage, who: &Client) -> Handle<Trusting> {
    let stream = TcpStream::connect(stage.gateway.address()).await.unwrap();
    let mut handle = client::connect_stream(Arc::default(), stream, Trusting).await.unwrap();
    assert!(handle.authenticate_publickey(&who.name, key(who)).await.unwrap().success());
    handle
}

/// A connection to web1 inside it, on which nobody has said who they are.
async fn inner(outer: &Handle<Trusting>) -> Handle<Trusting> {
    let channel = outer.channel_open_direct_tcpip("web1", 22, "127.0.0.1", 1).await.unwrap();
    client::connect_stream(Arc::default(), channel.into_stream(), Trusting).await.unwrap()
}

#[test]
fn a_key_is_taken_too_if_it_is_the_same_persons_and_nobody_elses() {
    let stage = Stage::granted();
    run(async {
        let outer = outer(&stage, &stage.dave).await;
        // dave may not even know of web1, let alone lend his connection to alice.
        assert!(outer.channel_open_direct_tcpip("web1", 22, "127.0.0.1", 1).await.is_err());
    });
    run(async {
        let outer = outer(&stage, &stage.alice).await;
        let mut one = inner(&outer).await;
        assert!(!one.authenticate_publickey(login(), key(&stage.bob)).await.unwrap().success());
        assert!(!one.authenticate_password(login(), "secret").await.unwrap().success());
        assert!(one.authenticate_publickey(login(), key(&stage.alice)).await.unwrap().success());
        let channel = one.channel_open_session().await.unwrap();
        channel.exec(true, "echo in").await.unwrap();
        let mut out = Vec::new();
        channel.into_stream().read_to_end(&mut out).await.unwrap();
        assert_eq!(out, b"in\n");
    });
}

#[test]
fn a_certificate_that_proves_somebody_else_is_not_taken_inside() {
    let ca = Ca::new();
    let stage = Stage::with(|setup| {
        setup.policy += &format!(
            "\n[users.erin]\nprincipals = [\"erin@corp\"]\ngroups = [\"oncall\"]\n[certificates]\ntrusted = [{:?}]\n",
            ca.key.public
        );
    });
    stage.alice.granted("web1", "admin", "1h");
    let shown = |who: &Client, principal: &str| {
        let path = ca.sign(&who.key, &["-I", "inside", "-n", principal]);
        russh::keys::load_openssh_certificate(path).unwrap()
    };
    let erin = Client::new("erin");
    let (others, own) = (shown(&erin, "erin@corp"), shown(&stage.alice, "alice@corp"));
    run(async {
        let outer = outer(&stage, &stage.alice).await;
        for (who, certificate) in [(&erin, &others), (&stage.alice, &own)] {
            // One proves erin; the other nobody, since no user has that principal.
            let mut one = inner(&outer).await;
            let key = Arc::new(load_secret_key(&who.key.path, None).unwrap());
            let proof = one.authenticate_openssh_cert(login(), key, certificate.clone()).await;
            assert!(!proof.unwrap().success(), "{}", who.name);
            assert!(one.authenticate_publickey(login(), self::key(&stage.alice)).await.unwrap().success());
        }
    });
    // Outside it is a good one.
    erin.meet(&stage.gateway);
    ca.sign(&erin.key, &["-I", "outside", "-n", "erin@corp"]);
    erin.ask("whoami").ok();
}

#[test]
fn nothing_opens_inside_before_somebody_said_who_they_are() {
    let stage = Stage::granted();
    run(async {
        let outer = outer(&stage, &stage.alice).await;
        let one = inner(&outer).await;
        assert!(one.channel_open_session().await.is_err());
    });
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn who_logs_in_inside_after_their_key_was_taken_away_gets_nowhere() {
    let (stage, other) = (Stage::granted(), Client::new("other"));
    run(async {
        let outer = outer(&stage, &stage.alice).await;
        let mut one = inner(&outer).await;
        stage.gateway.edit(|toml| toml.replace(&stage.alice.key.public, &other.key.public));
        stage.gateway.reload();
        eventually(SOON, "the key is not taken", || stage.alice.ask("whoami").code == Some(255));
        let _ = one.authenticate_none(login()).await;
        if let Ok(mut channel) = one.channel_open_session().await {
            let _ = channel.exec(true, "echo in").await;
            let mut status = None;
            while let Some(message) = channel.wait().await {
                match message {
                    russh::ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                    russh::ChannelMsg::Data { data } => panic!("{data:?}"),
                    _ => {}
                }
            }
            assert_eq!(status, Some(77));
        }
    });
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn garbage_inside_ends_the_inside_alone() {
    let stage = Stage::granted();
    run(async {
        let outer = outer(&stage, &stage.alice).await;
        for garbage in
            [&b"\0\0\0\0"[..], &[0xff; 70_000], b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            let channel = outer.channel_open_direct_tcpip("web1", 22, "127.0.0.1", 1).await.unwrap();
            let mut stream = channel.into_stream();
            let _ = stream.write_all(garbage).await;
            let _ = stream.shutdown().await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        assert!(inner(&outer).await.authenticate_none(login()).await.unwrap().success());
    });
}

#[test]
fn hosts_that_are_no_hosts_are_refused_and_the_connection_goes_on() {
    let stage = Stage::granted();
    run(async {
        let outer = outer(&stage, &stage.alice).await;
        let long = "x".repeat(30_000);
        for (host, port) in [
            ("web1\0", 22),
            ("\x1b[2Jweb1", 22),
            ("web1\n", 22),
            (" web1", 22),
            ("", 22),
            (&long, 22),
            ("web1", 0),
            ("web1", 65_558),
            ("web1", u32::MAX),
        ] {
            let opened = outer.channel_open_direct_tcpip(host, port, "\x1b]0;x\x07", 70_000).await;
            let shown = format!("{:?}", opened.err());
            assert!(shown.contains("curfew: ") && !shown.contains('\x1b'), "{host:?}: {shown}");
        }
        // Far more refusals than there may be channels.
        for _ in 0..600 {
            assert!(outer.channel_open_direct_tcpip("web9", 22, "127.0.0.1", 1).await.is_err());
        }
        assert!(inner(&outer).await.authenticate_none(login()).await.unwrap().success());
    });
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn inside_the_inside_no_name_leads_anywhere() {
    let stage = Stage::new();
    stage.alice.granted("web1", "look", "1h");
    run(async {
        let outer = outer(&stage, &stage.alice).await;
        let mut one = inner(&outer).await;
        assert!(one.authenticate_none(login()).await.unwrap().success());
        for (host, port) in [("web1", 22), ("127.0.0.1", u32::from(stage.gateway.address().port()))] {
            assert!(one.channel_open_direct_tcpip(host, port, "127.0.0.1", 1).await.is_err(), "{host}");
        }
    });
}

#[test]
fn on_the_outer_connection_nobody_is_let_in_without_a_proof() {
    let stage = Stage::granted();
    run(async {
        let stream = TcpStream::connect(stage.gateway.address()).await.unwrap();
        let mut handle = client::connect_stream(Arc::default(), stream, Trusting).await.unwrap();
        assert!(!handle.authenticate_none("alice").await.unwrap().success());
        assert!(handle.channel_open_direct_tcpip("web1", 22, "127.0.0.1", 1).await.is_err());
    });
}
