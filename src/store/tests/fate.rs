//! Has the next commit lose its answer.

use std::cell::Cell;

/// What becomes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// The connection is gone before COMMIT arrived.
    LostBefore,
    /// The connection is gone after COMMIT arrived, before its answer.
    LostAfter,
}

thread_local! {
    // Tests run their use cases on one thread.
    static NEXT: Cell<Fate> = const { Cell::new(Fate::Answered) };
}

/// The next commit on this thread fares so.
pub fn have(fate: Fate) {
    NEXT.set(fate);
}

/// How this commit fares.
pub fn next() -> Fate {
    NEXT.replace(Fate::Answered)
}
