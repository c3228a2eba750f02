//! A stretch of the audit log, read page by page.

use curfew_policy::time::rfc3339;
use jiff::Timestamp;
use sqlx::Row as _;

use super::StoreError;
use super::chain::Record;
use super::list::{Assembled, Bound, ListFilter, Listed, Selection};
use super::reading::{Reading, record};

/// How many records of the audit log are read at once, and about how many bytes of detail: what is then made of
/// them takes no time that anybody else could feel.
const PAGE: i64 = 500;
const PAGE_SIZE: i64 = 128 * 1024;

/// A stretch of the audit log, and how far it has been read.
#[derive(Debug, Clone)]
pub struct Stretch {
    filter: ListFilter,
    /// The number of its first record.
    first: Option<i64>,
    after: i64,
    up_to: i64,
}

impl Stretch {
    /// The number of its first record; `None` when it has none.
    #[must_use]
    pub const fn first(&self) -> Option<i64> {
        self.first
    }
}

const LISTED: Listed = Listed { table: "audit", alias: "a", id: "seq", time: "at" };

/// What a filter leaves of the log. The index of names leads to the records of a user or target: those of others are not
/// read, however many there are.
fn select(filter: &ListFilter) -> Selection {
    let (lead, other) = match (&filter.user, &filter.target) {
        (Some(user), target) => (Some(("user", user)), target.as_ref()),
        (None, Some(target)) => (Some(("target", target)), None),
        (None, None) => (None, None),
    };
    let mut found = Selection::of("audit a", "a.seq");
    if let Some((kind, name)) = lead {
        found = Selection::of("audit_names n CROSS JOIN audit a", "n.seq")
            .and("a.seq = n.seq AND a.gateway = n.gateway AND a.incarnation = n.incarnation", [])
            .and("n.kind = ? AND n.name = ?", [kind.into(), name.as_str().into()]);
    }
    if let Some(target) = other {
        found = found.and(
            "EXISTS (SELECT 1 FROM audit_names t WHERE t.kind = 'target' AND t.name = ? AND t.seq = n.seq
             AND t.gateway = n.gateway AND t.incarnation = n.incarnation)",
            [target.as_str().into()],
        );
    }
    found
}

fn said(at: Timestamp) -> Bound {
    rfc3339(at).into()
}

impl Reading<'_> {
    /// What a filter leaves of the audit log; of very many records the newest.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit(&mut self, filter: ListFilter) -> Result<Stretch, StoreError> {
        let newest = select(&filter).within(&LISTED, &filter, said).newest("a.seq AS seq", filter.limit);
        let row = self.row(newest.among("SELECT MIN(seq) AS first, MAX(seq) AS last")).await?;
        let (first, last): (Option<i64>, Option<i64>) = (row.try_get("first")?, row.try_get("last")?);
        Ok(Stretch { filter, first, after: first.map_or(0, |first| first - 1), up_to: last.unwrap_or(0) })
    }

    /// How many records that fit are older than a stretch; `None` for very many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit_before(&mut self, stretch: &Stretch) -> Result<Option<i64>, StoreError> {
        let Some(first) = stretch.first else { return Ok(Some(0)) };
        let filter = ListFilter { before: Some(first), ..stretch.filter.clone() };
        self.counted(&select(&filter).within(&LISTED, &filter, said)).await
    }

    /// The next records of a stretch, oldest first; none at its end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit_page(&mut self, stretch: &mut Stretch) -> Result<Vec<Record>, StoreError> {
        let fitting = select(&stretch.filter).within(&LISTED, &stretch.filter, said);
        let seq = fitting.id().to_owned();
        let next = fitting.and(&format!("{seq} > ? AND {seq} <= ?"), [stretch.after.into(), stretch.up_to.into()]);
        let sizes = "SELECT a.seq AS seq, CAST(OCTET_LENGTH(a.detail) AS BIGINT) AS size";
        let sizes = next.assembled(sizes, &format!("ORDER BY {seq} LIMIT ?"), [PAGE.into()]);
        // The database adds the sizes up: handing each over costs more than the page itself.
        let summed = sizes.among("SELECT seq, SUM(size) OVER (ORDER BY seq) - size AS size_before");
        let last = format!("SELECT MAX(seq) AS last FROM ({}) AS summed WHERE size_before < {PAGE_SIZE}", summed.text);
        let row = self.row(Assembled { text: last, ..summed }).await?;
        let last: Option<i64> = row.try_get("last")?;
        let Some(last) = last else {
            stretch.after = stretch.up_to;
            return Ok(Vec::new());
        };
        let page =
            next.and(&format!("{seq} <= ?"), [last.into()]).assembled("SELECT a.*", &format!("ORDER BY {seq}"), []);
        let records = self.rows(page).await?.iter().map(record).collect::<Result<_, _>>()?;
        stretch.after = last;
        Ok(records)
    }
}
