//! Sessions and their recordings.

use std::collections::BTreeMap;

use curfew_policy::id::{GrantId, SessionId};
use jiff::Timestamp;
use sqlx::Row as _;

use super::StoreError;
use super::dialect::Row;
use super::list::{ListFilter, Listed, Selection, ids};
use super::reading::{MOST, Reading, kept, maybe_moment, moment};
use super::requests::one;
use super::tx::Tx;

/// One connection to one target under one grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The grant that carries it.
    pub grant: GrantId,
    /// Whose it is.
    pub user: String,
    /// Where it leads.
    pub target: String,
    /// The login there.
    pub login: String,
    /// The role it has.
    pub role: String,
    /// What is spoken (`ssh`, `tcp`).
    pub protocol: String,
    /// Where the client is: address and port.
    pub client: String,
    /// What the client says it is.
    pub client_version: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When and why it ended, once it has.
    pub ended: Option<(Timestamp, String)>,
    /// What was recorded, by channel.
    pub recordings: Vec<Recorded>,
    /// The gateway that carries it.
    pub gateway: String,
    /// In which of that gateway's lives.
    pub incarnation: i64,
}

/// The recording of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The channel's number in its session.
    pub channel: u32,
    /// What it carried (`shell`, `exec`, …).
    pub kind: String,
    /// The command or subsystem.
    pub command: Option<String>,
    /// The file, absolute.
    pub path: String,
    /// How long the file is; 0 until it is sealed.
    pub bytes: u64,
    /// When it was sealed, and with what.
    pub sealed: Option<(Timestamp, String)>,
}

/// A session to be.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// The grant that carries it.
    pub grant: GrantId,
    /// Whose it is.
    pub user: &'a str,
    /// Where it leads.
    pub target: &'a str,
    /// The login there.
    pub login: &'a str,
    /// The role it has.
    pub role: &'a str,
    /// What is spoken.
    pub protocol: &'a str,
    /// Where the client is.
    pub client: &'a str,
    /// What the client says it is.
    pub client_version: &'a str,
    /// When it begins.
    pub started_at: Timestamp,
}

/// Which sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions<'a> {
    /// Those that have not ended.
    Open,
    /// Those under a grant.
    Under(GrantId),
    /// Those under a grant that have not ended.
    OpenUnder(GrantId),
    /// Those of a gateway that have not ended.
    OpenOn(&'a str),
}

/// Which sessions a list is of, before it is narrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionScope<'a> {
    /// This person's alone.
    pub of: Option<&'a str>,
    /// Only those that have not ended.
    pub live: bool,
}

const LISTED: Listed = Listed { table: "sessions", alias: "s", id: "id", time: "started_at" };

impl SessionScope<'_> {
    fn select(self, filter: &ListFilter) -> Selection {
        let mut found = Selection::of("sessions s", "s.id");
        for user in self.of.into_iter().chain(filter.user.as_deref()) {
            found = found.and("s.person = ?", [user.into()]);
        }
        if let Some(target) = &filter.target {
            found = found.and("s.target = ?", [target.as_str().into()]);
        }
        if self.live {
            found = found.and("s.ended_at IS NULL", []);
        }
        found.within(&LISTED, filter, Into::into)
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!("SELECT * FROM sessions ", $tail)
    };
}

impl Reading<'_> {
    /// One session.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row = self.optional(sqlx::query(select!("WHERE id = $1")).bind(id.0)).await?;
        let Some(row) = row else { return Ok(None) };
        let mut recordings = self.recordings(&[id.0]).await?;
        session(&row, &mut recordings).map(Some)
    }

    /// Several sessions, oldest first; of very many the newest.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions(&mut self, which: Sessions<'_>) -> Result<Vec<Session>, StoreError> {
        let query = match which {
            Sessions::Open => sqlx::query(select!("WHERE ended_at IS NULL ORDER BY id DESC")),
            Sessions::Under(grant) => {
                sqlx::query(select!("WHERE grant_id = $1 ORDER BY id DESC LIMIT $2")).bind(grant.0).bind(MOST)
            }
            Sessions::OpenUnder(grant) => {
                sqlx::query(select!("WHERE grant_id = $1 AND ended_at IS NULL ORDER BY id DESC")).bind(grant.0)
            }
            Sessions::OpenOn(gateway) => {
                sqlx::query(select!("WHERE ended_at IS NULL AND gateway = $1 ORDER BY id DESC")).bind(gateway)
            }
        };
        let rows = self.all(query).await?;
        let mut recordings = self.recordings(&ids(&rows)?).await?;
        rows.iter().rev().map(|row| session(row, &mut recordings)).collect()
    }

    /// A page of a list of sessions, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_sessions(
        &mut self,
        scope: SessionScope<'_>,
        filter: &ListFilter,
    ) -> Result<Vec<Session>, StoreError> {
        let rows = self.rows(scope.select(filter).newest("s.*", filter.limit)).await?;
        let mut recordings = self.recordings(&ids(&rows)?).await?;
        rows.iter().map(|row| session(row, &mut recordings)).collect()
    }

    /// How many sessions such a list has; `None` for very many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_sessions(
        &mut self,
        scope: SessionScope<'_>,
        filter: &ListFilter,
    ) -> Result<Option<i64>, StoreError> {
        self.counted(&scope.select(filter)).await
    }

    async fn recordings(&mut self, sessions: &[i64]) -> Result<BTreeMap<i64, Vec<Recorded>>, StoreError> {
        let mut by_session: BTreeMap<i64, Vec<Recorded>> = BTreeMap::new();
        for row in self.belonging("recordings", "session", "channel", sessions).await? {
            by_session.entry(row.try_get("session")?).or_default().push(recorded(&row)?);
        }
        Ok(by_session)
    }
}

