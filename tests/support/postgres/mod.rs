//! PostgreSQL for tests: a real server, made when a test wants one, and gone when none does.
//!
//! [`Postgres::start`] gives a database of one's own on a server that all tests of a run share, whatever process they are
//! in ([`shared`]). [`Postgres::own`] gives a server of one's own ([`private`]), which may be stopped, killed and frozen.
//! Neither is the cluster that Debian's package makes: servers here have their own folder, port, password and CA.
//!
//! This folder needs nothing else of the support, so that unit tests can have it too.

mod binaries;
mod cluster;
mod private;
mod processes;
mod shared;

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use self::binaries::Binaries;
use self::cluster::{ADMIN, Cluster, OWNER};
use self::private::Keeper;
pub use self::shared::Shared;

/// How a server of one's own is set up.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Whether what was committed is on the disk.
    pub fsync: bool,
    /// Whether the server has a certificate for `localhost`, of a CA that is made for it. Clients may still do without.
    pub tls: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { fsync: true, tls: true }
    }
}

/// A database, and the server that it is on. Dropped, the database is gone, and so is a server of one's own.
pub struct Postgres {
    cluster: Cluster,
    database: String,
    kept: Kept,
}

/// What keeps the server.
enum Kept {
    /// A lock on this file.
    Shared(#[allow(dead_code)] File), // Held until dropped.
    Own(Keeper),
}

impl Postgres {
    /// A new database on the server that all tests share. None where PostgreSQL is not installed; then the test says so
    /// ([`Postgres::skipped`]) and ends.
    pub fn start() -> Option<Self> {
        Some(Self::on(&Shared::of_this_run()?))
    }

    /// As [`Postgres::start`], with commits that do not wait for the disk.
    pub fn fast() -> Option<Self> {
        let postgres = Self::start()?;
        postgres.must(&format!("ALTER DATABASE {} SET synchronous_commit = off", postgres.database));
        Some(postgres)
    }

    /// Whether tests are to use PostgreSQL where they could as well use SQLite (`CURFEW_TEST_DATABASE=postgres`).
    ///
    /// # Panics
    /// When the variable says something else.
    pub fn is_asked_for() -> bool {
        match std::env::var("CURFEW_TEST_DATABASE").as_deref() {
            Err(_) | Ok("" | "sqlite") => false,
            Ok("postgres") => true,
            Ok(other) => panic!("CURFEW_TEST_DATABASE is sqlite or postgres, and not `{other}`"),
        }
    }

    /// The database of a test that could as well use SQLite: none unless PostgreSQL is asked for.
    ///
    /// # Panics
    /// When PostgreSQL is asked for and not installed.
    pub fn if_asked_for() -> Option<Self> {
        Self::is_asked_for()
            .then(|| Self::fast().expect("CURFEW_TEST_DATABASE asks for PostgreSQL, which is not installed"))
    }

    /// A new database on a shared server.
    pub fn on(shared: &Shared) -> Self {
        let database = new_name();
        let (cluster, users) = shared.enter(&create(&database));
        Self { cluster, database, kept: Kept::Shared(users) }
    }

    /// A server of one's own, with a database.
    pub fn own() -> Option<Self> {
        Self::own_with(Settings::default())
    }

    /// As [`Postgres::own`], set up otherwise.
    pub fn own_with(settings: Settings) -> Option<Self> {
        let (cluster, keeper) = private::start(Binaries::find()?, settings);
        let postgres = Self { cluster, database: new_name(), kept: Kept::Own(keeper) };
        postgres.must(&create(&postgres.database));
        Some(postgres)
    }

    /// Says that a test is skipped.
    pub fn skipped() {
        eprintln!("skipped: no PostgreSQL server is installed");
    }

    /// Where the server listens, and nowhere else but on its socket.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.cluster.port))
    }

    /// The folder with its Unix socket (`.s.PGSQL.PORT`).
    pub fn socket_folder(&self) -> &Path {
        &self.cluster.folder
    }

    /// The CA of its certificate.
    pub fn ca(&self) -> PathBuf {
        self.cluster.ca()
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    /// Who owns the database: no superuser.
    pub fn user(&self) -> &str {
        OWNER
    }

    pub fn password(&self) -> &str {
        &self.cluster.password
    }

    /// How the owner connects, without TLS unless a client wants it.
    pub fn url(&self) -> String {
        self.url_of(OWNER)
    }

    /// How the superuser connects.
    pub fn admin_url(&self) -> String {
        self.url_of(ADMIN)
    }

    fn url_of(&self, user: &str) -> String {
        format!("postgres://{user}:{}@{}/{}", self.cluster.password, self.address(), self.database)
    }

    /// What psql answers to a statement of the owner.
    ///
    /// # Errors
    /// What psql says.
    pub fn psql(&self, sql: &str) -> Result<String, String> {
        self.psql_at("host=127.0.0.1", sql)
    }

    /// As [`Postgres::psql`], with words of a connection string: `host=localhost sslmode=verify-full`.
    ///
    /// # Errors
    /// What psql says.
    pub fn psql_at(&self, how: &str, sql: &str) -> Result<String, String> {
        self.cluster.psql(&format!("user={OWNER} dbname={} {how}", self.database), sql)
    }

    /// What psql answers to a statement of the superuser.
    ///
    /// # Errors
    /// What psql says.
    pub fn admin(&self, sql: &str) -> Result<String, String> {
        self.cluster.admin(sql)
    }

    #[track_caller]
    fn must(&self, sql: &str) {
        self.admin(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn keeper(&mut self) -> &mut Keeper {
        match &mut self.kept {
            Kept::Own(keeper) => keeper,
            Kept::Shared(_) => panic!("this server is other tests' too: ask for `Postgres::own`"),
        }
    }

    /// Ends the server in good order, clients or not.
    pub fn stop(&mut self) {
        self.keeper();
        processes::stop(&self.cluster);
    }

    /// Ends every process of the server at once.
    pub fn kill9(&mut self) {
        self.keeper();
        processes::kill9(&self.cluster);
    }

    /// Has every process of the server stand still: it takes connections, and answers nothing.
    pub fn freeze(&mut self) {
        self.keeper();
        processes::freeze(&self.cluster);
    }

    /// Lets the server go on.
    pub fn thaw(&mut self) {
        self.keeper();
        processes::thaw(&self.cluster);
    }

    /// Starts the server again that was stopped or killed, at the same address.
    pub fn start_again(&mut self) {
        let cluster = self.cluster.clone();
        self.keeper().start_again(&cluster);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        match &self.kept {
            Kept::Own(_) => processes::thaw(&self.cluster),
            // A test that failed because of the server shall say that, rather than this.
            Kept::Shared(_) => drop(self.admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database))),
        }
    }
}

fn create(database: &str) -> String {
    format!("CREATE DATABASE {database} TEMPLATE template0 OWNER {OWNER}")
}

/// A name that no other test has.
fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t{}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst), cluster::random(4))
}
