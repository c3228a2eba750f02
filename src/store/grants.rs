//! Grants: given, started, extended, used, ended.

use curfew_policy::grant::{Grant, GrantEnd};
use curfew_policy::id::{GrantId, RequestId};
use jiff::Timestamp;
use sqlx::Row as _;

use super::StoreError;
use super::dialect::Row;
use super::list::{ListFilter, Listed, Selection};
use super::reading::{MOST, Reading, kept, maybe_moment, moment, names};
use super::requests::one;
use super::tx::Tx;

/// A grant to be.
#[derive(Debug, Clone)]
pub struct NewGrant<'a> {
    /// The request it comes of.
    pub request: RequestId,
    /// Whose it is.
    pub user: &'a str,
    /// For which targets, never empty.
    pub targets: &'a [String],
    /// In which role.
    pub role: &'a str,
    /// With which login.
    pub login: Option<&'a str>,
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// Whether it begins at once, so that no event of its beginning is due later.
    pub started: bool,
}

/// Which grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grants<'a> {
    /// Somebody's that have not been ended.
    LiveOf(&'a str),
    /// Somebody's on one target: those that have not been ended, and the newest in any case.
    Toward(&'a str, &'a str),
    /// All that have not been ended.
    Live,
    /// Scheduled ones whose beginning, at this moment, is due to be written down.
    Due(Timestamp),
}

/// Which grants a list is of, before it is narrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GrantScope<'a> {
    /// This person's alone.
    pub of: Option<&'a str>,
    /// Only those that are scheduled or active at this moment.
    pub current_at: Option<Timestamp>,
}

const LISTED: Listed = Listed { table: "grants", alias: "g", id: "id", time: "starts_at" };

const COLUMNS: &str = "g.*, (SELECT string_agg(t.target, '@' ORDER BY t.position) FROM grant_targets t
     WHERE t.grant_id = g.id) AS targets";

impl GrantScope<'_> {
    fn select(self, filter: &ListFilter) -> Selection {
        let everything = self.current_at.is_none() && self.of.is_none() && filter.user.is_none();
        let mut found = match &filter.target {
            // Few of very many grants are for one target: the index of targets leads to them.
            Some(target) if everything => Selection::of("grant_targets x CROSS JOIN grants g", "x.grant_id")
                .and("g.id = x.grant_id", [])
                .and("x.target = ?", [target.as_str().into()]),
            Some(target) => Selection::of("grants g", "g.id").and(
                "EXISTS (SELECT 1 FROM grant_targets x WHERE x.grant_id = g.id AND x.target = ?)",
                [target.as_str().into()],
            ),
            None => Selection::of("grants g", "g.id"),
        };
        for user in self.of.into_iter().chain(filter.user.as_deref()) {
            found = found.and("g.person = ?", [user.into()]);
        }
        if let Some(now) = self.current_at {
            found = found.and("g.ended_at IS NULL AND g.expires_at > ?", [now.into()]);
        }
        found.within(&LISTED, filter, Into::into)
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT g.*, (SELECT string_agg(t.target, '@' ORDER BY t.position) FROM grant_targets t
             WHERE t.grant_id = g.id) AS targets FROM grants g ",
            $tail
        )
    };
}

impl Reading<'_> {
    /// One grant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn grant(&mut self, id: GrantId) -> Result<Option<Grant>, StoreError> {
        let row = self.optional(sqlx::query(select!("WHERE g.id = $1")).bind(id.0)).await?;
        row.as_ref().map(grant).transpose()
    }

    /// Several grants, oldest first; of very many the newest.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn grants(&mut self, which: Grants<'_>) -> Result<Vec<Grant>, StoreError> {
        let query = match which {
            Grants::LiveOf(user) => {
                sqlx::query(select!("WHERE g.person = $1 AND g.ended_at IS NULL ORDER BY g.id DESC LIMIT $2"))
                    .bind(user)
                    .bind(MOST)
            }
            Grants::Toward(user, target) => sqlx::query(select!(
                "WHERE g.id IN (SELECT n.id FROM grants n WHERE n.person = $1 AND n.ended_at IS NULL
                 UNION ALL SELECT MAX(x.grant_id) FROM grant_targets x WHERE x.person = $1 AND x.target = $2)
                 AND EXISTS (SELECT 1 FROM grant_targets x WHERE x.grant_id = g.id AND x.target = $2)
                 ORDER BY g.id DESC"
            ))
            .bind(user)
            .bind(target),
            // Never cut short: the sweep and the start must see every one.
            Grants::Live => sqlx::query(select!("WHERE g.ended_at IS NULL ORDER BY g.id DESC")),
            Grants::Due(now) => sqlx::query(select!(
                "WHERE g.started = 0 AND g.ended_at IS NULL AND g.starts_at <= $1 ORDER BY g.id DESC"
            ))
            .bind(now.as_millisecond()),
        };
        let rows = self.all(query).await?;
        rows.iter().rev().map(grant).collect()
    }

    /// A page of a list of grants, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_grants(&mut self, scope: GrantScope<'_>, filter: &ListFilter) -> Result<Vec<Grant>, StoreError> {
        let rows = self.rows(scope.select(filter).newest(COLUMNS, filter.limit)).await?;
        rows.iter().map(grant).collect()
    }

    /// How many grants such a list has; `None` for very many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_grants(
        &mut self,
        scope: GrantScope<'_>,
        filter: &ListFilter,
    ) -> Result<Option<i64>, StoreError> {
        self.counted(&scope.select(filter)).await
    }
}

