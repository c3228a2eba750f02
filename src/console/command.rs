//! What can be typed after `ssh bastion`, as values.

use std::time::Duration;

use curfew_policy::id::{AnyId, GrantId, RequestId, SessionId};
use curfew_recorder::Pace;

pub use super::narrow::{Narrow, When};
use super::spec::Spec;
use crate::usecase::list::Which;
use crate::usecase::request::Wish;

/// A command, and how its answer is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandLine {
    /// What to do.
    pub command: Command,
    /// Whether the answer is one JSON value instead of text.
    pub json: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Nothing was typed: the page an engineer wants to see first.
    Home,
    /// `help`, `help COMMAND`, `COMMAND --help`.
    Help(Option<&'static Spec>),
    /// `status`
    Status,
    /// `version`
    Version,
    /// `whoami`
    Whoami,
    /// `targets`
    Targets,
    /// `request TARGET… --role ROLE --for 30m --reason TEXT`
    Request {
        /// What is asked for, before any rule has looked at it.
        wish: Wish,
        /// Whether to wait for the decision.
        wait: bool,
    },
    /// `requests`
    Requests {
        /// Which of them.
        which: Which,
        /// What narrows them.
        narrow: Narrow,
    },
    /// `show ID`
    Show(AnyId),
    /// `approve r12`
    Approve {
        /// Which request.
        id: RequestId,
        /// The shorter time that is granted instead.
        shorten: Option<Duration>,
        /// With what words.
        note: Option<String>,
    },
    /// `deny r12 --note TEXT`
    Deny {
        /// Which request.
        id: RequestId,
        /// Why.
        note: String,
    },
    /// `cancel r12`
    Cancel(RequestId),
    /// `grants`
    Grants {
        /// Those that have ended too.
        all: bool,
        /// What narrows them.
        narrow: Narrow,
    },
    /// `extend g9 --for 30m --reason TEXT`
    Extend {
        /// Which grant.
        id: GrantId,
        /// By how much, from its present end.
        by: Duration,
        /// Why.
        reason: String,
    },
    /// `done g9`
    Done(GrantId),
    /// `revoke g9 --note TEXT`
    Revoke {
        /// Which grant.
        id: GrantId,
        /// Why.
        note: String,
    },
    /// `sessions`
    Sessions {
        /// Those that have ended too.
        all: bool,
        /// What narrows them.
        narrow: Narrow,
    },
    /// `watch s345`
    Watch(SessionId),
    /// `kill s345 --note TEXT`
    Kill {
        /// Which session.
        id: SessionId,
        /// Why.
        note: String,
    },
    /// `replay s345`
    Replay {
        /// Which session.
        id: SessionId,
        /// How to play it.
        pace: Pace,
    },
    /// `audit`, with what narrows it.
    Audit(Narrow),
}
