//! Requests and the approvals they gather.

use std::collections::BTreeMap;
use std::time::Duration;

use curfew_policy::grant::Grant;
use curfew_policy::id::{GrantId, RequestId};
use curfew_policy::request::{Approval, Request, RequestState};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row as _};

use super::StoreError;
use super::dialect::Row;
use super::list::{ListFilter, Listed, PIECE, Selection, ids};
use super::reading::{MOST, Reading, kept, maybe_moment, millis, moment, names, span};
use super::tx::Tx;

/// A request as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// The request.
    pub request: Request,
    /// For how long was asked, before an approver shortened it.
    pub asked: Duration,
}

/// A request to be.
#[derive(Debug, Clone)]
pub struct NewRequest<'a> {
    /// Who asks.
    pub user: &'a str,
    /// For which targets, never empty.
    pub targets: &'a [String],
    /// For which role.
    pub role: &'a str,
    /// For which login.
    pub login: Option<&'a str>,
    /// For how long.
    pub duration: Duration,
    /// Why.
    pub reason: &'a str,
    /// When it is asked.
    pub asked_at: Timestamp,
    /// From when on.
    pub starts_at: Option<Timestamp>,
    /// How many approvals it needs.
    pub needed: u32,
    /// The grant that it would extend.
    pub extends: Option<GrantId>,
}

/// Which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests<'a> {
    /// Those that wait for a decision.
    Pending,
    /// Somebody's.
    Of(&'a str),
}

/// Which requests a list is of, before it is narrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestScope<'a> {
    /// Whose.
    pub whose: Whose<'a>,
    /// At which point of their lives.
    pub stage: RequestStage,
}

/// Whose requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// Everyone's.
    Everyones,
    /// This person's.
    Of(&'a str),
    /// This person's, and whatever waits for a decision.
    OfOrPending(&'a str),
}

/// At which point of their lives requests are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestStage {
    /// At any.
    Any,
    /// Waiting for a decision: asked after this moment, before which they have lapsed.
    Waiting(Timestamp),
    /// Waiting likewise, or granted with a grant that ends after `now`.
    Current {
        /// After this moment requests that wait were asked.
        asked_after: Timestamp,
        /// The present.
        now: Timestamp,
    },
}

const LISTED: Listed = Listed { table: "requests", alias: "r", id: "id", time: "asked_at" };

const COLUMNS: &str = "r.*, (SELECT string_agg(t.target, '@' ORDER BY t.position) FROM request_targets t
     WHERE t.request = r.id) AS targets";

impl RequestScope<'_> {
    fn select(self, filter: &ListFilter) -> Selection {
        let everything = self.stage == RequestStage::Any && self.whose == Whose::Everyones && filter.user.is_none();
        let mut found = match &filter.target {
            // Few of very many requests are about one target: the index of targets leads to them.
            Some(target) if everything => Selection::of("request_targets x CROSS JOIN requests r", "x.request")
                .and("r.id = x.request", [])
                .and("x.target = ?", [target.as_str().into()]),
            Some(target) => Selection::of("requests r", "r.id").and(
                "EXISTS (SELECT 1 FROM request_targets x WHERE x.request = r.id AND x.target = ?)",
                [target.as_str().into()],
            ),
            None => Selection::of("requests r", "r.id"),
        };
        if let Some(user) = &filter.user {
            found = found.and("r.person = ?", [user.as_str().into()]);
        }
        found = match self.whose {
            Whose::Everyones => found,
            Whose::Of(user) => found.and("r.person = ?", [user.into()]),
            Whose::OfOrPending(user) => found.and("(r.person = ? OR r.state = 'pending')", [user.into()]),
        };
        found = match self.stage {
            RequestStage::Any => found,
            RequestStage::Waiting(asked_after) => {
                found.and("r.state = 'pending' AND r.asked_at > ?", [asked_after.into()])
            }
            RequestStage::Current { asked_after, now } => found.and(
                "r.id IN (SELECT p.id FROM requests p WHERE p.state = 'pending' AND p.asked_at > ?
                 UNION ALL SELECT e.id FROM grants g CROSS JOIN requests e WHERE e.grant_id = g.id
                 AND e.state = 'granted' AND g.ended_at IS NULL AND g.expires_at > ?)",
                [asked_after.into(), now.into()],
            ),
        };
        found.within(&LISTED, filter, Into::into)
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT r.*, (SELECT string_agg(t.target, '@' ORDER BY t.position) FROM request_targets t
             WHERE t.request = r.id) AS targets FROM requests r ",
            $tail
        )
    };
}

