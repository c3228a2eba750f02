//! `ssh root@web1@bastion` without a grant: what may be asked for, the answers, the request, the wait for its approval.
//!
//! What may be asked and what comes of it is for the use cases to say; here it is shown, read and waited for. With a
//! terminal the person is asked ([`form`]); without one the environment has the answers ([`answers`]).

mod answers;
mod form;
mod line;
#[cfg(test)]
mod tests;
mod turns;
mod typist;
mod wait;
mod words;

use curfew_policy::refusal::Refusal;
use curfew_policy::start::permitted;
use curfew_proxy::gate::Asking;
use tokio::sync::watch;

use self::answers::Answers;
pub use self::turns::Turns;
use self::typist::Typist;
use super::hints::Hints;
use super::pen::{Gone, Pen};
use super::render::Sheet;
use super::screen::Screen;
use crate::usecase::offer::{self, Offer, Place};
use crate::usecase::request::{Asked, Wish};
use crate::usecase::{Actor, Desk, Fault, Rulebook};

/// What the conversation works with.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// What the use cases work with.
    pub desk: &'a Desk,
    /// How the person types the next command.
    pub hints: &'a Hints,
    /// Who else waits.
    pub turns: &'a Turns,
}

/// Lets somebody who was refused at a place ask for what they lack, and waits until it is granted.
///
/// # Errors
/// What they were refused with, where they can ask for nothing; else what came of it.
pub async fn ask(setting: Setting<'_>, actor: &Actor, place: Place, asking: Asking) -> Result<(), Refusal> {
    let Asking { refusal, start, answers, terminal, output, input } = asking;
    let offers = offer::offers(setting.desk, actor, &place, |role| permitted(role, &start).is_ok());
    let offers = with_one_login(offers, &place)?;
    let answers = Answers::read(&answers);
    if offers.is_empty() || (terminal.is_none() && answers.reason.is_none()) {
        return Err(refusal);
    }
    let Some(_turn) = setting.turns.enter(actor.name()) else {
        return Err(Refusal::new(
            "too-many-waiting",
            "too many of your connections wait for a decision; end one first",
        ));
    };
    let call = Call { setting, actor, place, offers, terminal, pen: Pen::new(output) };
    let mut typist = Typist::new(input, setting.desk.clock().clone());
    let stopped = |stop: Stop| stop.into_refusal();
    let asked = call.asked(answers, &mut typist).await.map_err(stopped)?;
    call.wait(asked, &mut typist).await.map_err(stopped)
}

/// Without a login in the name, only roles with one login lead anywhere.
fn with_one_login(offers: Vec<Offer>, place: &Place) -> Result<Vec<Offer>, Refusal> {
    if place.login.is_some() || offers.iter().any(|offer| offer.logins.len() == 1) || offers.is_empty() {
        return Ok(offers.into_iter().filter(|offer| place.login.is_some() || offer.logins.len() == 1).collect());
    }
    let mut logins: Vec<String> = offers.into_iter().flat_map(|offer| offer.logins).collect();
    logins.sort();
    logins.dedup();
    let text = format!("say as whom you want to log in ({}): LOGIN@{}", logins.join(", "), place.target);
    Err(Refusal::new("which-login", text))
}

/// Why the conversation ended without a grant.
enum Stop {
    /// It was not to be, or not like that.
    Refused(Refusal),
    /// The person is gone.
    Gone,
}

impl Stop {
    fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(code, text))
    }

    fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Gone => Refusal::new("left", "nobody waits any more"),
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into_refusal())
    }
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// One conversation.
struct Call<'a> {
    setting: Setting<'a>,
    actor: &'a Actor,
    place: Place,
    /// What may be asked for; never empty.
    offers: Vec<Offer>,
    terminal: Option<watch::Receiver<(u32, u32)>>,
    pen: Pen,
}

impl Call<'_> {
    /// The request to wait for: one that waits already, or a new one.
    async fn asked(&self, answers: Answers, typist: &mut Typist) -> Result<Asked, Stop> {
        let desk = self.setting.desk;
        let of_role = |role: &&str| answers.role.as_deref().is_none_or(|wanted| wanted == *role);
        let roles: Vec<&str> = self.offers.iter().map(|offer| offer.role.as_str()).filter(of_role).collect();
        if let Some(asked) = offer::pending(desk, self.actor, &self.place, &roles).await? {
            return Ok(asked);
        }
        match &self.terminal {
            Some(_) => self.fill_in(answers, typist).await,
            None => self.file(answers.wish(&self.offers, &self.place)?).await.map_err(Stop::from),
        }
    }

    /// Files a request, once: what the same person asks from several connections at the same moment is asked once.
    async fn file(&self, wish: Wish) -> Result<Asked, Fault> {
        let _alone = self.setting.turns.alone().await;
        offer::file_once(self.setting.desk, self.actor, &self.place, wish).await
    }

    fn sheet<'s>(&'s self, rules: &'s Rulebook) -> Sheet<'s> {
        let now = self.setting.desk.clock().wall();
        let screen = self.columns().map_or(Screen::plain(now), |columns| Screen::terminal(columns, now));
        Sheet { screen, hints: self.setting.hints, rules }
    }

    /// How wide the terminal is now.
    fn columns(&self) -> Option<u32> {
        self.terminal.as_ref().map(|size| size.borrow().0)
    }
}
