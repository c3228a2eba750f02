//! Who stands at a door, and where they want to go.

use curfew_policy::target::Protocol;

/// Somebody at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The proven user's name.
    pub user: String,
    /// What proved it: a key's fingerprint.
    pub proof: String,
    /// The target's name as typed.
    pub target: String,
    /// The login, where one was typed.
    pub login: Option<String>,
    /// What is spoken on the way there.
    pub protocol: Protocol,
    /// Where they come from: address and port.
    pub from: String,
    /// What their client says it is.
    pub client: String,
}
