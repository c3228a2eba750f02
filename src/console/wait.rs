//! `request --wait`: stays until the request is decided.

use std::time::Duration;

use curfew_policy::id::{AnyId, RequestId};

use super::pen::{Gone, Pen};
use super::render;
use super::run::{Call, CommandResult, CommandStop};
use crate::live::waiters::Changes;
use crate::usecase::request::Asked;
use crate::usecase::view::{AnyView, RequestView};
use crate::usecase::{self, Actor, App, Fault};

/// How often the line on a terminal says for how long has been waited.
pub(super) const TELL_EVERY: Duration = Duration::from_secs(1);

/// After how long the database is asked again that did not answer.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Back to the beginning of the line, which is wiped out.
pub(super) const FRESH_LINE: &str = "\r\u{1b}[K";

impl Call<'_> {
    /// Waits until a request is decided. It ends well only when it is granted.
    pub(super) async fn wait(&mut self, asked: Asked) -> CommandResult {
        let Asked { request, waits_for } = asked;
        if request.state != "pending" {
            return self.asked(&Asked { request, waits_for }).await;
        }
        if !self.json {
            let rules = self.app.rules();
            let text = render::asked(&self.sheet(&rules), &request, &waits_for, None);
            self.pen.out(&text).await?;
        }
        let id = request.id.clone();
        let live = self.pty.is_some() && !self.json;
        let decided = tokio::select! {
            decided = decided(self.app, self.actor, &self.pen, request, live) => Some(decided?),
            () = self.keys.interrupt() => None,
            // It stays pending; nobody is there to be told.
            Gone = self.pen.gone() => return Err(CommandStop::Gone),
        };
        if live {
            self.pen.raw(FRESH_LINE.as_bytes()).await?;
        }
        match decided {
            Some(request) if request.state == "granted" => self.asked(&Asked { request, waits_for: Vec::new() }).await,
            Some(request) => Ok(self.complain(&render::not_granted(&request)).await?),
            None => {
                let (show, cancel) =
                    (self.hints.command(&format!("show {id}")), self.hints.command(&format!("cancel {id}")));
                let text = format!("{id} stays pending; see how it stands with `{show}`, take it back with `{cancel}`");
                Ok(self.complain(&text).await?)
            }
        }
    }
}

/// Waits until the request is decided, and says meanwhile how it stands where the terminal is live.
async fn decided(
    app: &App,
    actor: &Actor,
    pen: &Pen,
    mut request: RequestView,
    live: bool,
) -> Result<RequestView, CommandStop> {
    let mut watched = WatchedRequest::new(app, actor, &request);
    let began = app.clock().now().mono;
    let mut shown = String::new();
    loop {
        request = watched.look(request).await?;
        if request.state != "pending" {
            return Ok(request);
        }
        loop {
            let waited = app.clock().now().mono.saturating_sub(began);
            let line = render::still_waiting(&request, waited.as_secs());
            if live && line != shown {
                pen.raw(format!("{FRESH_LINE}{line}").as_bytes()).await?;
                shown = line;
            }
            tokio::select! {
                () = watched.changed() => break,
                () = app.clock().sleep(TELL_EVERY), if live => {}
            }
        }
    }
}

/// A request that somebody waits for: looked at when it has changed, and not before.
pub(super) struct WatchedRequest<'a> {
    app: &'a App,
    actor: &'a Actor,
    id: Option<RequestId>,
    changes: Changes,
    /// Whether the database has answered since the last change.
    seen: bool,
}

impl<'a> WatchedRequest<'a> {
    /// Listens from now on. The request may have changed since it was read: look first.
    pub(super) fn new(app: &'a App, actor: &'a Actor, request: &RequestView) -> Self {
        let id = request.id.parse().ok();
        Self { app, actor, id, changes: app.waiters().listen(id.unwrap_or(RequestId(0))), seen: false }
    }

    /// The request as it stands now; as it stood, when the database does not answer.
    pub(super) async fn look(&mut self, before: RequestView) -> Result<RequestView, Fault> {
        let Some(id) = self.id else { return Ok(before) };
        let found = usecase::show::show(self.app, self.actor, AnyId::Request(id)).await;
        self.seen = !matches!(found, Err(Fault::Store(_)));
        match found {
            Ok(AnyView::Request(now)) => Ok(now),
            Ok(_) | Err(Fault::Store(_)) => Ok(before),
            Err(refused) => Err(refused),
        }
    }

    /// Waits until the request has changed, or could not be looked at and may be now.
    pub(super) async fn changed(&mut self) {
        tokio::select! {
            () = self.changes.next() => {}
            () = self.app.clock().sleep(ASK_AGAIN), if !self.seen => {}
        }
    }
}
