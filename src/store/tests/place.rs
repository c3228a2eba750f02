//! Where the tests of store and use cases keep their database: SQLite in their folder, or a PostgreSQL database of their
//! own, where the environment variable `CURFEW_TEST_DATABASE` is `postgres`.

use std::path::Path;

use crate::config::location::{Address, Location};
use crate::config::store::DATABASE_FILE;
use crate::store::dialect::{self, Conn, Purpose};

#[allow(dead_code, clippy::disallowed_methods)] // Most of it is for end-to-end tests, which live by the real clock.
#[path = "../../../tests/support/postgres/mod.rs"]
mod postgres;

/// A database for one test, gone with it.
pub struct Place {
    pub location: Location,
    _postgres: Option<postgres::Postgres>,
}

impl Place {
    pub async fn new(state_dir: &Path) -> Self {
        let postgres = postgres::Postgres::if_asked_for();
        let location = match &postgres {
            Some(postgres) => Location::Postgres(Address::parse(&postgres.url()).expect("an address")),
            None => Location::Sqlite(state_dir.join(DATABASE_FILE)),
        };
        Self { location, _postgres: postgres }
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