impl Tx {
    /// Writes a grant down, and gives it its id.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn give(&mut self, new: &NewGrant<'_>) -> Result<GrantId, StoreError> {
        let id = self.next_id("grants").await?;
        self.run(
            sqlx::query(
                "INSERT INTO grants (id, request, person, role, login, starts_at, expires_at, started, used)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
            )
            .bind(id)
            .bind(new.request.0)
            .bind(new.user)
            .bind(new.role)
            .bind(new.login)
            .bind(new.starts_at.as_millisecond())
            .bind(new.expires_at.as_millisecond())
            .bind(i64::from(new.started)),
        )
        .await?;
        for (position, target) in (0_i64..).zip(new.targets) {
            self.run(
                sqlx::query("INSERT INTO grant_targets (grant_id, position, target, person) VALUES ($1, $2, $3, $4)")
                    .bind(id)
                    .bind(position)
                    .bind(target)
                    .bind(new.user),
            )
            .await?;
        }
        Ok(GrantId(id))
    }

    /// A scheduled grant has begun.
    ///
    /// # Errors
    /// When the database does not take it, or it has ended.
    pub async fn started(&mut self, id: GrantId) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE grants SET started = 1 WHERE id = $1 AND ended_at IS NULL").bind(id.0);
        one(self.run(query).await?, "grant", id)
    }

    /// A session was opened under it.
    ///
    /// # Errors
    /// When the database does not take it, or it has ended.
    pub async fn used(&mut self, id: GrantId) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE grants SET used = 1 WHERE id = $1 AND ended_at IS NULL").bind(id.0);
        one(self.run(query).await?, "grant", id)
    }

    /// It ends later than it did.
    ///
    /// # Errors
    /// When the database does not take it, or it has ended.
    pub async fn extended(&mut self, id: GrantId, expires_at: Timestamp) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE grants SET expires_at = $2 WHERE id = $1 AND ended_at IS NULL")
            .bind(id.0)
            .bind(expires_at.as_millisecond());
        one(self.run(query).await?, "grant", id)
    }

    /// It is over: when, why, by whom, and in which words.
    ///
    /// # Errors
    /// When the database does not take it, or it has ended.
    pub async fn ended(
        &mut self,
        id: GrantId,
        at: Timestamp,
        why: GrantEnd,
        by: &str,
        note: Option<&str>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE grants SET ended_at = $2, ended_why = $3, ended_by = $4, ended_note = $5
             WHERE id = $1 AND ended_at IS NULL",
        )
        .bind(id.0)
        .bind(at.as_millisecond())
        .bind(why.as_str())
        .bind(by)
        .bind(note.map(|note| kept(note).into_owned()));
        one(self.run(query).await?, "grant", id)
    }
}

fn grant(row: &Row) -> Result<Grant, StoreError> {
    let why: Option<String> = row.try_get("ended_why")?;
    let ended = match (maybe_moment(row.try_get("ended_at")?)?, why) {
        (Some(at), Some(why)) => Some((at, why.parse().map_err(|()| StoreError::odd("grant end", &why))?)),
        _ => None,
    };
    Ok(Grant {
        id: GrantId(row.try_get("id")?),
        request: RequestId(row.try_get("request")?),
        user: row.try_get("person")?,
        targets: names(&row.try_get::<String, _>("targets")?),
        role: row.try_get("role")?,
        login: row.try_get("login")?,
        starts_at: moment(row.try_get("starts_at")?)?,
        expires_at: moment(row.try_get("expires_at")?)?,
        ended,
        ended_by: row.try_get("ended_by")?,
        ended_note: row.try_get("ended_note")?,
        used: row.try_get::<i64, _>("used")? != 0,
    })
}
