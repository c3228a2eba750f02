//! The right of a live session to go on, on two clocks: it ends when the first of them says so.

use std::time::Duration;

use jiff::Timestamp;

use crate::time::{after, until};

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, which may be stepped.
    pub wall: Timestamp,
    /// The monotonic clock, since some fixed moment of this process.
    pub mono: Duration,
}

/// The end of a session on both clocks.
///
/// The wall clock alone could be stepped back, and the monotonic clock alone stands still while the machine is
/// suspended; together they never give a second more than was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    wall: Timestamp,
    mono: Duration,
}

impl Deadline {
    /// The deadline of something that ends at `expires_at`, as seen at `now`.
    #[must_use]
    pub fn new(now: Now, expires_at: Timestamp) -> Self {
        Self { wall: expires_at, mono: now.mono.saturating_add(until(now.wall, expires_at)) }
    }

    /// The same deadline when what it stands for ends at another moment: both clocks' ends move by the same span. The
    /// present reading of the clocks has no part in it, so a wall clock that was stepped meanwhile stretches nothing.
    #[must_use]
    pub fn moved_to(self, expires_at: Timestamp) -> Self {
        let (later, earlier) = (until(self.wall, expires_at), until(expires_at, self.wall));
        Self { wall: expires_at, mono: self.mono.saturating_add(later).saturating_sub(earlier) }
    }

    /// The wall clock's end.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.wall
    }

    /// How much is left; zero when either clock has reached its end.
    #[must_use]
    pub fn remaining(&self, now: Now) -> Duration {
        until(now.wall, self.wall).min(self.mono.saturating_sub(now.mono))
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: Now) -> bool {
        self.remaining(now).is_zero()
    }

    /// The moment that lies a span before this one, on both clocks.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self { wall: self.wall.checked_sub(span).unwrap_or(self.wall), mono: self.mono.saturating_sub(span) }
    }

    /// The moment that lies a span after this one, on both clocks.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self { wall: after(self.wall, span), mono: self.mono.saturating_add(span) }
    }

    /// The earlier of two deadlines, clock by clock.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), mono: self.mono.min(other.mono) }
    }
}

#[cfg(test)]
mod tests;
