//! Why not: a text for the person who asked, one for the audit log, and what would help.

use std::fmt;

/// A refusal. `public` is what the person reads and gives away nothing that they may not know; `audit` is what the
/// security team reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What sort of refusal, for whoever acts on it.
    pub kind: RefusalKind,
    /// The machine's word for it (`no-grant`, `unknown-target`), for logs and counters. Nobody acts on it.
    pub code: &'static str,
    /// One line for the person: what was wrong, and what to do.
    pub public: String,
    /// One line for the audit log.
    pub audit: String,
    /// What would help, for the door to write as its people type it.
    pub hint: Option<Box<Hint>>,
}

/// What sort of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// What was given makes no sense here, whoever gives it.
    Usage,
    /// The duration does not fit; another may.
    Duration,
    /// The reason does not fit; another may.
    Reason,
    /// This person may not do it.
    NotAllowed,
    /// No grant of the person carries it; one that is asked for may.
    NoGrant,
    /// The person has a grant for another login.
    WrongLogin,
    /// It is not there, as far as this person may know.
    NotFound,
    /// It has been decided, has ended, or has changed meanwhile.
    Conflict,
    /// There are too many of them already.
    TooMany,
    /// Something that is needed does not answer now.
    Unavailable,
    /// The person went away or took it back.
    Withdrawn,
}

/// What would help: a few words that lead to it (`end your own with`), and the way itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The words, where there are any.
    pub lead: Option<String>,
    /// What to type. Each door writes it in its own way.
    pub way: Way,
}

/// What to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A command, without the door before it: `request web1 --role admin --for 30m --reason TEXT`.
    Command(String),
    /// SSH to a target, with a login to be filled in.
    Login {
        /// The target.
        target: String,
    },
    /// The port of a TCP target, forwarded.
    Forward {
        /// The target.
        target: String,
        /// Its port.
        port: u16,
    },
    /// Another port of the host of an SSH target, forwarded through a session there.
    Through {
        /// The target.
        target: String,
        /// The port on its host.
        port: u32,
    },
}

impl Refusal {
    /// A refusal whose two texts are the same.
    #[must_use]
    pub fn new(kind: RefusalKind, code: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { kind, code, audit: text.clone(), public: text, hint: None }
    }

    /// A refusal of what makes no sense here.
    #[must_use]
    pub fn usage(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::Usage, code, text)
    }

    /// A refusal of a duration.
    #[must_use]
    pub fn duration(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::Duration, code, text)
    }

    /// A refusal of a reason.
    #[must_use]
    pub fn reason(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::Reason, code, text)
    }

    /// A refusal of what this person may not do.
    #[must_use]
    pub fn not_allowed(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::NotAllowed, code, text)
    }

    /// A refusal for want of a grant.
    #[must_use]
    pub fn no_grant(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::NoGrant, code, text)
    }

    /// A refusal of what is not there.
    #[must_use]
    pub fn not_found(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::NotFound, code, text)
    }

    /// A refusal of what has been decided, has ended, or has changed meanwhile.
    #[must_use]
    pub fn conflict(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::Conflict, code, text)
    }

    /// A refusal of what would be too many.
    #[must_use]
    pub fn too_many(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::TooMany, code, text)
    }

    /// A refusal for want of something that does not answer now.
    #[must_use]
    pub fn unavailable(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::Unavailable, code, text)
    }

    /// The end of what a person went away from or took back.
    #[must_use]
    pub fn withdrawn(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(RefusalKind::Withdrawn, code, text)
    }

    /// The same refusal with another text for the audit log.
    #[must_use]
    pub fn audited(mut self, text: impl Into<String>) -> Self {
        self.audit = text.into();
        self
    }

    /// The same refusal with what would help.
    #[must_use]
    pub fn hinted(mut self, lead: Option<&str>, way: Way) -> Self {
        self.hint = Some(Box::new(Hint { lead: lead.map(str::to_owned), way }));
        self
    }

    /// The same refusal with a command that would help, behind words that lead to it.
    #[must_use]
    pub fn hinted_command(self, lead: &str, command: impl Into<String>) -> Self {
        self.hinted(Some(lead), Way::Command(command.into()))
    }

    /// Whether there may be a grant to ask for that would help: there is none, or none for that login.
    #[must_use]
    pub const fn is_for_want_of_a_grant(&self) -> bool {
        matches!(self.kind, RefusalKind::NoGrant | RefusalKind::WrongLogin)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.public)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests;
