//! Whether the audit log is whole: every record there, unchanged, in its place, and signed.
//!
//! It needs the database file, the head file and the public key, and writes nothing, so it works beside a running
//! gateway and on a copy far away from it.

use std::path::Path;

use sqlx::{Connection, Executor, Row as _};

use super::StoreError;
use super::action::Action;
use super::chain::{Checkpoint, GENESIS, Record};
use super::dialect::{self, Conn, Dialect, Purpose, Row};
use super::head::{self, Kept};
use super::reading::record;
use crate::config::location::Location;

/// How many records are read at once; one signature is checked for each such page, and each one where it is bad.
const PAGE: i64 = 64;

/// What the verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is missing and nothing was changed.
    Intact {
        /// How many records there are.
        events: i64,
    },
    /// The first bad record.
    Broken {
        /// Its number.
        seq: i64,
        /// What is wrong with it.
        what: String,
    },
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuditFault {
    pub(super) seq: i64,
    pub(super) what: String,
}

/// A record and its checkpoint, where there is one.
pub(super) type Link = (Record, Option<Checkpoint>);

/// Verifies the audit log of a gateway in a database against the public key (Ed25519, 32 bytes) and the head file.
///
/// # Errors
/// When the database cannot be read at all.
pub async fn verify_audit(
    location: &Location,
    gateway: &str,
    public_key: &[u8],
    head_file: &Path,
) -> Result<Verdict, StoreError> {
    // The head first: a running gateway may commit meanwhile, and the log may be ahead of the head but not behind.
    let kept = head::read(head_file, public_key);
    let mut conn = dialect::connect(location, Purpose::Inspect).await?;
    let verdict = match walk(&mut conn, Dialect::of(location), gateway, public_key, &kept).await? {
        Ok(events) => Verdict::Intact { events },
        Err(AuditFault { seq, what }) => Verdict::Broken { seq, what },
    };
    conn.close().await?;
    Ok(verdict)
}

async fn walk(
    conn: &mut Conn,
    dialect: Dialect,
    gateway: &str,
    key: &[u8],
    kept: &Kept,
) -> Result<Result<i64, AuditFault>, StoreError> {
    if let Some(table) = missing_table(conn, dialect).await? {
        return Ok(Err(AuditFault { seq: 1, what: format!("the table `{table}` is gone") }));
    }
    let mut chain = Chain::new(key);
    loop {
        let page = links(conn, gateway, chain.seq, PAGE).await?;
        if let Err(fault) = chain.follow(&page).and_then(|()| meets(&page, kept)) {
            return Ok(Err(fault));
        }
        if page.is_empty() {
            return Ok(ends(chain.seq, kept));
        }
    }
}

/// Where the head file names one of these records, it must be that one.
fn meets(page: &[Link], kept: &Kept) -> Result<(), AuditFault> {
    let Kept::Good(head) = kept else { return Ok(()) };
    match page.iter().find(|(record, _)| record.seq == head.seq) {
        Some((record, _)) if record.hash != head.hash => {
            Err(AuditFault { seq: head.seq, what: "it is not the record that was written".to_owned() })
        }
        _ => Ok(()),
    }
}

/// The log must not end before the record that the head file names.
fn ends(last: i64, kept: &Kept) -> Result<i64, AuditFault> {
    match kept {
        Kept::Good(head) if last < head.seq => {
            let what = format!("it is missing, and all up to {}: cut off, or an old copy put back", head.seq);
            Err(AuditFault { seq: last + 1, what })
        }
        Kept::None if last > 0 => {
            Err(AuditFault { seq: last, what: "the head file, which proves that it is the last, is gone".to_owned() })
        }
        Kept::Foreign => {
            Err(AuditFault { seq: last, what: "the head file is damaged, or was signed by another key".to_owned() })
        }
        _ => Ok(last),
    }
}

