//! The one commit point. A change is written with its events, and what follows from it in memory (leases, waiters) follows
//! from the commit, whatever became of the commit's answer.

use std::time::Duration;

use curfew_policy::id::{GrantId, RequestId, SessionId};
use curfew_proxy::lease::End;
use jiff::Timestamp;

use super::{App, Outcome};
use crate::store::{Checkpoint, Event, Events, Sealed, StoreError, Tx};

/// How long live sessions may go on while nobody can tell whether the change that ends them took place.
const BENEFIT_OF_DOUBT: Duration = Duration::from_millis(700);

/// How long to wait before the database is asked again what became of a commit.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// A change of the store: what the audit log says of it, and what follows from it in memory.
#[derive(Debug)]
pub struct Change {
    events: Events,
    effects: Vec<Effect>,
}

/// What follows from a change in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The deadline of a new grant is fixed, on both clocks.
    Granted(GrantId, Timestamp),
    /// A grant that ended at the first moment ends at the second.
    Extended(GrantId, Timestamp, Timestamp),
    /// A grant and its live sessions are over.
    GrantOver(GrantId, End),
    /// A session is over.
    SessionOver(SessionId, End),
    /// Whoever waits for a request looks at it again.
    RequestChanged(RequestId),
}

impl Effect {
    /// Whether it takes something away. That happens in time even when nobody can tell what became of the commit: a
    /// session that ends too early can be begun again, and one that ends too late cannot be undone.
    const fn takes_away(&self) -> bool {
        matches!(self, Self::GrantOver(..) | Self::SessionOver(..))
    }
}

impl Change {
    /// A change with nothing in memory to follow from it, so far.
    #[must_use]
    pub fn new(events: impl Into<Events>) -> Self {
        Self { events: events.into(), effects: Vec::new() }
    }

    /// The same change with something that follows from it.
    #[must_use]
    pub fn with(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    /// The same change with a further event.
    #[must_use]
    pub fn and(mut self, event: Event) -> Self {
        self.events = self.events.and(event);
        self
    }
}

impl<E: Into<Events>> From<E> for Change {
    fn from(events: E) -> Self {
        Self::new(events)
    }
}

impl App {
    /// Commits a change, and has happen what follows from it, even when whoever asked goes away meanwhile: a grant that is
    /// revoked in the database is revoked for its live sessions too.
    ///
    /// # Errors
    /// When the database does not take the change: then nothing was changed. [`StoreError::Unanswered`] when nobody can tell
    /// in time; what the change takes away is taken away then, and the rest follows once the database answers.
    pub async fn commit(&self, tx: Tx, change: impl Into<Change>) -> Outcome<()> {
        let (app, Change { events, effects }) = (self.clone(), change.into());
        let committed = tokio::spawn(async move { app.carry_out(tx.seal(events).await?, effects).await });
        let lost = |why: tokio::task::JoinError| {
            tracing::error!(%why, "a commit did not come to its end");
            StoreError::Unavailable(why.to_string())
        };
        Ok(committed.await.map_err(lost)??)
    }

    /// Commits. The time of the doubt runs from the moment at which the database is told to.
    async fn carry_out(&self, sealed: Sealed, effects: Vec<Effect>) -> Result<(), StoreError> {
        let (at_once, later): (Vec<_>, Vec<_>) = effects.into_iter().partition(Effect::takes_away);
        let fate = self.fate(sealed);
        tokio::pin!(fate);
        let known = tokio::time::timeout(BENEFIT_OF_DOUBT, &mut fate).await.ok();
        let doubted = known.is_none();
        if doubted {
            self.follow(&at_once);
        }
        let fate = match known {
            Some(fate) => fate,
            None => fate.await,
        };
        match &fate {
            Ok(()) => {
                self.follow(if doubted { &[] } else { &at_once });
                self.follow(&later);
            }
            Err(StoreError::Unanswered(unsure)) => {
                self.follow(if doubted { &[] } else { &at_once });
                let (app, unsure) = (self.clone(), unsure.clone());
                tokio::spawn(async move { app.settle_later(&unsure, &at_once, &later).await });
            }
            Err(_) if doubted => self.take_back(&at_once),
            Err(_) => {}
        }
        fate
    }

    /// Commits, and asks what became of a commit that was not answered.
    async fn fate(&self, sealed: Sealed) -> Result<(), StoreError> {
        let unsure = match sealed.commit().await {
            Err(StoreError::Unanswered(unsure)) => unsure,
            answered => return answered,
        };
        tracing::warn!(seq = unsure.seq, "a commit was not answered; asking what became of it");
        match tokio::time::timeout(BENEFIT_OF_DOUBT, self.store().took_place(&unsure)).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(StoreError::Unavailable("the change was not taken".to_owned())),
            Ok(Err(_)) | Err(_) => Err(StoreError::Unanswered(unsure)),
        }
    }

    async fn settle_later(&self, unsure: &Checkpoint, followed: &[Effect], later: &[Effect]) {
        loop {
            // No use case waits for this: time under test does not matter, and a stopped clock must not stop it.
            tokio::time::sleep(ASK_AGAIN).await;
            match self.store().took_place(unsure).await {
                Ok(true) => return self.follow(later),
                Ok(false) => return self.take_back(followed),
                // The process goes down, or is no gateway any more.
                Err(StoreError::Fenced(_)) => return,
                Err(_) if self.store().is_closed() => return,
                Err(_) => {}
            }
        }
    }

    /// What was taken away followed from a change that did not take place: new sessions go by the store again.
    fn take_back(&self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::GrantOver(id, end) = effect {
                self.leases().revive(*id, end);
            }
        }
    }

    fn follow(&self, effects: &[Effect]) {
        let (leases, now) = (self.leases(), self.clock().now());
        for effect in effects {
            match effect {
                Effect::Granted(id, expires_at) => {
                    leases.deadline(*id, now, *expires_at);
                }
                Effect::Extended(id, from, to) => leases.extend(*id, now, *from, *to),
                Effect::GrantOver(id, end) => leases.end_grant(*id, end),
                Effect::SessionOver(id, end) => {
                    leases.kill(*id, end.clone());
                }
                Effect::RequestChanged(id) => self.waiters().wake(*id),
            }
        }
    }
}
