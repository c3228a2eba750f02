//! `curfew replay`: plays recordings in this terminal, from their files alone.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use curfew_policy::id::SessionId;
use curfew_policy::time::parse_duration;
use curfew_proxy::lease::clock::Clock;
use curfew_recorder::{CastError, EXTENSION, Pace};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::recordings::playback::{Manner, Playback, TIDY};
use crate::text::escape;

/// What to play, and how.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  curfew replay s345-1.cast --speed 4 --idle-limit 2s\n  curfew replay --config curfew.toml s345\n\nq or Ctrl-C ends it. Into a pipe or a file the exact bytes go at once."
)]
pub struct ReplayArgs {
    /// The configuration file, which says where the recordings of a session are.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A recording's file, or a session such as s345.
    #[arg(value_name = "FILE|SESSION")]
    what: String,
    /// How many times as fast as it was.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    speed: f64,
    /// The longest pause that is kept, such as 2s.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    idle_limit: Option<Duration>,
    /// What came before this moment is shown at once, such as 1m 30s.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    start_at: Option<Duration>,
}

/// Why nothing, or not all, was played.
#[derive(Debug, thiserror::Error)]
enum NotPlayed {
    #[error("{0}")]
    Config(#[from] crate::config::ConfigFaults),
    #[error("{0}")]
    NotFound(String),
    #[error("{path} cannot be played: {why}", path = escape::terminal(&.0.display().to_string()), why = .1)]
    Unreadable(PathBuf, CastError),
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// Plays one recording, or all of a session one after the other: 0 when it was played or ended by hand, 1 when it
/// could not be, 2 for a faulty configuration.
pub async fn run(args: ReplayArgs) -> ExitCode {
    let played = match find(&args) {
        Ok(files) => play(&files, &args).await,
        Err(why) => Err(why),
    };
    match played {
        Ok(()) => ExitCode::SUCCESS,
        // `curfew replay … | head` is done when `head` is.
        Err(NotPlayed::Write(why)) if why.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(NotPlayed::Config(faults)) => {
            eprintln!("{faults}");
            ExitCode::from(2)
        }
        Err(why) => {
            eprintln!("curfew: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The files to play.
fn find(args: &ReplayArgs) -> Result<Vec<PathBuf>, NotPlayed> {
    let what = Path::new(&args.what);
    let shown = escape::terminal(&args.what);
    let Ok(session) = args.what.parse::<SessionId>() else {
        let file = what.is_file().then(|| what.to_owned());
        let none = || NotPlayed::NotFound(format!("{shown}: there is no such file, and sessions look like s345"));
        return file.map(|file| vec![file]).ok_or_else(none);
    };
    if what.is_file() {
        return Ok(vec![what.to_owned()]);
    }
    let Some(config) = &args.config else {
        let hint = format!("where are the recordings of {session}? add --config FILE, or name the recording's file");
        return Err(NotPlayed::NotFound(hint));
    };
    let folder = Config::load(config)?.config.recordings.spool;
    let files = of_session(&folder, session)?;
    if files.is_empty() {
        let folder = folder.display();
        return Err(NotPlayed::NotFound(format!("there is no recording of {session} in {folder}")));
    }
    Ok(files)
}

/// The recordings of a session under a folder (`…/s345-2.cast`), by the number of their channel.
fn of_session(folder: &Path, session: SessionId) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if let Some(channel) = channel_of(&path, session) {
                found.push((channel, path));
            }
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The number of the channel, where the file is a recording of this session.
fn channel_of(path: &Path, session: SessionId) -> Option<u32> {
    let name = path.file_name()?.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let (of, channel) = name.split_once('-')?;
    if of == session.to_string() { channel.split('-').next()?.parse().ok() } else { None }
}

async fn play(files: &[PathBuf], args: &ReplayArgs) -> Result<(), NotPlayed> {
    let usual = Pace::default();
    let start_at = args.start_at.unwrap_or(usual.start_at);
    let pace = Pace { speed: args.speed, idle_limit: args.idle_limit, start_at };
    if !io::stdout().is_terminal() {
        return show(files, Manner::AtOnce).await;
    }
    let keyboard = Keyboard::open();
    let played = tokio::select! {
        played = show(files, Manner::Paced(pace)) => played,
        () = stopped(&keyboard) => Ok(()),
    };
    put(TIDY.as_bytes())?;
    drop(keyboard);
    played
}

async fn show(files: &[PathBuf], manner: Manner) -> Result<(), NotPlayed> {
    let clock = Clock::system(None);
    for file in files {
        if files.len() > 1 {
            eprint!("-- {}\r\n", escape::terminal(&file.display().to_string()));
        }
        let mut playback = Playback::start(file, manner, clock.clone());
        while let Some(piece) = playback.next().await.map_err(|why| NotPlayed::Unreadable(file.clone(), why))? {
            put(&piece)?;
        }
    }
    Ok(())
}

fn put(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Waits until `q` or Ctrl-C is typed, or the process is told to stop.
async fn stopped(keyboard: &Option<Keyboard>) {
    let typed = async {
        match keyboard {
            Some(keyboard) => keyboard.quit().await,
            None => std::future::pending().await,
        }
    };
    let told = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = typed => {}
        _ = told => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// The keyboard, a key at a time and without echo. When it is dropped the terminal is as it was.
struct Keyboard {
    before: Termios,
    quit: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

impl Keyboard {
    /// Takes the keyboard, where there is one.
    fn open() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut modes = before.clone();
        modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &modes).ok()?;
        let (sender, quit) = mpsc::channel(1);
        // A thread of its own, and not of the runtime: nothing ends a read, and the runtime would wait for it.
        std::thread::spawn(move || listen(&sender));
        Some(Self { before, quit: tokio::sync::Mutex::new(quit) })
    }

    /// Waits until `q`, Ctrl-C or Ctrl-D is typed; for ever, when the keyboard is gone.
    async fn quit(&self) {
        if self.quit.lock().await.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

fn listen(quit: &mpsc::Sender<()>) {
    for key in io::stdin().lock().bytes() {
        match key {
            Ok(b'q' | b'Q' | 3 | 4) => {
                let _ = quit.blocking_send(());
                return;
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recordings_of_a_session_are_found_by_name_in_the_order_of_their_channels() {
        let folder = tempfile::tempdir().expect("a folder");
        let day = folder.path().join("2026-11-23");
        std::fs::create_dir(&day).expect("a folder");
        for name in ["s3-10.cast", "s3-2.cast", "s33-1.cast", "s3-x.cast", "s3-1.txt", "s3.cast", "r3-1.cast"] {
            std::fs::write(day.join(name), "").expect("a file");
        }
        let found = of_session(folder.path(), SessionId(3)).expect("it is read");
        assert_eq!(found, [day.join("s3-2.cast"), day.join("s3-10.cast")]);
    }
}