async fn missing_table(conn: &mut Conn, dialect: Dialect) -> Result<Option<&'static str>, StoreError> {
    for table in ["audit", "audit_checkpoints"] {
        let found = conn.fetch_one(sqlx::query(dialect.has_table()).bind(table)).await?;
        if found.try_get::<i64, _>(0)? == 0 {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// The records of a gateway after one, with their checkpoints.
pub(super) async fn links(conn: &mut Conn, gateway: &str, after: i64, limit: i64) -> Result<Vec<Link>, StoreError> {
    let query = sqlx::query(
        "SELECT audit.*, c.hash AS c_hash, c.at AS c_at, c.key_id AS c_key_id, c.signature AS c_signature
         FROM audit LEFT JOIN audit_checkpoints c
             ON c.seq = audit.seq AND c.gateway = audit.gateway AND c.incarnation = audit.incarnation
         WHERE audit.gateway = $1 AND audit.seq > $2 ORDER BY audit.seq LIMIT $3",
    )
    .bind(gateway.to_owned())
    .bind(after)
    .bind(limit);
    let rows = conn.fetch_all(query).await?;
    rows.iter().map(|row| Ok((record(row)?, checkpoint(row)?))).collect()
}

fn checkpoint(row: &Row) -> Result<Option<Checkpoint>, StoreError> {
    let Some(hash) = row.try_get::<Option<String>, _>("c_hash")? else { return Ok(None) };
    Ok(Some(Checkpoint {
        seq: row.try_get("seq")?,
        hash,
        at: row.try_get("c_at")?,
        key_id: row.try_get("c_key_id")?,
        signature: row.try_get("c_signature")?,
    }))
}

/// Follows the chain from record to record.
#[derive(Debug)]
pub(super) struct Chain<'k> {
    key: &'k [u8],
    /// The last good record; 0 before the first.
    pub(super) seq: i64,
    hash: String,
}

impl<'k> Chain<'k> {
    /// From the first record on.
    pub(super) fn new(key: &'k [u8]) -> Self {
        Self { key, seq: 0, hash: GENESIS.to_owned() }
    }

    /// From after a record that is known to be good.
    pub(super) fn after(key: &'k [u8], good: &Checkpoint) -> Self {
        Self { key, seq: good.seq, hash: good.hash.clone() }
    }

    /// Follows some records. A good signature on the last vouches for all before it, since its hash covers theirs.
    pub(super) fn follow(&mut self, links: &[Link]) -> Result<(), AuditFault> {
        let signed = links.last().is_none_or(|link| self.signature(link).is_ok());
        for link in links {
            self.step(&link.0)?;
            if !signed {
                self.signature(link)?;
            }
            if link.1.is_none() {
                return Err(AuditFault { seq: link.0.seq, what: "its checkpoint is gone".into() });
            }
            if link.0.action == Action::AuditGap.as_str() {
                return Err(AuditFault {
                    seq: link.0.seq,
                    what: format!("the gateway found the log damaged: {}", link.0.detail),
                });
            }
            self.seq = link.0.seq;
            self.hash.clone_from(&link.0.hash);
        }
        Ok(())
    }

    fn step(&self, record: &Record) -> Result<(), AuditFault> {
        let expected = self.seq + 1;
        let fault = |seq: i64, what: &str| Err(AuditFault { seq, what: what.to_owned() });
        if record.seq != expected {
            return fault(expected, "it is missing");
        }
        if record.digest() != record.hash {
            return fault(expected, "it was changed: its hash does not fit");
        }
        if record.prev != self.hash {
            return fault(expected, "it does not follow the record before it");
        }
        Ok(())
    }

    fn signature(&self, (record, checkpoint): &Link) -> Result<(), AuditFault> {
        let fault = |what: &str| Err(AuditFault { seq: record.seq, what: what.to_owned() });
        match checkpoint {
            None => fault("its checkpoint is gone"),
            Some(checkpoint) if checkpoint.hash != record.hash || checkpoint.at != record.at => {
                fault("it is not the record that was signed")
            }
            Some(checkpoint) if !checkpoint.is_signed_by(self.key) => fault("its signature is not good for this key"),
            Some(_) => Ok(()),
        }
    }
}
