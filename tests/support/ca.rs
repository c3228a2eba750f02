//! A certificate authority of a company, and what it revoked: ssh-keygen with `-s` and `-k`.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::keys::{self, KeyPair};
use super::process::Program;

/// A CA with a folder of its own.
pub struct Ca {
    pub key: KeyPair,
    dir: TempDir,
}

impl Ca {
    pub fn new() -> Self {
        Self::of("ed25519")
    }

    /// A CA with a key of this type (`ed25519`, `ecdsa`, `rsa`).
    pub fn of(kind: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("ca").tempdir().expect("make a folder");
        Self { key: keys::generate(dir.path(), "ca", kind), dir }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Signs a key with these options of ssh-keygen. The certificate is beside the key, where ssh and sshd find it.
    pub fn sign(&self, key: &KeyPair, options: &[&str]) -> PathBuf {
        let keygen = Program::new("ssh-keygen").arg("-q").arg("-s").arg(&self.key.path).args(options);
        keygen.arg(key.path.with_extension("pub")).run().ok();
        key.path.with_file_name(format!("{}-cert.pub", key.path.file_name().expect("a name").display()))
    }

    /// Writes a revocation list of what the lines say (ssh-keygen(1), KEY REVOCATION LISTS).
    pub fn revoke(&self, spec: &str) -> PathBuf {
        let (list, lines) = (self.dir().join("revoked.krl"), self.dir().join("spec"));
        std::fs::write(&lines, spec).expect("write a file");
        let keygen = Program::new("ssh-keygen").arg("-q").arg("-k").arg("-f").arg(&list);
        keygen.arg("-s").arg(self.key.path.with_extension("pub")).arg(&lines).run().ok();
        list
    }
}
