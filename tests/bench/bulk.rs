//! Gigabytes, down, up, both ways, as commands and as files.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Size;
use super::figures::{Figure, Goal, Ratio, Samples};
use super::report::Report;
use super::rig::{GIB, Rig, Way};
use super::sizing;
use crate::support::Stopwatch;

const BOTH: [Way; 2] = [Way::Direct, Way::Curfew];
const ALL: [Way; 3] = [Way::Direct, Way::Jump, Way::Curfew];

/// Makes the files that are moved.
pub fn prepare(rig: &Rig, size: Size) {
    let lines = (0_u64..).map(|n| format!("{n:012} the quick brown fox jumps over the lazy dog, again and again\n"));
    let mut text = BufWriter::new(File::create(rig.files.path().join("text")).expect("make a file"));
    let mut left = size.bytes;
    for line in lines {
        let part = line.as_bytes().get(..line.len().min(left as usize)).unwrap_or_default();
        text.write_all(part).expect("write a file");
        left -= part.len() as u64;
        if left == 0 {
            break;
        }
    }
    text.flush().expect("write a file");
    let mut noise = File::open("/dev/urandom").expect("open /dev/urandom").take(size.bytes);
    std::io::copy(&mut noise, &mut File::create(rig.files.path().join("noise")).expect("make a file")).expect("write");
    let many = rig.files.path().join("many");
    for folder in 0..100 {
        let folder = many.join(format!("{folder:02}"));
        fs::create_dir_all(&folder).expect("make a folder");
        for file in 0..size.small_files / 100 {
            fs::write(folder.join(format!("{file:03}.txt")), format!("file {file}\n").repeat(40))
                .expect("write a file");
        }
    }
}

/// Times a client to its successful end.
pub fn time(command: &mut Command) -> Result<f64, String> {
    let watch = Stopwatch::start();
    let status = command.status().map_err(|error| format!("cannot run {:?}: {error}", command.get_program()))?;
    let took = watch.elapsed().as_secs_f64();
    if status.success() { Ok(took) } else { Err(format!("{:?} ended with {status}", command.get_program())) }
}

fn open(path: &Path) -> File {
    File::open(path).expect("open a file")
}

/// Everything that moves bytes.
pub fn run(rig: &Rig, report: &mut Report, size: Size) {
    let text = rig.files.path().join("text");
    let noise = rig.files.path().join("noise");
    for (cipher, ways) in [("aes128-gcm@openssh.com", &ALL[..]), ("aes256-gcm@openssh.com", &BOTH)] {
        let short = cipher.trim_end_matches("@openssh.com");
        let goal = Some(Goal::AtLeast(1.0));
        report.compare(("throughput", &format!("download of text, {short}"), Ratio::Throughput, goal), ways, |way| {
            download(rig, way, cipher, &text, size)
        });
        let goal = Some(Goal::AtLeast(0.95));
        report.compare(("throughput", &format!("upload, {short}"), Ratio::Throughput, goal), ways, |way| {
            upload(rig, way, cipher, &text)
        });
    }
    let goal = Some(Goal::AtLeast(1.0));
    report.compare(("throughput", "download of noise, aes128-gcm", Ratio::Throughput, goal), &BOTH, |way| {
        download(rig, way, "aes128-gcm@openssh.com", &noise, size)
    });
    let chacha = "chacha20-poly1305@openssh.com";
    let goal = Some(Goal::AtLeast(0.95));
    report.compare(("throughput", "download of text, chacha20-poly1305", Ratio::Throughput, goal), &BOTH, |way| {
        download(rig, way, chacha, &text, size)
    });
    let goal = Some(Goal::AtLeast(0.9));
    report.compare(("throughput", "upload, chacha20-poly1305", Ratio::Throughput, goal), &BOTH, |way| {
        upload(rig, way, chacha, &text)
    });
    files(rig, report, &noise);
    both_ways(rig, report, &text, size);
    beside_slow_readers(rig, report, &text, size);
    processor(rig, report, &text, size);
}

fn download(rig: &Rig, way: Way, cipher: &str, file: &Path, size: Size) -> Result<f64, String> {
    time_download(rig, rig.ssh(way, &["-c", cipher], &format!("cat {}", file.display())), size)
}

/// Times a client that gives out a whole file.
pub fn time_download(rig: &Rig, mut ssh: Command, size: Size) -> Result<f64, String> {
    let watch = Stopwatch::start();
    let mut child = ssh.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let came = swallow(&mut child)?;
    let status = child.wait().map_err(|error| error.to_string())?;
    let took = watch.elapsed().as_secs_f64();
    rig.forget_recordings();
    if status.success() && came == size.bytes { Ok(took) } else { Err(format!("{came} bytes came, {status}")) }
}

