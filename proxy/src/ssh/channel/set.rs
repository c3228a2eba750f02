//! The channels of one session: each gets what it has of the session, a number, and a task of its own. In the grace of
//! its lease none opens any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tracing::{Instrument as _, error_span};

use crate::gate::Admit;
use crate::lease::End;
use crate::lease::drain::Drain;
use crate::ssh::channel::context::{ChannelContext, SessionContext};
use crate::ssh::channel::forward;
use crate::ssh::channel::program::{resume, serve};
use crate::ssh::channel::ready::Ready;
use crate::ssh::channel::refuse::refuse_one;
use crate::ssh::channel::remote_listen::{self, Wish};
use crate::ssh::connection::Open;
use crate::ssh::say::messages::{EXIT_REFUSED, nothing_new};
use crate::ssh::target::incoming::Came;

/// How long a client may take to say what it wanted of a channel that is refused.
const REFUSAL_TIME: Duration = Duration::from_secs(10);

/// The channels of one session.
pub struct ChannelSet<G> {
    session: Arc<SessionContext<G>>,
    /// The number of the last channel.
    last: u32,
    drain: Drain,
    running: JoinSet<Option<End>>,
    has_session: bool,
    wishes: mpsc::UnboundedSender<Wish<G>>,
}

impl<G: Admit> ChannelSet<G> {
    /// None yet.
    #[must_use]
    pub fn new(session: Arc<SessionContext<G>>, drain: Drain) -> Self {
        let (wishes, on_wishes) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        running.spawn(remote_listen::tend(Arc::clone(&session), on_wishes).in_current_span());
        Self { session, last: 0, drain, running, has_session: false, wishes }
    }

    /// Serves a channel that waited until the session was admitted, and what came before it.
    pub fn resume(&mut self, mut ready: Ready) {
        for open in std::mem::take(&mut ready.before) {
            self.open(open);
        }
        self.has_session = true;
        let context = self.next();
        let span = context.span.clone();
        self.running.spawn(resume(context, ready).instrument(span));
    }

    /// Serves what the client wants.
    pub fn open(&mut self, open: Open) {
        if self.session.lease.in_grace(&self.session.clock) {
            let line = nothing_new(self.session.permit.grant());
            tokio::spawn(async move {
                let _ = tokio::time::timeout(REFUSAL_TIME, refuse_one(open, &line, EXIT_REFUSED)).await;
            });
            return;
        }
        let context = self.next();
        match open {
            Open::Session(opened) => {
                self.has_session = true;
                let span = context.span.clone();
                self.running.spawn(serve(context, opened).instrument(span));
            }
            Open::Forward(wanted) => {
                let span = context.span.clone();
                self.running.spawn(forward::outward(context, wanted).instrument(span));
            }
            Open::Listen(listen) => {
                let undecided = context.session.queued.expect();
                // They are taken until the session ends.
                let _ = self.wishes.send(Wish { context, listen, undecided });
            }
        }
    }

    /// Serves what the target has for the client.
    pub fn take(&mut self, came: Came) {
        if self.session.lease.in_grace(&self.session.clock) {
            // What is dropped is refused.
            return;
        }
        let context = self.next();
        let span = context.span.clone();
        self.running.spawn(forward::inward(context, came).instrument(span));
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

    fn next(&mut self) -> ChannelContext<G> {
        self.last += 1;
        let (session, number, live) = (Arc::clone(&self.session), self.last, self.drain.enter());
        ChannelContext { session, number, span: error_span!("channel", number), live }
    }
}
