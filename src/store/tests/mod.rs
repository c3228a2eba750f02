//! The store: what is found when somebody tampers with the audit log, and what a commit keeps.

mod commit;
mod migrate;
mod tamper;

use std::path::PathBuf;

use jiff::Timestamp;
use ring::signature::Ed25519KeyPair;
use sqlx::{ConnectOptions, Executor, SqliteConnection};
use tempfile::TempDir;

use super::{Action, DATABASE_FILE, Event, HEAD_FILE, Store, Verdict, verify_audit};

/// A state folder and the key of its gateway.
pub struct Folder {
    pub dir: TempDir,
    pkcs8: Vec<u8>,
}

impl Folder {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), pkcs8: new_pkcs8() }
    }

    /// A folder whose audit log has this many events, and no gateway running.
    pub async fn with_events(count: i64) -> Self {
        let folder = Self::new();
        folder.add(count).await;
        folder
    }

    pub fn key(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_pkcs8(&self.pkcs8).unwrap()
    }

    pub async fn open(&self) -> Store {
        Store::open(self.dir.path(), self.key()).await.unwrap()
    }

    /// A gateway starts, adds events, and stops.
    pub async fn add(&self, count: i64) {
        let store = self.open().await;
        for number in 0..count {
            store.begin().await.unwrap().commit(event(number)).await.unwrap();
        }
        store.close().await;
    }

    pub fn database(&self) -> PathBuf {
        self.dir.path().join(DATABASE_FILE)
    }

    pub fn head(&self) -> PathBuf {
        self.dir.path().join(HEAD_FILE)
    }

    /// Does something to the database behind Curfew's back.
    pub async fn sql(&self, sql: &'static str) {
        self.intruder().await.execute(sqlx::raw_sql(sql)).await.unwrap();
    }

    pub async fn intruder(&self) -> SqliteConnection {
        sqlx::sqlite::SqliteConnectOptions::new().filename(self.database()).connect().await.unwrap()
    }

    pub async fn verify(&self) -> Verdict {
        use ring::signature::KeyPair;
        verify_audit(&self.database(), self.key().public_key().as_ref(), &self.head()).await.unwrap()
    }

    /// The number of the first bad record.
    pub async fn first_bad(&self) -> i64 {
        match self.verify().await {
            Verdict::Broken { seq, .. } => seq,
            Verdict::Intact { events } => panic!("intact, with {events} events"),
        }
    }
}

pub fn new_pkcs8() -> Vec<u8> {
    Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap().as_ref().to_vec()
}

pub fn event(number: i64) -> Event {
    let at: Timestamp = "2026-11-23T04:00:00Z".parse().unwrap();
    Event::new(at, "alice", Action::RequestFiled, format!("r{number}")).with("number", number)
}
