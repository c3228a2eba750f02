//! Where the tests of store and use cases keep their database: SQLite in their folder, or, where the environment variable
//! `CURFEW_TEST_POSTGRES` names a server (`make test` starts one), a PostgreSQL database of their own.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Executor};

use crate::config::location::{Address, Location};
use crate::config::store::DATABASE_FILE;
use crate::store::dialect::{self, Conn, Purpose};

/// A database for one test, gone with it.
pub struct Place {
    pub location: Location,
    server: Option<(Address, String)>,
}

impl Place {
    pub async fn new(state_dir: &Path) -> Self {
        let Ok(server) = std::env::var("CURFEW_TEST_POSTGRES") else {
            return Self { location: Location::Sqlite(state_dir.join(DATABASE_FILE)), server: None };
        };
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let name = format!("unit_{}_{}", std::process::id(), NUMBERS.fetch_add(1, Ordering::SeqCst));
        let admin = Address::parse(&server).expect("CURFEW_TEST_POSTGRES is an address");
        tell(&admin, format!("CREATE DATABASE {name}")).await;
        let address = Address::parse(&admin.on_database(&name)).expect("an address");
        Self { location: Location::Postgres(address), server: Some((admin, name)) }
    }

    /// The file, for tests of what can only be done to a file. They are over at once where there is none.
    pub fn file(&self) -> Option<&Path> {
        match &self.location {
            Location::Sqlite(path) => Some(path),
            Location::Postgres(_) => None,
        }
    }

    /// A connection behind Curfew's back.
    pub async fn intruder(&self) -> Conn {
        dialect::connect(&self.location, Purpose::Write).await.expect("connect to the test's database")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((admin, name)) = self.server.take() else { return };
        // On a thread of its own, since a test's runtime may be the only one, and busy with this.
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(tell(&admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
        });
        let _ = gone.join();
    }
}

async fn tell(server: &Address, statement: String) {
    let location = Location::Postgres(server.clone());
    let mut conn = dialect::connect(&location, Purpose::Write).await.expect("connect to the tests' server");
    conn.execute("SET statement_timeout = '30s'").await.expect("set a limit");
    conn.execute(AssertSqlSafe(statement)).await.expect("the server does it");
}
