//! Brings a database of an older Curfew up to date, one numbered step after the other.

use sqlx::{Executor, Row as _};

use super::StoreError;
use super::dialect::{Conn, Dialect};

/// Every step there ever was, in order; a released one is never changed.
const STEPS: [&str; 4] = [
    include_str!("migrations/0001_start.sql"),
    include_str!("migrations/0002_admission.sql"),
    include_str!("migrations/0003_gateways.sql"),
    include_str!("migrations/0004_lists.sql"),
];

/// How many steps there are.
pub(super) const NEWEST: usize = STEPS.len();

/// Runs the steps that the database has not seen yet, each in a transaction of its own.
///
/// # Errors
/// When a step fails, or a newer Curfew has been here.
pub(super) async fn run(conn: &mut Conn, dialect: Dialect) -> Result<(), StoreError> {
    conn.execute(dialect.begin()).await?;
    let there = conn.fetch_one(sqlx::query(dialect.has_table()).bind("meta")).await?;
    if there.try_get::<i64, _>(0)? == 0 {
        conn.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)").await?;
        conn.execute("INSERT INTO meta (name, value) VALUES ('schema', '0')").await?;
    }
    conn.execute("COMMIT").await?;
    let done = schema(conn).await?;
    for (number, step) in (1..).zip(STEPS).skip(done) {
        conn.execute(dialect.begin()).await?;
        conn.execute(sqlx::raw_sql(step)).await?;
        let version = sqlx::query("UPDATE meta SET value = $1 WHERE name = 'schema'").bind(number.to_string());
        conn.execute(version).await?;
        conn.execute("COMMIT").await?;
    }
    Ok(())
}

/// How many steps a database has seen: none where there is no Curfew's database.
pub(super) async fn steps(conn: &mut Conn, dialect: Dialect) -> Result<usize, StoreError> {
    let there = conn.fetch_one(sqlx::query(dialect.has_table()).bind("meta")).await?;
    if there.try_get::<i64, _>(0)? == 0 { Ok(0) } else { schema(conn).await }
}

async fn schema(conn: &mut Conn) -> Result<usize, StoreError> {
    let row = conn.fetch_one("SELECT value FROM meta WHERE name = 'schema'").await?;
    let value: String = row.try_get("value")?;
    let done: usize = value.parse().map_err(|_| StoreError::odd("schema version", &value))?;
    if done > STEPS.len() {
        return Err(StoreError::Unreadable(format!("it was made by a newer Curfew (schema {done})")));
    }
    Ok(done)
}
