//! The configuration of a gateway under test: the usual cast, and what a test changes of it.

use std::fmt::Write;
use std::net::SocketAddr;

use super::stage::login;

/// What goes into `curfew.toml`.
pub struct Setup {
    /// Further lines of `[ssh]`.
    pub ssh: String,
    /// `[store]` and its lines, where the database is not the usual one.
    pub store: String,
    /// Where recordings go.
    pub recordings: String,
    pub users: Vec<User>,
    pub targets: Vec<Entry>,
    /// `[groups.…]`, `[roles.…]` and `[[rules]]`.
    pub policy: String,
}

pub struct User {
    pub name: String,
    pub keys: Vec<String>,
    pub groups: Vec<String>,
}

pub struct Entry {
    pub name: String,
    pub address: SocketAddr,
    pub host_key: String,
    /// Further lines, such as `auth = …`.
    pub more: String,
}

impl Setup {
    /// Alice is on call and gets `admin` and `look` at once; `change` needs one lead, `break-glass` two; Bob and Carol
    /// are leads; Dave may ask for nothing; Sam is the security team.
    pub fn usual() -> Self {
        let login = login();
        let policy = format!(
            r#"
[groups.security]
may = ["watch", "replay", "kill", "revoke", "audit"]

[roles.admin]
logins = ["{login}"]
shell = true
exec = ["*"]
sftp = "write"
forward = ["*:*"]
listen = ["localhost:*"]
agent = true
env = ["LANG", "LC_*", "TEST_*"]

[roles.look]
logins = ["{login}"]
exec = ["echo *", "tail *"]
sftp = "read"

[roles.change]
logins = ["{login}"]
shell = true
exec = ["*"]

[roles.break-glass]
logins = ["{login}", "somebody-else"]
shell = true
exec = ["*"]

[[rules]]
groups = ["oncall"]
targets = ["*"]
roles = ["admin", "look"]
max_duration = "2h"
approvals = 0

[[rules]]
groups = ["engineers"]
labels = {{ env = "prod" }}
roles = ["change"]
max_duration = "1h"
reason = "INC-\\d+"
approvals = 1
approvers = ["leads"]

[[rules]]
groups = ["engineers"]
targets = ["web*"]
roles = ["break-glass"]
max_duration = "4h"
approvals = 2
approvers = ["leads"]
"#
        );
        Self {
            ssh: String::new(),
            store: String::new(),
            recordings: "recordings".to_owned(),
            users: Vec::new(),
            targets: Vec::new(),
            policy,
        }
    }

    /// Has the gateway keep its database there.
    pub fn store(&mut self, database: &str) {
        self.store = format!("[store]\ndatabase = {database:?}\n");
    }

    pub fn user(&mut self, name: &str, keys: &[&str], groups: &[&str]) {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        self.users.push(User { name: name.to_owned(), keys: own(keys), groups: own(groups) });
    }

    pub fn target(&mut self, name: &str, address: SocketAddr, host_key: &str, more: &str) {
        let (name, host_key, more) = (name.to_owned(), host_key.to_owned(), more.to_owned());
        self.targets.push(Entry { name, address, host_key, more });
    }

    /// The file.
    pub fn toml(&self) -> String {
        let mut toml = format!(
            "[gateway]\nstate_dir = \"state\"\n\n[recordings]\nspool = {:?}\n\n[ssh]\nlisten = \"127.0.0.1:0\"\n{}\n{}\n",
            self.recordings, self.ssh, self.store
        );
        for User { name, keys, groups } in &self.users {
            let _ = write!(toml, "\n[users.{name}]\nkeys = {keys:?}\ngroups = {groups:?}\n");
        }
        for Entry { name, address, host_key, more } in &self.targets {
            let _ = write!(
                toml,
                "\n[targets.{name}]\naddress = \"{address}\"\nhost_key = \"{host_key}\"\nlabels = {{ env = \"prod\" }}\n{more}\n"
            );
        }
        toml + &self.policy
    }
}
