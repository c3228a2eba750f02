//! The gateway's database, opened behind its back.

use std::path::Path;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::runtime::Runtime;

use super::postgres::Postgres;

/// A connection of our own.
pub struct Database {
    runtime: Runtime,
    connection: AnyConnection,
    /// Has nobody else read or write until COMMIT.
    lock: &'static str,
}

impl Database {
    /// SQLite's file.
    pub fn open(path: &Path) -> Self {
        let mut database = Self::connect(&format!("sqlite://{}", path.display()), "BEGIN EXCLUSIVE");
        database.run("PRAGMA busy_timeout = 10000");
        database
    }

    /// A database on PostgreSQL.
    pub fn of(postgres: &Postgres) -> Self {
        Self::connect(&postgres.url(), "BEGIN; LOCK TABLE gateways, audit, grants, sessions, requests")
    }

    fn connect(url: &str, lock: &'static str) -> Self {
        sqlx::any::install_default_drivers();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let options: AnyConnectOptions = url.parse().expect("an address");
        let connection = runtime.block_on(options.connect()).expect("open the database");
        Self { runtime, connection, lock }
    }

    /// Has nobody else read or write the database, until [`Database::unlock`].
    #[track_caller]
    pub fn lock(&mut self) {
        self.run(self.lock);
    }

    #[track_caller]
    pub fn unlock(&mut self) {
        self.run("COMMIT");
    }

    /// Runs statements.
    #[track_caller]
    pub fn run(&mut self, sql: &str) {
        let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.connection);
        self.runtime.block_on(statement).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// A number out of the database.
    #[track_caller]
    pub fn number(&mut self, sql: &str) -> i64 {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.connection);
        self.runtime.block_on(row).unwrap_or_else(|error| panic!("{sql}: {error}")).get(0)
    }

    /// Ends the connection, so that everything is in the file.
    pub fn close(self) {
        let Self { runtime, connection, .. } = self;
        runtime.block_on(connection.close()).expect("close the database");
    }
}
