//! Content that goes one way through a file, hashed in the order of the file.
//!
//! Clients have many requests on their way at once and some send them out of turn (Node's ssh2 writes so, sshfs reads
//! so). What comes early is held until its turn, a few megabytes of it for each channel.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use curfew_recorder::{Hasher, hex};

/// The most content that a channel holds until its turn, in bytes: twice what ssh2 has on its way.
pub const MOST_HELD: usize = 4 * 1024 * 1024;

/// How much one channel holds. Its clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Room(Arc<AtomicUsize>);

impl Room {
    fn take(&self, bytes: usize) -> bool {
        let more = |held: usize| held.checked_add(bytes).filter(|all| *all <= MOST_HELD);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Content that goes one way.
#[derive(Debug, Default)]
pub struct OrderedHash {
    /// Whether there was any, or the end of the file where it should have been.
    pub begun: bool,
    /// Where in the file it begins.
    pub start: u64,
    /// How far it is hashed.
    pub next: u64,
    /// How much there was, in bytes.
    pub bytes: u64,
    /// Where the packet that comes now goes on.
    at: u64,
    /// Something is missing, or came twice: there is no hash any more.
    scattered: bool,
    hasher: Option<Hasher>,
    /// What waits for its turn, by where it begins.
    held: BTreeMap<u64, Vec<u8>>,
    room: Room,
}

impl OrderedHash {
    /// The room that it shares with the others of its channel.
    pub fn shares(&mut self, room: &Room) {
        self.room = room.clone();
    }

    /// A packet's content begins there in the file.
    pub fn begin(&mut self, offset: u64) {
        self.begun = true;
        self.at = offset;
    }

    /// There was nothing to be had there.
    pub fn nothing_at(&mut self, offset: u64) {
        if !self.begun {
            self.begin(offset);
            (self.start, self.next) = (offset, offset);
        }
    }

    /// Takes content.
    pub fn update(&mut self, content: &[u8]) {
        let at = self.at;
        self.at = self.at.saturating_add(content.len() as u64);
        self.bytes = self.bytes.saturating_add(content.len() as u64);
        self.place(at, content);
    }

    /// Whether it is all there from the start of the file on.
    pub const fn is_from_the_start(&self) -> bool {
        self.start == 0 && !self.scattered
    }

    /// Something came in between: there is no hash any more.
    pub fn scatter(&mut self) {
        self.scattered = true;
        self.hasher = None;
        self.room.give(self.held.values().map(Vec::len).sum());
        self.held.clear();
    }

    /// Nothing more comes. What is still held is the beginning, or something is missing before it.
    pub fn settle(&mut self) {
        self.begin_with_what_is_held();
        if !self.held.is_empty() {
            self.scatter();
        }
    }

    /// The hash of all that went through. Of nothing at all only when nothing is the whole file.
    pub fn sha256(&self, whole: bool) -> Option<String> {
        match &self.hasher {
            Some(hasher) if self.bytes > 0 || whole => Some(hex(&hasher.current())),
            None if self.bytes == 0 && !self.scattered && whole => Some(hex(&Hasher::new().current())),
            _ => None,
        }
    }

    fn place(&mut self, at: u64, content: &[u8]) {
        if self.scattered || content.is_empty() {
            return;
        }
        if at == self.next {
            self.hash(content);
            self.catch_up();
        } else if at < self.next {
            self.scatter();
        } else {
            self.hold(at, content);
        }
    }

    fn hash(&mut self, content: &[u8]) {
        self.hasher.get_or_insert_with(Hasher::new).update(content);
        self.next = self.next.saturating_add(content.len() as u64);
    }

    /// Takes what has its turn now.
    fn catch_up(&mut self) {
        while let Some(early) = self.held.first_entry().filter(|early| *early.key() <= self.next) {
            let (at, content) = early.remove_entry();
            self.room.give(content.len());
            if at < self.next {
                return self.scatter();
            }
            self.hash(&content);
        }
    }

    fn hold(&mut self, at: u64, content: &[u8]) {
        if !self.room.take(content.len()) {
            // It does not begin at the start of the file, after all; or too much is missing.
            return if self.begin_with_what_is_held() { self.place(at, content) } else { self.scatter() };
        }
        // A packet comes in pieces.
        match self.held.range_mut(..=at).next_back() {
            Some((from, before)) if from.saturating_add(before.len() as u64) == at => before.extend_from_slice(content),
            Some((from, before)) if from.saturating_add(before.len() as u64) > at => {
                self.room.give(content.len());
                self.scatter();
            }
            _ => drop(self.held.insert(at, content.to_vec())),
        }
    }

    /// Where nothing is hashed yet, lets the first that is held be the beginning. Whether it did.
    fn begin_with_what_is_held(&mut self) -> bool {
        let Some(first) = self.held.keys().next().copied().filter(|_| self.hasher.is_none()) else { return false };
        (self.start, self.next) = (first, first);
        self.catch_up();
        !self.scattered
    }
}

impl Drop for OrderedHash {
    fn drop(&mut self) {
        self.room.give(self.held.values().map(Vec::len).sum());
    }
}

#[cfg(test)]
mod tests;
