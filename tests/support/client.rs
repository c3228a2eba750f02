//! A person with the real OpenSSH client and a key.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::gateway::Gateway;
use super::keys::{self, KeyPair};
use super::process::{Outcome, Program, Running};
use super::terminal::Terminal;
use super::{SOON, eventually};

/// A person: a key, and a client configuration that knows `bastion`.
pub struct Client {
    pub name: String,
    pub key: KeyPair,
    dir: TempDir,
}

impl Client {
    pub fn new(name: &str) -> Self {
        Self::with_key(name, "ed25519")
    }

    /// Somebody with a key of this type (`ed25519`, `ecdsa`, `rsa`).
    pub fn with_key(name: &str, kind: &str) -> Self {
        let dir = tempfile::Builder::new().prefix(name).tempdir().expect("make a folder");
        let key = keys::generate(dir.path(), &format!("id_{kind}"), kind);
        Self { name: name.to_owned(), key, dir }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn config(&self) -> PathBuf {
        self.dir().join("ssh_config")
    }

    /// Learns where the gateway is.
    pub fn meet(&self, gateway: &Gateway) {
        self.configure(gateway, &format!("IdentityFile {}\n  IdentityAgent none", self.key.path.display()));
    }

    /// Learns where the gateway is, and signs with an agent.
    pub fn meet_with_agent(&self, gateway: &Gateway, socket: &Path) {
        self.configure(gateway, &format!("IdentityFile none\n  IdentityAgent {}", socket.display()));
    }

    fn configure(&self, gateway: &Gateway, identity: &str) {
        let config = format!(
            "Include {}\nHost *\n  User {}\n  {identity}\n  StrictHostKeyChecking yes\n  \
             GlobalKnownHostsFile /dev/null\n  BatchMode yes\n  ConnectTimeout 20\n  LogLevel ERROR\n  \
             PreferredAuthentications publickey\n",
            gateway.client_config().display(),
            self.name
        );
        std::fs::write(self.config(), config).expect("write the client's configuration");
    }

    /// `ssh WORDS`, where `bastion` is the gateway.
    pub fn ssh(&self, words: &[&str]) -> Program {
        Program::new("ssh").arg("-F").arg(self.config()).args(words)
    }

    /// `ssh TARGET@bastion COMMAND`: `on("root@web1", "uptime")`.
    pub fn on(&self, target: &str, command: &str) -> Program {
        self.ssh(&[&format!("{target}@bastion"), command])
    }

    /// `ssh -t TARGET@bastion` on a terminal, with a command or a shell.
    pub fn terminal(&self, words: &[&str]) -> Terminal {
        let mut args = vec!["-F".to_owned(), self.config().display().to_string()];
        args.extend(words.iter().map(|word| (*word).to_owned()));
        Terminal::start("ssh", &args)
    }

    /// `ssh bastion COMMAND`.
    #[track_caller]
    pub fn ask(&self, command: &str) -> Outcome {
        self.asking(command).run()
    }

    /// `ssh bastion COMMAND`, not yet run.
    pub fn asking(&self, command: &str) -> Program {
        self.ssh(&["bastion", command])
    }

    /// `ssh bastion COMMAND --json`.
    #[track_caller]
    pub fn json(&self, command: &str) -> Value {
        self.ask(&format!("{command} --json")).ok().json()
    }

    /// Asks for access that needs nobody's approval, and gives the grant's id.
    #[track_caller]
    pub fn granted(&self, target: &str, role: &str, span: &str) -> String {
        let request = self.json(&format!("request {target} --role {role} --for {span} --reason INC-1 testing"));
        assert_eq!(request["state"], "granted", "granted at once: {request}");
        text(&request["grant"])
    }

    /// Asks for access, and gives the request's id.
    #[track_caller]
    pub fn requested(&self, command: &str) -> String {
        text(&self.json(&format!("request {command}"))["id"])
    }
}

/// One connection with many channels: OpenSSH's ControlMaster.
pub struct Master<'a> {
    pub process: Running,
    client: &'a Client,
    to: String,
    socket: String,
}

impl<'a> Master<'a> {
    /// Connects, and waits until channels can be opened.
    #[track_caller]
    pub fn open(client: &'a Client, target: &str) -> Self {
        let to = format!("{target}@bastion");
        let socket = client.dir().join("master").display().to_string();
        let process = client.ssh(&["-N", "-M", "-S", &socket, &to]).start();
        let master = Self { process, client, to, socket };
        let check = || client.ssh(&["-S", &master.socket, "-O", "check", &master.to]).run().code == Some(0);
        eventually(SOON, "the master is ready", check);
        master
    }

    /// A command in a channel of its own.
    pub fn run(&self, command: &str) -> Program {
        self.client.ssh(&["-S", &self.socket, &self.to, command])
    }

    /// Has the connection forward: `-L` or `-R`, and what.
    #[track_caller]
    pub fn forward(&self, way: &str, spec: &str) {
        self.client.ssh(&["-S", &self.socket, "-O", "forward", way, spec, &self.to]).run().ok();
    }

    /// A terminal in a channel of its own.
    pub fn terminal(&self, command: &str) -> Terminal {
        self.client.terminal(&["-tt", "-S", &self.socket, &self.to, command])
    }
}

/// The text of a JSON string.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a string: {value}")).to_owned()
}
