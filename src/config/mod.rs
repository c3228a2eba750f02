//! The configuration file: from TOML to values that are right, with everything that is wrong told at once.
//!
//! `section` reads tables key by key and `book` gathers what is wrong; `gateway`, `ssh`, `store`, `recordings`,
//! `certificates`, `people`, `target`, `role` and `rule` each make their part. A [`Config`] that exists is valid: names that are used exist, keys and principals
//! prove one user.

mod book;
mod certificates;
mod gateway;
pub(crate) mod key;
pub mod location;
mod moved;
mod people;
mod recordings;
pub mod revoked;
mod role;
mod rule;
mod section;
mod ssh;
pub mod store;
mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use curfew_policy::role::Role;
use curfew_policy::rule::Rule;
use curfew_policy::target::Target;
use curfew_policy::user::Person;
use ssh_key::{Fingerprint, PublicKey};
use toml::de::DeTable;

pub use self::book::{ConfigFaults, Remark};
pub use self::certificates::Certificates;
pub use self::gateway::Gateway;
pub use self::people::{Group, User};
pub use self::recordings::RecordingSettings;
pub use self::ssh::SshSettings;
pub use self::store::StoreSettings;

use self::book::Book;
use self::rule::Known;
use self::section::Section;

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[gateway]`.
    pub gateway: Gateway,
    /// `[ssh]`.
    pub ssh: SshSettings,
    /// `[store]`.
    pub store: StoreSettings,
    /// `[recordings]`.
    pub recordings: RecordingSettings,
    /// `[certificates]`.
    pub certificates: Certificates,
    /// `[users.NAME]`.
    pub users: BTreeMap<String, User>,
    /// Every group that `[groups.NAME]` or a user names.
    pub groups: BTreeMap<String, Group>,
    /// `[targets.NAME]`.
    pub targets: BTreeMap<String, Arc<Target>>,
    /// `[roles.NAME]`.
    pub roles: BTreeMap<String, Arc<Role>>,
    /// `[[rules]]`.
    pub rules: Vec<Rule>,
    /// Whose key it is.
    keys: HashMap<key::Print, String>,
    /// Whose principal it is.
    principals: HashMap<String, String>,
}

/// A valid configuration, and what is odd about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is probably not meant, but does no harm.
    pub warnings: Vec<Remark>,
}

impl Loaded {
    /// What is in it, in a line: what `check` says of a file without faults.
    #[must_use]
    pub fn summary(&self) -> String {
        let Config { users, targets, roles, rules, .. } = &self.config;
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let (users, targets) = (count(users.len(), "user"), count(targets.len(), "target"));
        format!("{users}, {targets}, {}, {}", count(roles.len(), "role"), count(rules.len(), "rule"))
    }
}

impl Config {
    /// Reads a file. Relative paths in it start from its folder.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(file: &Path) -> Result<Loaded, ConfigFaults> {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigFaults::unreadable(file, &error))?;
        let mut loaded = Self::parse(&text, file)?;
        let mode = std::fs::metadata(file).map_or(0, |meta| meta.permissions().mode());
        if mode & 0o002 != 0 {
            loaded
                .warnings
                .push(Remark::whole(file, "anybody may write to it, and so let themselves in; chmod o-w it"));
        }
        Ok(loaded)
    }

    /// Reads the text of a file that is, or would be, at this path.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, file: &Path) -> Result<Loaded, ConfigFaults> {
        let book = Book::default();
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let span = error.span().unwrap_or_default();
            let what = match (error.message(), text.get(span.clone())) {
                ("duplicate key", Some(key)) => format!("`{key}` is here for the second time"),
                (message, _) => format!("this is not TOML: {message}"),
            };
            book.fault(span.start, what);
        }
        // What follows from half a file would only confuse.
        let base = file.parent().unwrap_or_else(|| Path::new(""));
        // Absolute, since paths are written down and looked at from elsewhere. Only an unreadable current folder fails.
        let base = &std::path::absolute(base.join(".")).unwrap_or_else(|_| base.to_owned());
        let config = if errors.is_empty() { read(&mut Section::root(&table, &book), base, &book) } else { None };
        let (faults, warnings) = book.close(file, text);
        match config {
            Some(config) if faults.is_empty() => Ok(Loaded { config, warnings }),
            _ => Err(ConfigFaults(faults)),
        }
    }

    /// A user with the groups and duties that it has now.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<Person> {
        let user = self.users.get(name)?;
        let may = user.groups.iter().filter_map(|group| self.groups.get(group)).flat_map(|group| group.may.iter());
        let may: BTreeSet<_> = may.copied().collect();
        Some(Person { name: name.to_owned(), groups: user.groups.clone(), may })
    }

    /// Whose key this is: one lookup, however many users there are. A revoked key is nobody's.
    #[must_use]
    pub fn user_by_key(&self, key: &PublicKey) -> Option<&str> {
        self.keys.get(&key::print(key)).map(String::as_str)
    }

    /// Whose principal of certificates this is.
    #[must_use]
    pub fn user_by_principal(&self, principal: &str) -> Option<&str> {
        self.principals.get(principal).map(String::as_str)
    }

    /// Whether what proved a user (a key's fingerprint, `SHA256:…`) still does.
    #[must_use]
    pub fn proves(&self, proof: &str, user: &str) -> bool {
        let print = proof.parse::<Fingerprint>().ok().and_then(|print| key::Print::try_from(print.as_bytes()).ok());
        print.and_then(|print| self.keys.get(&print)).is_some_and(|owner| owner == user)
    }
}

fn read(root: &mut Section<'_>, base: &Path, book: &Book) -> Option<Config> {
    if !root.has("gateway") {
        root.fault("the file has no [gateway], which says where to keep things");
    }
    let mut section = root.table("gateway", "[gateway]");
    let ssh = ssh::read(root, section.as_mut(), book);
    let store = store::read(root, section.as_mut(), base, book);
    let recordings = recordings::read(root, section.as_mut(), base, book);
    let gateway = section.and_then(|section| gateway::read(section, base, book));
    let certificates = certificates::read(root, base, book);
    let people = people::read(root, &certificates, book);
    let targets = target::read(root, base, book);
    let roles = role::read(root, book);
    let known = Known {
        people: &people,
        targets: &targets,
        target_names: root.names_in("targets"),
        role_names: root.names_in("roles"),
    };
    let rules = rule::read(root, &known, book);
    root.finish();
    let people::People { users, groups, keys, principals } = people;
    let (gateway, ssh, store) = (gateway?, ssh?, store?);
    let recordings = recordings.in_state_dir(&gateway.state_dir);
    Some(Config {
        gateway,
        ssh,
        store,
        recordings,
        certificates,
        users,
        groups,
        targets,
        roles,
        rules,
        keys,
        principals,
    })
}
