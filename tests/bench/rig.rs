//! What is measured: one sshd, and three ways to it from the same client.

use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::onward;
use crate::support::keys::{self, KeyPair};
use crate::support::{Gateway, eventually, login};

/// A gibibyte, in bytes.
pub const GIB: u64 = 1 << 30;

/// A way from the client to the sshd that is the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// `ssh target`.
    Direct,
    /// `ssh -J hop target`, where the hop is a plain sshd.
    Jump,
    /// `ssh root@web1@bastion`, recorded.
    Curfew,
}

impl Way {
    /// The name of the host in the client's configuration.
    pub fn host(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Jump => "jumped",
            Self::Curfew => "curfew",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Jump => "ssh -J",
            Self::Curfew => "Curfew",
        })
    }
}

/// A target, a hop, a gateway, and the files that are moved.
pub struct Rig {
    pub gateway: Gateway,
    pub key: KeyPair,
    /// Files on the target and on the client, in memory where the machine has a place for that.
    pub files: TempDir,
    config: PathBuf,
    dir: TempDir,
    _target: Sshd,
    _hop: Sshd,
}

impl Rig {
    /// Starts everything; more lines for the gateway's configuration go at its end.
    pub fn start(more: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("bench").tempdir().expect("make a folder");
        let files = roomy_folder();
        let key = keys::generate(dir.path(), "id", "ed25519");
        let target = Sshd::prepare(dir.path(), "target", &key);
        let hop = Sshd::prepare(dir.path(), "hop", &key);
        let gateway = Gateway::prepare(&configuration(&key, &target, more));
        gateway.serve();
        fs::write(target.dir.join("ca.pub"), gateway.trust().user_ca + "\n").expect("write the CA's key");
        let config = dir.path().join("ssh_config");
        fs::write(&config, client_configuration(&key, &target, &hop, &gateway)).expect("write the configuration");
        Self { gateway, key, files, config, dir, _target: target.serve(), _hop: hop.serve() }
    }

    /// `ssh OPTIONS… HOST COMMAND`, in the given way.
    pub fn ssh(&self, way: Way, options: &[&str], command: &str) -> Command {
        let mut ssh = self.client("ssh");
        ssh.args(options).arg(way.host());
        if !command.is_empty() {
            ssh.arg(command);
        }
        ssh
    }

    /// A client of OpenSSH's with the configuration that knows the three hosts.
    pub fn client(&self, program: &str) -> Command {
        let mut client = Command::new(program);
        client.arg("-F").arg(&self.config).env_remove("SSH_AUTH_SOCK").stderr(Stdio::inherit());
        client
    }

    pub fn config(&self) -> &Path {
        &self.config
    }

    pub fn scratch(&self) -> &Path {
        self.dir.path()
    }

    /// Asks for access that lasts as long as any bench does.
    pub fn grant(&self) {
        for (target, role) in [("web1", "admin"), (onward::SERVICE, "service")] {
            let args = ["request", target, "--role", role, "--for", "8h", "--reason", "bench"];
            let status = self.client("ssh").args(["-l", "alice", "curfew"]).args(args).stdout(Stdio::null()).status();
            assert!(status.expect("run ssh").success(), "access was not granted");
        }
    }

    /// The processor time of the gateway so far.
    pub fn gateway_cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.gateway.pid())).expect("read /proc");
        // utime and stime are the 14th and 15th field, counted from after the program's name (proc(5)); in ticks, of
        // which Linux has 100 a second.
        let after = stat.rsplit_once(')').expect("a program's name").1;
        let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Throws the recordings away, whose sessions have ended.
    pub fn forget_recordings(&self) {
        for file in self.gateway.cast_files() {
            let _ = fs::remove_file(file);
        }
    }
}

/// A folder in memory, or on the disk where there is none with room.
fn roomy_folder() -> TempDir {
    let builder = || tempfile::Builder::new().prefix("bench").to_owned();
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
    let made = if room > 5 * GIB { builder().tempdir_in(memory) } else { builder().tempdir() };
    made.expect("make a folder")
}

