//! The questions: in which role, for how long, why. The rules judge the answers when the request is filed.

use std::time::Duration;

use curfew_policy::ask::LONGEST_TEXT;
use curfew_policy::refusal::{Refusal, RefusalKind};

use super::answers::{Answers, role_of, span_of, wish};
use super::stop::AskingStop;
use super::typist::Typist;
use super::{Conversation, words};
use crate::text::escape;
use crate::usecase::Fault;
use crate::usecase::offer::Offer;
use crate::usecase::request::Asked;

/// How many answers may be wrong.
const TRIES: usize = 6;

/// The longest name or duration that is worth reading, in bytes.
const LONGEST_WORD: usize = 80;

/// What has been answered so far.
#[derive(Debug, Default)]
struct Form<'a> {
    offer: Option<&'a Offer>,
    span: Option<Duration>,
    reason: Option<String>,
}

/// What an answer led to: the request, or to the next question; else what was wrong with it.
type Led = Result<Option<Asked>, String>;

impl Conversation<'_> {
    /// Shows what may be asked for, asks for what the environment has not answered, and files the request.
    pub(super) async fn fill_in(&self, answers: Answers, typist: &mut Typist) -> Result<Asked, AskingStop> {
        let rules = self.setting.app.rules();
        self.pen.out(&words::offers(&self.sheet(&rules), &self.place, &self.offers)).await?;
        let mut form = self.begun(answers).await?;
        for _ in 0..TRIES {
            match self.go_on(&mut form, typist).await? {
                Ok(asked) => return Ok(asked),
                Err(why) => self.wrong(&why).await?,
            }
        }
        Err(Refusal::withdrawn("not-asked", "too many answers were wrong; nothing was asked for").into())
    }

    /// The form with the answers that need not be asked for.
    async fn begun(&self, answers: Answers) -> Result<Form<'_>, AskingStop> {
        let mut form = Form { reason: answers.reason, ..Form::default() };
        if let [only] = self.offers.as_slice() {
            form.offer = Some(only);
        }
        if let Some(name) = answers.role {
            match role_of(&name, &self.offers) {
                Ok(offer) => form.offer = Some(offer),
                Err(why) => self.wrong(&why).await?,
            }
        }
        if let Some(text) = answers.span {
            match span_of(&text) {
                Ok(span) => form.span = Some(span),
                Err(why) => self.wrong(&why).await?,
            }
        }
        Ok(form)
    }

    /// Asks until something is wrong, or the request is filed.
    async fn go_on<'a>(
        &'a self,
        form: &mut Form<'a>,
        typist: &mut Typist,
    ) -> Result<Result<Asked, String>, AskingStop> {
        loop {
            let led: Led = match (form.offer, form.span, form.reason.clone()) {
                (None, ..) => {
                    let typed = self.line(typist, "Role: ", LONGEST_WORD).await?;
                    self.choice(&typed).map(|offer| form.offer = Some(offer)).map(|()| None)
                }
                (Some(offer), None, _) => {
                    let typed = self.line(typist, &words::how_long(offer), LONGEST_WORD).await?;
                    let span = if typed.is_empty() { Ok(offer.usual()) } else { span_of(&typed) };
                    span.map(|span| form.span = Some(span)).map(|()| None)
                }
                (Some(_), Some(_), None) => {
                    form.reason = Some(self.line(typist, "Reason: ", LONGEST_TEXT).await?);
                    Ok(None)
                }
                (Some(offer), Some(span), Some(reason)) => self.judged(form, offer, span, reason).await?.map(Some),
            };
            match led {
                Ok(None) => {}
                Ok(Some(asked)) => return Ok(Ok(asked)),
                Err(why) => return Ok(Err(why)),
            }
        }
    }

    /// Files the request. What the rules do not take is taken off the form.
    async fn judged(
        &self,
        form: &mut Form<'_>,
        offer: &Offer,
        span: Duration,
        reason: String,
    ) -> Result<Result<Asked, String>, AskingStop> {
        match self.file(wish(&self.place, offer, span, reason)).await {
            Ok(asked) => Ok(Ok(asked)),
            Err(Fault::Refused(refusal)) => {
                match refusal.kind {
                    RefusalKind::Duration => form.span = None,
                    RefusalKind::Reason => form.reason = None,
                    _ => return Err(AskingStop::Refused(refusal)),
                }
                Ok(Err(refusal.public))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// The role that somebody chose, by its number or its name.
    fn choice(&self, typed: &str) -> Result<&Offer, String> {
        let numbered = typed.parse::<usize>().ok().and_then(|number| self.offers.get(number.checked_sub(1)?));
        numbered.map_or_else(|| role_of(typed, &self.offers), Ok)
    }

    async fn line(&self, typist: &mut Typist, prompt: &str, most: usize) -> Result<String, AskingStop> {
        typist.line(&self.pen, prompt, most, || self.columns().unwrap_or_default()).await
    }

    async fn wrong(&self, why: &str) -> Result<(), AskingStop> {
        Ok(self.pen.out(&format!("  {}\n", escape::terminal(why))).await?)
    }
}
