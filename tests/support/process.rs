//! Programs that are run with a limit, and what came out of them.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use super::wait::Stopwatch;

/// The limit of a program that names no other.
const LIMIT: Duration = Duration::from_secs(60);
/// How long output may come after a program's end (something it left behind may hold its stderr open).
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A program to run.
pub struct Program {
    command: Command,
    what: String,
    input: Vec<u8>,
    limit: Duration,
}

impl Program {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let what = Path::new(program.as_ref()).file_name().unwrap_or(program.as_ref()).to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.env("LC_ALL", "C.UTF-8").env_remove("SSH_AUTH_SOCK").process_group(0);
        Self { command, what, input: Vec::new(), limit: LIMIT }
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.what.push(' ');
        self.what.push_str(&arg.as_ref().to_string_lossy().chars().take(200).collect::<String>());
        self.command.arg(arg);
        self
    }

    pub fn args<S: AsRef<OsStr>>(self, args: impl IntoIterator<Item = S>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Where it runs.
    pub fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What it reads from stdin before the end of file.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(mut self) -> Outcome {
        let input = std::mem::take(&mut self.input);
        let limit = self.limit;
        let mut running = self.start();
        let mut stdin = running.stdin.take().expect("stdin is piped");
        // A program may end without reading all of it.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let outcome = running.wait(limit);
        drop(writer);
        outcome
    }

    /// Starts it, with its stdin open.
    #[track_caller]
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let watch = Stopwatch::start();
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("cannot start `{}`: {error}", self.what));
        Running {
            stdin: child.stdin.take(),
            stdout: Stream::reading(child.stdout.take().expect("stdout is piped")),
            stderr: Stream::reading(child.stderr.take().expect("stderr is piped")),
            child,
            watch,
            what: self.what,
        }
    }

    /// Starts it with a stdin and stdout of the test's own, which the harness neither feeds nor empties.
    #[track_caller]
    pub fn raw(mut self, stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Raw {
        let child = self.command.stdin(stdin).stdout(stdout).stderr(Stdio::null()).spawn();
        Raw(child.unwrap_or_else(|error| panic!("cannot start `{}`: {error}", self.what)))
    }
}

/// A program whose stdin and stdout are the test's own. Dropped, it is killed.
pub struct Raw(pub Child);

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that runs. Dropped, it is killed with its process group.
pub struct Running {
    pub stdin: Option<ChildStdin>,
    pub stdout: Stream,
    pub stderr: Stream,
    child: Child,
    watch: Stopwatch,
    what: String,
}

impl Running {
    pub fn type_in(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(bytes.as_ref()).and_then(|()| stdin.flush()).expect("write to stdin");
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        send_signal(self.pid(), signal);
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("wait for a child").is_none()
    }

    /// Waits for its end; stdin stays as it is.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> Outcome {
        let status = self.status_within(limit);
        let _ = self.stdout.ended_within(LAST_WORDS);
        let _ = self.stderr.ended_within(LAST_WORDS);
        Outcome {
            what: self.what.clone(),
            code: status.code(),
            stdout: self.stdout.bytes(),
            stderr: self.stderr.text(),
            took: self.watch.elapsed(),
        }
    }

    #[track_caller]
    fn status_within(&mut self, limit: Duration) -> std::process::ExitStatus {
        let waiting = Stopwatch::start();
        loop {
            if let Some(status) = self.child.try_wait().expect("wait for a child") {
                return status;
            }
            if waiting.elapsed() >= limit {
                panic!(
                    "`{}` has not ended within {limit:?}\nstdout: {}\nstderr: {}",
                    self.what,
                    tail(&self.stdout.text()),
                    tail(&self.stderr.text())
                );
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            if let Some(group) = pid_of(self.pid()) {
                let _ = kill_process_group(group, Signal::CONT);
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.child.wait();
        }
    }
}

/// What came out of a program.
pub struct Outcome {
    pub what: String,
    /// `None` where a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub took: Duration,
}

impl Outcome {
    /// Fails the test unless it ended with this exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert!(self.code == Some(code), "expected exit {code}: {self:?}");
        self
    }

    /// Fails the test unless it ended with one of these exit codes.
    #[track_caller]
    pub fn expect_one(self, codes: &[i32]) -> Self {
        assert!(self.code.is_some_and(|code| codes.contains(&code)), "expected one of exit {codes:?}: {self:?}");
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.expect(0)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("not one JSON value ({error}): {self:?}"))
    }

    /// Fails the test unless stderr has this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr should have `{text}`: {self:?}");
        self
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` ended with {:?} after {:?}\nstdout ({} bytes): {}\nstderr: {}",
            self.what,
            self.code,
            self.took,
            self.stdout.len(),
            tail(&self.text()),
            tail(&self.stderr)
        )
    }
}

/// Bytes that another process writes, collected as they come.
#[derive(Clone)]
pub struct Stream(Arc<(Mutex<Seen>, Condvar)>);

#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stream {
    pub fn reading(mut from: impl Read + Send + 'static) -> Self {
        let stream = Self(Arc::default());
        let shared = stream.clone();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 64 * 1024];
            loop {
                // A pty whose other end is gone reads as an I/O error.
                let n = from.read(&mut chunk).unwrap_or(0);
                let mut seen = shared.0.0.lock().expect("the reader does not panic");
                seen.bytes.extend_from_slice(&chunk[..n]);
                seen.ended = n == 0;
                shared.0.1.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        stream
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.0.lock().expect("the reader does not panic").bytes.clone()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Waits until this text has come.
    #[track_caller]
    pub fn wait_for(&self, text: &str, limit: Duration) {
        let (seen, changed) = &*self.0;
        let has = |seen: &Seen| seen.bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let seen = seen.lock().expect("the reader does not panic");
        let (seen, timeout) = changed
            .wait_timeout_while(seen, limit, |seen| !has(seen) && !seen.ended)
            .expect("the reader does not panic");
        let (found, ended, came) = (has(&seen), seen.ended, String::from_utf8_lossy(&seen.bytes).into_owned());
        drop(seen);
        assert!(
            found,
            "`{}` did not come within {limit:?} (ended: {}, timed out: {}); came: {}",
            text.escape_debug(),
            ended,
            timeout.timed_out(),
            tail(&came)
        );
    }

    /// Whether the end of file comes within the limit.
    pub fn ended_within(&self, limit: Duration) -> bool {
        let (seen, changed) = &*self.0;
        let seen = seen.lock().expect("the reader does not panic");
        let (seen, _) = changed.wait_timeout_while(seen, limit, |seen| !seen.ended).expect("the reader does not panic");
        seen.ended
    }
}

/// Sends a signal to a process, which may be gone already.
pub fn send_signal(pid: u32, signal: Signal) {
    if let Some(pid) = pid_of(pid) {
        let _ = kill_process(pid, signal);
    }
}

fn pid_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The argument of a `sleep` that no other test has, to look for on the machine.
pub fn own_sleep() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("1000.{}{:04}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst))
}

/// The processes of this machine whose program (without its folder) and arguments are exactly these.
pub fn processes(argv: &[&str]) -> Vec<u32> {
    let is_it = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = line.split(|b| *b == 0).map(String::from_utf8_lossy);
        let program = words.next().unwrap_or_default();
        let program = program.rsplit('/').next().unwrap_or_default();
        let rest: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        argv.split_first().is_some_and(|(first, others)| program == *first && rest == others)
    };
    let entries = std::fs::read_dir("/proc").expect("read /proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_it).collect()
}

/// The end of a long text, for a message.
fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(3000);
    text.chars().skip(skip).collect()
}
