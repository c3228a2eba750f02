//! The OpenSSH client at a server of ours, relayed by a client of ours to a real sshd.

mod support;

use std::fs::{self, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, PrivateKeyWithHashAlg};
use russh::{client, server};
use support::{Accepting, Trusting, client_config, peak_memory, relay, server_config, within};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

const MIB: u64 = 1 << 20;
const MAY_GROW: u64 = 64 * MIB;

/// A relay on a port of its own, and the files of both sides.
struct Gateway {
    files: TempDir,
    port: u16,
}

impl Gateway {
    async fn start() -> Self {
        let files = TempDir::new().unwrap();
        let target = Arc::new(Target::new(files.path()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(server_config());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, config.clone(), target.clone()));
            }
        });
        Self { files, port }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Runs a shell script in the gateway's folder, in which `$SSH` is ssh to the target.
    async fn run(&self, script: &str) -> Output {
        let ssh = format!(
            "ssh -F none -p {} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
             -o ServerAliveInterval=1 me@127.0.0.1",
            self.port
        );
        let child = Command::new("bash")
            .args(["-o", "pipefail", "-c", script])
            .env("SSH", ssh)
            .current_dir(self.files.path())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        within(100, script, child).await.unwrap()
    }
}

async fn serve(socket: TcpStream, config: Arc<server::Config>, target: Arc<Target>) {
    let (sender, mut opened) = mpsc::unbounded_channel();
    socket.set_nodelay(true).unwrap();
    let _running = server::run_stream(config, socket, Accepting::new(sender)).await.unwrap();
    let (up, _sshd) = target.connect().await;
    while let Some(down) = opened.recv().await {
        let up = up.channel_open_session().await.unwrap();
        let ((down_reader, down_writer), (up_reader, up_writer)) = (down.split(), up.split());
        tokio::spawn(relay(down_reader, up_writer));
        tokio::spawn(relay(up_reader, down_writer));
    }
}

/// A real sshd for the user who runs the test.
struct Target {
    config: PathBuf,
    key: Arc<PrivateKey>,
}

impl Target {
    fn new(files: &Path) -> Self {
        let host = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
        let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
        let at = |name: &str| files.join(name);
        host.write_openssh_file(at("host"), LineEnding::LF).unwrap();
        fs::set_permissions(at("host"), Permissions::from_mode(0o600)).unwrap();
        fs::write(at("authorized"), key.public_key().to_openssh().unwrap()).unwrap();
        let lines = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nPidFile none\nLogLevel ERROR\n\
             AcceptEnv LC_*\nClientAliveInterval 1\n",
            at("host").display(),
            at("authorized").display()
        );
        fs::write(at("sshd_config"), lines).unwrap();
        // Where sshd separates its privileges; part of its package, but made at boot.
        let _ = fs::create_dir_all("/run/sshd");
        Self { config: at("sshd_config"), key: Arc::new(key) }
    }

    async fn connect(&self) -> (client::Handle<Trusting>, Child) {
        let (near, far) = UnixStream::pair().unwrap();
        let far = far.into_std().unwrap();
        far.set_nonblocking(false).unwrap();
        let far = OwnedFd::from(far);
        let sshd = Command::new("/usr/sbin/sshd")
            .args(["-i", "-e", "-f"])
            .arg(&self.config)
            .stdin(Stdio::from(far.try_clone().unwrap()))
            .stdout(Stdio::from(far))
            .kill_on_drop(true)
            .spawn()
            .expect("these tests need OpenSSH's client and server");
        let (ended, _) = mpsc::unbounded_channel();
        let mut up = client::connect_stream(Arc::new(client_config()), near, Trusting { ended }).await.unwrap();
        let me = Command::new("id").arg("-un").output().await.unwrap();
        let me = String::from_utf8(me.stdout).unwrap();
        let key = PrivateKeyWithHashAlg::new(self.key.clone(), None);
        assert!(up.authenticate_publickey(me.trim(), key).await.unwrap().success());
        (up, sshd)
    }
}

#[tokio::test]
async fn a_command_its_streams_and_its_status_pass() {
    let gateway = Gateway::start().await;
    let output =
        gateway.run("printf in | LC_TEST=hello $SSH -o SendEnv=LC_TEST 'cat; echo $LC_TEST >&2; exit 7'").await;
    assert_eq!(output.status.code(), Some(7));
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"in"[..], &b"hello\n"[..]));
}

#[tokio::test]
async fn a_terminal_works_and_takes_a_break() {
    let gateway = Gateway::start().await;
    // `~B` after a newline sends a break.
    let output = gateway.run("printf 'echo $TERM\\n~Bexit 3\\n' | TERM=vt100 $SSH -tt sh -i").await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("vt100\r"), "{said}");
}

#[tokio::test]
async fn a_gigabyte_passes_whole_while_the_client_rekeys_and_the_relay_stays_small() {
    let gateway = Gateway::start().await;
    let before = peak_memory();
    // Half of it up, and half of it down at the same time.
    let output = gateway
        .run("head -c 512M /dev/urandom | tee >(sha256sum > sent) | $SSH -o RekeyLimit=64M cat | sha256sum > got")
        .await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read(gateway.path("got")).unwrap(), fs::read(gateway.path("sent")).unwrap());
    let grown = peak_memory() - before;
    assert!(grown < MAY_GROW, "grew by {} MiB", grown / MIB);
}

#[tokio::test]
async fn a_filter_slower_than_its_input_works_and_the_relay_stays_small() {
    let gateway = Gateway::start().await;
    let before = peak_memory();
    let output = gateway.run("seq 20000000 | tee >(sha256sum > sent) | $SSH gzip -1 | gunzip | sha256sum > got").await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read(gateway.path("got")).unwrap(), fs::read(gateway.path("sent")).unwrap());
    let grown = peak_memory() - before;
    assert!(grown < MAY_GROW, "grew by {} MiB", grown / MIB);
}

#[tokio::test]
async fn a_stalled_session_of_a_shared_connection_holds_up_no_other_one() {
    let gateway = Gateway::start().await;
    let output = gateway
        .run(
            "MUX='-S mux'; $SSH $MUX -M -N -f
             mkfifo stalled; exec 3<>stalled
             $SSH $MUX 'head -c 64M /dev/zero' >stalled & flood=$!
             for round in 1 2 3; do $SSH $MUX 'head -c 8M /dev/zero' | wc -c; done
             kill -0 $flood && echo stalled
             kill $flood; $SSH $MUX -O exit",
        )
        .await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "8388608\n8388608\n8388608\nstalled\n");
}
