//! What the people inside this process do, one errand after the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;

use super::line::{Line, ask};
use super::town::{Hours, MANY, Person, Town};
use crate::support::Stopwatch;

/// What Curfew says of a session that it cut.
const CUT: Option<u32> = Some(124);
/// What it says of one that it did not let in.
const REFUSED: Option<u32> = Some(77);

/// How much is copied at a time, in bytes.
const COPY: usize = 1 << 20;

/// How an errand went: what it was, or what was wrong.
type Went = Result<&'static str, String>;

/// What somebody does for a living.
#[derive(Debug, Clone, Copy)]
enum Trade {
    Types,
    Copies,
    Asks,
    IsRude,
    IsTroubled,
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Between a half and one and a half of this.
    fn about(&mut self, length: Duration) -> Duration {
        length / 2 + length.mul_f64(self.roll(1000) as f64 / 1000.0)
    }
}

/// Everybody begins to work.
pub fn move_in(town: &Arc<Town>, runtime: &Runtime) {
    for number in 0..town.plan.people {
        let (trade, person) = match number % 20 {
            0 => (Trade::IsTroubled, &town.troubled[number / 20]),
            1 => (Trade::IsRude, &town.team[number % town.team.len()]),
            2 => (Trade::Asks, &town.team[number % town.team.len()]),
            3 | 4 => (Trade::Copies, &town.team[number % town.team.len()]),
            _ => (Trade::Types, &town.team[number % town.team.len()]),
        };
        runtime.spawn(live(Arc::clone(town), trade, person.clone(), number as u64));
    }
    for person in &town.team {
        let granted =
            runtime.block_on(ask(town, person, &format!("request {MANY} --role admin --for 2h --reason day")));
        assert_eq!(granted.expect("an answer").0, Some(0), "access for the day");
    }
}

