//! Makes our russh: finds the pinned release, copies its source, applies the edits of `edits`.

#[path = "build/edit.rs"]
mod edit;
#[path = "edits/mod.rs"]
mod edits;
#[path = "build/locate.rs"]
mod locate;
#[path = "build/manifest.rs"]
mod manifest;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    for watched in ["build.rs", "build", "edits", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    match make() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            println!("cargo::error={}", fault.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn make() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let upstream = locate::upstream(&here, &out)?;
    manifest::compare(&locate::ours(&here)?, &upstream)?;

    let made = out.join("russh");
    if made.exists() {
        fs::remove_dir_all(&made)?;
    }
    edit::copy(&upstream.source()?, &made)?;
    for file in edits::NEW_FILES {
        fs::write(made.join(file.path), file.text)?;
    }
    edit::apply(&made, &edits::all())
}
