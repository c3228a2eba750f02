//! A server of one test. A shell keeps it, and ends it when the test lets go of the shell's stdin, or is killed.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use super::Settings;
use super::binaries::Binaries;
use super::cluster::Cluster;

/// Each line starts the server. `$0` is its folder, and the rest is its command.
const KEEP: &str = r#"
while read -r _; do
    "$@" >"$0/log" 2>&1 </dev/null &
done
if read -r pid 2>/dev/null <"$0/data/postmaster.pid"; then
    kill -QUIT "$pid" 2>/dev/null
    wait
fi
rm -rf "$0"
"#;

/// The shell that keeps a server.
pub struct Keeper(Child);

/// A server of one's own, ready to take connections.
pub fn start(binaries: Binaries, settings: Settings) -> (Cluster, Keeper) {
    loop {
        let cluster = Cluster::make(binaries.clone(), settings);
        let mut keeper = Keeper::of(&cluster);
        keeper.start();
        if cluster.is_ready() {
            cluster.make_owner();
            return (cluster, keeper);
        }
    }
}

impl Keeper {
    fn of(cluster: &Cluster) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", KEEP]).arg(&cluster.folder).args(cluster.words()).current_dir(&cluster.folder);
        // What ends the test with its process group leaves the shell to end the server.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(shell.spawn().expect("start a shell"))
    }

    fn start(&mut self) {
        let stdin = self.0.stdin.as_mut().expect("stdin is piped");
        stdin.write_all(b"\n").expect("the shell reads");
    }

    /// Starts the server again; the old one has ended.
    pub fn start_again(&mut self, cluster: &Cluster) {
        // A killed server leaves it behind, and with it the word that it is ready.
        let _ = std::fs::remove_file(cluster.data().join("postmaster.pid"));
        self.start();
        assert!(cluster.is_ready(), "the port is somebody else's by now: {}", cluster.log());
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