async fn live(town: Arc<Town>, trade: Trade, person: Person, number: u64) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ ((number + 1) * 0x1000_0001));
    let mut hours = town.hours();
    loop {
        // Not all at the same moment.
        tokio::time::sleep(dice.about(town.errand() / 4)).await;
        match *hours.borrow_and_update() {
            Hours::Over => return,
            Hours::Open if !town.is_down() => {}
            _ => continue,
        }
        town.busy.fetch_add(1, Ordering::SeqCst);
        let restarts = town.restarts();
        let went = errand(&town, trade, &person, &mut dice).await;
        match went {
            Ok(what) => town.diary.note(what),
            Err(_) if town.restarts() != restarts => {
                town.diary.note("lost to a target's restart");
                // What was left of the errand would carry the next one.
                if matches!(trade, Trade::IsTroubled)
                    && let Err(why) = gives_all_back(&town, &person).await
                {
                    town.diary.fault(&person.name, &why);
                }
            }
            Err(why) => town.diary.fault(&format!("{} ({trade:?})", person.name), &why),
        }
        town.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn errand(town: &Town, trade: Trade, person: &Person, dice: &mut Dice) -> Went {
    match trade {
        Trade::Types => types(town, person, dice).await,
        Trade::Copies => copies(town, person, dice).await,
        Trade::Asks => asks(town, person, dice).await,
        Trade::IsRude => is_rude(town, person, dice).await,
        Trade::IsTroubled => match dice.roll(4) {
            0 => is_cut(town, person).await,
            1 => is_extended(town, person).await,
            2 => is_revoked(town, person).await,
            _ => is_killed(town, person).await,
        },
    }
}

/// A shell, a few lines, and goodbye.
async fn types(town: &Town, person: &Person, dice: &mut Dice) -> Went {
    let mut line = Line::shell(town, person, MANY).await?;
    let (lines, errand) = (5 + dice.roll(5), dice.about(town.errand()));
    for number in 0..lines {
        line.type_in(&format!("ls -l line {number}\r\n")).await?;
        tokio::time::sleep(errand / u32::try_from(lines).unwrap_or(1)).await;
    }
    line.leave().await;
    Ok("sessions of typing")
}

async fn copies(town: &Town, person: &Person, dice: &mut Dice) -> Went {
    let mut line = Line::open(town, person, &Town::at(MANY)).await?;
    let went = if dice.roll(2) == 0 {
        line.exec(&format!("send {COPY}")).await?;
        let status = line.ended().await?;
        if status != Some(0) || line.came != COPY {
            return Err(format!("{} of {COPY} bytes came down, status {status:?}", line.came));
        }
        "copies down"
    } else {
        line.exec("take").await?;
        line.send(COPY).await?;
        let status = line.ended().await?;
        if status != Some(0) || line.said() != COPY.to_string() {
            return Err(format!("{} of {COPY} bytes went up, status {status:?}", line.said()));
        }
        "copies up"
    };
    line.leave().await;
    Ok(went)
}

/// Looks around, or asks for what needs approval and has it approved, denied, or takes it back.
async fn asks(town: &Town, person: &Person, dice: &mut Dice) -> Went {
    let look = ["whoami", "targets", "grants", "requests --mine", "help request"];
    let n = dice.roll(8) as usize;
    if let Some(command) = look.get(n) {
        done(ask(town, person, command).await?)?;
        return Ok("questions answered");
    }
    let wish = format!("request {MANY} --role change --for 2s --reason INC-1 soak --json");
    let id = field(&done(ask(town, person, &wish).await?)?, "id")?;
    let (who, word, went) = match n {
        5 => (&town.lead, format!("approve {id} --note soak"), "requests approved"),
        6 => (&town.lead, format!("deny {id} --note soak"), "requests denied"),
        _ => (person, format!("cancel {id}"), "requests cancelled"),
    };
    done(ask(town, who, &word).await?)?;
    Ok(went)
}

/// Hangs up in the middle, or never says who they are.
async fn is_rude(town: &Town, person: &Person, dice: &mut Dice) -> Went {
    if dice.roll(4) == 0 {
        let silent = tokio::net::TcpStream::connect(town.gateway.address()).await.map_err(|error| error.to_string())?;
        tokio::time::sleep(dice.about(town.errand() / 4)).await;
        drop(silent);
        return Ok("connections that said nothing");
    }
    let mut line = Line::shell(town, person, MANY).await?;
    line.type_in("and no goodbye\r\n").await?;
    drop(line);
    Ok("sessions dropped by their client")
}

/// Works until the deadline.
async fn is_cut(town: &Town, person: &Person) -> Went {
    let (_, watch) = (granted(town, person, "5s").await?, Stopwatch::start());
    let mut line = Line::shell(town, person, MANY).await?;
    while line.type_in("still here\r\n").await.is_ok() {
        if watch.elapsed() > Duration::from_secs(60) {
            return Err("a session outlived its grant by a minute".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Its last words may have come while nobody listened.
    line.ended().await?;
    match line.status {
        CUT => Ok("sessions cut at their deadline"),
        REFUSED if watch.elapsed() > Duration::from_secs(5) => Ok("logins that came after the deadline"),
        other => Err(format!("a session ended with {other:?} before its deadline: {}", line.said())),
    }
}

/// Works past the first deadline with more time, then gives the grant back.
async fn is_extended(town: &Town, person: &Person) -> Went {
    const SHORT: Duration = Duration::from_secs(6);
    let (grant, watch) = (granted(town, person, "6s").await?, Stopwatch::start());
    let mut line = Line::shell(town, person, MANY).await?;
    let extended = ask(town, person, &format!("extend {grant} --for 5m --reason soak")).await?;
    if extended.0 != Some(0) && watch.elapsed() >= SHORT {
        return Ok("extensions that came after the deadline");
    }
    done(extended)?;
    tokio::time::sleep(SHORT.saturating_sub(watch.elapsed()) + Duration::from_secs(1)).await;
    line.type_in("more time\r\n").await?;
    done(ask(town, person, &format!("done {grant}")).await?)?;
    ends_cut(line, "given back").await?;
    Ok("sessions extended and given back")
}

async fn is_revoked(town: &Town, person: &Person) -> Went {
    let grant = granted(town, person, "10m").await?;
    let mut line = Line::shell(town, person, MANY).await?;
    line.type_in("at work\r\n").await?;
    done(ask(town, &town.security, &format!("revoke {grant} --note soak")).await?)?;
    ends_cut(line, "revoked").await?;
    Ok("sessions revoked")
}

async fn is_killed(town: &Town, person: &Person) -> Went {
    let grant = granted(town, person, "10m").await?;
    let mut line = Line::shell(town, person, MANY).await?;
    line.type_in("at work\r\n").await?;
    let live = done(ask(town, person, "sessions --live --json").await?)?;
    let live: Value = serde_json::from_str(&live).map_err(|error| format!("{error}: {live}"))?;
    let session = live.as_array().and_then(|all| all.last()).ok_or("no session is live")?["id"].clone();
    let kill = format!("kill {} --note soak", session.as_str().unwrap_or_default());
    done(ask(town, &town.security, &kill).await?)?;
    ends_cut(line, &format!("killed ({session})")).await?;
    done(ask(town, person, &format!("done {grant}")).await?)?;
    Ok("sessions killed")
}

async fn ends_cut(mut line: Line, how: &str) -> Result<(), String> {
    match line.ended().await.map_err(|why| format!("{how}: {why}"))? {
        CUT => Ok(()),
        other => Err(format!("a session that was {how} ended with {other:?}: {}", line.said())),
    }
}

async fn granted(town: &Town, person: &Person, span: &str) -> Result<String, String> {
    let wish = format!("request {MANY} --role admin --for {span} --reason soak --json");
    field(&done(ask(town, person, &wish).await?)?, "grant")
}

async fn gives_all_back(town: &Town, person: &Person) -> Result<(), String> {
    let held = done(ask(town, person, "grants --json").await?)?;
    let held: Value = serde_json::from_str(&held).map_err(|error| format!("{error}: {held}"))?;
    for grant in held.as_array().into_iter().flatten().filter(|grant| grant["state"] == "active") {
        // One that ends at this moment needs no giving back.
        ask(town, person, &format!("done {}", grant["id"].as_str().unwrap_or_default())).await?;
    }
    Ok(())
}

/// What a command printed that did what it should.
fn done((status, said): (Option<u32>, String)) -> Result<String, String> {
    if status == Some(0) { Ok(said) } else { Err(format!("a command ended with {status:?}: {said}")) }
}

fn field(json: &str, name: &str) -> Result<String, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| format!("{error}: {json}"))?;
    value[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {json}"))
}
