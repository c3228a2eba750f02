//! The store: what is found when somebody tampers with the audit log, and what a commit keeps.

mod commit;
mod copy;
pub mod fate;
mod migrate;
pub mod place;
mod tamper;

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::Ed25519KeyPair;
use jiff::Timestamp;
use sqlx::Executor;
use tempfile::TempDir;

use super::dialect::Conn;
use super::{Action, Event, GATEWAY, HEAD_FILE, Opening, Store, StoreError, Verdict, verify_audit};
use crate::config::location::Location;
use place::Place;

/// A state folder, a database, and the key of their gateway.
pub struct Folder {
    pub dir: TempDir,
    pub place: Place,
    pkcs8: Vec<u8>,
}

impl Folder {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { place: Place::new(dir.path()).await, dir, pkcs8: new_pkcs8() }
    }

    /// A folder whose audit log has this many events, and no gateway running.
    pub async fn with_events(count: i64) -> Self {
        let folder = Self::new().await;
        folder.add(count).await;
        folder
    }

    pub fn key(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_pkcs8(&self.pkcs8).unwrap()
    }

    pub fn opening(&self) -> Opening<'_> {
        let location = self.place.location.clone();
        Opening { location, ..Opening::usual(self.dir.path(), self.key(), now()) }
    }

    pub async fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(self.opening()).await
    }

    pub async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    /// A gateway starts, adds events, and stops.
    pub async fn add(&self, count: i64) {
        let store = self.open().await;
        for number in 0..count {
            store.begin().await.unwrap().commit(event(number)).await.unwrap();
        }
        store.close().await;
    }

    /// The database's file, for what can only be done to a file.
    pub fn file(&self) -> Option<&Path> {
        self.place.file()
    }

    pub fn head(&self) -> PathBuf {
        self.dir.path().join(HEAD_FILE)
    }

    /// Does something to the database behind Curfew's back.
    pub async fn sql(&self, sql: &'static str) {
        self.intruder().await.execute(sqlx::raw_sql(sql)).await.unwrap();
    }

    pub async fn intruder(&self) -> Conn {
        self.place.intruder().await
    }

    pub async fn verify(&self) -> Verdict {
        use aws_lc_rs::signature::KeyPair;
        let key = self.key();
        verify_audit(&self.place.location, GATEWAY, key.public_key().as_ref(), &self.head()).await.unwrap()
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
    Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap().as_ref().to_vec()
}

pub fn now() -> Timestamp {
    "2026-11-23T04:00:00Z".parse().unwrap()
}

pub fn event(number: i64) -> Event {
    Event::new(now(), "alice", Action::RequestFiled, format!("r{number}")).with("number", number)
}