/// Reads what a client gives out, and says how much it was.
fn swallow(child: &mut Child) -> Result<u64, String> {
    let mut from = child.stdout.take().ok_or("no stdout")?;
    let (mut total, mut chunk) = (0, vec![0; 256 << 10]);
    loop {
        match from.read(&mut chunk).map_err(|error| error.to_string())? {
            0 => return Ok(total),
            n => total += n as u64,
        }
    }
}

fn upload(rig: &Rig, way: Way, cipher: &str, file: &Path) -> Result<f64, String> {
    let took = time(rig.ssh(way, &["-c", cipher], "cat >/dev/null").stdin(open(file)).stdout(Stdio::null()));
    rig.forget_recordings();
    took
}

/// `sftp`, `scp` and `rsync`.
fn files(rig: &Rig, report: &mut Report, file: &Path) {
    let there = rig.files.path().join("there");
    let batch = rig.scratch().join("batch");
    let fast = "aes128-gcm@openssh.com";
    let goal = Some(Goal::AtLeast(0.95));
    for (name, line) in [
        ("sftp get", format!("get {} {}", file.display(), there.display())),
        ("sftp put", format!("put {} {}", file.display(), there.display())),
    ] {
        fs::write(&batch, line).expect("write a file");
        let ways = if name == "sftp get" { &ALL[..] } else { &BOTH };
        report.compare(("files", name, Ratio::Throughput, goal), ways, |way| {
            let _ = fs::remove_file(&there);
            let mut sftp = rig.client("sftp");
            let took = time(sftp.args(["-q", "-c", fast, "-b"]).arg(&batch).arg(way.host()).stdout(Stdio::null()))?;
            same_length(file, &there)?;
            Ok(took)
        });
    }
    // Run as a command the same server passes by the gate: what comes up a command is neither read nor recorded.
    fs::write(&batch, format!("put {} {}", file.display(), there.display())).expect("write a file");
    let name = "sftp put with the gate, against sftp put as a command without it";
    report.compare(("files", name, Ratio::Throughput, goal), &BOTH, |way| {
        let _ = fs::remove_file(&there);
        let mut sftp = rig.client("sftp");
        if way == Way::Direct {
            sftp.args(["-s", "/usr/lib/openssh/sftp-server"]);
        }
        let host = Way::Curfew.host();
        let took = time(sftp.args(["-q", "-c", fast, "-b"]).arg(&batch).arg(host).stdout(Stdio::null()))?;
        same_length(file, &there)?;
        Ok(took)
    });
    for (name, down) in [("scp get", true), ("scp put", false)] {
        report.compare(("files", name, Ratio::Throughput, goal), &BOTH, |way| {
            let _ = fs::remove_file(&there);
            let remote = |path: &Path| format!("{}:{}", way.host(), path.display());
            let mut scp = rig.client("scp");
            scp.args(["-q", "-c", fast]);
            match down {
                true => scp.arg(remote(file)).arg(&there),
                false => scp.arg(file).arg(remote(&there)),
            };
            let took = time(&mut scp)?;
            same_length(file, &there)?;
            Ok(took)
        });
    }
    let _ = fs::remove_file(&there);
    let (many, copy) = (rig.files.path().join("many"), rig.files.path().join("copy"));
    let goal = Some(Goal::AtLeast(0.9));
    report.compare(("files", "rsync of small files", Ratio::Throughput, goal), &BOTH, |way| {
        let _ = fs::remove_dir_all(&copy);
        let shell = format!("ssh -F {}", rig.config().display());
        let to = format!("{}:{}/", way.host(), copy.display());
        let mut rsync = Command::new("rsync");
        time(rsync.args(["-a", "-e", &shell]).arg(format!("{}/", many.display())).arg(to).stdout(Stdio::null()))
    });
    let _ = fs::remove_dir_all(&copy);
}

fn same_length(one: &Path, other: &Path) -> Result<(), String> {
    let length = |path: &Path| fs::metadata(path).map(|meta| meta.len()).map_err(|error| error.to_string());
    if length(one)? == length(other)? { Ok(()) } else { Err("the copy has another length".to_owned()) }
}

