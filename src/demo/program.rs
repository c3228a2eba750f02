//! What runs at the other end of a channel of the demo's target: a shell or a command, with a pty or without.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use pty_process::{OwnedReadPty, OwnedWritePty, Size};
use russh::server::Msg;
use russh::{ChannelWriteHalf, Sig};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// How long what was hung up on may take to end, and what a shell left behind may still write to its terminal.
pub const LAST_WORDS: Duration = Duration::from_millis(200);

/// What a program gets from the person who runs the demo; the rest of the environment is cargo's and ours.
const INHERITED: [&str; 8] = ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "LC_ALL", "TZ"];

/// Written to a terminal before its shell, which is otherwise hard to tell from the one the demo was started in.
const GREETING: &str = "This is web1, in truth your own machine and your own shell. It ends with the grant.\r\n";

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub enum What {
    /// The login shell.
    Shell,
    /// A command, for the shell to take apart.
    Command(Vec<u8>),
}

/// How to run it.
#[derive(Debug, Default)]
pub struct ProgramSetting {
    terminal: Option<(String, Size)>,
    variables: Vec<(String, String)>,
}

impl ProgramSetting {
    /// With a terminal of this type and size.
    pub fn terminal(&mut self, term: String, columns: u32, rows: u32) -> bool {
        self.terminal = Some((term, size(columns, rows)));
        true
    }

    /// With this variable, if it is a matter of language; the gateway has looked at it already.
    pub fn variable(&mut self, name: String, value: String) -> bool {
        let fits = (name == "LANG" || name.starts_with("LC_")) && !value.contains('\0');
        if fits {
            self.variables.push((name, value));
        }
        fits
    }
}

fn size(columns: u32, rows: u32) -> Size {
    let limit = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    Size::new(limit(rows), limit(columns))
}

/// Where the program reads from.
pub enum ProgramInput {
    /// A terminal.
    Terminal(OwnedWritePty),
    /// A pipe.
    Pipe(ChildStdin),
    /// Nothing any more.
    Ended,
}

impl ProgramInput {
    /// Ends it: a pipe is closed. A terminal has no end but what is typed at it, as with sshd.
    #[must_use]
    pub fn end(self) -> Self {
        match self {
            Self::Terminal(terminal) => Self::Terminal(terminal),
            Self::Pipe(_) | Self::Ended => Self::Ended,
        }
    }

    /// Tells a terminal its new size.
    pub fn resize(&self, columns: u32, rows: u32) {
        if let Self::Terminal(terminal) = self {
            // A terminal that nobody has open any more has no size.
            let _ = terminal.resize(size(columns, rows));
        }
    }
}

/// Where the program writes to.
pub enum ProgramOutput {
    /// A terminal.
    Terminal(OwnedReadPty),
    /// Pipes for stdout and stderr.
    Pipes(ChildStdout, ChildStderr),
}

/// A program that runs. Dropped, its process group is hung up on, and a moment later killed.
pub struct Program {
    child: Child,
    group: ProcessGroup,
}

impl Program {
    /// Starts it, as leader of a process group of its own.
    ///
    /// # Errors
    /// When there is no terminal or process to be had.
    pub fn start(what: &What, setting: ProgramSetting) -> io::Result<(Self, ProgramInput, ProgramOutput)> {
        let shell = shell();
        let mut command = Command::new(&shell);
        match what {
            // The dash before its name makes it a login shell.
            What::Shell => _ = command.arg0(format!("-{}", shell.rsplit('/').next().unwrap_or_default())),
            What::Command(line) => _ = command.arg("-c").arg(OsStr::from_bytes(line)),
        }
        command.env_clear().env("SHELL", &shell);
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(setting.variables);
        if let Some(home) = std::env::home_dir().filter(|home| home.is_dir()) {
            command.current_dir(home);
        }
        let (child, input, output) = match setting.terminal {
            Some((term, size)) => on_terminal(command, &term, size, *what == What::Shell)?,
            None => on_pipes(command)?,
        };
        Ok((Self { group: ProcessGroup::of(&child), child }, input, output))
    }

