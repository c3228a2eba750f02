//! A server's folder: its data, its certificate, and how to get in.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Settings;
use super::binaries::{Binaries, server_user};

/// The superuser.
pub const ADMIN: &str = "postgres";
/// The owner of the tests' databases.
pub const OWNER: &str = "curfew";

/// A server's folder. Whoever keeps the server removes it.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub folder: PathBuf,
    pub port: u16,
    pub password: String,
    pub binaries: Binaries,
}

impl Cluster {
    /// Makes a folder with a new, empty cluster; nothing runs yet.
    pub fn make(binaries: Binaries, settings: Settings) -> Self {
        // A short path, for the socket in it, and one that the server's user may enter.
        let folder = tempfile::Builder::new().prefix("curfew-pg-").tempdir().expect("make a folder").keep();
        let cluster = Self { port: free_port(), password: random(16), folder, binaries };
        give(&cluster.folder);
        let password = cluster.folder.join("password");
        write_secret(&password, &cluster.password);
        let mut initdb = cluster.binaries.server_program("initdb");
        initdb.args(["-U", ADMIN, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]);
        run(initdb.arg(cluster.data()).arg("--pwfile").arg(&password).current_dir(&cluster.folder));
        if settings.tls {
            certify(&cluster.folder);
        }
        let on = |yes: bool| if yes { "on" } else { "off" };
        let mut config = OpenOptions::new().append(true).open(cluster.data().join("postgresql.conf")).expect("open it");
        let folder = cluster.folder.display();
        write!(
            config,
            "\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\nmax_connections = 200\n\
             shared_buffers = 32MB\ntimezone = 'UTC'\nfsync = {}\nfull_page_writes = {}\nssl = {}\n\
             ssl_cert_file = '{folder}/server.crt'\nssl_key_file = '{folder}/server.key'\n",
            on(settings.fsync),
            on(settings.fsync),
            on(settings.tls),
        )
        .expect("write the configuration");
        cluster
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The server's command, its port included.
    pub fn words(&self) -> Vec<std::ffi::OsString> {
        let mut words = self.binaries.server_words("postgres");
        words.extend(["-D".into(), self.data().into(), "-p".into(), self.port.to_string().into()]);
        words
    }

    /// The process id of the server, as the server wrote it down.
    pub fn pid(&self) -> Option<u32> {
        self.pid_file()?.lines().next()?.trim().parse().ok()
    }

    fn pid_file(&self) -> Option<String> {
        std::fs::read_to_string(self.data().join("postmaster.pid")).ok()
    }

    /// Waits until the server takes connections; `false` where somebody else has its port.
    pub fn is_ready(&self) -> bool {
        let ready =
            || self.pid_file().is_some_and(|file| file.lines().nth(7).is_some_and(|line| line.trim() == "ready"));
        let taken = || self.log().contains("could not bind");
        until("PostgreSQL takes connections", || ready() || taken(), || self.log());
        ready()
    }

    /// The first statement of all: the owner of the tests' databases.
    pub fn make_owner(&self) {
        let sql = format!("CREATE ROLE {OWNER} LOGIN PASSWORD '{}'", self.password);
        self.admin(&sql).unwrap_or_else(|error| panic!("cannot make a role: {error}"));
    }

    pub fn admin(&self, sql: &str) -> Result<String, String> {
        self.psql(&format!("user={ADMIN} dbname=postgres host=127.0.0.1"), sql)
    }

    /// What psql answers.
    pub fn psql(&self, connection: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.binaries.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        psql.env("PGPASSWORD", &self.password).env("PGSSLROOTCERT", self.ca()).env("PGCONNECT_TIMEOUT", "10");
        let answer = psql.arg(format!("port={} {connection}", self.port)).output().expect("run psql");
        if answer.status.success() {
            return Ok(String::from_utf8_lossy(&answer.stdout).trim_end().to_owned());
        }
        Err(String::from_utf8_lossy(&answer.stderr).trim_end().to_owned())
    }
}

/// Waits for what other processes do, and fails with `more` when it does not come.
#[track_caller]
pub fn until(what: &str, holds: impl Fn() -> bool, more: impl Fn() -> String) {
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(5);
    const LOOKS: u32 = 12_000;
    for _ in 0..LOOKS {
        if holds() {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    panic!("not within a minute: {what}\n{}", more());
}

/// So many random bytes, in hexadecimal.
pub fn random(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    let mut source = std::fs::File::open("/dev/urandom").expect("open the source of random bytes");
    source.read_exact(&mut buffer).expect("read random bytes");
    buffer.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listen somewhere");
    listener.local_addr().expect("an address").port()
}

/// Gives a file to the user that the server runs as.
fn give(path: &Path) {
    if let Some((user, group)) = server_user() {
        chown(path, Some(user), Some(group)).expect("give a file away");
    }
}

fn write_secret(path: &Path, text: &str) {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).expect("make a file");
    file.write_all(text.as_bytes()).expect("write a file");
    give(path);
}

/// A CA of the server's own, and its certificate for `localhost`.
fn certify(folder: &Path) {
    let config = "[req]\ndistinguished_name = name\n[name]\n[ca]\nbasicConstraints = critical, CA:TRUE\n\
                  keyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n[server]\n\
                  basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n\
                  extendedKeyUsage = serverAuth\nsubjectAltName = DNS:localhost\n";
    std::fs::write(folder.join("openssl.cnf"), config).expect("write a file");
    let openssl = |words: &str| run(Command::new("openssl").args(words.split(' ')).current_dir(folder));
    let key = "-config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.crt -subj /CN=tests -extensions ca -days 2"));
    openssl(&format!("req -new {key} -keyout server.key -out server.csr -subj /CN=localhost"));
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile openssl.cnf \
         -extensions server",
    );
    give(&folder.join("server.key"));
    give(&folder.join("server.crt"));
}

#[track_caller]
fn run(command: &mut Command) {
    let outcome = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    assert!(outcome.status.success(), "{command:?}: {}", String::from_utf8_lossy(&outcome.stderr));
}
