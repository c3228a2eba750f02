//! The gateway's SQLite file, opened behind its back.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use tokio::runtime::Runtime;

/// A connection of our own.
pub struct Database {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Database {
    pub fn open(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(std::time::Duration::from_secs(10));
        let connection = runtime.block_on(options.connect()).expect("open the database");
        Self { runtime, connection }
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
        let Self { runtime, connection } = self;
        runtime.block_on(connection.close()).expect("close the database");
    }
}
