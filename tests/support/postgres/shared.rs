//! The server that all tests of a run share, across processes.
//!
//! In a folder under `target/tmp` are three files. `lock` is held while the server is looked up, started or ended. Every
//! test that uses the server holds `users`, shared. `server` says where it is. A shell keeps the server: it waits until
//! nobody holds `users`, waits a while longer, and when still nobody does, it ends the server and removes its folder. The
//! kernel lets go of the locks of a test that was killed.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Settings;
use super::binaries::Binaries;
use super::cluster::Cluster;
use super::processes;

/// How long a server stays when nobody uses it, in seconds: longer than it takes from one test to the next.
const IDLE: u32 = 20;

/// `$0` is the server's folder, then come `lock`, `users`, `server`, the seconds, and the server's command. The files are
/// opened first, so that the server ends also when their folder is removed.
const KEEP: &str = r#"
exec 8>>"$1" 9>>"$2"
server=$3 idle=$4
shift 4
"$@" >"$0/log" 2>&1 </dev/null 8>&- 9>&- &
pid=$!
while kill -0 "$pid" 2>/dev/null; do
    flock 9
    flock -u 9
    sleep "$idle"
    flock 8
    if flock -n 9; then
        grep -qF "$0" "$server" 2>/dev/null && rm -f "$server"
        kill -QUIT "$pid" 2>/dev/null
        wait "$pid"
        break
    fi
    flock -u 8
done
rm -rf "$0"
"#;

/// How often `users` is tried before it counts as held: the shell of another server may hold it for a moment.
const TRIES: u32 = 100;

/// A place where a server can be found.
pub struct Shared {
    folder: PathBuf,
    idle: u32,
    binaries: Binaries,
}

impl Shared {
    /// The server of this build folder's tests; none where PostgreSQL is not installed.
    pub fn of_this_run() -> Option<Self> {
        let program = std::env::current_exe().expect("the name of this program");
        // target/debug/deps/e2e-0123456789abcdef
        let build =
            program.ancestors().find(|folder| folder.ends_with("deps")).and_then(|deps| deps.parent()?.parent());
        Self::in_folder(&build.map_or_else(std::env::temp_dir, |target| target.join("tmp")), IDLE)
    }

    /// A server that is found in this folder, and ends when nobody has used it for so many seconds.
    pub fn in_folder(folder: &Path, idle: u32) -> Option<Self> {
        let binaries = Binaries::find()?;
        let folder = folder.join(format!("postgres-{}", binaries.version));
        std::fs::create_dir_all(&folder).expect("make a folder");
        Some(Self { folder, idle, binaries })
    }

    /// Finds the server or starts it, and has it run a statement. It stays for as long as the file is held.
    pub fn enter(&self, statement: &str) -> (Cluster, File) {
        let lock = self.open("lock");
        lock.lock().expect("lock a file");
        let users = self.open("users");
        let found = self.find().filter(|cluster| self.is_of_use(cluster, &users));
        users.lock_shared().expect("lock a file");
        let cluster = found.unwrap_or_else(|| self.start());
        cluster.admin(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        (cluster, users)
    }

    /// Whether a server lives and will end some day. What is left of another is cleared away, unless it is in use.
    fn is_of_use(&self, cluster: &Cluster, users: &File) -> bool {
        let (runs, kept) = (processes::runs(cluster), is_kept(cluster));
        if runs && (kept || is_held(users)) {
            return true;
        }
        processes::kill9(cluster);
        // A shell that keeps the folder takes it away itself.
        if !kept {
            let _ = std::fs::remove_dir_all(&cluster.folder);
        }
        false
    }

    fn open(&self, name: &str) -> File {
        let file = OpenOptions::new().create(true).append(true).open(self.folder.join(name));
        file.expect("open a lock file")
    }

    /// The server that was written down, dead or alive.
    fn find(&self) -> Option<Cluster> {
        let text = std::fs::read_to_string(self.folder.join("server")).ok()?;
        let mut lines = text.lines();
        let (folder, port, password) = (lines.next()?.into(), lines.next()?.parse().ok()?, lines.next()?.to_owned());
        Some(Cluster { folder, port, password, binaries: self.binaries.clone() })
    }

    fn start(&self) -> Cluster {
        loop {
            let cluster = Cluster::make(self.binaries.clone(), Settings::default());
            self.keep(&cluster);
            if cluster.is_ready() {
                cluster.make_owner();
                self.write_down(&cluster);
                return cluster;
            }
        }
    }

    /// Starts the server with a shell that outlives this process.
    #[allow(clippy::zombie_processes)] // The shell is not waited for.
    fn keep(&self, cluster: &Cluster) {
        let mut shell = Command::new("sh");
        shell.args(["-c", KEEP]).arg(&cluster.folder);
        shell.args(["lock", "users", "server"].map(|name| self.folder.join(name)));
        shell.arg(self.idle.to_string()).args(cluster.words());
        shell.current_dir("/").process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = shell.spawn().expect("start a shell");
        std::fs::write(cluster.folder.join("keeper"), child.id().to_string()).expect("write a file");
    }

    /// Says where the server is, whole or not at all.
    fn write_down(&self, cluster: &Cluster) {
        let text = format!("{}\n{}\n{}\n", cluster.folder.display(), cluster.port, cluster.password);
        let draft = self.folder.join("server.new");
        std::fs::write(&draft, text).expect("write a file");
        std::fs::rename(&draft, self.folder.join("server")).expect("rename a file");
    }
}

/// Whether the shell is there that will end the server.
fn is_kept(cluster: &Cluster) -> bool {
    let keeper = std::fs::read_to_string(cluster.folder.join("keeper")).unwrap_or_default();
    let line = std::fs::read(format!("/proc/{keeper}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|word| word == cluster.folder.as_os_str().as_encoded_bytes())
}

/// Whether a test holds `users`.
fn is_held(users: &File) -> bool {
    let is_free = |_| {
        let free = users.try_lock().is_ok();
        if !free {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        free
    };
    !(0..TRIES).any(is_free)
}
