//! Finds the source of the pinned russh, wherever cargo keeps it.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The release our edits are written for.
const VERSION: &str = "0.65.1";

/// A package as `cargo metadata` describes it.
pub struct Package(Value);

impl Package {
    /// Its dependencies, as `cargo metadata` lists them.
    pub fn dependencies(&self) -> &[Value] {
        self.0["dependencies"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The folder of its source.
    pub fn source(&self) -> Result<PathBuf, Box<dyn Error>> {
        let manifest = self.0["manifest_path"].as_str().ok_or("cargo metadata names no manifest")?;
        Ok(Path::new(manifest).with_file_name("src"))
    }
}

/// This crate.
pub fn ours(here: &Path) -> Result<Package, Box<dyn Error>> {
    let manifest = here.join("Cargo.toml");
    package(metadata(here, &manifest, &["--no-deps", "--offline"])?, &env::var("CARGO_PKG_NAME")?)
}

/// The pinned russh, downloaded if it is not here yet.
///
/// The question is put about a small package of its own with our lock file, not about the workspace: cargo then needs
/// only what this platform builds, all of it here already, and can answer without a network.
pub fn upstream(here: &Path, out: &Path) -> Result<Package, Box<dyn Error>> {
    let probe = out.join("probe");
    fs::create_dir_all(&probe)?;
    let manifest = probe.join("Cargo.toml");
    fs::write(&manifest, probe_manifest())?;
    fs::write(probe.join("lib.rs"), "")?;
    let lock = here.ancestors().map(|folder| folder.join("Cargo.lock")).find(|lock| lock.is_file());
    if let Some(lock) = lock {
        fs::write(probe.join("Cargo.lock"), fs::read(lock)?)?;
    }
    let target = env::var("TARGET")?;
    let asked = ["--filter-platform", &target];
    let answer = metadata(here, &manifest, &[&asked[..], &["--offline"]].concat())
        .or_else(|_| metadata(here, &manifest, &asked))
        .map_err(|fault| format!("the source of russh {VERSION} is not here (`cargo fetch` gets it): {fault}"))?;
    package(answer, "russh")
}

fn probe_manifest() -> String {
    format!(
        "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[lib]\npath = \"lib.rs\"\n\n\
         [dependencies.russh]\nversion = \"={VERSION}\"\ndefault-features = false\nfeatures = [\"aws-lc-rs\", \"rsa\"]\n"
    )
}

/// Asks cargo, from our folder, so that its configuration (vendored sources, mirrors) counts.
fn metadata(here: &Path, manifest: &Path, more: &[&str]) -> Result<Value, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").ok_or("CARGO is not set: build with cargo")?;
    let output = Command::new(cargo)
        .current_dir(here)
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .args(more)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn package(answer: Value, name: &str) -> Result<Package, Box<dyn Error>> {
    let packages = answer["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let found = packages.iter().find(|package| package["name"] == name);
    Ok(Package(found.ok_or_else(|| format!("cargo metadata does not know {name}"))?.clone()))
}
