//! What is to run on a channel, and whether a role has it.

use crate::role::{Role, SftpAccess};
use crate::text::plain;

/// What is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A login shell.
    Shell,
    /// A command, byte for byte as it came.
    Exec(Vec<u8>),
    /// A subsystem, such as `sftp`.
    Subsystem(String),
}

/// Whether the role has what was asked for.
///
/// # Errors
/// One line that says what it has.
pub fn permitted(role: &Role, start: &Start) -> Result<(), String> {
    let allowed = match start {
        Start::Shell => role.shell,
        Start::Exec(command) => role.allows_command(command),
        Start::Subsystem(name) => name == "sftp" && role.sftp != SftpAccess::None,
    };
    if allowed {
        return Ok(());
    }
    let wanted = match start {
        Start::Shell => "a shell".to_owned(),
        Start::Exec(command) => format!("`{}`", plain(&String::from_utf8_lossy(command))),
        Start::Subsystem(name) => format!("the {} subsystem", plain(name)),
    };
    Err(format!("role {} does not allow {wanted}; it allows {}", role.name, what_it_allows(role)))
}

/// What may run under a role, in a few words.
fn what_it_allows(role: &Role) -> String {
    let mut parts = Vec::new();
    if role.shell {
        parts.push("a shell".to_owned());
    }
    parts.extend(role.exec.iter().map(|pattern| format!("`{pattern}`")));
    let within =
        if role.sftp_roots.is_empty() { String::new() } else { format!(" in {}", role.sftp_roots.join(" and ")) };
    match role.sftp {
        SftpAccess::None => {}
        SftpAccess::Read => parts.push(format!("sftp for reading{within}")),
        SftpAccess::Write => parts.push(format!("sftp{within}")),
    }
    if parts.is_empty() { "nothing of the kind".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests;
