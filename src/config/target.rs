//! `[targets.NAME]`: what stands behind the bastion.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use curfew_policy::target::{Address, Protocol, Target, TargetAuth};
use ssh_key::{PrivateKey, PublicKey};

use super::book::Book;
use super::gateway::path;
use super::key;
use super::section::{Section, Text, bad_name};

/// The port of SSH.
const SSH_PORT: u16 = 22;

/// Reads `[targets.…]`. `base` is what relative paths start from.
pub(super) fn read(root: &mut Section<'_>, base: &Path, book: &Book) -> BTreeMap<String, Arc<Target>> {
    let mut targets = BTreeMap::new();
    for (name, section) in root.named("targets", "target") {
        if let Some(target) = read_one(name, section, base, book) {
            targets.insert(target.name.clone(), Arc::new(target));
        }
    }
    targets
}

fn read_one(name: Text<'_>, mut section: Section<'_>, base: &Path, book: &Book) -> Option<Target> {
    let protocol = protocol(&mut section, book);
    let address = section.required("address", "where it listens, like \"10.0.0.5:22\"");
    let address = address.and_then(|text| read_address(text, protocol?, book));
    let labels = labels(&mut section, book);
    let (host_keys, host_cas, auth) = match protocol {
        Some(Protocol::Tcp) => {
            for key in ["host_key", "host_ca", "auth"] {
                if section.has(key) {
                    book.fault(section.place(key), format!("a TCP target has no `{key}`; take it out"));
                }
            }
            (Vec::new(), Vec::new(), Some(TargetAuth::Certificate))
        }
        _ => {
            let host_cas = keys(&mut section, "host_ca", "this host CA key", book);
            if section.lacks("host_ca") {
                section.demand(
                    "host_key",
                    "it is never trusted on first use; paste the target's /etc/ssh/ssh_host_*_key.pub",
                );
            }
            (keys(&mut section, "host_key", "this host key", book), host_cas, auth(&mut section, base, book))
        }
    };
    section.finish();
    Some(Target {
        name: name.text.to_owned(),
        protocol: protocol?,
        address: address?,
        host_keys,
        host_cas,
        labels,
        auth: auth?,
    })
}

fn protocol(section: &mut Section<'_>, book: &Book) -> Option<Protocol> {
    if !section.has("protocol") {
        return Some(Protocol::Ssh);
    }
    let word = section.string("protocol")?;
    match word.text {
        "ssh" => Some(Protocol::Ssh),
        "tcp" => Some(Protocol::Tcp),
        _ => {
            book.unknown(word.at, "protocol", word.text, ["ssh", "tcp"]);
            None
        }
    }
}

fn read_address(text: Text<'_>, protocol: Protocol, book: &Book) -> Option<Address> {
    let typed = text.text;
    let default = (protocol == Protocol::Ssh).then_some(SSH_PORT);
    let fault = match split_address(text.text) {
        Some((host, port)) => match port.or(default) {
            Some(port) => return Some(Address { host: host.to_owned(), port }),
            None => format!("`{typed}` has no port, which a TCP target needs"),
        },
        None if text.text.parse::<std::net::Ipv6Addr>().is_ok() => {
            format!("`{typed}` needs brackets: write \"[{typed}]:{SSH_PORT}\"")
        }
        None => format!("`{typed}` is not an address; write \"10.0.0.5:22\", \"[fd00::5]:22\" or \"db.internal:5432\""),
    };
    book.fault(text.at, fault);
    None
}

/// Parts a host from a port that may be missing: `10.0.0.5:22`, `db.internal`, `[fd00::5]:22`.
fn split_address(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => {
            let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
            if bad_name(host).is_some() {
                return None;
            }
            (host, port)
        }
    };
    let Some(port) = port else { return Some((host, None)) };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    Some((host, Some(port.parse().ok().filter(|port| digits && *port > 0)?)))
}

fn keys(section: &mut Section<'_>, name: &'static str, what: &str, book: &Book) -> Vec<String> {
    section.one_or_more(name).into_iter().filter_map(|line| bare_key(line, what, book)).collect()
}

/// A key as the proxy compares it: type and data, without comment.
fn bare_key(line: Text<'_>, what: &str, book: &Book) -> Option<String> {
    let key = key::read(line.text).and_then(|key| {
        let bare = PublicKey::from(key.key_data().clone());
        bare.to_openssh().map_err(|error| format!("cannot be written down ({error})"))
    });
    key.map_err(|why| book.fault(line.at, format!("{what} {why}"))).ok()
}

fn labels(section: &mut Section<'_>, book: &Book) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (key, value) in section.pairs("labels") {
        if let Some(why) = bad_name(key.text) {
            book.fault(key.at, format!("`{}` cannot be the name of a label: {why}", key.text));
        }
        labels.insert(key.text.to_owned(), value.text.to_owned());
    }
    labels
}

/// How Curfew proves itself to the target. `None` when that was faulty.
fn auth(section: &mut Section<'_>, base: &Path, book: &Book) -> Option<TargetAuth> {
    if !section.has("auth") {
        return Some(TargetAuth::Certificate);
    }
    let name = format!("auth of {}", section.name);
    let mut auth = section.table("auth", &name)?;
    let file = auth.required("key_file", "a private key for this target; without `auth` Curfew's own CA is used");
    auth.finish();
    let file = file?;
    let path = path(file, base, book)?;
    if let Err(why) = check_key_file(&path) {
        book.fault(file.at, format!("key_file {}: {why}", path.display()));
    }
    Some(TargetAuth::KeyFile(path))
}

/// Whether a private key can be used, and by nobody else. What is in it goes nowhere.
fn check_key_file(path: &Path) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    if !meta.is_file() {
        return Err("is not a file".to_owned());
    }
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("others may read it (mode {mode:o}); chmod 600 it"));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    match PrivateKey::from_openssh(&text) {
        Ok(key) if key.is_encrypted() => Err("has a passphrase; take it away with ssh-keygen -p".to_owned()),
        Ok(key) if key.algorithm().is_dsa() => Err("is a DSA key, which no target takes any more".to_owned()),
        Ok(_) => Ok(()),
        Err(_) => Err("is not an OpenSSH private key; ssh-keygen -p -f FILE makes one of an older form".to_owned()),
    }
}
