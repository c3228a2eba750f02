//! The clients that people have, each through the door with what it can do: commands, signals, files, long listings,
//! odd names, terminals, many channels. README's table is made from [`ROWS`], so it claims nothing that is not run here.
//!
//! A client that is not installed is skipped, and what to install is said.

mod door;
mod openssh;
mod others;
mod scripts;
mod tools;

use std::path::Path;

pub use door::Door;

use crate::support::Program;

/// What a client is asked to do.
type Cell = fn(&Door);

/// A client, and what of the columns it can do.
pub struct Row {
    /// Its name in the table.
    pub client: &'static str,
    /// What has to be installed, and how one sees that it is.
    needs: &'static [Need],
    /// By column.
    cells: &'static [(Column, Cell)],
}

/// A program that has to be there.
struct Need {
    program: &'static str,
    /// Arguments with which it ends well when all is there; none, where being there is enough.
    with: &'static [&'static str],
    install: &'static str,
}

const fn program(program: &'static str, install: &'static str) -> Need {
    Need { program, with: &[], install }
}

/// The columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Standard input and output of every byte value, standard error, the exit status.
    Commands,
    /// A command that a signal ends.
    Signals,
    /// Files there and back; where they go by SFTP or scp, the transcript tells of them.
    Files,
    /// A folder of 5,000 files.
    Listing,
    /// File names that tools get wrong.
    Names,
    /// A terminal that is resized.
    Terminal,
    /// 20 channels on one connection, one of them stalled.
    Channels,
}

const COLUMNS: [(Column, &str); 7] = [
    (Column::Commands, "commands"),
    (Column::Signals, "signals"),
    (Column::Files, "files"),
    (Column::Listing, "5,000 entries"),
    (Column::Names, "odd names"),
    (Column::Terminal, "terminal"),
    (Column::Channels, "20 channels"),
];

/// Declares the rows, each with a test through either door: direct, and by `ProxyJump`.
macro_rules! matrix {
    ($($test:ident: $client:literal, $needs:expr, { $($column:ident: $cell:path),* $(,)? };)*) => {
        pub const ROWS: &[Row] = &[$(
            Row { client: $client, needs: $needs, cells: &[$((Column::$column, $cell)),*] },
        )*];

        mod direct {
            $(#[test]
            fn $test() {
                super::run($client, super::Door::direct);
            })*
        }

        mod jump {
            $(#[test]
            fn $test() {
                super::run($client, super::Door::jump);
            })*
        }
    };
}

const PARAMIKO: Need =
    Need { program: "/usr/bin/python3", with: &["-c", "import paramiko"], install: "apt-get install python3-paramiko" };
const ASYNCSSH: Need =
    Need { program: "/usr/bin/python3", with: &["-c", "import asyncssh"], install: "apt-get install python3-asyncssh" };
const LIBSSH: Need = Need {
    program: "/usr/bin/python3",
    with: &["-c", "import ctypes; ctypes.CDLL('libssh.so.4')"],
    install: "apt-get install libssh-4",
};
const SSH2: Need = Need {
    program: "node",
    with: &["-e", "require('ssh2')"],
    install: "apt-get install npm, and make test fetches it",
};

