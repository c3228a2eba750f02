//! Waits until the request is decided, and says meanwhile how it stands.

use std::time::Duration;

use curfew_policy::id::{AnyId, GrantId, RequestId};
use curfew_policy::refusal::Refusal;
use curfew_policy::request::LAPSES_AFTER;

use super::stop::AskingStop;
use super::typist::Typist;
use super::{Conversation, words};
use crate::console::render;
use crate::console::wait::{FRESH_LINE, TELL_EVERY, WatchedRequest};
use crate::usecase::request::Asked;
use crate::usecase::view::{AnyView, GrantView, RequestView};
use crate::usecase::{Fault, cancel, show};

/// How long somebody may think about whether to cancel.
const THINK_OF_CANCELLING: Duration = Duration::from_secs(60);

impl Conversation<'_> {
    /// Waits until the request is granted.
    pub(super) async fn wait(&self, asked: Asked, typist: &mut Typist) -> Result<(), AskingStop> {
        let Asked { request, waits_for } = asked;
        if request.state != "granted" {
            self.say(&words::waits(self.setting.hints, &request, &waits_for)).await?;
        }
        let id = request.id.clone();
        let decided = tokio::select! {
            decided = self.decided(request, &waits_for) => decided?,
            () = typist.interrupt() => return Err(self.interrupted(&id, typist).await?),
            gone = self.pen.gone() => return Err(gone.into()),
        };
        match decided.state.as_str() {
            "granted" => self.say(&words::granted(&decided, self.grant(&decided).await?.as_ref())).await,
            _ => Err(AskingStop::Refused(Refusal::not_allowed("not-granted", render::not_granted(&decided)))),
        }
    }

    async fn decided(&self, mut request: RequestView, waits_for: &[String]) -> Result<RequestView, AskingStop> {
        let clock = self.setting.app.clock();
        let mut watched = WatchedRequest::new(self.setting.app, self.actor, &request);
        let began = clock.now().mono;
        let (mut shown, mut approvals) = (String::new(), request.approvals.len());
        request = watched.look(request).await.map_err(AskingStop::from)?;
        while request.state == "pending" {
            let waited = clock.now().mono.saturating_sub(began);
            if waited > LAPSES_AFTER {
                return Err(
                    Refusal::withdrawn("left", "you have waited for a day; see how it stands and come again").into()
                );
            }
            if let Some(columns) = self.columns() {
                let line = words::live(&request, waits_for, waited, columns);
                if line != shown {
                    self.pen.raw(format!("{FRESH_LINE}{line}").as_bytes()).await?;
                    shown = line;
                }
            } else if approvals != request.approvals.len() {
                approvals = request.approvals.len();
                self.say(&words::stands(&request)).await?;
            }
            tokio::select! {
                () = watched.changed() => request = watched.look(request).await.map_err(AskingStop::from)?,
                () = clock.sleep(TELL_EVERY) => {}
            }
        }
        if !shown.is_empty() {
            self.pen.raw(FRESH_LINE.as_bytes()).await?;
        }
        Ok(request)
    }

    /// Ctrl-C: it is for the person to say what becomes of the request.
    async fn interrupted(&self, id: &str, typist: &mut Typist) -> Result<AskingStop, AskingStop> {
        self.pen.raw(format!("{FRESH_LINE}c cancels {id}, any other key leaves it pending: ").as_bytes()).await?;
        let key = typist.key(THINK_OF_CANCELLING).await;
        self.pen.raw(b"\r\n").await?;
        let (Some(b'c' | b'C'), Ok(request)) = (key, id.parse::<RequestId>()) else {
            let back = self.setting.hints.connect(self.place.login.as_deref(), &self.place.target);
            return Ok(Refusal::withdrawn("left-pending", words::left_pending(id, &back)).into());
        };
        match cancel::cancel(self.setting.app, self.actor, request).await {
            Ok(_) => Ok(Refusal::withdrawn("cancelled", format!("{id} is cancelled")).into()),
            Err(fault) => Ok(fault.into()),
        }
    }

    /// The grant that came of it.
    async fn grant(&self, request: &RequestView) -> Result<Option<GrantView>, Fault> {
        let Some(Ok(id)) = request.grant.as_ref().map(|id| id.parse::<GrantId>()) else { return Ok(None) };
        match show::show(self.setting.app, self.actor, AnyId::Grant(id)).await? {
            AnyView::Grant(grant) => Ok(Some(grant)),
            AnyView::Request(_) | AnyView::Session(_) => Ok(None),
        }
    }

    /// Says a line: on the terminal, or on stderr, where programs expect to be told by whom.
    async fn say(&self, line: &str) -> Result<(), AskingStop> {
        let who = if self.terminal.is_some() { "" } else { "curfew: " };
        Ok(self.pen.err(&format!("{who}{line}\n")).await?)
    }
}
