//! What may be done on a target.

use std::time::Duration;

use crate::endpoint::{Endpoint, EndpointPattern};
use crate::pattern::{CommandPattern, Glob};

/// How much of SFTP a role has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum SftpAccess {
    /// The subsystem is refused.
    #[default]
    None,
    /// Nothing on the target is changed.
    Read,
    /// Everything.
    Write,
}

/// What becomes of a session when its grant expires. A grant that is revoked ends its sessions at once, whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AtExpiry {
    /// It is cut.
    #[default]
    Cut,
    /// Nothing new opens, and what runs may finish for as long; then it is cut.
    Grace(Duration),
}

/// What may be done on a target; what is not named is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name in the configuration.
    pub name: String,
    /// The logins it may use on the target. Empty only for a role of TCP targets.
    pub logins: Vec<String>,
    /// Whether a login shell may be opened.
    pub shell: bool,
    /// The commands that may be run.
    pub exec: Vec<CommandPattern>,
    /// How much of SFTP it has.
    pub sftp: SftpAccess,
    /// The folders on the target outside of which SFTP reaches nothing; none is anywhere.
    pub sftp_roots: Vec<String>,
    /// Where `-L` and `-D` may lead, as seen from the target.
    pub forward: Vec<EndpointPattern>,
    /// What `-R` may listen on, on the target.
    pub listen: Vec<EndpointPattern>,
    /// Whether the user's agent may be forwarded.
    pub agent: bool,
    /// The names of environment variables that are passed on.
    pub env: Vec<Glob>,
    /// After how long without a byte in either direction, and without a command that runs, a session ends.
    pub max_idle: Option<Duration>,
    /// How many sessions a grant has at once.
    pub max_sessions: Option<u32>,
    /// What becomes of its sessions when the grant expires.
    pub at_expiry: AtExpiry,
    /// Whether what a person types is recorded too.
    pub record_input: bool,
}

impl Role {
    /// For how long what runs may go on after the grant has expired; zero where sessions are cut.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        match self.at_expiry {
            AtExpiry::Cut => Duration::ZERO,
            AtExpiry::Grace(grace) => grace,
        }
    }

    /// Whether this exact command may be run.
    #[must_use]
    pub fn allows_command(&self, command: &[u8]) -> bool {
        self.exec.iter().any(|pattern| pattern.matches(command))
    }

    /// Whether an environment variable of this name is passed on. Only names that POSIX calls portable are: letters,
    /// digits and `_`; so not even `*` lets a bash function (`BASH_FUNC_x%%`) through. Those of Curfew (`CURFEW_REASON`)
    /// are for the bastion alone.
    #[must_use]
    pub fn allows_env(&self, name: &str) -> bool {
        let portable = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        portable && !name.starts_with("CURFEW_") && self.env.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether `-L` or `-D` may lead there.
    #[must_use]
    pub fn allows_forward(&self, to: Endpoint<'_>) -> bool {
        self.forward.iter().any(|pattern| pattern.allows(to))
    }

    /// Whether `-R` may listen there.
    #[must_use]
    pub fn allows_listen(&self, on: Endpoint<'_>) -> bool {
        self.listen.iter().any(|pattern| pattern.allows(on))
    }

    /// Whether a pseudo-terminal makes sense: wherever a shell or some command is allowed.
    #[must_use]
    pub fn allows_pty(&self) -> bool {
        self.shell || !self.exec.is_empty()
    }
}

#[cfg(test)]
mod tests;
