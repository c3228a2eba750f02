//! Why not: a text for the person who asked, and one for the audit log.

use std::fmt;

/// A refusal. `public` is what the person reads and gives away nothing that they may not know; `audit` is what the
/// security team reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The machine's word for it (`no-grant`, `unknown-target`), for logs and counters.
    pub code: &'static str,
    /// One line for the person: what was wrong, and what to do.
    pub public: String,
    /// One line for the audit log.
    pub audit: String,
}

impl Refusal {
    /// A refusal whose two texts are the same.
    #[must_use]
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code, audit: text.clone(), public: text }
    }

    /// The same refusal with another text for the audit log.
    #[must_use]
    pub fn audited(mut self, text: impl Into<String>) -> Self {
        self.audit = text.into();
        self
    }

    /// Whether there may be a grant to ask for that would help: there is none, or none for that login.
    #[must_use]
    pub fn is_for_want_of_a_grant(&self) -> bool {
        matches!(self.code, "no-grant" | "ended" | "no-login" | "wrong-login")
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
