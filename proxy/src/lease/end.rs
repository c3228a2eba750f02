//! Why a session ended.

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The client went away, or was done.
    Client,
    /// The target went away.
    Target,
    /// The grant's time was up.
    Expired,
    /// The grant was taken back: by whom, and in which words.
    Revoked {
        /// The user, or `curfew` where a changed configuration did it.
        by: String,
        /// What they said.
        note: String,
    },
    /// The session was killed: by whom, and in which words.
    Killed {
        /// The user.
        by: String,
        /// What they said.
        note: String,
    },
    /// Nothing moved for as long as the role allows.
    Idle,
    /// What happened could no longer be recorded.
    RecordingFailed,
    /// The gateway is going down.
    Shutdown,
    /// A fault of the gateway's own broke it off.
    Interrupted,
    /// The target could not be reached or was not the one it should be: why.
    Unreachable(String),
}

impl End {
    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Target => "target",
            Self::Expired => "expired",
            Self::Revoked { .. } => "revoked",
            Self::Killed { .. } => "killed",
            Self::Idle => "idle",
            Self::RecordingFailed => "recording-failed",
            Self::Shutdown => "shutdown",
            Self::Interrupted => "interrupted",
            Self::Unreachable(_) => "unreachable",
        }
    }

    /// Whether Curfew cut the session, so that its clients exit with 124.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        !matches!(self, Self::Client | Self::Target | Self::Unreachable(_))
    }
}