/// `cat` there and back at once; and what the gateway grew by.
fn both_ways(rig: &Rig, report: &mut Report, file: &Path, size: Size) {
    let before = rig.gateway.memory_kib("VmRSS");
    let goal = Some(Goal::AtLeast(0.9));
    report.compare(("throughput", "both ways at once through `cat`", Ratio::Throughput, goal), &BOTH, |way| {
        let mut ssh = rig.ssh(way, &["-c", "aes128-gcm@openssh.com"], "cat");
        let watch = Stopwatch::start();
        let mut child = ssh.stdin(open(file)).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let came = swallow(&mut child)?;
        let status = child.wait().map_err(|error| error.to_string())?;
        let took = watch.elapsed().as_secs_f64();
        rig.forget_recordings();
        if status.success() && came == size.bytes { Ok(took) } else { Err(format!("{came} bytes came, {status}")) }
    });
    let grown = rig.gateway.memory_kib("VmHWM").saturating_sub(before) as f64 / 1024.0;
    let goal = Some(Goal::AtMost(64.0));
    report.add(Figure::alone(
        "throughput",
        "growth of the gateway through all of this",
        "MiB",
        vec![grown].into(),
        goal,
    ));
}

/// A download beside one reader of 1 MB/s and one that stopped, over one connection.
fn beside_slow_readers(rig: &Rig, report: &mut Report, file: &Path, size: Size) {
    let goal = Some(Goal::AtLeast(0.9));
    let name = "download beside a slow and a stopped reader of the same connection";
    report.compare(("throughput", name, Ratio::Throughput, goal), &BOTH, |way| {
        let socket = rig.scratch().join("slow");
        let master = Master::open(rig, way, &socket)?;
        let endless = || -> Result<Child, String> {
            let mut ssh = master.ssh("yes the quick brown fox jumps over the lazy dog");
            ssh.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())
        };
        let (mut slow, mut stopped) = (endless()?, endless()?);
        let mut from = slow.stdout.take().ok_or("no stdout")?;
        let reading = std::thread::spawn(move || {
            let mut chunk = vec![0; 50_000];
            while from.read_exact(&mut chunk).is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        // Until the stopped one is full.
        std::thread::sleep(Duration::from_millis(500));
        let mut ssh = master.ssh(&format!("cat {}", file.display()));
        let watch = Stopwatch::start();
        let mut child = ssh.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let came = swallow(&mut child)?;
        let took = watch.elapsed().as_secs_f64();
        let whole = child.wait().is_ok_and(|status| status.success()) && came == size.bytes;
        for child in [&mut slow, &mut stopped] {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = reading.join();
        drop(master);
        rig.forget_recordings();
        if whole { Ok(took) } else { Err(format!("{came} bytes came")) }
    });
}

/// A multiplexed connection.
pub struct Master<'a> {
    rig: &'a Rig,
    way: Way,
    socket: PathBuf,
    child: Child,
}

impl<'a> Master<'a> {
    /// Connects, and waits until channels can be opened.
    pub fn open(rig: &'a Rig, way: Way, socket: &Path) -> Result<Self, String> {
        let _ = fs::remove_file(socket);
        let path = socket.display().to_string();
        let mut ssh = rig.ssh(way, &["-N", "-M", "-S", &path, "-c", "aes128-gcm@openssh.com"], "");
        let child = ssh.stdin(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        let master = Self { rig, way, socket: socket.to_owned(), child };
        let watch = Stopwatch::start();
        while watch.elapsed() < Duration::from_secs(20) {
            let mut check = rig.ssh(way, &["-S", &path, "-O", "check"], "");
            if check.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
                return Ok(master);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the master did not get ready".to_owned())
    }

    /// A command in a channel of its own.
    pub fn ssh(&self, command: &str) -> Command {
        self.rig.ssh(self.way, &["-S", &self.socket.display().to_string()], command)
    }
}

impl Drop for Master<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processor time of the gateway for a gibibyte, and how much of it is the recording.
fn processor(rig: &Rig, report: &mut Report, file: &Path, size: Size) {
    let per_gib = |cpu: Duration| cpu.as_secs_f64() * GIB as f64 / size.bytes as f64;
    let rounds = report.rounds();
    report.figure("processor", || {
        let (mut down, mut up) = (Samples::default(), Samples::default());
        for _ in 0..rounds {
            let before = rig.gateway_cpu();
            download(rig, Way::Curfew, "aes128-gcm@openssh.com", file, size)?;
            let between = rig.gateway_cpu();
            upload(rig, Way::Curfew, "aes128-gcm@openssh.com", file)?;
            down.push(per_gib(between - before));
            up.push(per_gib(rig.gateway_cpu() - between));
        }
        let recording = vec![down.median() - up.median()].into();
        let alone = |name, value, goal| Figure::alone("processor", name, "s", value, Some(Goal::AtMost(goal)));
        Ok(vec![
            alone(sizing::UP, up, 0.5),
            alone(sizing::DOWN, down, 1.0),
            alone("of that, for the recording", recording, 0.5),
        ])
    });
}
