//! How the gateway and its PostgreSQL server know each other: certificates and passwords.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::process::Running;
use crate::support::{Gateway, Outcome, Postgres, Program, SOON, Stage, eventually};

/// A gateway that is to start with this `[store]`, once `prepare` has laid its files into the folder.
struct Start {
    gateway: Gateway,
}

impl Start {
    fn with(store: &str, prepare: impl FnOnce(&Path)) -> Self {
        let toml = format!(
            "[gateway]\nstate_dir = \"state\"\n\n[recordings]\nspool = \"recordings\"\n\n[ssh]\nlisten = \"127.0.0.1:0\"\n\n[store]\n{store}\n"
        );
        let gateway = Gateway::keeping(None, &toml);
        prepare(gateway.path());
        Self { gateway }
    }

    fn at(database: &str) -> Self {
        Self::with(&format!("database = {database:?}"), |_| {})
    }

    fn program(&self) -> Program {
        self.gateway.curfew(&["serve"])
    }

    /// It serves.
    #[track_caller]
    fn works(&self, program: Program) -> Running {
        let mut running = program.start();
        eventually(SOON, "it is ready, or has ended", || {
            running.stdout.text().contains("ready ssh=") || !running.is_running()
        });
        assert!(running.is_running(), "{:?}", running.wait(SOON));
        running
    }

    /// It does not start, and says this in one line, without the password.
    #[track_caller]
    fn fails(&self, secret: &str, words: &[&str]) {
        let run: Outcome = self.program().limit(SOON).run().expect(1);
        let lines: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("curfew: ")).collect();
        assert_eq!(lines.len(), 1, "{run:?}");
        assert_eq!(run.stderr.lines().last(), lines.first().copied(), "nothing after the line: {run:?}");
        let line = lines[0].to_lowercase();
        assert!(words.iter().all(|word| line.contains(word)), "{words:?} in {line}");
        assert!(!run.stderr.contains(secret) && !run.text().contains(secret), "the password is shown: {run:?}");
    }
}

/// The address of a database by this name of its host, with this password, or none.
fn address(postgres: &Postgres, host: &str, password: Option<&str>, more: &str) -> String {
    let password = password.map(|password| format!(":{password}")).unwrap_or_default();
    let port = postgres.address().port();
    format!("postgres://{}{password}@{host}:{port}/{}{more}", postgres.user(), postgres.database())
}

fn verified(ca: &Path) -> String {
    format!("?sslmode=verify-full&sslrootcert={}", ca.display())
}

fn write_secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_server_that_proves_its_name_is_used_over_tls_alone() {
    let Some(postgres) = Postgres::start() else { return Postgres::skipped() };
    let database = address(&postgres, "localhost", Some(postgres.password()), &verified(&postgres.ca()));
    let stage = Stage::on(Some(postgres), |setup| setup.store(&database));
    stage.alice.granted("web1", "admin", "1h");
    stage.on_web1("true").run().ok();
    let mut gateway = stage.gateway;
    let name = gateway.postgres().database().to_owned();
    let of_it = |what: &str| {
        let sql = format!(
            "SELECT {what} FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE datname = '{name}' AND application_name LIKE 'curfew%'"
        );
        sql
    };
    let postgres = gateway.postgres();
    assert_eq!(postgres.admin(&of_it("bool_and(ssl)")).unwrap(), "t");
    assert_ne!(postgres.admin(&of_it("count(*)")).unwrap(), "0");
}

#[test]
fn a_server_of_another_ca_is_not_used() {
    let (Some(postgres), Some(other)) = (Postgres::start(), Postgres::own()) else { return Postgres::skipped() };
    let database = address(&postgres, "localhost", Some(postgres.password()), &verified(&other.ca()));
    Start::at(&database).fails(postgres.password(), &["database", "certificate"]);
}

#[test]
fn a_server_of_another_name_is_not_used() {
    let Some(postgres) = Postgres::start() else { return Postgres::skipped() };
    let database = address(&postgres, "127.0.0.1", Some(postgres.password()), &verified(&postgres.ca()));
    Start::at(&database).fails(postgres.password(), &["database", "certificate", "name"]);
}

#[test]
fn a_server_without_tls_is_not_used_where_it_must_prove_its_name() {
    let settings = crate::support::postgres::Settings { fsync: false, tls: false };
    let (Some(postgres), Some(other)) = (Postgres::own_with(settings), Postgres::start()) else {
        return Postgres::skipped();
    };
    let database = address(&postgres, "localhost", Some(postgres.password()), &verified(&other.ca()));
    Start::at(&database).fails(postgres.password(), &["database", "tls"]);
}

#[test]
fn the_password_comes_from_a_file() {
    let Some(postgres) = Postgres::start() else { return Postgres::skipped() };
    let store = format!("database = {:?}\npassword_file = \"db.password\"", address(&postgres, "127.0.0.1", None, ""));
    let start = Start::with(&store, |folder| {
        write_secret(&folder.join("db.password"), &format!("{}\n", postgres.password()));
    });
    start.works(start.program());
    std::fs::remove_file(start.gateway.path().join("db.password")).unwrap();
    start.fails(postgres.password(), &["password_file", "db.password"]);
}

#[test]
fn the_password_comes_from_the_usual_file() {
    let Some(postgres) = Postgres::start() else { return Postgres::skipped() };
    let start = Start::at(&address(&postgres, "127.0.0.1", None, ""));
    let file = start.gateway.path().join("pgpass");
    write_secret(&file, &format!("127.0.0.1:*:*:{}:{}\n", postgres.user(), postgres.password()));
    start.works(start.program().env("PGPASSFILE", &file));
}

#[test]
fn a_wrong_password_is_said_to_be_wrong_and_not_shown() {
    let Some(postgres) = Postgres::start() else { return Postgres::skipped() };
    let wrong = "hunter2hunter2";
    Start::at(&address(&postgres, "127.0.0.1", Some(wrong), "")).fails(wrong, &["database", "password"]);
    let store = format!("database = {:?}\npassword_file = \"db.password\"", address(&postgres, "127.0.0.1", None, ""));
    let start = Start::with(&store, |folder| write_secret(&folder.join("db.password"), wrong));
    start.fails(wrong, &["database", "password"]);
}