matrix! {
    openssh: "OpenSSH `ssh`, `sftp`, `scp`", &[program("ssh", "apt-get install openssh-client")], {
        Commands: openssh::commands,
        Signals: openssh::signals,
        Files: openssh::files,
        Listing: openssh::listing,
        Names: openssh::names,
        Terminal: openssh::terminal,
        Channels: openssh::channels,
    };
    dropbear: "Dropbear `dbclient`", &[program("/usr/bin/dbclient", "apt-get install dropbear-bin")], {
        Commands: others::dropbear_commands,
        Terminal: others::dropbear_terminal,
    };
    putty: "PuTTY `plink`, `pscp`, `psftp`", &[program("plink", "apt-get install putty-tools")], {
        Commands: others::putty_commands,
        Files: others::putty_files,
        Listing: others::putty_listing,
        Names: others::putty_names,
        Terminal: others::putty_terminal,
    };
    lftp: "lftp", &[program("lftp", "apt-get install lftp")], {
        Files: tools::lftp_files,
        Listing: tools::lftp_listing,
        Names: tools::lftp_names,
    };
    rsync: "rsync", &[program("rsync", "apt-get install rsync")], {
        Files: tools::rsync_files,
        Listing: tools::rsync_listing,
        Names: tools::rsync_names,
    };
    git: "git", &[program("git", "apt-get install git")], {
        Files: tools::git_files,
    };
    sshfs: "sshfs", &[program("sshfs", "apt-get install sshfs"), program("fusermount", "apt-get install fuse")], {
        Files: tools::sshfs_files,
        Listing: tools::sshfs_listing,
        Names: tools::sshfs_names,
    };
    ansible: "Ansible", &[program("ansible", "apt-get install ansible-core")], {
        Commands: tools::ansible_commands,
        Files: tools::ansible_files,
    };
    paramiko: "paramiko (Python)", &[PARAMIKO], {
        Commands: scripts::paramiko::commands,
        Signals: scripts::paramiko::signals,
        Files: scripts::paramiko::files,
        Listing: scripts::paramiko::listing,
        Names: scripts::paramiko::names,
        Terminal: scripts::paramiko::terminal,
        Channels: scripts::paramiko::channels,
    };
    asyncssh: "asyncssh (Python)", &[ASYNCSSH], {
        Commands: scripts::asyncssh::commands,
        Signals: scripts::asyncssh::signals,
        Files: scripts::asyncssh::files,
        Listing: scripts::asyncssh::listing,
        Names: scripts::asyncssh::names,
        Terminal: scripts::asyncssh::terminal,
        Channels: scripts::asyncssh::channels,
    };
    ssh2: "ssh2 (Node)", &[SSH2], {
        Commands: scripts::ssh2::commands,
        Signals: scripts::ssh2::signals,
        Files: scripts::ssh2::files,
        Listing: scripts::ssh2::listing,
        Names: scripts::ssh2::names,
        Terminal: scripts::ssh2::terminal,
        Channels: scripts::ssh2::channels,
    };
    libssh: "libssh", &[LIBSSH], {
        Commands: scripts::libssh::commands,
        Files: scripts::libssh::files,
        Listing: scripts::libssh::listing,
        Names: scripts::libssh::names,
        Terminal: scripts::libssh::terminal,
        Channels: scripts::libssh::channels,
    };
}

/// Runs all cells of a client through a door, where the client is installed.
fn run(client: &str, door: impl FnOnce() -> Door) {
    let row = ROWS.iter().find(|row| row.client == client).expect("a row");
    if let Some(need) = row.needs.iter().find(|need| !need.is_there()) {
        eprintln!("skipped: {client} is not installed; {}", need.install);
        return;
    }
    let door = door();
    for (column, cell) in row.cells {
        eprintln!("{client}: {column:?}");
        cell(&door);
    }
    door.sealed();
}

impl Need {
    fn is_there(&self) -> bool {
        let paths = std::env::var("PATH").unwrap_or_default();
        let found = paths.split(':').any(|folder| Path::new(folder).join(self.program).exists());
        found && (self.with.is_empty() || Program::new(self.program).args(self.with).run().code == Some(0))
    }
}

/// The table as README has it.
fn table() -> String {
    let mut table = String::from("| client |");
    for (_, what) in COLUMNS {
        table.push_str(&format!(" {what} |"));
    }
    table.push_str(&format!("\n| --- |{}\n", " :-: |".repeat(COLUMNS.len())));
    for row in ROWS {
        table.push_str(&format!("| {} |", row.client));
        for (column, _) in COLUMNS {
            let yes = row.cells.iter().any(|(has, _)| *has == column);
            table.push_str(if yes { " yes |" } else { " |" });
        }
        table.push('\n');
    }
    table
}

#[test]
fn the_readme_claims_what_the_matrix_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let made = root.join("target").join("clients.md");
    std::fs::create_dir_all(made.parent().unwrap()).unwrap();
    std::fs::write(&made, table()).unwrap();
    assert!(readme.contains(&table()), "README.md lacks the table in {}:\n{}", made.display(), table());
}