impl Tx {
    /// Writes a session down, and gives it its id.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn open_session(&mut self, new: &NewSession<'_>) -> Result<SessionId, StoreError> {
        let id = self.next_id("sessions").await?;
        let (gateway, incarnation) = self.origin();
        let (gateway, incarnation) = (gateway.to_owned(), incarnation);
        self.run(
            sqlx::query(
                "INSERT INTO sessions (id, grant_id, person, target, login, role, protocol, client, client_version,
                 started_at, gateway, incarnation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(id)
            .bind(new.grant.0)
            .bind(new.user)
            .bind(new.target)
            .bind(new.login)
            .bind(new.role)
            .bind(new.protocol)
            .bind(new.client)
            .bind(kept(new.client_version).into_owned())
            .bind(new.started_at.as_millisecond())
            .bind(gateway)
            .bind(incarnation),
        )
        .await?;
        Ok(SessionId(id))
    }

    /// A session is over: when and why. Says whether it was still open.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn close_session(&mut self, id: SessionId, at: Timestamp, why: &str) -> Result<bool, StoreError> {
        let query = sqlx::query("UPDATE sessions SET ended_at = $2, ended_why = $3 WHERE id = $1 AND ended_at IS NULL")
            .bind(id.0)
            .bind(at.as_millisecond())
            .bind(why);
        Ok(self.run(query).await? == 1)
    }

    /// A channel is being recorded into this file.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn start_recording(
        &mut self,
        session: SessionId,
        recording: &Recorded,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(
            sqlx::query(
                "INSERT INTO recordings (session, channel, kind, command, path, started_at, bytes)
                 VALUES ($1, $2, $3, $4, $5, $6, 0)",
            )
            .bind(session.0)
            .bind(i64::from(recording.channel))
            .bind(&recording.kind)
            .bind(recording.command.as_deref().map(|command| kept(command).into_owned()))
            .bind(&recording.path)
            .bind(at.as_millisecond()),
        )
        .await?;
        Ok(())
    }

    /// A recording was sealed: when, how long it is, and with what.
    ///
    /// # Errors
    /// When the database does not take it, or there is no such recording.
    pub async fn seal_recording(
        &mut self,
        session: SessionId,
        channel: u32,
        at: Timestamp,
        bytes: u64,
        seal: &str,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE recordings SET sealed_at = $3, bytes = $4, seal = $5 WHERE session = $1 AND channel = $2",
        )
        .bind(session.0)
        .bind(i64::from(channel))
        .bind(at.as_millisecond())
        .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
        .bind(seal);
        one(self.run(query).await?, "recording", format_args!("{session}/{channel}"))
    }
}

fn session(row: &Row, recordings: &mut BTreeMap<i64, Vec<Recorded>>) -> Result<Session, StoreError> {
    let id: i64 = row.try_get("id")?;
    let ended_at = maybe_moment(row.try_get("ended_at")?)?;
    let ended_why: Option<String> = row.try_get("ended_why")?;
    Ok(Session {
        id: SessionId(id),
        grant: GrantId(row.try_get("grant_id")?),
        user: row.try_get("person")?,
        target: row.try_get("target")?,
        login: row.try_get("login")?,
        role: row.try_get("role")?,
        protocol: row.try_get("protocol")?,
        client: row.try_get("client")?,
        client_version: row.try_get("client_version")?,
        started_at: moment(row.try_get("started_at")?)?,
        ended: ended_at.zip(ended_why),
        recordings: recordings.remove(&id).unwrap_or_default(),
        gateway: row.try_get("gateway")?,
        incarnation: row.try_get("incarnation")?,
    })
}

fn recorded(row: &Row) -> Result<Recorded, StoreError> {
    let channel: i64 = row.try_get("channel")?;
    let bytes: i64 = row.try_get("bytes")?;
    let sealed_at = maybe_moment(row.try_get("sealed_at")?)?;
    Ok(Recorded {
        channel: u32::try_from(channel).map_err(|_| StoreError::odd("channel", &channel.to_string()))?,
        kind: row.try_get("kind")?,
        command: row.try_get("command")?,
        path: row.try_get("path")?,
        bytes: u64::try_from(bytes).map_err(|_| StoreError::odd("length", &bytes.to_string()))?,
        sealed: sealed_at.zip(row.try_get::<Option<String>, _>("seal")?),
    })
}
