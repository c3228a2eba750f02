//! The gateways of a database, and their lives: every start of a gateway begins a new incarnation.

use jiff::Timestamp;
use sqlx::{Executor, Row as _};

use super::StoreError;
use super::answer::answered;
use super::dialect::{Conn, Dialect};
use super::names;
use super::reading::record;

/// How many old records are indexed in one step.
const STEP: i64 = 500;

/// Begins a new life of a gateway, and gives its number, from 1. Rows that an older Curfew wrote, which did not know of
/// gateways, become this gateway's.
pub(super) async fn begin(conn: &mut Conn, dialect: Dialect, gateway: &str, now: Timestamp) -> Result<i64, StoreError> {
    answered(conn.execute(dialect.begin())).await?;
    let query = sqlx::query(
        "INSERT INTO gateways (name, incarnation, started_at) VALUES ($1, 1, $2)
         ON CONFLICT (name) DO UPDATE SET incarnation = gateways.incarnation + 1, started_at = $2
         RETURNING incarnation",
    );
    let row = answered(conn.fetch_one(query.bind(gateway.to_owned()).bind(now.as_millisecond()))).await?;
    let incarnation: i64 = row.try_get("incarnation")?;
    adopt(conn, gateway).await?;
    answered(conn.execute("COMMIT")).await?;
    Ok(incarnation)
}

async fn adopt(conn: &mut Conn, gateway: &str) -> Result<(), StoreError> {
    index(conn, gateway).await?;
    for statement in [
        "UPDATE sessions SET gateway = $1 WHERE gateway = ''",
        "UPDATE audit_checkpoints SET gateway = $1 WHERE gateway = ''",
        "UPDATE audit SET gateway = $1 WHERE gateway = ''",
    ] {
        conn.execute(sqlx::query(statement).bind(gateway.to_owned())).await?;
    }
    Ok(())
}

/// Notes which users and targets the records of an older Curfew are about.
async fn index(conn: &mut Conn, gateway: &str) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let query = sqlx::query("SELECT * FROM audit WHERE gateway = '' AND seq > $1 ORDER BY seq LIMIT $2");
        let rows = conn.fetch_all(query.bind(after).bind(STEP)).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.try_get("seq")?;
        for record in rows.iter().map(record) {
            let record = record?;
            let found = names::of_record(&record);
            let sql = names::insert(found.len());
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(record.seq).bind(gateway.to_owned());
            query = query.bind(record.incarnation);
            for name in found {
                query = query.bind(name.kind).bind(name.name);
            }
            conn.execute(query).await?;
        }
    }
}
