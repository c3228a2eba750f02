//! Has the next commit lose its answer.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;

use sqlx::Connection;

use crate::store::dialect::Conn;
use crate::store::{Checkpoint, StoreError};

/// Something that takes hold of the database, and holds it for as long as its connection lives.
pub type Hold = Pin<Box<dyn Future<Output = Conn> + Send>>;

/// What becomes of a commit.
#[derive(Default)]
pub enum Fate {
    #[default]
    Answered,
    /// The connection is gone before COMMIT arrived.
    LostBefore,
    /// The connection is gone after COMMIT arrived, before its answer.
    LostAfter,
    /// The same, and then somebody else holds the database until [`let_go`].
    LostAfterThen(Hold),
}

thread_local! {
    // Tests run their use cases on one thread.
    static NEXT: RefCell<Fate> = RefCell::default();
    static HELD: RefCell<Option<Conn>> = const { RefCell::new(None) };
}

/// The next commit on this thread fares so.
pub fn have(fate: Fate) {
    NEXT.replace(fate);
}

/// How this commit fares.
pub fn next() -> Fate {
    NEXT.take()
}

impl Fate {
    /// What the caller of a commit is told that took place.
    pub async fn lost_after(self, checkpoint: &Checkpoint) -> Option<StoreError> {
        match self {
            Self::Answered | Self::LostBefore => return None,
            Self::LostAfter => {}
            Self::LostAfterThen(hold) => {
                let conn = hold.await;
                HELD.replace(Some(conn));
            }
        }
        Some(StoreError::Unanswered(Box::new(checkpoint.clone())))
    }
}

/// The database is free again.
pub async fn let_go() {
    if let Some(conn) = HELD.take() {
        conn.close().await.unwrap();
    }
}
