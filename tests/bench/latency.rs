//! What an engineer waits for: a connection, a channel, a keystroke.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use super::bulk::Master;
use super::figures::{Figure, Goal, Ratio, Samples};
use super::report::Report;
use super::rig::{Rig, Way};
use crate::support::Stopwatch;

const BOTH: [Way; 2] = [Way::Direct, Way::Curfew];
const ALL: [Way; 3] = [Way::Direct, Way::Jump, Way::Curfew];
/// How many at once.
const CROWD: usize = 50;
/// How many keystrokes are measured.
const KEYSTROKES: usize = 1500;

/// Everything about waiting.
pub fn run(rig: &Rig, report: &mut Report) {
    let rounds = report.rounds();
    let what = ("waiting", "`ssh … true`, new connection", Ratio::Time, Some(Goal::AtMost(0.4)));
    report.compare(what, &ALL, |way| median_of(20, || once(rig, way)));
    let goal = Some(Goal::AtMost(1.5));
    report.compare(("waiting", "new channel of a multiplexed connection", Ratio::Time, goal), &BOTH, |way| {
        let master = Master::open(rig, way, &rig.scratch().join("channels"))?;
        median_of(20, || {
            let watch = Stopwatch::start();
            let status = master.ssh("true").stdin(Stdio::null()).status().map_err(|error| error.to_string())?;
            if status.success() { Ok(watch.elapsed().as_secs_f64()) } else { Err(format!("ended with {status}")) }
        })
    });
    let goal = Some(Goal::AtLeast(1.0));
    report.compare(("waiting", "50 logins at once", Ratio::Throughput, goal), &BOTH, |way| crowd(rig, way));
    report.figure("keystrokes", || {
        let quiet = keystrokes(rig, KEYSTROKES * rounds.min(3), false)?;
        let busy = keystrokes(rig, KEYSTROKES, true)?;
        let ms = |seconds: f64| vec![seconds * 1000.0].into();
        let above = |share| ms(quiet.curfew.quantile(share) - quiet.direct.quantile(share));
        let figure = |name, value, goal| Figure::alone("keystrokes", name, "ms", value, Some(Goal::AtMost(goal)));
        Ok(vec![
            figure("keystroke round trip above direct, p50", above(0.5), 0.1),
            figure("keystroke round trip above direct, p99", above(0.99), 0.2),
            figure("keystroke round trip beside a download, p99", ms(busy.curfew.quantile(0.99)), 2.0),
        ])
    });
    rig.forget_recordings();
}

fn once(rig: &Rig, way: Way) -> Result<f64, String> {
    let watch = Stopwatch::start();
    let status = rig.ssh(way, &[], "true").stdin(Stdio::null()).status().map_err(|error| error.to_string())?;
    if status.success() { Ok(watch.elapsed().as_secs_f64()) } else { Err(format!("ended with {status}")) }
}

fn median_of(times: usize, mut run: impl FnMut() -> Result<f64, String>) -> Result<f64, String> {
    let all = (0..times).map(|_| run()).collect::<Result<Vec<f64>, String>>()?;
    Ok(Samples::from(all).median())
}

/// Many logins at the same moment, until the last of them is through.
fn crowd(rig: &Rig, way: Way) -> Result<f64, String> {
    let watch = Stopwatch::start();
    let start = |_| rig.ssh(way, &[], "true").stdin(Stdio::null()).spawn().map_err(|error| error.to_string());
    let all = (0..CROWD).map(start).collect::<Result<Vec<Child>, String>>()?;
    for mut ssh in all {
        let status = ssh.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("a login of many ended with {status}"));
        }
    }
    Ok(watch.elapsed().as_secs_f64())
}

/// A terminal whose program gives back every byte.
struct Echo {
    ssh: Child,
    keys: ChildStdin,
    screen: ChildStdout,
}

impl Echo {
    fn open(rig: &Rig, way: Way) -> Result<Self, String> {
        let mut ssh = rig.ssh(way, &["-tt", "-c", "aes128-gcm@openssh.com"], "stty raw -echo; printf ready; exec cat");
        let mut ssh = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let keys = ssh.stdin.take().ok_or("no stdin")?;
        let mut screen = ssh.stdout.take().ok_or("no stdout")?;
        let mut ready = [0; 5];
        screen.read_exact(&mut ready).map_err(|error| error.to_string())?;
        Ok(Self { ssh, keys, screen })
    }

    fn press(&mut self) -> Result<f64, String> {
        let watch = Stopwatch::start();
        let mut came = [0];
        self.keys
            .write_all(b"k")
            .and_then(|()| self.screen.read_exact(&mut came))
            .map_err(|error| error.to_string())?;
        Ok(watch.elapsed().as_secs_f64())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.ssh.kill();
        let _ = self.ssh.wait();
    }
}

struct Keystrokes {
    direct: Samples,
    curfew: Samples,
}

/// Presses keys on both ways in turn, a few milliseconds apart as fast typing in a paste is.
fn keystrokes(rig: &Rig, times: usize, beside_a_download: bool) -> Result<Keystrokes, String> {
    let (mut direct, mut curfew) = (Echo::open(rig, Way::Direct)?, Echo::open(rig, Way::Curfew)?);
    let mut download = None;
    if beside_a_download {
        let mut ssh =
            rig.ssh(Way::Curfew, &["-c", "aes128-gcm@openssh.com"], "yes the quick brown fox jumps over the lazy dog");
        let ssh = ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        download = Some(ssh.spawn().map_err(|error| error.to_string())?);
        std::thread::sleep(Duration::from_millis(500));
    }
    let (mut of_direct, mut of_curfew) = (Vec::with_capacity(times), Vec::with_capacity(times));
    let pressed = (0..times).try_for_each(|_| {
        std::thread::sleep(Duration::from_millis(2));
        of_direct.push(direct.press()?);
        std::thread::sleep(Duration::from_millis(2));
        of_curfew.push(curfew.press()?);
        Ok(())
    });
    if let Some(mut download) = download {
        let _ = download.kill();
        let _ = download.wait();
    }
    pressed.map(|()| Keystrokes { direct: of_direct.into(), curfew: of_curfew.into() })
}
