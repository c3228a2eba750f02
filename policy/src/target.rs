//! What stands behind the bastion.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What is spoken with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// SSH, version 2.
    Ssh,
    /// Any TCP service, its bytes passed through.
    Tcp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ssh => "ssh",
            Self::Tcp => "tcp",
        })
    }
}

/// Where a target listens: a host name or IP address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// A TCP port, never 0.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How Curfew proves itself to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetAuth {
    /// A certificate from Curfew's own CA, made for the session and valid no longer than the grant.
    Certificate,
    /// A private key on disk.
    KeyFile(PathBuf),
}

/// A host or TCP service behind the bastion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name in the configuration, and in `ssh NAME@bastion`.
    pub name: String,
    /// What is spoken with it.
    pub protocol: Protocol,
    /// Where it listens.
    pub address: Address,
    /// The host keys it may show, as OpenSSH public key lines without comment (`ssh-ed25519 AAAA…`).
    pub host_keys: Vec<String>,
    /// The CAs whose certificates for it are accepted, written the same way.
    pub host_cas: Vec<String>,
    /// Its labels, which rules may name.
    pub labels: BTreeMap<String, String>,
    /// How Curfew proves itself to it.
    pub auth: TargetAuth,
}

#[cfg(test)]
mod tests;