    /// Its process group.
    #[must_use]
    pub fn group(&self) -> ProcessGroup {
        self.group
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When the system does not say how.
    pub async fn wait(&mut self) -> io::Result<Ended> {
        let ended = self.child.wait().await.map(Ended);
        // What it left behind on purpose stays, as with sshd; the number may soon be another's.
        self.group = ProcessGroup(None);
        ended
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let group = self.group;
        group.send(Signal::HUP);
        group.send(Signal::CONT);
        // A shell passes a hangup on to its jobs, and needs a moment for it.
        tokio::spawn(async move {
            tokio::time::sleep(LAST_WORDS).await;
            group.send(Signal::KILL);
        });
    }
}

/// The shell of whoever runs the demo, or what every Unix has.
fn shell() -> String {
    let known = std::env::var("SHELL").ok().into_iter();
    known
        .chain(["/bin/bash".to_owned()])
        .find(|shell| std::path::Path::new(shell).is_file())
        .unwrap_or_else(|| "/bin/sh".to_owned())
}

fn on_terminal(
    mut command: Command,
    term: &str,
    size: Size,
    greet: bool,
) -> io::Result<(Child, ProgramInput, ProgramOutput)> {
    let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
    pty.resize(size).map_err(io::Error::other)?;
    command.env("TERM", term);
    if greet {
        // What is written to the near side is what the terminal shows.
        rustix::io::write(&pts, GREETING.as_bytes())?;
    }
    // It makes the child leader of a session that has the terminal.
    let child = pty_process::Command::from(command).spawn(pts).map_err(io::Error::other)?;
    let (read, write) = pty.into_split();
    Ok((child, ProgramInput::Terminal(write), ProgramOutput::Terminal(read)))
}

fn on_pipes(mut command: Command) -> io::Result<(Child, ProgramInput, ProgramOutput)> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
        (Some(stdin), Some(stdout), Some(stderr)) => {
            Ok((child, ProgramInput::Pipe(stdin), ProgramOutput::Pipes(stdout, stderr)))
        }
        _ => Err(io::Error::other("the program has no pipes")),
    }
}

/// The process group of a program.
#[derive(Debug, Clone, Copy)]
pub struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    /// Sends it a signal by its name of RFC 4254 §6.10. Others than those there are ignored.
    pub fn signal(self, signal: &Sig) {
        if let Some((_, signal)) = SIGNALS.iter().find(|(name, _)| *name == name_of(signal)) {
            self.send(*signal);
        }
    }

    fn send(self, signal: Signal) {
        if let Some(group) = self.0 {
            // It may have ended long ago.
            let _ = kill_process_group(group, signal);
        }
    }
}

/// The signals of RFC 4254 §6.10.
const SIGNALS: [(&str, Signal); 13] = [
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

fn name_of(signal: &Sig) -> &str {
    match signal {
        Sig::ABRT => "ABRT",
        Sig::ALRM => "ALRM",
        Sig::FPE => "FPE",
        Sig::HUP => "HUP",
        Sig::ILL => "ILL",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::PIPE => "PIPE",
        Sig::QUIT => "QUIT",
        Sig::SEGV => "SEGV",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) => name,
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended(ExitStatus);

impl Ended {
    /// Tells the client (RFC 4254 §6.10).
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn tell(self, up: &ChannelWriteHalf<Msg>) -> Result<(), russh::Error> {
        let known = |raw: i32| SIGNALS.iter().find(|(_, signal)| signal.as_raw() == raw).map(|(name, _)| *name);
        match self.0.signal().map(known) {
            None => up.exit_status(self.0.code().and_then(|code| u32::try_from(code).ok()).unwrap_or(255)).await,
            Some(name) => {
                let signal = Sig::Custom(name.unwrap_or("KILL").to_owned());
                up.exit_signal(signal, self.0.core_dumped(), "", "").await
            }
        }
    }
}
