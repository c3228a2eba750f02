//! The real `curfew serve`, on a configuration and a state of its own.

use std::io::BufRead;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::database::Database;
use super::postgres::Postgres;
use super::process::{Outcome, Program, Stream, send_signal};
use super::wait::{Stopwatch, eventually_some};
use super::{SOON, eventually};

/// A running gateway. Dropped, it is killed, and its folder goes with it.
pub struct Gateway {
    dir: TempDir,
    /// Its database, where that is no file.
    postgres: Option<Postgres>,
    /// What it runs under (`prlimit …`), if anything.
    wrapper: Vec<String>,
    serving: Mutex<Option<Serving>>,
}

struct Serving {
    child: Child,
    address: SocketAddr,
    /// Kept, so that the pipe stays open.
    _stdout: Stream,
}

impl Gateway {
    /// The program under test: the one that was built with the tests, or another that `CURFEW_BINARY` names.
    pub fn binary() -> String {
        std::env::var("CURFEW_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_curfew").to_owned())
    }

    /// Starts a gateway as an argument of another program, such as `prlimit --fsize=…`.
    #[track_caller]
    pub fn start_under(wrapper: &[&str], toml: &str) -> Self {
        let mut gateway = Self::prepare(toml);
        gateway.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        gateway.serve();
        gateway
    }

    /// A folder with a configuration, and nothing running yet. The database is the one that the configuration names, or
    /// PostgreSQL where the tests are to use that ([`Postgres::if_asked_for`]).
    pub fn prepare(toml: &str) -> Self {
        let postgres = if toml.contains("[store]") { None } else { Postgres::if_asked_for() };
        let store = postgres.as_ref().map(|postgres| format!("\n[store]\ndatabase = {:?}\n", postgres.url()));
        Self::keeping(postgres, &format!("{toml}{}", store.unwrap_or_default()))
    }

    /// A folder with a configuration that names this database.
    pub fn keeping(postgres: Option<Postgres>, toml: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("curfew").tempdir().expect("make a folder");
        std::fs::write(dir.path().join("curfew.toml"), toml).expect("write the configuration");
        Self { dir, postgres, wrapper: Vec::new(), serving: Mutex::new(None) }
    }

    /// Starts `curfew serve` and waits until it accepts connections.
    #[track_caller]
    pub fn serve(&self) {
        let mut words: Vec<String> = self.wrapper.clone();
        words.extend([Self::binary(), "serve".to_owned(), "--config".to_owned()]);
        let (program, args) = words.split_first().expect("there is a program");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("open the log");
        let mut child = Command::new(program)
            .args(args)
            .arg(self.config_path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
        let stdout = Stream::reading(child.stdout.take().expect("stdout is piped"));
        let address = ready_address(&stdout).unwrap_or_else(|| {
            let _ = child.kill();
            panic!(
                "`curfew serve` did not get ready: {:?}\nstdout: {}\nlog: {}",
                child.wait(),
                stdout.text(),
                self.log()
            )
        });
        // Where clients find it: their configuration includes this file.
        let bastion = format!(
            "Host bastion *@bastion\n  HostName 127.0.0.1\n  Port {}\n  UserKnownHostsFile {}\n",
            address.port(),
            self.known_hosts().display()
        );
        std::fs::write(self.client_config(), bastion).expect("write the clients' configuration");
        *self.serving() = Some(Serving { child, address, _stdout: stdout });
        if !self.known_hosts().exists() {
            let trust = self.trust();
            std::fs::write(self.known_hosts(), trust.known_hosts).expect("write known_hosts");
        }
    }

    /// What `curfew ca` prints: what clients and targets must trust.
    #[track_caller]
    pub fn trust(&self) -> Trust {
        let printed = self.curfew(&["ca"]).run().ok().text();
        let lines: Vec<&str> =
            printed.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect();
        // For any name of the gateway: tests come by its address.
        let for_any_name = |line: &str| match line.strip_prefix("@cert-authority ") {
            Some(rest) => Some(format!("@cert-authority * {}\n", rest.split_once(' ')?.1)),
            None => line.contains("bastion").then_some(format!("* {}\n", line.split_once(' ')?.1)),
        };
        let is_known_host =
            |line: &&&str| line.split(' ').nth(1).is_some_and(|word| word == "*" || word.starts_with("ssh-"));
        let user_ca = lines.iter().find(|line| line.starts_with("ssh-") || line.starts_with("ecdsa-"));
        Trust {
            known_hosts: lines.iter().filter(is_known_host).filter_map(|line| for_any_name(line)).collect(),
            user_ca: user_ca.unwrap_or_else(|| panic!("`curfew ca` names no user CA: {printed}")).to_string(),
            seal: lines
                .last()
                .unwrap_or_else(|| panic!("`curfew ca` names no key of the seals: {printed}"))
                .to_string(),
            printed: printed.clone(),
        }
    }

    /// `curfew WORDS` with this gateway's configuration.
    pub fn curfew(&self, words: &[&str]) -> Program {
        let (command, rest) = words.split_first().expect("a command");
        Program::new(Self::binary()).arg(command).arg("--config").arg(self.config_path()).args(rest)
    }

    /// `curfew WORDS` as they are.
    pub fn bare(words: &[&str]) -> Program {
        Program::new(Self::binary()).args(words)
    }

    /// A command of the operator: `ctl("requests --all")`.
    #[track_caller]
    pub fn ctl(&self, command: &str) -> Outcome {
        self.curfew(&["ctl"]).args(command.split_whitespace()).run()
    }

    #[track_caller]
    pub fn ctl_json(&self, command: &str) -> Value {
        self.ctl(&format!("{command} --json")).ok().json()
    }

    /// The audit events of one action, oldest first.
    #[track_caller]
    pub fn audit(&self, action: &str) -> Vec<Value> {
        let Value::Array(events) = self.ctl_json("audit") else { panic!("`audit --json` is no list") };
        events.into_iter().filter(|event| event["action"].as_str().is_some_and(|a| a.contains(action))).collect()
    }

    /// A session as JSON shows it.
    #[track_caller]
    pub fn session(&self, id: &str) -> Value {
        self.ctl_json(&format!("show {id}"))
    }

    #[track_caller]
    pub fn sessions(&self) -> Vec<Value> {
        let Value::Array(sessions) = self.ctl_json("sessions --all") else {
            panic!("`sessions --all --json` is no list")
        };
        sessions
    }

    /// The newest session, once it has ended.
    #[track_caller]
    pub fn ended_session(&self) -> Value {
        eventually_some(SOON, "the newest session has ended", || {
            self.sessions().into_iter().next_back().filter(|session| session["ended_at"].is_string())
        })
    }

    /// The files of a session's recordings, once all are sealed.
    #[track_caller]
    pub fn sealed_recordings(&self, session: &str) -> Vec<PathBuf> {
        eventually_some(SOON, "the recordings are sealed", || {
            let session = self.session(session);
            let list = session["recordings"].as_array()?.clone();
            let sealed = !list.is_empty() && list.iter().all(|recording| recording["sealed"] == Value::Bool(true));
            sealed.then(|| list.iter().map(|r| PathBuf::from(r["path"].as_str().expect("a path"))).collect())
        })
    }

    /// Changes the configuration file.
    pub fn edit(&self, change: impl FnOnce(String) -> String) {
        let toml = std::fs::read_to_string(self.config_path()).expect("read the configuration");
        let changed = change(toml.clone());
        assert_ne!(toml, changed, "the edit changed nothing");
        std::fs::write(self.config_path(), changed).expect("write the configuration");
    }

    /// SIGHUP. Its effect has to be awaited.
    pub fn reload(&self) {
        self.signal(Signal::HUP);
    }

    pub fn signal(&self, signal: Signal) {
        send_signal(self.pid(), signal);
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&self) {
        if let Some(mut serving) = self.serving().take() {
            let _ = serving.child.kill();
            let _ = serving.child.wait();
        }
    }

    /// Waits until the process ends by itself, and gives its exit code.
    #[track_caller]
    pub fn wait(&self, limit: Duration) -> Option<i32> {
        let mut serving = self.serving();
        let child = &mut serving.as_mut().expect("it runs").child;
        let status = eventually_some(limit, "the gateway has ended", || child.try_wait().expect("wait for a child"));
        status.code()
    }

    pub fn is_running(&self) -> bool {
        let mut serving = self.serving();
        serving.as_mut().is_some_and(|serving| matches!(serving.child.try_wait(), Ok(None)))
    }

    pub fn pid(&self) -> u32 {
        let pid = self.serving().as_ref().expect("it runs").child.id();
        if self.wrapper.is_empty() { pid } else { only_child(pid).unwrap_or(pid) }
    }

    /// What runs, also after a test has failed while it waited.
    fn serving(&self) -> MutexGuard<'_, Option<Serving>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn address(&self) -> SocketAddr {
        self.serving().as_ref().expect("it runs").address
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn config_path(&self) -> PathBuf {
        self.path().join("curfew.toml")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.path().join("state")
    }

    pub fn recordings_dir(&self) -> PathBuf {
        self.path().join("recordings")
    }

    /// Every `.cast` file there is.
    pub fn cast_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.recordings_dir()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(path),
                    _ if path.extension().is_some_and(|e| e == "cast") => found.push(path),
                    _ => {}
                }
            }
        }
        found
    }

    /// What all transcripts of file transfers say, in fields, session by session.
    pub fn notes(&self) -> Vec<Value> {
        let mut files = self.cast_files();
        files.sort();
        let texts = files.into_iter().map(|path| std::fs::read_to_string(path).expect("read a recording"));
        let events = texts.flat_map(|text| text.lines().map(serde_json::from_str::<Value>).collect::<Vec<_>>());
        // The last line may be half written.
        let notes = events.flatten().filter(|event| event[1] == "n");
        notes.map(|event| serde_json::from_str(event[2].as_str().expect("text")).expect("a note is JSON")).collect()
    }

    /// The database, opened behind the gateway's back.
    pub fn database(&self) -> Database {
        match &self.postgres {
            Some(postgres) => Database::of(postgres),
            None => Database::open(&self.database_file()),
        }
    }

    /// The PostgreSQL that it was given to keep.
    pub fn postgres(&mut self) -> &mut Postgres {
        self.postgres.as_mut().expect("its database is on PostgreSQL")
    }

    /// Takes the database away, while the gateway runs.
    pub fn lose_the_database(&self) {
        std::fs::remove_dir_all(self.state_dir()).expect("remove the state folder");
        if let Some(postgres) = &self.postgres {
            postgres.admin(&format!("DROP DATABASE {} WITH (FORCE)", postgres.database())).expect("drop a database");
        }
    }

    /// The SQLite file.
    pub fn database_file(&self) -> PathBuf {
        let files = std::fs::read_dir(self.state_dir()).expect("read the state folder").flatten().map(|e| e.path());
        let is_sqlite = |path: &PathBuf| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0"));
        files.into_iter().find(is_sqlite).expect("there is a database in the state folder")
    }

    /// The public key that seals recordings, in a file.
    #[track_caller]
    pub fn recordings_key(&self) -> PathBuf {
        let path = self.path().join("seal.pub");
        std::fs::write(&path, self.trust().seal + "\n").expect("write the key");
        path
    }

    pub fn log_path(&self) -> PathBuf {
        self.path().join("serve.log")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Waits until the log says this.
    #[track_caller]
    pub fn log_has(&self, text: &str) {
        eventually(SOON, &format!("the log says `{text}`"), || self.log().contains(text));
    }

    /// The last lines of the log.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let skip = log.lines().count().saturating_sub(40);
        log.lines().skip(skip).collect::<Vec<_>>().join("\n")
    }

    pub fn known_hosts(&self) -> PathBuf {
        self.path().join("known_hosts")
    }

    /// The file that a client's configuration includes.
    pub fn client_config(&self) -> PathBuf {
        self.path().join("bastion.conf")
    }

    /// Memory of the process in KiB: `VmRSS` now, `VmHWM` at its highest.
    pub fn memory_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("read /proc");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("the field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How many files and sockets the process has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("read /proc").count()
    }

    /// Waits until what sessions had open is closed again.
    #[track_caller]
    pub fn expect_open_files(&self, at_most: usize) {
        eventually(SOON, "the gateway closed what its sessions had open", || self.open_files() <= at_most);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the gateway's log:\n{}", self.log_tail());
        }
        if !self.wrapper.is_empty() && self.is_running() {
            send_signal(self.pid(), Signal::KILL);
        }
        self.kill();
    }
}

/// What `curfew ca` prints.
pub struct Trust {
    /// A line for `known_hosts`.
    pub known_hosts: String,
    /// A line for `TrustedUserCAKeys`.
    pub user_ca: String,
    /// What `verify --key` takes.
    pub seal: String,
    /// All of it.
    pub printed: String,
}

/// The address in the line `ready ssh=ADDRESS`.
fn ready_address(stdout: &Stream) -> Option<SocketAddr> {
    let watch = Stopwatch::start();
    while watch.elapsed() < SOON {
        let ended = stdout.ended_within(Duration::from_millis(5));
        let bytes = stdout.bytes();
        let ready = bytes.lines().map_while(Result::ok).find_map(|line| {
            line.strip_prefix("ready ")?.split(' ').find_map(|word| word.strip_prefix("ssh=")?.parse().ok())
        });
        if ready.is_some() || ended {
            return ready;
        }
    }
    None
}

fn only_child(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
