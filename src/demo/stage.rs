//! The demo's folder: keys of two people, the bastion's configuration, and a client configuration for each person.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::getrandom::SysRng;
use russh::keys::ssh_key::rand_core::UnwrapErr;
use russh::keys::{Algorithm, PrivateKey};
use tempfile::TempDir;

use super::target::Target;

/// The people, and their groups.
const PEOPLE: [(&str, &str); 2] = [("alice", "engineers"), ("bob", "leads")];

/// What the two may do.
const RULES: &str = r#"
# Leads look after what engineers do.
[groups.leads]
may = ["watch", "replay", "kill", "revoke", "audit"]

[roles.shell]
logins = ["LOGIN"]
shell = true
exec = ["*"]

# An hour at most, and only when a lead says yes.
[[rules]]
groups = ["engineers"]
labels = { env = "prod" }
roles = ["shell"]
max_duration = "1h"
approvals = 1
approvers = ["leads"]
"#;

/// The folder, gone when this is dropped.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
}

impl Stage {
    /// Makes the folder, which only this user can look into, and a key for each person.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn build() -> io::Result<Self> {
        let mut name = tempfile::Builder::new();
        name.prefix("curfew-").rand_bytes(4).permissions(Permissions::from_mode(0o700));
        // `/tmp` rather than the system's own idea, which may be too long to type: macOS has 50 characters.
        let folder = name.tempdir_in("/tmp").or_else(|_| name.tempdir())?;
        for part in ["keys", "target"] {
            std::fs::create_dir(folder.path().join(part))?;
        }
        let stage = Self { folder };
        for (person, _) in PEOPLE {
            let mut key = PrivateKey::random(&mut UnwrapErr(SysRng), Algorithm::Ed25519).map_err(io::Error::other)?;
            key.set_comment(person);
            key.write_openssh_file(stage.key(person), LineEnding::LF).map_err(io::Error::other)?;
            let public = key.public_key().to_openssh().map_err(io::Error::other)?;
            std::fs::write(stage.key(person).with_extension("pub"), public)?;
        }
        Ok(stage)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the bastion keeps its keys and database.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Where the target keeps its keys.
    #[must_use]
    pub fn target_folder(&self) -> PathBuf {
        self.path().join("target")
    }

    /// The bastion's configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path().join("curfew.toml")
    }

    /// Writes the bastion's configuration.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn configure_bastion(&self, target: &Target) -> io::Result<()> {
        let mut toml =
            "[gateway]\nstate_dir = \"state\"\n\n[ssh]\nlisten = \"127.0.0.1:0\"\n\n[recordings]\nspool = \"recordings\"\n".to_owned();
        for (person, group) in PEOPLE {
            let key = std::fs::read_to_string(self.key(person).with_extension("pub"))?;
            // Writing to a string cannot fail.
            let _ = write!(toml, "\n[users.{person}]\nkeys = [\"{}\"]\ngroups = [\"{group}\"]\n", key.trim());
        }
        let Target { address, host_key, .. } = target;
        let _ = write!(
            toml,
            "\n[targets.web1]\naddress = \"{address}\"\nhost_key = \"{host_key}\"\nlabels = {{ env = \"prod\" }}\n"
        );
        toml.push_str(&RULES.replace("LOGIN", &login()));
        std::fs::write(self.config(), toml)
    }

    /// Writes a client configuration for each person: `ssh -F FOLDER/alice bastion`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn configure_people(&self, bastion: SocketAddr, host_key: &str) -> io::Result<()> {
        let (host, port) = (bastion.ip(), bastion.port());
        let known_hosts = self.path().join("known_hosts");
        std::fs::write(&known_hosts, format!("[{host}]:{port} {host_key}\n"))?;
        for (person, _) in PEOPLE {
            let config = format!(
                "Host bastion\n  HostName {host}\n  Port {port}\n  User {person}\n  IdentityFile \"{}\"\n  \
                 IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile \"{}\"\n  \
                 GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n",
                self.key(person).display(),
                known_hosts.display(),
            );
            std::fs::write(self.client_config(person), config)?;
        }
        Ok(())
    }

    /// A person's client configuration.
    #[must_use]
    pub fn client_config(&self, person: &str) -> PathBuf {
        self.path().join(person)
    }

    /// Removes the folder.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn clear(self) -> io::Result<()> {
        self.folder.close()
    }

    fn key(&self, person: &str) -> PathBuf {
        self.path().join("keys").join(person)
    }
}

/// The name under which one logs in to the target; whatever it is, the shell is that of whoever runs the demo.
fn login() -> String {
    let plain = |name: &String| {
        !name.is_empty()
            && !name.starts_with('-')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(plain))
        .unwrap_or_else(|| "demo".to_owned())
}