impl Reading<'_> {
    /// One request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request(&mut self, id: RequestId) -> Result<Option<Filed>, StoreError> {
        let row = self.optional(sqlx::query(select!("WHERE r.id = $1")).bind(id.0)).await?;
        let Some(row) = row else { return Ok(None) };
        let mut approvals = self.approvals(&[id.0]).await?;
        filed(&row, &mut approvals).map(Some)
    }

    /// Several requests, oldest first; of very many the newest.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn requests(&mut self, which: Requests<'_>) -> Result<Vec<Filed>, StoreError> {
        let query = match which {
            Requests::Pending => {
                sqlx::query(select!("WHERE r.state = 'pending' ORDER BY r.id DESC LIMIT $1")).bind(MOST)
            }
            Requests::Of(user) => {
                sqlx::query(select!("WHERE r.person = $1 ORDER BY r.id DESC LIMIT $2")).bind(user).bind(MOST)
            }
        };
        let rows = self.all(query).await?;
        let mut approvals = self.approvals(&ids(&rows)?).await?;
        rows.iter().rev().map(|row| filed(row, &mut approvals)).collect()
    }

    /// A page of a list of requests, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_requests(
        &mut self,
        scope: RequestScope<'_>,
        filter: &ListFilter,
    ) -> Result<Vec<Filed>, StoreError> {
        let rows = self.rows(scope.select(filter).newest(COLUMNS, filter.limit)).await?;
        let mut approvals = self.approvals(&ids(&rows)?).await?;
        rows.iter().map(|row| filed(row, &mut approvals)).collect()
    }

    /// How many requests such a list has; `None` for very many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_requests(
        &mut self,
        scope: RequestScope<'_>,
        filter: &ListFilter,
    ) -> Result<Option<i64>, StoreError> {
        self.counted(&scope.select(filter)).await
    }

    /// The requests of which these grants came, in no order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn origins(&mut self, grants: &[Grant]) -> Result<Vec<Filed>, StoreError> {
        let origins: Vec<i64> = grants.iter().map(|grant| grant.request.0).collect();
        let mut found = Vec::new();
        for piece in origins.chunks(PIECE) {
            let ids: Vec<String> = piece.iter().map(i64::to_string).collect();
            let text = format!("SELECT {COLUMNS} FROM requests r WHERE r.id IN ({})", ids.join(", "));
            let rows = self.all(sqlx::query(AssertSqlSafe(text)).persistent(false)).await?;
            let mut approvals = self.approvals(piece).await?;
            for row in &rows {
                found.push(filed(row, &mut approvals)?);
            }
        }
        Ok(found)
    }

    /// How many of somebody's requests wait for a decision.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pending_of(&mut self, user: &str) -> Result<i64, StoreError> {
        let query =
            sqlx::query("SELECT COUNT(*) AS waiting FROM requests WHERE state = 'pending' AND person = $1").bind(user);
        Ok(self.one(query).await?.try_get("waiting")?)
    }

    async fn approvals(&mut self, requests: &[i64]) -> Result<BTreeMap<i64, Vec<Approval>>, StoreError> {
        let mut by_request: BTreeMap<i64, Vec<Approval>> = BTreeMap::new();
        for row in self.belonging("approvals", "request", "position", requests).await? {
            let approval =
                Approval { by: row.try_get("approver")?, at: moment(row.try_get("at")?)?, note: row.try_get("note")? };
            by_request.entry(row.try_get("request")?).or_default().push(approval);
        }
        Ok(by_request)
    }
}

impl Tx {
    /// Writes a request down as pending, and gives it its id.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn file(&mut self, new: &NewRequest<'_>) -> Result<RequestId, StoreError> {
        let id = self.next_id("requests").await?;
        self.run(
            sqlx::query(
                "INSERT INTO requests (id, state, person, role, login, asked_ms, duration_ms, reason, asked_at,
                 starts_at, needed, grant_id, extends)
                 VALUES ($1, 'pending', $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(id)
            .bind(new.user)
            .bind(new.role)
            .bind(new.login)
            .bind(millis(new.duration))
            .bind(kept(new.reason).into_owned())
            .bind(new.asked_at.as_millisecond())
            .bind(new.starts_at.map(Timestamp::as_millisecond))
            .bind(i64::from(new.needed))
            .bind(new.extends.map(|grant| grant.0))
            .bind(i64::from(new.extends.is_some())),
        )
        .await?;
        for (position, target) in (0_i64..).zip(new.targets) {
            self.run(
                sqlx::query("INSERT INTO request_targets (request, position, target) VALUES ($1, $2, $3)")
                    .bind(id)
                    .bind(position)
                    .bind(target),
            )
            .await?;
        }
        Ok(RequestId(id))
    }

