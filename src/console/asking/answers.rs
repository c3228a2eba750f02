//! The answers that the environment has: `CURFEW_REASON`, `CURFEW_FOR`, `CURFEW_ROLE`.

use std::time::Duration;

use curfew_policy::refusal::Refusal;
use curfew_policy::time::{SHORTEST, parse_duration};

use super::stop::AskingStop;
use crate::text::escape;
use crate::usecase::offer::{Offer, Place};
use crate::usecase::request::Wish;

/// What was answered before it was asked; empty values count as none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answers {
    pub role: Option<String>,
    pub span: Option<String>,
    pub reason: Option<String>,
}

impl Answers {
    /// Reads them; of a name that is there twice, the last.
    pub fn read(env: &[(String, String)]) -> Self {
        let value = |wanted: &str| {
            let found = env.iter().rev().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        Self { role: value("CURFEW_ROLE"), span: value("CURFEW_FOR"), reason: value("CURFEW_REASON") }
    }

    /// The wish that they are, where nobody can be asked.
    pub fn wish(self, offers: &[Offer], place: &Place) -> Result<Wish, AskingStop> {
        let offer = match &self.role {
            Some(name) => role_of(name, offers)
                .map_err(|why| Refusal::not_found("unknown-role", format!("CURFEW_ROLE: {why}")))?,
            None => only(offers)?,
        };
        let duration = match &self.span {
            Some(text) => span_of(text).map_err(|why| Refusal::duration("duration", format!("CURFEW_FOR: {why}")))?,
            None => offer.usual(),
        };
        let reason = self.reason.unwrap_or_default();
        if reason.chars().any(char::is_control) {
            return Err(Refusal::reason("reason", "CURFEW_REASON holds a control character; give it without").into());
        }
        Ok(wish(place, offer, duration, reason))
    }
}

/// The one role there is to ask for.
fn only(offers: &[Offer]) -> Result<&Offer, AskingStop> {
    match offers {
        [one] => Ok(one),
        several => {
            let text = format!("several roles are possible here; say which: CURFEW_ROLE={}", names(several));
            Err(Refusal::usage("which-role", text).into())
        }
    }
}

/// The role of this name.
pub(super) fn role_of<'a>(name: &str, offers: &'a [Offer]) -> Result<&'a Offer, String> {
    let shown = escape::terminal_start(name, 80);
    let found = offers.iter().find(|offer| offer.role == name);
    found.ok_or_else(|| format!("`{shown}` is no role that you may ask for here; there is {}", names(offers)))
}

/// A duration as it was typed.
pub(super) fn span_of(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(span) if span < SHORTEST => Err("the shortest access is 1s".to_owned()),
        Ok(span) => Ok(span),
        Err(bad) => Err(bad.to_string()),
    }
}

pub(super) fn wish(place: &Place, offer: &Offer, duration: Duration, reason: String) -> Wish {
    Wish {
        targets: vec![place.target.clone()],
        role: offer.role.clone(),
        login: place.login.clone(),
        duration,
        reason,
        at: None,
    }
}

/// `admin or change`
fn names(offers: &[Offer]) -> String {
    offers.iter().map(|offer| offer.role.as_str()).collect::<Vec<_>>().join(" or ")
}
