//! `request --wait`: stays until the request is decided.

use std::time::Duration;

use curfew_policy::id::{AnyId, RequestId};

use super::pen::{Gone, Pen};
use super::render;
use super::run::{Call, CommandResult, CommandStop};
use crate::usecase::request::Asked;
use crate::usecase::view::{AnyView, RequestView};
use crate::usecase::{self, Actor, App, Fault};

/// How often the request is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);

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
    let began = app.clock().now().mono;
    let mut shown = String::new();
    while request.state == "pending" {
        let waited = app.clock().now().mono.saturating_sub(began);
        let line = render::still_waiting(&request, waited.as_secs());
        if live && line != shown {
            pen.raw(format!("{FRESH_LINE}{line}").as_bytes()).await?;
            shown = line;
        }
        app.clock().sleep(LOOK_EVERY).await;
        request = look(app, actor, request).await?;
    }
    Ok(request)
}

/// The request as it stands now; as it stood, when the database does not answer.
pub(super) async fn look(app: &App, actor: &Actor, before: RequestView) -> Result<RequestView, Fault> {
    let Ok(id) = before.id.parse::<RequestId>() else { return Ok(before) };
    match usecase::show::show(app, actor, AnyId::Request(id)).await {
        Ok(AnyView::Request(now)) => Ok(now),
        Ok(_) | Err(Fault::Store(_)) => Ok(before),
        Err(refused) => Err(refused),
    }
}
