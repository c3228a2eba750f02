//! Those who use the real OpenSSH, on a real sshd.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use super::town::{Hours, Town};
use crate::support::{Client, Outcome, Program, SOON, eventually, processes, text, web1};

type Went = Result<&'static str, String>;
type Job = fn(&Town, &Client) -> Went;

const JOBS: [Job; 5] = [command, scp, sftp, terminal, killed];

/// They begin to work. Their threads end when the day is over.
pub fn start(town: &Arc<Town>) -> Vec<JoinHandle<()>> {
    let work = |number: usize| {
        let town = Arc::clone(town);
        std::thread::spawn(move || live(&town, number))
    };
    (0..town.tools.len()).map(work).collect()
}

fn live(town: &Town, number: usize) {
    let person = &town.tools[number];
    person.granted("web1", "admin", "2h");
    let hours = town.hours();
    for job in JOBS.iter().cycle().skip(number) {
        loop {
            let now = *hours.borrow();
            match now {
                Hours::Over => return,
                Hours::Open if !town.is_down() => break,
                _ => std::thread::sleep(Duration::from_millis(100)),
            }
        }
        town.busy.fetch_add(1, Ordering::SeqCst);
        let restarts = town.restarts();
        let went = catch_unwind(AssertUnwindSafe(|| job(town, person)))
            .unwrap_or_else(|_| Err("it fell over; see above".to_owned()));
        match went {
            Ok(what) => town.diary.note(what),
            Err(_) if town.restarts() != restarts => town.diary.note("lost to a target's restart"),
            Err(why) => town.diary.fault(&person.name, &why),
        }
        town.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

fn done(run: &Outcome, what: &'static str) -> Went {
    if run.code == Some(0) { Ok(what) } else { Err(format!("{run:?}")) }
}

fn command(_: &Town, person: &Client) -> Went {
    let run = person.on(&web1(), "seq 1 100000 | tail -n 1").run();
    if run.code == Some(0) && run.text() != "100000\n" {
        return Err(format!("{run:?}"));
    }
    done(&run, "commands by ssh")
}

/// A file's way up and down again.
fn files(person: &Client) -> [std::path::PathBuf; 3] {
    let [here, there, back] = ["here", "there", "back"].map(|name| person.dir().join(name));
    std::fs::write(&here, b"0123456789abcdef".repeat(1 << 16)).expect("write a file");
    let _ = (std::fs::remove_file(&there), std::fs::remove_file(&back));
    [here, there, back]
}

fn same(a: &Path, b: &Path) -> Result<(), String> {
    let (a, b) = (std::fs::read(a).unwrap_or_default(), std::fs::read(b).unwrap_or_default());
    if a == b { Ok(()) } else { Err(format!("a copy of {} bytes has {}", a.len(), b.len())) }
}

fn scp(_: &Town, person: &Client) -> Went {
    let [here, there, back] = files(person);
    let far = format!("{}@bastion:{}", web1(), there.display());
    let scp =
        |from: &str, to: &str| Program::new("scp").arg("-q").arg("-F").arg(person.config()).args([from, to]).run();
    done(&scp(&here.display().to_string(), &far), "")?;
    done(&scp(&far, &back.display().to_string()), "")?;
    same(&here, &back)?;
    Ok("copies by scp, up and down")
}

fn sftp(_: &Town, person: &Client) -> Went {
    let [here, there, back] = files(person);
    let batch = format!(
        "put {here} {there}\nget {there} {back}\nrm {there}\n",
        here = here.display(),
        there = there.display(),
        back = back.display()
    );
    let run = Program::new("sftp")
        .arg("-F")
        .arg(person.config())
        .args(["-b", "-", &format!("{}@bastion", web1())])
        .input(batch)
        .run();
    done(&run, "")?;
    same(&here, &back)?;
    Ok("copies by sftp, up and down")
}

fn terminal(town: &Town, person: &Client) -> Went {
    let mut terminal = person.terminal(&["-tt", &format!("{}@bastion", web1())]);
    for n in 0..3 {
        terminal.type_in(format!("echo typed''-{n}\r"));
        let screen = || terminal.screen();
        hears(town, screen, &format!("typed-{n}"))?;
        std::thread::sleep(town.errand() / 10);
    }
    terminal.type_in("exit\r");
    match terminal.wait(SOON) {
        Some(0) => Ok("terminals by ssh"),
        other => Err(format!("a terminal ended with {other:?}: {}", terminal.screen())),
    }
}

/// Waits for a text, or for a restart of the target, after which it will not come.
fn hears(town: &Town, came: impl Fn() -> String, text: &str) -> Result<(), String> {
    let restarts = town.restarts();
    eventually(SOON, text, || town.restarts() != restarts || came().contains(text));
    if came().contains(text) { Ok(()) } else { Err(format!("`{text}` did not come: {}", came())) }
}

/// Leaves a process behind that would not go by itself, and is killed.
fn killed(town: &Town, person: &Client) -> Went {
    let marker = town.marker();
    let mut ssh = person.on(&web1(), &format!("sleep {marker} & echo begun; sleep {marker}")).start();
    hears(town, || ssh.stdout.text(), "begun")?;
    let live = person.json("sessions --live");
    let session = text(&live.as_array().and_then(|all| all.last()).ok_or("no session is live")?["id"]);
    let kill = town.gateway.ctl(&format!("kill {session} --note soak"));
    done(&kill, "")?;
    let run = ssh.wait(SOON);
    if run.code != Some(124) {
        return Err(format!("{run:?}"));
    }
    Ok("sessions by ssh killed, with what ran in the background")
}

/// Waits until nothing runs on the target any more, and counts what does.
pub fn left_running(town: &Town) -> usize {
    let marker = town.marker();
    let left = || processes(&["sleep", &marker]).len() + town.web1.open_connections() + town.many.open_connections();
    let _ = catch_unwind(AssertUnwindSafe(|| eventually(SOON, "the targets are quiet", || left() == 0)));
    left()
}
