//! PostgreSQL's programs on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs of one version.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
    /// `15.18`
    pub version: String,
}

impl Binaries {
    /// Those in the path, else the newest that Debian's packages brought.
    pub fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Only `initdb` may be linked into the path.
        let linked = std::env::split_paths(&path).filter_map(|folder| folder.join("initdb").canonicalize().ok());
        let in_path = linked.filter_map(|initdb| initdb.parent().map(Path::to_owned));
        let mut folders: Vec<PathBuf> = in_path.collect();
        let mut packaged: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|version| version.path())
            .collect();
        packaged.sort_by_key(|folder| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
        folders.extend(packaged.into_iter().rev().map(|folder| folder.join("bin")));
        folders.into_iter().find_map(Self::in_folder)
    }

    fn in_folder(folder: PathBuf) -> Option<Self> {
        let all = ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file());
        if !all {
            return None;
        }
        let said = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        // `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
        let version = said.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        Some(Self { version: version.trim().to_owned(), folder })
    }

    /// A program, run as whoever runs the tests.
    pub fn program(&self, name: &str) -> Command {
        quiet(Command::new(self.folder.join(name)))
    }

    /// A server's program: the words to run it with. PostgreSQL refuses root, so root runs it as somebody else.
    pub fn server_words(&self, name: &str) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some((user, group)) = server_user() {
            words.push("setpriv".into());
            words.extend([format!("--reuid={user}"), format!("--regid={group}")].map(OsString::from));
            words.push("--clear-groups".into());
        }
        words.push(self.folder.join(name).into());
        words
    }

    /// A server's program, run to its end.
    pub fn server_program(&self, name: &str) -> Command {
        let words = self.server_words(name);
        let mut command = quiet(Command::new(&words[0]));
        command.args(&words[1..]);
        command
    }
}

/// A program that inherits no settings of PostgreSQL, and no terminal.
fn quiet(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// The user and group that the server runs as, where these tests run as root.
pub fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("read the list of users");
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).expect("root needs a user to run PostgreSQL as"))
}
