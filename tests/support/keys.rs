//! Key pairs made by ssh-keygen.

use std::path::{Path, PathBuf};

use super::process::Program;

/// A key pair in a file: the private half at `path`, the public line in `public`.
#[derive(Clone)]
pub struct KeyPair {
    pub path: PathBuf,
    pub public: String,
}

/// Makes a pair of the given type (`ed25519`, `ecdsa`, `rsa`).
pub fn generate(dir: &Path, name: &str, kind: &str) -> KeyPair {
    let path = dir.join(name);
    Program::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-C", name, "-f"]).arg(&path).run().ok();
    let public = std::fs::read_to_string(path.with_extension("pub")).expect("ssh-keygen writes the public half");
    KeyPair { path, public: public.trim().to_owned() }
}

impl KeyPair {
    /// The public half without its comment.
    pub fn bare(&self) -> String {
        self.public.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }
}
