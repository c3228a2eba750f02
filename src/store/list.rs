//! Lists: what of a table is wanted, as one query. Filter and cursor stand before the limit, so that a limit never hides
//! what was asked for.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row as _};

use super::StoreError;
use super::dialect::{Db, Row};
use super::reading::{MOST, Reading};

/// How many entries a list has unless it is asked for more: they fit a screen.
pub const SCREENFUL: i64 = 20;

/// Of which rows what belongs to them (approvals, recordings) is read in one statement.
pub(super) const PIECE: usize = 500;

/// What a list is narrowed to, and which page of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFilter {
    /// Only what is this user's; of the audit log, what concerns them.
    pub user: Option<String>,
    /// Only what is about this target.
    pub target: Option<String>,
    /// Only what began (was asked for, happened) then or later.
    pub since: Option<Timestamp>,
    /// Only what began before then.
    pub until: Option<Timestamp>,
    /// Only what is older than the entry of this number: the cursor.
    pub before: Option<i64>,
    /// How many at most: the newest.
    pub limit: i64,
}

impl Default for ListFilter {
    fn default() -> Self {
        Self { user: None, target: None, since: None, until: None, before: None, limit: SCREENFUL }
    }
}

/// What a list reads from.
pub(super) struct Listed {
    /// The table.
    pub table: &'static str,
    /// What a selection calls it.
    pub alias: &'static str,
    /// The column that numbers the entries, in the order in which they were made.
    pub id: &'static str,
    /// The column that says when an entry began.
    pub time: &'static str,
}

/// A value of a query.
#[derive(Debug, Clone)]
pub(super) enum Bound {
    Text(String),
    Number(i64),
}

impl From<&str> for Bound {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Bound {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Bound {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Timestamp> for Bound {
    fn from(at: Timestamp) -> Self {
        Self::Number(at.as_millisecond())
    }
}

/// A query that grows condition by condition. Its text is made of this program's own fragments alone; what people typed is
/// among its values.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    from: String,
    id: String,
    conditions: Vec<String>,
    values: Vec<Bound>,
}

impl Selection {
    /// All that `from` yields, in the order of `id`. Where an index of names leads to the entries, `from` has it first, with
    /// `CROSS JOIN`: SQLite keeps that order, and walks the index from its end.
    pub(super) fn of(from: &str, id: &str) -> Self {
        Self { from: from.to_owned(), id: id.to_owned(), conditions: Vec::new(), values: Vec::new() }
    }

    /// Only what meets this condition, in which each `?` stands for the next of the values.
    pub(super) fn and<const N: usize>(mut self, condition: &str, values: [Bound; N]) -> Self {
        let mut parts = condition.split('?');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (part, value) in parts.zip(values) {
            self.values.push(value);
            text.push_str(&format!("${}{part}", self.values.len()));
        }
        self.conditions.push(text);
        self
    }

    /// Only what the stretch of time and the cursor of a filter leave. `moment` is how the column says a time.
    ///
    /// Entries are numbered as they begin, but for clocks that were set back. A bound for the numbers is therefore taken
    /// from the index of the times, and the entries themselves are compared once more. `COALESCE` keeps the databases from
    /// walking that index and sorting what they find, and `+ 0` from walking the numbers to find the bound.
    pub(super) fn within(self, listed: &Listed, filter: &ListFilter, moment: impl Fn(Timestamp) -> Bound) -> Self {
        let Listed { table, alias, id, time } = listed;
        let own = self.id.clone();
        let mut bounded = self;
        for (at, compare, bound, edge) in [(filter.since, ">=", ">=", "MIN"), (filter.until, "<", "<=", "MAX")] {
            let Some(at) = at else { continue };
            let zero = if matches!(moment(at), Bound::Text(_)) { "''" } else { "0" };
            bounded = bounded.and(&format!("COALESCE({alias}.{time}, {zero}) {compare} ?"), [moment(at)]).and(
                &format!("{own} {bound} (SELECT {edge}(w.{id} + 0) FROM {table} w WHERE w.{time} {compare} ?)"),
                [moment(at)],
            );
        }
        match filter.before {
            Some(before) => bounded.and(&format!("{own} < ?"), [before.into()]),
            None => bounded,
        }
    }

    /// The column that numbers the entries.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The newest of it, newest first.
    pub(super) fn newest(&self, columns: &str, limit: i64) -> Assembled {
        self.assembled(&format!("SELECT {columns}"), &format!("ORDER BY {} DESC LIMIT ?", self.id), [limit.into()])
    }

    /// How many there are; a number above `most` where there are more than that.
    pub(super) fn count(&self, most: i64) -> Assembled {
        self.assembled("SELECT 1 AS one", "LIMIT ?", [(most + 1).into()]).among("SELECT COUNT(*) AS count")
    }

    /// The whole statement, with what stands before and after its conditions.
    pub(super) fn assembled<const N: usize>(&self, head: &str, tail: &str, values: [Bound; N]) -> Assembled {
        let with_tail = self.clone().and(tail, values);
        let Some((tail, conditions)) = with_tail.conditions.split_last() else {
            return Assembled { text: String::new(), values: Vec::new() };
        };
        let only = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        Assembled { text: format!("{head} FROM {} {only} {tail}", self.from), values: with_tail.values }
    }
}

/// A statement with its values.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) text: String,
    pub(super) values: Vec<Bound>,
}

impl Assembled {
    /// What another statement says of the rows of this one.
    pub(super) fn among(self, head: &str) -> Self {
        Self { text: format!("{head} FROM ({}) AS found", self.text), ..self }
    }

    fn query(self) -> sqlx::query::Query<'static, Db, <Db as sqlx::Database>::Arguments> {
        let mut query = sqlx::query(AssertSqlSafe(self.text));
        for value in self.values {
            query = match value {
                Bound::Text(text) => query.bind(text),
                Bound::Number(number) => query.bind(number),
            };
        }
        query
    }
}

impl Reading<'_> {
    /// The rows of a statement.
    pub(super) async fn rows(&mut self, statement: Assembled) -> Result<Vec<Row>, StoreError> {
        self.all(statement.query()).await
    }

    /// The row of a statement that always has one.
    pub(super) async fn row(&mut self, statement: Assembled) -> Result<Row, StoreError> {
        self.one(statement.query()).await
    }

    /// How many entries a selection has; `None` where they are too many to be worth counting.
    pub(super) async fn counted(&mut self, selection: &Selection) -> Result<Option<i64>, StoreError> {
        let found: i64 = self.row(selection.count(MOST)).await?.try_get("count")?;
        Ok(Some(found).filter(|found| *found <= MOST))
    }

    /// The rows of a table that belong to these entries, `column` of which names the entry.
    pub(super) async fn belonging(
        &mut self,
        table: &'static str,
        column: &'static str,
        order: &'static str,
        entries: &[i64],
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for piece in entries.chunks(PIECE) {
            let ids: Vec<String> = piece.iter().map(i64::to_string).collect();
            let text =
                format!("SELECT * FROM {table} WHERE {column} IN ({}) ORDER BY {column}, {order}", ids.join(", "));
            // The text differs each time: nothing to keep prepared.
            rows.extend(self.all(sqlx::query(AssertSqlSafe(text)).persistent(false)).await?);
        }
        Ok(rows)
    }
}

/// The numbers of entries.
pub(super) fn ids(rows: &[Row]) -> Result<Vec<i64>, StoreError> {
    rows.iter().map(|row| row.try_get("id").map_err(StoreError::from)).collect()
}
