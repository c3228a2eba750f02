//! Moves everything from one database to another, of the same kind or not: every row as it is, so that the chain of the
//! audit log and its signatures hold there too.

use futures_util::TryStreamExt;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Connection, Executor, Row as _};

use super::StoreError;
use super::answer::answered;
use super::chain::GENESIS;
use super::dialect::{self, Conn, Dialect, Purpose};
use super::guard;
use super::migrate;
use super::reading::record;
use super::tables::{Column, TABLES, TableSchema};
use crate::config::location::Location;
use crate::files::private;

/// How many rows are written with one statement. PostgreSQL takes 65,535 parameters, SQLite 32,766.
const ROWS: usize = 200;

/// What a copy came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// How many rows, in all tables.
    pub rows: u64,
    /// How many records of the audit log, whose chain was followed in the copy.
    pub records: u64,
}

/// How far a copy has come: the table, and how many of its rows are written, of how many.
pub type Progress<'p> = &'p mut (dyn FnMut(&'static str, u64, u64) + Send);

/// Copies a database that no gateway uses into one that is empty. The copy is there whole, or not at all.
///
/// # Errors
/// When either is in use or cannot be reached, the source is of another version, or the target is not empty; or the
/// chain of the audit log does not hold in the copy.
pub async fn copy(from: &Location, to: &Location, progress: Progress<'_>) -> Result<Copied, StoreError> {
    if let Location::Sqlite(path) = from {
        path.metadata().map_err(private::NotPrivate::io(path))?;
    }
    let _held = (guard::hold(from).await?, prepare(to).await?);
    let mut source = dialect::connect(from, Purpose::Inspect).await?;
    let mut target = dialect::connect(to, Purpose::Write).await?;
    unlimited(&mut target, to).await?;
    source.execute(Dialect::of(from).begin_snapshot()).await?;
    is_ours(&mut source, from).await?;
    migrate::run(&mut target, Dialect::of(to)).await?;
    target.execute(Dialect::of(to).begin()).await?;
    is_empty(&mut target, to).await?;
    // A fresh database has counters of its own.
    target.execute("DELETE FROM counters").await?;
    let mut copied = Copied::default();
    for table in &TABLES {
        copied.rows += copy_table(&mut source, &mut target, table, progress).await?;
    }
    copied.records = follow(&mut target).await?;
    target.execute("COMMIT").await?;
    // A file is whole once its connection is closed.
    target.close().await?;
    Ok(copied)
}

/// Makes a file for SQLite where there is none, and sees that nobody uses the target.
async fn prepare(to: &Location) -> Result<guard::DatabaseHold, StoreError> {
    if let Location::Sqlite(path) = to {
        private::touch(path)?;
    }
    guard::hold(to).await
}

/// A large copy takes longer than any statement of a gateway may.
async fn unlimited(target: &mut Conn, to: &Location) -> Result<(), StoreError> {
    if Dialect::of(to) == Dialect::Postgres {
        let limits = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";
        target.execute(sqlx::raw_sql(limits)).await?;
    }
    Ok(())
}

async fn is_ours(source: &mut Conn, from: &Location) -> Result<(), StoreError> {
    let steps = migrate::steps(source, Dialect::of(from)).await?;
    if steps == migrate::NEWEST {
        return Ok(());
    }
    Err(StoreError::Unreadable(format!(
        "{from} has schema {steps} and this Curfew has {}: start and stop this Curfew with it once, then copy",
        migrate::NEWEST
    )))
}

async fn is_empty(target: &mut Conn, to: &Location) -> Result<(), StoreError> {
    for table in TABLES.iter().filter(|table| table.name != "counters") {
        let sql = format!("SELECT COUNT(*) FROM {}", table.name);
        let rows: i64 = answered(target.fetch_one(AssertSqlSafe(sql))).await?.try_get(0)?;
        if rows > 0 {
            return Err(StoreError::NotOurs(format!(
                "{to} is not empty: {rows} rows in `{}`; name a new database, nothing was changed",
                table.name
            )));
        }
    }
    Ok(())
}

async fn copy_table(
    source: &mut Conn,
    target: &mut Conn,
    table: &'static TableSchema,
    progress: Progress<'_>,
) -> Result<u64, StoreError> {
    let total = format!("SELECT COUNT(*) FROM {}", table.name);
    let total: i64 = source.fetch_one(AssertSqlSafe(total)).await?.try_get(0)?;
    let total = u64::try_from(total).unwrap_or_default();
    let mut written = 0;
    let select = format!("SELECT {} FROM {} ORDER BY {}", table.names(), table.name, table.key);
    let mut rows = source.fetch(AssertSqlSafe(select)).try_chunks(ROWS);
    loop {
        let chunk = match rows.try_next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => return Err(error.1.into()),
        };
        insert(target, table, &chunk).await?;
        written += chunk.len() as u64;
        progress(table.name, written, total);
    }
    if written != total {
        return Err(StoreError::Unreadable(format!("`{}` has {total} rows, and {written} were read", table.name)));
    }
    Ok(written)
}

async fn insert(target: &mut Conn, table: &TableSchema, rows: &[AnyRow]) -> Result<(), StoreError> {
    let width = table.columns.len();
    let values = |row: usize| {
        let places: Vec<String> = (1..=width).map(|column| format!("${}", row * width + column)).collect();
        format!("({})", places.join(", "))
    };
    let values: Vec<String> = (0..rows.len()).map(values).collect();
    let sql = format!("INSERT INTO {} ({}) VALUES {}", table.name, table.names(), values.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(rows.len() == ROWS);
    for row in rows {
        for (at, (_, kind)) in table.columns.iter().enumerate() {
            query = match kind {
                Column::Number => query.bind(row.try_get::<Option<i64>, _>(at)?),
                Column::Text => query.bind(row.try_get::<Option<String>, _>(at)?),
            };
        }
    }
    target.execute(query).await?;
    Ok(())
}

/// Follows the chains of the audit log from record to record, and says how many records there are.
async fn follow(target: &mut Conn) -> Result<u64, StoreError> {
    let mut records = target.fetch("SELECT * FROM audit ORDER BY gateway, seq");
    let (mut gateway, mut last, mut count) = (String::new(), GENESIS.to_owned(), 0);
    while let Some(row) = records.try_next().await? {
        let record = record(&row)?;
        if record.gateway != gateway {
            (gateway, last) = (record.gateway.clone(), GENESIS.to_owned());
        }
        if record.digest() != record.hash || record.prev != last {
            return Err(StoreError::NotOurs(format!(
                "record {} of the audit log was changed, or records before it are missing; nothing was copied. \
                 `curfew verify --audit` says more",
                record.seq
            )));
        }
        last = record.hash;
        count += 1;
    }
    Ok(count)
}
