//! The channels of one session: each gets what it has of the session, a number, and a task of its own. In the grace of
//! its lease none opens any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use crate::deadline::End;
use crate::drain::Drain;
use crate::gate::Gate;
use crate::ssh::asking::Ready;
use crate::ssh::channel::{Talk, resume, serve};
use crate::ssh::forward::{self, Came};
use crate::ssh::listen;
use crate::ssh::notice::{EXIT_REFUSED, nothing_new};
use crate::ssh::notices::Undecided;
use crate::ssh::refuse::refuse_one;
use crate::ssh::server::{Listen, Open};

/// How long a client may take to say what it wanted of a channel that is refused.
const PATIENCE: Duration = Duration::from_secs(10);

/// The channels of one session.
pub struct Channels<G> {
    /// What they have in common; its number is that of the last.
    common: Talk<G>,
    drain: Drain,
    running: JoinSet<Option<End>>,
    has_session: bool,
    wishes: mpsc::UnboundedSender<(Talk<G>, Listen, Undecided)>,
}

impl<G: Gate> Channels<G> {
    /// None yet.
    #[must_use]
    pub fn new(common: Talk<G>, drain: Drain) -> Self {
        let (wishes, on_wishes) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        let until = (common.lease.clone(), common.clock.clone());
        running.spawn(listen::tend(Arc::clone(&common.links), on_wishes, common.cut.clone(), until));
        Self { common, drain, running, has_session: false, wishes }
    }

    /// Serves a channel that waited until the session was admitted, and what came before it.
    pub fn resume(&mut self, mut ready: Ready) {
        for open in std::mem::take(&mut ready.before) {
            self.open(open);
        }
        self.has_session = true;
        let talk = self.next();
        self.running.spawn(resume(talk, ready));
    }

    /// Serves what the client wants.
    pub fn open(&mut self, open: Open) {
        if self.common.lease.in_grace(&self.common.clock) {
            let line = nothing_new(self.common.permit.grant());
            tokio::spawn(async move {
                let _ = tokio::time::timeout(PATIENCE, refuse_one(open, &line, EXIT_REFUSED)).await;
            });
            return;
        }
        let talk = self.next();
        match open {
            Open::Session(opened) => {
                self.has_session = true;
                self.running.spawn(serve(talk, opened));
            }
            Open::Forward(wanted) => {
                self.running.spawn(forward::outward(talk, wanted));
            }
            Open::Listen(listen) => {
                let undecided = talk.notices.expect();
                // They are taken until the session ends.
                let _ = self.wishes.send((talk, listen, undecided));
            }
        }
    }

    /// Serves what the target has for the client.
    pub fn take(&mut self, came: Came) {
        if self.common.lease.in_grace(&self.common.clock) {
            // What is dropped is refused.
            return;
        }
        let talk = self.next();
        self.running.spawn(forward::inward(talk, came));
    }

    /// Waits until the next of them is over, and says whether the session has to end with it.
    pub async fn next_over(&mut self) -> Option<Result<Option<End>, JoinError>> {
        self.running.join_next().await
    }

    /// Whether nothing runs any more. Before the grace of a lease there always is the task that keeps the listeners.
    #[must_use]
    pub fn none_is_left(&self) -> bool {
        self.running.is_empty()
    }

    /// Whether there is, or was, one that tells a person how it ended: a shell, a command, a subsystem.
    #[must_use]
    pub const fn has_session(&self) -> bool {
        self.has_session
    }

    /// Lets them go on to seal their recordings.
    pub fn detach(mut self) {
        self.running.detach_all();
    }

    fn next(&mut self) -> Talk<G> {
        let common = &mut self.common;
        common.number += 1;
        Talk {
            gate: Arc::clone(&common.gate),
            clock: common.clock.clone(),
            session: common.session,
            permit: Arc::clone(&common.permit),
            lease: common.lease.clone(),
            links: Arc::clone(&common.links),
            handle: common.handle.clone(),
            forwards: Arc::clone(&common.forwards),
            notices: common.notices.clone(),
            cut: common.cut.clone(),
            farewells: Arc::clone(&common.farewells),
            seals: Arc::clone(&common.seals),
            activity: common.activity.clone(),
            number: common.number,
            live: self.drain.enter(),
        }
    }
}
