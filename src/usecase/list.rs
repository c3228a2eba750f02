//! Lists, newest last: what is active, scheduled or waits, and with `all` the past too. One's own and what waits for one's
//! decision; with the duty, everyone's.

use std::collections::HashMap;

use curfew_policy::grant::Grant;
use curfew_policy::request::LAPSES_AFTER;
use jiff::Timestamp;

use super::view::{GrantView, RequestView, SessionView};
use super::{Actor, App, Outcome, Rulebook, visibility};
use crate::store::{
    Filed, GrantScope, ListFilter, Reading, RequestScope, Session, SessionScope, Stage, StoreError, Whose,
};

/// How many entries are read at once where not every one is shown: what is then made of them takes no time that anybody
/// else could feel.
const BATCH: i64 = 500;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it, newest last.
    pub items: Vec<T>,
    /// Where the page of older entries begins, as the filter's `before` takes it; `None` when there are none.
    pub next: Option<String>,
    /// How many older entries there are, where they were counted: neither very many, nor such that each has to be looked
    /// at.
    pub left_out: Option<i64>,
}

/// Which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// One's own and what waits for one's decision, with the duty everyone's: those that wait, and those whose grant is
    /// scheduled or active.
    #[default]
    Usual,
    /// Of those, what waits for a decision.
    Pending,
    /// Of those, one's own.
    Mine,
    /// All one's own, the past ones too.
    AllMine,
    /// All that one may see, the past ones too.
    All,
}

/// Requests.
///
/// # Errors
/// When the database does not answer.
pub async fn requests(app: &App, actor: &Actor, which: Which, filter: ListFilter) -> Outcome<Page<RequestView>> {
    let now = app.clock().wall();
    let asked_after = now.checked_sub(LAPSES_AFTER).unwrap_or(Timestamp::MIN);
    let everything = actor.has_any(&visibility::SEES_GRANTS);
    let whose = match which {
        Which::Mine | Which::AllMine => Whose::Of(actor.name()),
        Which::Usual if !everything => Whose::OfOrPending(actor.name()),
        Which::Usual | Which::Pending | Which::All => Whose::Everyones,
    };
    let stage = match which {
        Which::Pending => Stage::Waiting(asked_after),
        Which::Usual | Which::Mine => Stage::Current { asked_after, now },
        Which::AllMine | Which::All => Stage::Any,
    };
    let sees_all = everything || matches!(whose, Whose::Of(_));
    let rules = app.rules();
    let list = RequestList { actor, rules: &rules, scope: RequestScope { whose, stage }, sees_all };
    Ok(page(app, &list, filter).await?.map(|filed| RequestView::from(&filed.request)))
}

/// Grants: one's own; with `all` also those that one approved or could have; with the duty, everyone's.
///
/// # Errors
/// When the database does not answer.
pub async fn grants(app: &App, actor: &Actor, all: bool, filter: ListFilter) -> Outcome<Page<GrantView>> {
    let now = app.clock().wall();
    let rules = app.rules();
    let everything = actor.has_any(&visibility::SEES_GRANTS);
    let of = (!everything && !all).then(|| actor.name());
    let scope = GrantScope { of, current_at: (!all).then_some(now) };
    let list = GrantList { actor, rules: &rules, scope, sees_all: everything || of.is_some() };
    Ok(page(app, &list, filter).await?.map(|(grant, _)| GrantView::at(&grant, now, &rules)))
}

/// Sessions: one's own; with the duty, everyone's. Those that go on; with `all` those that have ended too.
///
/// # Errors
/// When the database does not answer.
pub async fn sessions(app: &App, actor: &Actor, all: bool, filter: ListFilter) -> Outcome<Page<SessionView>> {
    let everything = actor.has_any(&visibility::SEES_SESSIONS);
    let list = SessionList { scope: SessionScope { of: (!everything).then(|| actor.name()), live: !all } };
    Ok(page(app, &list, filter).await?.map(|session| SessionView::from(&session)))
}

impl<T> Page<T> {
    fn map<V>(self, view: impl FnMut(T) -> V) -> Page<V> {
        let Self { items, next, left_out } = self;
        Page { items: items.into_iter().map(view).collect(), next, left_out }
    }
}

/// A list that is read page by page.
trait Listing {
    /// An entry.
    type Entry: Send;

    /// The newest entries that fit, newest first.
    fn read(
        &self,
        read: &mut Reading<'_>,
        filter: &ListFilter,
    ) -> impl Future<Output = Result<Vec<Self::Entry>, StoreError>> + Send;

    /// How many entries fit; `None` for very many.
    fn count(
        &self,
        read: &mut Reading<'_>,
        filter: &ListFilter,
    ) -> impl Future<Output = Result<Option<i64>, StoreError>> + Send;

    /// An entry's number, and how people call it.
    fn id(entry: &Self::Entry) -> (i64, String);