fn configuration(key: &KeyPair, target: &Sshd, more: &str) -> String {
    let login = login();
    format!(
        "[gateway]\nstate_dir = \"state\"\n[ssh]\nlisten = \"127.0.0.1:0\"\n[recordings]\nspool = \"recordings\"\n\
         [users.alice]\nkeys = [\"{}\"]\ngroups = [\"oncall\"]\n\
         [targets.web1]\naddress = \"127.0.0.1:{}\"\nhost_key = \"{}\"\n\
         [roles.admin]\nlogins = [\"{login}\"]\nshell = true\nexec = [\"*\"]\nsftp = \"write\"\nforward = [\"*:*\"]\n\
         [[rules]]\ngroups = [\"oncall\"]\ntargets = [\"web1\", \"many\"]\nroles = [\"admin\"]\nmax_duration = \"8h\"\napprovals = 0\n{more}",
        key.public,
        target.port,
        target.host_key.bare(),
    )
}

fn client_configuration(key: &KeyPair, target: &Sshd, hop: &Sshd, gateway: &Gateway) -> String {
    let login = login();
    let known = gateway.known_hosts();
    let mut lines = fs::read_to_string(&known).expect("read known_hosts");
    for sshd in [target, hop] {
        lines.push_str(&format!("[127.0.0.1]:{} {}\n", sshd.port, sshd.host_key.bare()));
    }
    fs::write(&known, lines).expect("write known_hosts");
    format!(
        "Host direct jumped jumped-alike\n  Port {target}\nHost jumped\n  ProxyJump hop\n\
         Host jumped-alike\n  ProxyJump hop-alike\nHost hop hop-alike\n  Port {hop}\n\
         Host curfew\n  Port {curfew}\n  User {login}@web1\n\
         Host bastion\n  Port {curfew}\n  User alice\nHost web1\n  HostName web1\n  ProxyJump bastion\n\
         Host jumped-alike hop-alike web1 bastion\n  Ciphers aes128-gcm@openssh.com\n\
         Host *\n  HostName 127.0.0.1\n  User {login}\n  IdentityFile {}\n  IdentitiesOnly yes\n  IdentityAgent none\n  \
         UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  BatchMode yes\n  \
         LogLevel ERROR\n",
        key.path.display(),
        known.display(),
        target = target.port,
        hop = hop.port,
        curfew = gateway.address().port(),
    )
}

/// A plain OpenSSH server.
struct Sshd {
    dir: PathBuf,
    host_key: KeyPair,
    port: u16,
    child: Option<Child>,
}

impl Sshd {
    fn prepare(dir: &Path, name: &str, key: &KeyPair) -> Self {
        let dir = dir.join(name);
        fs::create_dir_all(dir.join("home")).expect("make a folder");
        let host_key = keys::generate(&dir, "host_key", "ed25519");
        fs::write(dir.join("authorized_keys"), format!("{}\n", key.public)).expect("write a key");
        fs::write(dir.join("ca.pub"), "").expect("write a file");
        // Free now; nobody else is likely to take it before sshd does.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a port").port();
        let at = dir.display();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nTrustedUserCAKeys {at}/ca.pub\n\
             AuthorizedKeysFile {at}/authorized_keys\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 1000\n\
             PrintMotd no\nPrintLastLog no\nSetEnv HOME={at}/home\nSubsystem sftp internal-sftp\nLogLevel ERROR\n",
            host_key.path.display()
        );
        fs::write(dir.join("sshd_config"), config).expect("write sshd's configuration");
        Self { dir, host_key, port, child: None }
    }

    fn serve(mut self) -> Self {
        if login() == "root" {
            // sshd's privilege separation folder, which a machine without a running sshd may lack.
            let _ = fs::create_dir_all("/run/sshd");
        }
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-e", "-f"]).arg(self.dir.join("sshd_config")).stdin(Stdio::null()).stderr(Stdio::null());
        self.child = Some(sshd.spawn().expect("start sshd (Debian: openssh-server)"));
        let port = self.port;
        eventually(Duration::from_secs(10), "sshd listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        self
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
