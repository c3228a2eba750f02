//! The check at the start: does the audit log end as the head file says?

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sqlx::Executor;

use super::StoreError;
use super::chain::Checkpoint;
use super::dialect::Conn;
use super::head::{self, Kept};
use super::reading::record;
use super::verify::{self, Chain};

/// The audit log is not as it was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What the head file says that the log ended with.
    pub expected: Option<i64>,
    /// What it ends with.
    pub found: Option<i64>,
    /// In words.
    pub what: String,
}

/// The end of the log, as far as it can be trusted.
#[derive(Debug)]
pub(super) struct Found {
    /// Where the chain goes on.
    pub(super) newest: Option<Checkpoint>,
    /// What was wrong.
    pub(super) gap: Option<Gap>,
}

/// Compares the log's end with the head file. After a crash the log may be some records ahead of it.
pub(super) async fn examine(
    conn: &mut Conn,
    gateway: &str,
    head_file: &Path,
    key: &Ed25519KeyPair,
) -> Result<Found, StoreError> {
    let query = sqlx::query("SELECT * FROM audit WHERE gateway = $1 ORDER BY seq DESC LIMIT 1");
    let last = conn.fetch_optional(query.bind(gateway.to_owned())).await?;
    let last = last.as_ref().map(record).transpose()?;
    let (head, what) = match head::read(head_file, key.public_key().as_ref()) {
        Kept::None if last.is_none() => (None, None),
        Kept::None => (None, Some("the head file is gone".to_owned())),
        Kept::Foreign => (None, Some("the head file is damaged, or was signed by another key".to_owned())),
        Kept::Good(head) => {
            let what = fault(conn, gateway, &head, key.public_key().as_ref()).await?;
            (Some(head), what)
        }
    };
    let gap = what.map(|what| Gap {
        expected: head.as_ref().map(|head| head.seq),
        found: last.as_ref().map(|last| last.seq),
        what,
    });
    // The chain goes on after whichever is further, so that a cut stays visible for ever as missing numbers.
    let newest = match (head, last) {
        (Some(head), Some(last)) if last.seq > head.seq => Some(Checkpoint::sign(&last, key)),
        (Some(head), _) => Some(head),
        (None, last) => last.map(|last| Checkpoint::sign(&last, key)),
    };
    Ok(Found { newest, gap })
}

/// What is wrong with the records from the head on.
async fn fault(conn: &mut Conn, gateway: &str, head: &Checkpoint, key: &[u8]) -> Result<Option<String>, StoreError> {
    let from = verify::links(conn, gateway, head.seq - 1, i64::MAX).await?;
    let Some((first, after)) = from.split_first().filter(|((first, _), _)| first.seq == head.seq) else {
        return Ok(Some(format!("record {} is missing: its end was cut off, or an old copy put back", head.seq)));
    };
    if first.0.hash != head.hash {
        return Ok(Some(format!("record {} is not the one that was written", head.seq)));
    }
    let followed = Chain::after(key, head).follow(after);
    Ok(followed.err().map(|fault| format!("record {}: {}", fault.seq, fault.what)))
}
