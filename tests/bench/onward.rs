//! Ways onward: `ssh -J` through Curfew against `ssh -J` through a plain sshd, and forwards and TCP targets against `-L`
//! through a plain sshd.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use super::Size;
use super::bulk::{time, time_download};
use super::figures::{Goal, Ratio};
use super::report::Report;
use super::rig::{Rig, Way};
use crate::support::Stopwatch;

const JUMPS: [Way; 2] = [Way::Jump, Way::Curfew];
const BOTH: [Way; 2] = [Way::Direct, Way::Curfew];

/// The name of the TCP target.
pub const SERVICE: &str = "source";

/// What the gateway's configuration says of it, with a role and a rule of its own.
pub fn entry() -> String {
    format!(
        "[targets.{SERVICE}]\nprotocol = \"tcp\"\naddress = \"127.0.0.1:{}\"\n[roles.service]\n\
         [[rules]]\ngroups = [\"oncall\"]\ntargets = [\"{SERVICE}\"]\nroles = [\"service\"]\n\
         max_duration = \"8h\"\napprovals = 0\n",
        *PORT
    )
}

/// A service that says how many bytes it is asked for, in a line, and sends them.
static PORT: LazyLock<u16> = LazyLock::new(|| {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a port");
    let port = listener.local_addr().expect("a bound port").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || send(stream));
        }
    });
    port
});

fn send(mut stream: TcpStream) {
    let mut wish = [0; 8];
    if stream.read_exact(&mut wish).is_err() {
        return;
    }
    let mut left = usize::try_from(u64::from_be_bytes(wish)).expect("a size");
    let piece = b"0123456789abcdef0123456789abcd\r\n".repeat(8192);
    while left > 0 {
        let now = left.min(piece.len());
        if stream.write_all(&piece[..now]).is_err() {
            return;
        }
        left -= now;
    }
    let _ = stream.shutdown(Shutdown::Write);
}

/// Everything that goes onward.
pub fn run(rig: &Rig, report: &mut Report, size: Size) {
    let text = rig.files.path().join("text");
    let goal = Some(Goal::AtLeast(1.3));
    report.compare(
        ("onward", "download through `ssh -J`, against a plain hop", Ratio::Throughput, goal),
        &JUMPS,
        |way| time_download(rig, jump(rig, way, &format!("cat {}", text.display())), size),
    );
    report.compare(
        ("onward", "upload through `ssh -J`, against a plain hop", Ratio::Throughput, goal),
        &JUMPS,
        |way| {
            let mut ssh = jump(rig, way, "cat >/dev/null");
            let file = std::fs::File::open(&text).map_err(|error| error.to_string())?;
            time(ssh.stdin(file).stdout(Stdio::null()))
        },
    );
    let goal = Some(Goal::AtMost(1.0));
    report.compare(("onward", "`ssh -J … true`, against a plain hop", Ratio::Time, goal), &JUMPS, |way| {
        time(jump(rig, way, "true").stdin(Stdio::null()))
    });
    let to = format!("127.0.0.1:{}", *PORT);
    report.compare(("onward", "download through `-L` of a session", Ratio::Throughput, None), &BOTH, |way| {
        forwarded(rig, way.host(), &to, size)
    });
    report.compare(("onward", "download from a TCP target, against `-L`", Ratio::Throughput, None), &BOTH, |way| {
        match way {
            Way::Curfew => forwarded(rig, "bastion", &format!("{SERVICE}:{}", *PORT), size),
            _ => forwarded(rig, way.host(), &to, size),
        }
    });
    rig.forget_recordings();
}

/// `ssh -J` with the same ciphers on every hop.
fn jump(rig: &Rig, way: Way, command: &str) -> Command {
    let mut ssh = rig.client("ssh");
    ssh.arg(if way == Way::Curfew { "web1" } else { "jumped-alike" }).arg(command);
    ssh
}

/// Bytes from the service, through `ssh -N -L`.
fn forwarded(rig: &Rig, host: &str, to: &str, size: Size) -> Result<f64, String> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let port = free.map_err(|error| error.to_string())?.port();
    let socket = rig.scratch().join("onward");
    // It goes to the background when it listens.
    let mut master = rig.client("ssh");
    master
        .args(["-f", "-N", "-M", "-c", "aes128-gcm@openssh.com", "-o", "ExitOnForwardFailure=yes", "-S"])
        .arg(&socket);
    time(master.args(["-L", &format!("{port}:{to}"), host]).stdin(Stdio::null()).stdout(Stdio::null()))?;
    let took = fetch(port, size.bytes);
    let mut exit = rig.client("ssh");
    let _ = exit.arg("-S").arg(&socket).args(["-O", "exit", host]).stderr(Stdio::null()).status();
    took
}

fn fetch(port: u16, bytes: u64) -> Result<f64, String> {
    let failed = |error: std::io::Error| error.to_string();
    let watch = Stopwatch::start();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    stream.write_all(&bytes.to_be_bytes()).map_err(failed)?;
    let (mut came, mut chunk) = (0, vec![0; 256 << 10]);
    loop {
        match stream.read(&mut chunk).map_err(failed)? {
            0 => break,
            n => came += n as u64,
        }
    }
    if came == bytes { Ok(watch.elapsed().as_secs_f64()) } else { Err(format!("{came} bytes came")) }
}
