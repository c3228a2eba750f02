//! The PostgreSQL of the tests against itself.

use std::path::Path;
use std::process::Command;

use crate::support::postgres::{Settings, Shared};
use crate::support::{Postgres, SOON, eventually};

/// One of these, or the line that says why there is none.
fn or_skipped<T>(found: Option<T>) -> Option<T> {
    if found.is_none() {
        Postgres::skipped();
    }
    found
}

#[test]
fn a_database_answers_its_owner_and_nobody_without_the_password() {
    let Some(postgres) = or_skipped(Postgres::start()) else { return };
    assert_eq!(postgres.psql("SELECT 1").unwrap(), "1");
    assert_eq!(postgres.psql("SELECT current_database()").unwrap(), postgres.database());
    assert_eq!(postgres.psql("SELECT usesuper FROM pg_user WHERE usename = current_user").unwrap(), "f");
    assert_eq!(postgres.psql("SHOW fsync").unwrap(), "on");
    let socket = format!("host={}", postgres.socket_folder().display());
    for how in ["host=127.0.0.1", &socket] {
        assert_eq!(postgres.psql_at(how, "SELECT 1").unwrap(), "1", "{how}");
        let refused = postgres.psql_at(&format!("{how} password=wrong"), "SELECT 1").unwrap_err();
        assert!(refused.contains("password authentication failed"), "{refused}");
    }
    for url in [postgres.url(), postgres.admin_url()] {
        let psql = Command::new("psql").args(["-XAtc", "SELECT 2", &url]).output().unwrap();
        assert_eq!(psql.stdout, b"2\n", "{psql:?}");
    }
}

#[test]
fn two_databases_do_not_see_each_other_and_are_gone_when_dropped() {
    let Some((one, other)) = or_skipped(Postgres::start().zip(Postgres::fast())) else { return };
    assert_eq!(one.address(), other.address());
    one.psql("CREATE TABLE t (n int); INSERT INTO t VALUES (7)").unwrap();
    assert_eq!(one.psql("SELECT n FROM t").unwrap(), "7");
    assert!(other.psql("SELECT n FROM t").unwrap_err().contains("does not exist"));
    assert_eq!(
        (one.psql("SHOW synchronous_commit").unwrap(), other.psql("SHOW synchronous_commit").unwrap()),
        ("on".into(), "off".into())
    );
    let count = format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", one.database());
    assert_eq!(other.psql(&count).unwrap(), "1");
    drop(one);
    assert_eq!(other.psql(&count).unwrap(), "0");
}

#[test]
fn its_certificate_is_for_localhost() {
    let Some(postgres) = or_skipped(Postgres::start()) else { return };
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(postgres.psql_at("host=localhost sslmode=verify-full", encrypted).unwrap(), "t");
    assert_eq!(postgres.psql_at("host=127.0.0.1 sslmode=verify-ca", encrypted).unwrap(), "t");
    assert_eq!(postgres.psql_at("host=127.0.0.1 sslmode=disable", encrypted).unwrap(), "f");
    let refused = postgres.psql_at("host=127.0.0.1 sslmode=verify-full", encrypted).unwrap_err();
    assert!(refused.contains("does not match host name"), "{refused}");
    let none = postgres.psql_at("host=localhost sslmode=verify-full sslrootcert=/dev/null", encrypted);
    assert!(none.is_err(), "{none:?}");
}

#[test]
fn a_server_of_ones_own_stops_dies_freezes_and_comes_back_with_its_data() {
    let Some(mut postgres) = or_skipped(Postgres::own()) else { return };
    postgres.psql("CREATE TABLE t (n int)").unwrap();
    type End = fn(&mut Postgres);
    for (n, end) in [Postgres::stop as End, Postgres::kill9].into_iter().enumerate() {
        postgres.psql(&format!("INSERT INTO t VALUES ({n})")).unwrap();
        end(&mut postgres);
        let refused = postgres.psql("SELECT 1").unwrap_err();
        assert!(refused.contains("refused"), "{refused}");
        postgres.start_again();
        assert_eq!(postgres.psql("SELECT count(*) FROM t").unwrap(), (n + 1).to_string());
    }
    postgres.freeze();
    let silent = postgres.psql_at("host=127.0.0.1 connect_timeout=2", "SELECT 1").unwrap_err();
    assert!(silent.contains("timeout"), "{silent}");
    postgres.thaw();
    assert_eq!(postgres.psql("SELECT 1").unwrap(), "1");
    let (folder, address) = (postgres.socket_folder().to_owned(), postgres.address());
    postgres.freeze();
    drop(postgres);
    assert!(!folder.exists() && std::net::TcpStream::connect(address).is_err(), "nothing is left of it");
}

#[test]
fn a_server_may_do_without_tls_and_without_waiting_for_the_disk() {
    let Some(postgres) = or_skipped(Postgres::own_with(Settings { fsync: false, tls: false })) else { return };
    assert_eq!(postgres.psql("SHOW fsync").unwrap(), "off");
    assert!(
        postgres.psql_at("host=127.0.0.1 sslmode=require", "SELECT 1").unwrap_err().contains("does not support SSL")
    );
}

/// The folder of a shared server.
fn home(postgres: &Postgres) -> &Path {
    postgres.socket_folder()
}

#[test]
fn a_shared_server_is_found_again_and_ends_when_nobody_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(shared) = or_skipped(Shared::in_folder(folder.path(), 1)) else { return };
    let first = Postgres::on(&shared);
    let second = Postgres::on(&shared);
    assert_eq!((home(&first), first.address()), (home(&second), second.address()));
    let (left, address) = (home(&first).to_owned(), first.address());
    drop((first, second));
    eventually(SOON, "the server's folder is gone", || !left.exists());
    assert!(std::net::TcpStream::connect(address).is_err());
    let third = Postgres::on(&shared);
    assert_ne!(home(&third), left);
    assert_eq!(third.psql("SELECT 1").unwrap(), "1");
}

#[test]
fn a_shared_server_that_was_killed_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let Some(shared) = or_skipped(Shared::in_folder(folder.path(), 1)) else { return };
    let first = Postgres::on(&shared);
    let pid = std::fs::read_to_string(home(&first).join("data/postmaster.pid")).unwrap();
    Command::new("kill").args(["-KILL", pid.lines().next().unwrap()]).status().unwrap();
    eventually(SOON, "the server is gone", || first.psql("SELECT 1").is_err());
    let second = Postgres::on(&shared);
    assert_ne!(home(&second), home(&first));
    assert_eq!(second.psql("SELECT 1").unwrap(), "1");
}

#[test]
fn a_shared_server_whose_keeper_was_killed_is_used_to_the_end_and_then_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let Some(shared) = or_skipped(Shared::in_folder(folder.path(), 1)) else { return };
    let first = Postgres::on(&shared);
    let keeper = std::fs::read_to_string(home(&first).join("keeper")).unwrap();
    Command::new("kill").args(["-KILL", &keeper]).status().unwrap();
    let gone = || std::fs::read(format!("/proc/{keeper}/cmdline")).unwrap_or_default().is_empty();
    eventually(SOON, "the shell is gone", gone);
    let second = Postgres::on(&shared);
    assert_eq!(home(&second), home(&first));
    let left = home(&first).to_owned();
    drop((first, second));
    let third = Postgres::on(&shared);
    assert!(home(&third) != left && !left.exists());
    assert_eq!(third.psql("SELECT 1").unwrap(), "1");
}