    /// Whether every entry that is read is the reader's to see.
    fn sees_all(&self) -> bool;

    /// Whether this one is: what only the rules can tell, which the database does not know.
    fn sees(&self, entry: &Self::Entry) -> bool;
}

/// Reads a page. Where the rules decide what is shown, entries are read in batches until the page is full: the limit counts
/// what is shown, and hides nothing of it.
async fn page<L: Listing + Sync>(app: &App, list: &L, mut filter: ListFilter) -> Outcome<Page<L::Entry>> {
    let limit = filter.limit;
    let room = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut items = Vec::new();
    let mut more = false;
    while !more {
        let wanted =
            if list.sees_all() { limit.saturating_sub(as_count(items.len())).saturating_add(1) } else { BATCH };
        filter.limit = wanted.min(BATCH);
        let batch = list.read(&mut app.store().view().await?.read(), &filter).await?;
        let over = as_count(batch.len()) < filter.limit;
        for entry in batch {
            filter.before = Some(L::id(&entry).0);
            if !list.sees(&entry) {
                continue;
            }
            more = items.len() >= room;
            if more {
                break;
            }
            items.push(entry);
        }
        if over {
            break;
        }
    }
    let oldest = items.last().map(L::id).filter(|_| more);
    let mut left_out = None;
    if let Some((number, _)) = oldest.as_ref().filter(|_| list.sees_all()) {
        filter.before = Some(*number);
        left_out = list.count(&mut app.store().view().await?.read(), &filter).await?;
    }
    items.reverse();
    Ok(Page { items, next: oldest.map(|(_, called)| called), left_out })
}

fn as_count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

struct RequestList<'a> {
    actor: &'a Actor,
    rules: &'a Rulebook,
    scope: RequestScope<'a>,
    sees_all: bool,
}

impl Listing for RequestList<'_> {
    type Entry = Filed;

    async fn read(&self, read: &mut Reading<'_>, filter: &ListFilter) -> Result<Vec<Filed>, StoreError> {
        read.list_requests(self.scope, filter).await
    }

    async fn count(&self, read: &mut Reading<'_>, filter: &ListFilter) -> Result<Option<i64>, StoreError> {
        read.count_requests(self.scope, filter).await
    }

    fn id(filed: &Filed) -> (i64, String) {
        (filed.request.id.0, filed.request.id.to_string())
    }

    fn sees_all(&self) -> bool {
        self.sees_all
    }

    fn sees(&self, filed: &Filed) -> bool {
        self.sees_all || visibility::sees_request(self.actor, filed, self.rules)
    }
}

struct GrantList<'a> {
    actor: &'a Actor,
    rules: &'a Rulebook,
    scope: GrantScope<'a>,
    sees_all: bool,
}

impl Listing for GrantList<'_> {
    /// A grant, and the request that it came of, where that decides who sees it.
    type Entry = (Grant, Option<Filed>);

    async fn read(&self, read: &mut Reading<'_>, filter: &ListFilter) -> Result<Vec<Self::Entry>, StoreError> {
        let grants = read.list_grants(self.scope, filter).await?;
        if self.sees_all {
            return Ok(grants.into_iter().map(|grant| (grant, None)).collect());
        }
        let origins = read.origins(&grants).await?;
        let mut origins: HashMap<_, _> = origins.into_iter().map(|filed| (filed.request.id, filed)).collect();
        Ok(grants.into_iter().map(|grant| (origins.remove(&grant.request), grant)).map(|(o, g)| (g, o)).collect())
    }

    async fn count(&self, read: &mut Reading<'_>, filter: &ListFilter) -> Result<Option<i64>, StoreError> {
        read.count_grants(self.scope, filter).await
    }

    fn id((grant, _): &Self::Entry) -> (i64, String) {
        (grant.id.0, grant.id.to_string())
    }

    fn sees_all(&self) -> bool {
        self.sees_all
    }

    fn sees(&self, (grant, origin): &Self::Entry) -> bool {
        let origin_seen =
            || origin.as_ref().is_some_and(|filed| visibility::sees_request(self.actor, filed, self.rules));
        self.sees_all || self.actor.is(&grant.user) || origin_seen()
    }
}

struct SessionList<'a> {
    scope: SessionScope<'a>,
}

impl Listing for SessionList<'_> {
    type Entry = Session;

    async fn read(&self, read: &mut Reading<'_>, filter: &ListFilter) -> Result<Vec<Session>, StoreError> {
        read.list_sessions(self.scope, filter).await
    }

    async fn count(&self, read: &mut Reading<'_>, filter: &ListFilter) -> Result<Option<i64>, StoreError> {
        read.count_sessions(self.scope, filter).await
    }

    fn id(session: &Session) -> (i64, String) {
        (session.id.0, session.id.to_string())
    }

    fn sees_all(&self) -> bool {
        true
    }

    fn sees(&self, _: &Session) -> bool {
        true
    }
}