    /// Adds an approval, which may shorten the request, and says how many it needs by today's rules.
    ///
    /// # Errors
    /// When the database does not take it; the same person twice among others.
    pub async fn approve(
        &mut self,
        id: RequestId,
        approval: &Approval,
        duration: Duration,
        needed: u32,
    ) -> Result<(), StoreError> {
        self.run(
            sqlx::query(
                "INSERT INTO approvals (request, position, approver, at, note)
                 SELECT $1, COUNT(*), $2, $3, $4 FROM approvals WHERE request = $1",
            )
            .bind(id.0)
            .bind(&approval.by)
            .bind(approval.at.as_millisecond())
            .bind(approval.note.as_deref().map(|note| kept(note).into_owned())),
        )
        .await?;
        self.run(
            sqlx::query("UPDATE requests SET duration_ms = $2, needed = $3 WHERE id = $1")
                .bind(id.0)
                .bind(millis(duration))
                .bind(i64::from(needed)),
        )
        .await?;
        Ok(())
    }

    /// A pending request was granted, by this grant.
    ///
    /// # Errors
    /// When the database does not take it, or the request is not pending.
    pub async fn granted(&mut self, id: RequestId, grant: GrantId) -> Result<(), StoreError> {
        let changed = self
            .run(
                sqlx::query("UPDATE requests SET state = 'granted', grant_id = $2 WHERE id = $1 AND state = 'pending'")
                    .bind(id.0)
                    .bind(grant.0),
            )
            .await?;
        one(changed, "request", id)
    }

    /// A pending request was denied, cancelled, or has lapsed: by whom, when, and in which words.
    ///
    /// # Errors
    /// When the database does not take it, or the request is not pending.
    pub async fn decided(&mut self, id: RequestId, state: RequestState, how: &Approval) -> Result<(), StoreError> {
        let changed = self
            .run(
                sqlx::query(
                    "UPDATE requests SET state = $2, decided_by = $3, decided_at = $4, decided_note = $5
                     WHERE id = $1 AND state = 'pending'",
                )
                .bind(id.0)
                .bind(state.as_str())
                .bind(&how.by)
                .bind(how.at.as_millisecond())
                .bind(how.note.as_deref().map(|note| kept(note).into_owned())),
            )
            .await?;
        one(changed, "request", id)
    }
}

/// A change that must have found its row.
pub(super) fn one(changed: u64, what: &str, id: impl std::fmt::Display) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::Unreadable(format!("{what} {id} is not as it was read"))) }
}

fn filed(row: &Row, approvals: &mut BTreeMap<i64, Vec<Approval>>) -> Result<Filed, StoreError> {
    let id: i64 = row.try_get("id")?;
    let state: String = row.try_get("state")?;
    let needed: i64 = row.try_get("needed")?;
    let decided: Option<String> = row.try_get("decided_by")?;
    let decided = match (decided, maybe_moment(row.try_get("decided_at")?)?) {
        (Some(by), Some(at)) => Some(Approval { by, at, note: row.try_get("decided_note")? }),
        _ => None,
    };
    let request = Request {
        id: RequestId(id),
        state: state.parse().map_err(|()| StoreError::odd("request state", &state))?,
        user: row.try_get("person")?,
        targets: names(&row.try_get::<String, _>("targets")?),
        role: row.try_get("role")?,
        login: row.try_get("login")?,
        duration: span(row.try_get("duration_ms")?)?,
        reason: row.try_get("reason")?,
        asked_at: moment(row.try_get("asked_at")?)?,
        starts_at: maybe_moment(row.try_get("starts_at")?)?,
        approvals: approvals.remove(&id).unwrap_or_default(),
        needed: u32::try_from(needed).map_err(|_| StoreError::odd("approvals needed", &needed.to_string()))?,
        grant: row.try_get::<Option<i64>, _>("grant_id")?.map(GrantId),
        extends: row.try_get::<i64, _>("extends")? != 0,
        decided,
    };
    Ok(Filed { request, asked: span(row.try_get("asked_ms")?)? })
}
