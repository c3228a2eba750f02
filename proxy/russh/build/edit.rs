//! What an edit is, and how it is applied.

use std::error::Error;
use std::fs;
use std::path::Path;

/// One change to one file of russh: the text `find`, which must occur exactly once, becomes `put`.
#[derive(Clone, Copy)]
pub struct Edit {
    /// The file, as seen from russh's `src`.
    pub file: &'static str,
    /// What the change is for.
    pub why: &'static str,
    /// The anchor: upstream's text.
    pub find: &'static str,
    /// Our text in its place.
    pub put: &'static str,
}

/// A file of ours that stands among russh's.
pub struct NewFile {
    /// Where it goes, as seen from russh's `src`.
    pub path: &'static str,
    /// What it says.
    pub text: &'static str,
}

/// Copies a folder and all below it.
pub fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            // Read and written, not copied: the registry's files may be read-only.
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Applies every edit to the copy in `root`, or names the first one that does not fit.
pub fn apply(root: &Path, edits: &[Edit]) -> Result<(), Box<dyn Error>> {
    for edit in edits {
        let path = root.join(edit.file);
        let text = fs::read_to_string(&path).map_err(|fault| misfit(edit, &fault.to_string()))?;
        let text = match text.matches(edit.find).count() {
            1 => text.replacen(edit.find, edit.put, 1),
            0 => return Err(misfit(edit, "its anchor is not there").into()),
            times => return Err(misfit(edit, &format!("its anchor occurs {times} times, not once")).into()),
        };
        fs::write(path, text)?;
    }
    Ok(())
}

fn misfit(edit: &Edit, fault: &str) -> String {
    let anchor = edit.find.trim().lines().next().unwrap_or_default();
    format!("an edit of russh's {} no longer fits: {fault}. Anchor: `{anchor}`. Purpose: {}", edit.file, edit.why)
}
