//! People and pipelines: who asks, decides and looks.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What a group's `may` allows beyond one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Duty {
    /// Follow anybody's live session.
    Watch,
    /// Replay anybody's recording.
    Replay,
    /// End anybody's session.
    Kill,
    /// End anybody's grant.
    Revoke,
    /// Read the audit log.
    Audit,
}

impl Duty {
    /// Every duty, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Watch, Self::Replay, Self::Kill, Self::Revoke, Self::Audit];

    /// The word of the configuration file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Replay => "replay",
            Self::Kill => "kill",
            Self::Revoke => "revoke",
            Self::Audit => "audit",
        }
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Duty {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|duty| duty.as_str() == text).ok_or(())
    }
}

/// A user as the rules see one: a proven name, with the groups and duties that the configuration gives it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name in the configuration.
    pub name: String,
    /// The groups it is in.
    pub groups: BTreeSet<String>,
    /// What its groups may do beyond their own.
    pub may: BTreeSet<Duty>,
}

impl Person {
    /// Whether one of its groups has this duty.
    #[must_use]
    pub fn has(&self, duty: Duty) -> bool {
        self.may.contains(&duty)
    }

    /// Whether it is in any of these groups.
    #[must_use]
    pub fn in_any(&self, groups: &[String]) -> bool {
        groups.iter().any(|group| self.groups.contains(group))
    }
}

#[cfg(test)]
mod tests;
