//! Ids that can be said on the phone: requests `r12`, grants `g9`, sessions `s345`.

use std::fmt;
use std::str::FromStr;

/// An id that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: ids look like r12, g9 or s345")]
pub struct BadId(pub String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                // One id has one spelling: no sign, no leading zero, and so none is 0.
                text.strip_prefix($letter)
                    .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0'))
                    .and_then(|digits| digits.parse().ok())
                    .map(Self)
                    .ok_or_else(|| BadId(text.escape_debug().take(40).collect()))
            }
        }
    };
}

id!(
    /// A request for access.
    RequestId,
    "r"
);
id!(
    /// An approved request.
    GrantId,
    "g"
);
id!(
    /// One authenticated connection to one target under one grant.
    SessionId,
    "s"
);

/// An id of any of the three kinds, as `show` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnyId {
    /// `r12`
    Request(RequestId),
    /// `g9`
    Grant(GrantId),
    /// `s345`
    Session(SessionId),
}

impl FromStr for AnyId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        text.parse()
            .map(Self::Request)
            .or_else(|_| text.parse().map(Self::Grant))
            .or_else(|_| text.parse().map(Self::Session))
    }
}

#[cfg(test)]
mod tests;
