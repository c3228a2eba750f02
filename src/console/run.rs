//! Carries a command out: what was typed becomes a call of a use case, and what that returns becomes an answer.

#[cfg(test)]
pub(super) mod tests;

use curfew_policy::id::{AnyId, GrantId};
use curfew_policy::refusal::Refusal;
use curfew_proxy::gate::Console;
use serde::Serialize;
use serde_json::{Value, json};

use super::command::{Command, CommandLine};
use super::help;
use super::hints::Hints;
use super::keys::Keystrokes;
use super::narrow::Narrow;
use super::parse::{Usage, parse};
use super::pen::{Gone, Pen};
use super::render::{self, Sheet};
use super::screen::Screen;
use super::spec::Spec;
use crate::live::recordings::LiveRecordings;
use crate::store::ListFilter;
use crate::text::escape;
use crate::usecase::hint::unknown_target;
use crate::usecase::list::{Page, Which};
use crate::usecase::request::Asked;
use crate::usecase::status::StatusSource;
use crate::usecase::view::{AnyView, GrantView};
use crate::usecase::{self, Actor, App, Fault, Rulebook};

/// It was done.
const DONE: u32 = 0;
/// It was refused, denied or not found.
const NO: u32 = 1;
/// It was not typed as it should be.
const USAGE: u32 = 2;
/// Who came has no business under that name (`EX_NOPERM`).
const NO_PERMISSION: u32 = 77;

/// What the console works with.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleSetting<'a> {
    /// What the use cases work with.
    pub app: &'a App,
    /// The recordings that are being made.
    pub live_recordings: &'a LiveRecordings,
    /// How the person types the next command.
    pub hints: &'a Hints,
    /// What lives in this process.
    pub status: &'a StatusSource,
}

/// Carries out one command and gives its exit status: 0 done, 1 no, 2 mistyped, and 77 for somebody who came under a
/// name that is not theirs and typed no known command. Nothing is looked up before the command was read in full.
pub async fn run(setting: ConsoleSetting<'_>, actor: &Actor, console: Console) -> u32 {
    let ConsoleSetting { app, live_recordings, hints, status } = setting;
    let Console { command, called, pty, output, input, .. } = console;
    let parsed = parse(&command);
    let json = parsed.as_ref().is_ok_and(|line| line.json);
    let pen = Pen::new(output);
    let mut call = Call { app, live_recordings, actor, hints, status, pen, keys: Keystrokes::new(input), pty, json };
    let typed_nothing = match &parsed {
        Ok(line) => line.command == Command::Home,
        Err(usage) => !usage.known,
    };
    let ended = match parsed {
        _ if typed_nothing && call.is_stranger(&called) => call.stranger(&called).await,
        Ok(CommandLine { command, .. }) => Box::pin(call.carry_out(command)).await,
        Err(usage) => call.mistyped(&usage).await,
    };
    match ended {
        Ok(status) => status,
        Err(CommandStop::Gone) => NO,
        // That the person is gone by now changes nothing.
        Err(CommandStop::Fault(fault)) => call.complain(&hints.told_of(&fault)).await.unwrap_or(NO),
    }
}

/// Why a command stopped on its way.
pub(super) enum CommandStop {
    /// It was not to be.
    Fault(Fault),
    /// Nobody waits for the answer any more.
    Gone,
}

impl From<Fault> for CommandStop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refusal> for CommandStop {
    fn from(refusal: Refusal) -> Self {
        Self::Fault(refusal.into())
    }
}

impl From<Gone> for CommandStop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// How a command ends: its exit status, or why it stopped.
pub(super) type CommandResult = Result<u32, CommandStop>;

/// One command being carried out.
pub(super) struct Call<'a> {
    pub app: &'a App,
    pub live_recordings: &'a LiveRecordings,
    pub actor: &'a Actor,
    pub hints: &'a Hints,
    pub status: &'a StatusSource,
    pub pen: Pen,
    pub keys: Keystrokes,
    pub pty: Option<(u32, u32)>,
    pub json: bool,
}

