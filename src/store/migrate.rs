//! Brings a database of an older Curfew up to date, one numbered step after the other.

use sqlx::{Executor, Row as _};

use super::StoreError;
use super::dialect::{self, Pool};

/// Every step there ever was, in order; a released one is never changed.
const STEPS: [&str; 2] = [include_str!("migrations/0001_start.sql"), include_str!("migrations/0002_admission.sql")];

/// Runs the steps that the database has not seen yet, each in a transaction of its own.
///
/// # Errors
/// When a step fails, or a newer Curfew has been here.
pub(super) async fn run(writer: &Pool) -> Result<(), StoreError> {
    let mut tx = writer.begin_with(dialect::BEGIN).await?;
    let tables: i64 = sqlx::query_scalar(dialect::HAS_TABLE).bind("meta").fetch_one(&mut *tx).await?;
    if tables == 0 {
        tx.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)").await?;
        tx.execute("INSERT INTO meta (name, value) VALUES ('schema', '0')").await?;
    }
    let row = tx.fetch_one("SELECT value FROM meta WHERE name = 'schema'").await?;
    let value: String = row.try_get("value")?;
    tx.commit().await?;
    let done: usize = value.parse().map_err(|_| StoreError::odd("schema version", &value))?;
    if done > STEPS.len() {
        return Err(StoreError::Unreadable(format!("it was made by a newer Curfew (schema {done})")));
    }
    for (number, step) in (1..).zip(STEPS).skip(done) {
        let mut tx = writer.begin_with(dialect::BEGIN).await?;
        tx.execute(sqlx::raw_sql(step)).await?;
        let version = sqlx::query("UPDATE meta SET value = $1 WHERE name = 'schema'").bind(number.to_string());
        tx.execute(version).await?;
        tx.commit().await?;
    }
    Ok(())
}
