//! Why a conversation ends without a grant.

use curfew_policy::refusal::Refusal;

use crate::console::pen::Gone;
use crate::usecase::Fault;

/// Why the conversation ended without a grant.
pub(super) enum AskingStop {
    /// It was not to be, or not like that.
    Refused(Refusal),
    /// The person is gone.
    Gone,
}

impl AskingStop {
    pub fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Gone => Refusal::withdrawn("left", "nobody waits any more"),
        }
    }
}

impl From<Refusal> for AskingStop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for AskingStop {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into_refusal())
    }
}

impl From<Gone> for AskingStop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}