impl Call<'_> {
    async fn carry_out(&mut self, command: Command) -> CommandResult {
        let (app, actor) = (self.app, self.actor);
        match command {
            Command::Home | Command::Whoami => {
                let view = usecase::whoami::whoami(app, actor).await?;
                self.answer(&view, |sheet| render::page(sheet, &view)).await
            }
            Command::Help(spec) => self.help(spec).await,
            Command::Version => {
                let version = env!("CARGO_PKG_VERSION");
                self.answer(&json!({ "version": version }), |_| format!("curfew {version}\n")).await
            }
            Command::Status => self.status().await,
            Command::Targets => {
                let view = usecase::targets::targets(app, actor);
                self.answer(&view, |sheet| render::targets(sheet, &view)).await
            }
            Command::Request { wish, wait } => {
                let asked = usecase::request::file(app, actor, wish).await?;
                if wait { self.wait(asked).await } else { self.asked(&asked).await }
            }
            Command::Requests { which, narrow } => {
                let page = usecase::list::requests(app, actor, which, self.filter(&narrow)).await?;
                self.page(&page, &narrow, requests(which), render::requests).await
            }
            Command::Show(id) => {
                let view = usecase::show::show(app, actor, id).await?;
                self.answer(&view, |sheet| render::show(sheet, &view)).await
            }
            Command::Grants { all, narrow } => {
                let page = usecase::list::grants(app, actor, all, self.filter(&narrow)).await?;
                self.page(&page, &narrow, if all { "grants --all" } else { "grants" }, render::grants).await
            }
            Command::Sessions { all, narrow } => {
                let page = usecase::list::sessions(app, actor, all, self.filter(&narrow)).await?;
                self.page(&page, &narrow, if all { "sessions --all" } else { "sessions" }, render::sessions).await
            }
            Command::Audit(narrow) => self.audit(&narrow).await,
            Command::Watch(id) => self.watch(id).await,
            Command::Replay { id, pace } => self.replay(id, pace).await,
            command => self.decide(command).await,
        }
    }

    /// The commands by which somebody decides or ends something.
    async fn decide(&mut self, command: Command) -> CommandResult {
        let (app, actor) = (self.app, self.actor);
        match command {
            Command::Approve { id, shorten, note } => {
                let asked = usecase::approve::approve(app, actor, id, shorten, note).await?;
                self.asked(&asked).await
            }
            Command::Extend { id, by, reason } => {
                let asked = usecase::extend::extend(app, actor, id, by, &reason).await?;
                self.asked(&asked).await
            }
            Command::Deny { id, note } => {
                let view = usecase::deny::deny(app, actor, id, &note).await?;
                self.answer(&view, |_| render::denied(&view)).await
            }
            Command::Cancel(id) => {
                let view = usecase::cancel::cancel(app, actor, id).await?;
                self.answer(&view, |_| render::cancelled(&view)).await
            }
            Command::Done(id) => {
                let view = usecase::done::done(app, actor, id).await?;
                self.answer(&view, |_| render::done(&view)).await
            }
            Command::Revoke { id, note } => {
                let view = usecase::revoke::revoke(app, actor, id, &note).await?;
                self.answer(&view, |_| render::revoked(&view)).await
            }
            Command::Kill { id, note } => {
                let view = usecase::kill::kill(app, actor, id, &note).await?;
                self.answer(&view, |sheet| render::killed(sheet, &view)).await
            }
            // All others are carried out above.
            _ => self.help(None).await,
        }
    }

    async fn help(&self, spec: Option<&'static Spec>) -> CommandResult {
        let text = match spec {
            Some(spec) => help::of(spec, self.hints),
            None => help::overview(self.hints),
        };
        self.answer(&json!({ "help": text }), |_| text.clone()).await
    }

    /// What lives in the process. People have no use for it, and it would tell them of each other.
    async fn status(&self) -> CommandResult {
        if self.actor.person().is_some() {
            let why = "the status is for the bastion's operator, on its own host: curfew ctl status";
            return Err(Refusal::not_allowed("not-allowed", why).into());
        }
        let view = self.status.now(self.app, self.live_recordings).await;
        self.answer(&view, |_| render::status(&view)).await
    }

    /// What came of a request, an extension or an approval.
    pub(super) async fn asked(&self, asked: &Asked) -> CommandResult {
        let grant = self.given(asked).await?;
        self.answer(&with_waits(asked), |sheet| render::asked(sheet, &asked.request, &asked.waits_for, grant.as_ref()))
            .await
    }

    /// The grant that came of a request, if any did.
    async fn given(&self, asked: &Asked) -> Result<Option<GrantView>, Fault> {
        let Some(id) = asked.request.grant.as_deref().filter(|_| asked.request.state == "granted") else {
            return Ok(None);
        };
        let Ok(id) = id.parse::<GrantId>() else { return Ok(None) };
        match usecase::show::show(self.app, self.actor, AnyId::Grant(id)).await? {
            AnyView::Grant(grant) => Ok(Some(grant)),
            AnyView::Request(_) | AnyView::Session(_) => Ok(None),
        }
    }

    pub(super) fn filter(&self, narrow: &Narrow) -> ListFilter {
        narrow.filter(self.app.clock().wall(), self.json)
    }

    /// Answers with a page of a list. What is left out is said to people: a JSON answer is the list and nothing else.
    async fn page<V: Serialize + Sync>(
        &self,
        page: &Page<V>,
        narrow: &Narrow,
        list: &str,
        table: impl FnOnce(&Sheet<'_>, &[V]) -> String + Send,
    ) -> CommandResult {
        let older = page.next.as_ref().map(|next| narrow.older(list, next));
        let current = page.items.is_empty() && !list.contains("--all") && !list.contains("--pending");
        let past = current.then(|| narrow.typed(&format!("{list} --all"), None));
        let rest = |sheet: &Sheet<'_>| match (older, past) {
            (Some(older), _) => render::left_out(sheet, page.left_out, &older),
            (None, Some(past)) => render::past(sheet, &past),
            (None, None) => String::new(),
        };
        self.answer(&page.items, |sheet| table(sheet, &page.items) + &rest(sheet)).await
    }

    /// Answers with a view as JSON, or as text.
    async fn answer<V: Serialize + Sync>(
        &self,
        view: &V,
        text: impl FnOnce(&Sheet<'_>) -> String + Send,
    ) -> CommandResult {
        let answer = if self.json {
            // The views have text for keys, so this cannot fail.
            serde_json::to_string(view).unwrap_or_default() + "\n"
        } else {
            let rules = self.app.rules();
            text(&self.sheet(&rules))
        };
        self.pen.out(&answer).await?;
        Ok(DONE)
    }

    pub(super) fn sheet<'s>(&'s self, rules: &'s Rulebook) -> Sheet<'s> {
        let now = self.app.clock().wall();
        let screen = self.pty.map_or(Screen::plain(now), |(columns, _)| Screen::terminal(columns, now));
        Sheet { screen, hints: self.hints, rules }
    }

    /// Says on stderr why not.
    pub(super) async fn complain(&self, why: &str) -> Result<u32, Gone> {
        self.pen.err(&format!("curfew: {}\n", escape::terminal(why))).await?;
        Ok(NO)
    }

    async fn mistyped(&self, usage: &Usage) -> CommandResult {
        let example = escape::terminal(&self.hints.command(&usage.example));
        self.pen.err(&format!("curfew: {}\n  for example: {example}\n", escape::terminal(&usage.what))).await?;
        Ok(USAGE)
    }

    /// Whether somebody came under a name that is not their own.
    fn is_stranger(&self, called: &str) -> bool {
        self.actor.person().is_some_and(|person| person.name != called)
    }

    /// Tells somebody who came under a name that is neither theirs nor a target's where they may have wanted to go.
    async fn stranger(&self, called: &str) -> CommandResult {
        let Some(person) = self.actor.person() else { return Ok(NO_PERMISSION) };
        let why = unknown_target(&self.app.rules(), person, called);
        let own = self.hints.command("whoami");
        self.complain(&format!("{why} (you are {}: {own})", person.name)).await?;
        Ok(NO_PERMISSION)
    }
}

/// How a list of requests is typed.
const fn requests(which: Which) -> &'static str {
    match which {
        Which::Usual => "requests",
        Which::Pending => "requests --pending",
        Which::Mine => "requests --mine",
        Which::AllMine => "requests --mine --all",
        Which::All => "requests --all",
    }
}

/// A request with whose approval it waits for.
fn with_waits(asked: &Asked) -> Value {
    let mut view = json!(asked.request);
    if let Value::Object(fields) = &mut view {
        fields.insert("waits_for".to_owned(), json!(asked.waits_for));
    }
    view
}
