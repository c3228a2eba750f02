//! What can happen, in the words of the audit log.

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// The word in the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

actions! {
    /// Somebody asked for access, or for more time.
    RequestFiled = "request.filed",
    /// Somebody asked for what no rule gives.
    RequestRefused = "request.refused",
    /// A yes, but not yet enough of them.
    RequestApproved = "request.approved",
    /// The rules and approvals sufficed.
    RequestGranted = "request.granted",
    /// An approver said no.
    RequestDenied = "request.denied",
    /// Its owner took it back.
    RequestCancelled = "request.cancelled",
    /// Nobody decided in time.
    RequestLapsed = "request.lapsed",
    /// A scheduled grant began.
    GrantStarted = "grant.started",
    /// A grant ends later than it did.
    GrantExtended = "grant.extended",
    /// Its owner was done with it.
    GrantDone = "grant.done",
    /// Somebody took it back.
    GrantRevoked = "grant.revoked",
    /// Its time was up.
    GrantExpired = "grant.expired",
    /// What still ran in the grace of an expired one was cut.
    GraceEnded = "grant.grace-ended",
    /// Its time was up and nobody had used it.
    GrantUnused = "grant.unused",
    /// Somebody was let in.
    SessionStarted = "session.started",
    /// Somebody proven was not let in.
    SessionRefused = "session.refused",
    /// A session was killed; its end follows.
    SessionKilled = "session.killed",
    /// A session ended.
    SessionEnded = "session.ended",
    /// Somebody followed another's live session.
    SessionWatched = "session.watched",
    /// Somebody replayed another's recording.
    SessionReplayed = "session.replayed",
    /// A channel is being recorded.
    RecordingStarted = "recording.started",
    /// A recording was sealed.
    RecordingSealed = "recording.sealed",
    /// A connection was refused before anybody was proven.
    ConnectionRefused = "connection.refused",
    /// The gateway began to serve.
    GatewayStarted = "gateway.started",
    /// The gateway went down in order.
    GatewayStopped = "gateway.stopped",
    /// The configuration was read at the start.
    ConfigLoaded = "config.loaded",
    /// The configuration was read again.
    ConfigReloaded = "config.reloaded",
    /// The log was not as the gateway had left it.
    AuditGap = "audit.gap",
}
