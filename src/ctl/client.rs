//! The operator's side of the door.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use tokio::io::BufWriter;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use toml::de::DeTable;

use super::frame::{Ask, Frame, read, write};
use super::server::SOCKET;
use crate::config::{Config, ConfigFaults};
use crate::text::shell_words::quote;

/// What the person who typed Ctrl-C sends.
const CTRL_C: &[u8] = b"\x03";

/// `curfew ctl`: runs a console command on the gateway of this configuration file, and exits with its status.
pub async fn run(config: &Path, args: &[String]) -> ExitCode {
    match state_dir(config) {
        Ok(state_dir) => ExitCode::from(call(&state_dir, config, args).await),
        Err(faults) => {
            eprintln!("{faults}");
            ExitCode::from(2)
        }
    }
}

/// Where the gateway's socket is. A file that is faulty otherwise still says it: whoever must revoke something now
/// cannot wait until the file is repaired.
fn state_dir(config: &Path) -> Result<PathBuf, ConfigFaults> {
    match Config::load(config) {
        Ok(loaded) => Ok(loaded.config.gateway.state_dir),
        Err(faults) => state_dir_alone(config).ok_or(faults),
    }
}

fn state_dir_alone(config: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(config).ok()?;
    let table = DeTable::parse(&text).ok()?;
    let state_dir = table.get_ref().get("gateway")?.get_ref().as_table()?.get("state_dir")?.get_ref().as_str()?;
    Some(config.parent()?.join(state_dir))
}

/// Runs a console command on the gateway whose `state_dir` this is, and gives its exit status. `config` is the
/// configuration file as the operator typed it.
pub async fn call(state_dir: &Path, config: &Path, args: &[String]) -> u8 {
    let socket = state_dir.join(SOCKET);
    let stream = match UnixStream::connect(&socket).await {
        Ok(stream) => stream,
        Err(why) => {
            eprintln!("curfew: {}", unreachable(&socket, config, &why));
            return 1;
        }
    };
    match talk(stream, ask(config, args)).await {
        Ok(Some(status)) => u8::try_from(status).unwrap_or(u8::MAX),
        Ok(None) => {
            eprintln!("curfew: the gateway went away before it had answered; see its log");
            1
        }
        // `curfew ctl audit | head` is done when `head` is.
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(why) => {
            eprintln!("curfew: the gateway cannot be understood: {why}");
            1
        }
    }
}

fn ask(config: &Path, args: &[String]) -> Ask {
    let command = match args {
        // The whole command as one argument, as one may also give it to ssh.
        [line] => line.clone(),
        words => quote(words),
    };
    let size = io::stdout().is_terminal().then(|| rustix::termios::tcgetwinsize(io::stdout()).ok()).flatten();
    Ask {
        command,
        config: config.display().to_string(),
        terminal: size.map(|size| (size.ws_col.into(), size.ws_row.into())),
    }
}

fn unreachable(socket: &Path, config: &Path, why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
            "no gateway is running here ({} does not answer); start one with: curfew serve --config {}",
            socket.display(),
            config.display()
        ),
        io::ErrorKind::PermissionDenied => {
            format!("you may not open {}; become the gateway's user, or root, and try again", socket.display())
        }
        _ => format!("{} cannot be opened: {why}", socket.display()),
    }
}

/// Asks, and writes out what is answered. `None` when the answer breaks off.
async fn talk(stream: UnixStream, ask: Ask) -> io::Result<Option<u32>> {
    let (mut from, to) = stream.into_split();
    let mut to = BufWriter::new(to);
    write(&mut to, &Frame::Ask(ask)).await?;
    tokio::select! {
        status = print(&mut from) => status,
        never = pass_interrupts(to) => match never {},
    }
}

async fn print(from: &mut tokio::net::unix::OwnedReadHalf) -> io::Result<Option<u32>> {
    loop {
        match read(from).await? {
            Some(Frame::Out(piece)) => put(io::stdout().lock(), &piece)?,
            Some(Frame::Err(piece)) => put(io::stderr().lock(), &piece)?,
            Some(Frame::Exit(status)) => return Ok(Some(status)),
            Some(Frame::Ask(_) | Frame::Input(_)) => {}
            None => return Ok(None),
        }
    }
}

fn put(mut stream: impl Write, piece: &[u8]) -> io::Result<()> {
    stream.write_all(piece)?;
    stream.flush()
}

/// Tells the gateway of a first Ctrl-C, so that the command can end in its own way; a second one ends the client.
async fn pass_interrupts(mut to: BufWriter<OwnedWriteHalf>) -> std::convert::Infallible {
    if tokio::signal::ctrl_c().await.is_ok() {
        let _ = write(&mut to, &Frame::Input(Bytes::from_static(CTRL_C))).await;
    }
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(130);
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faulty_file_still_says_where_the_gateway_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("curfew.toml");
        std::fs::write(&file, "[gateway]\nstate_dir = \"state\"\nwrong = 1\n[users.alice]\nkeys = 7\n")
            .expect("a file");
        assert_eq!(state_dir(&file).expect("a folder"), folder.path().join("state"));
        std::fs::write(&file, "[gateway]\n").expect("a file");
        assert!(state_dir(&file).is_err());
    }

    #[tokio::test]
    async fn without_a_gateway_the_call_fails() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(call(folder.path(), Path::new("curfew.toml"), &["whoami".to_owned()]).await, 1);
        let why = unreachable(Path::new("/s/curfew.sock"), Path::new("c.toml"), &io::ErrorKind::NotFound.into());
        assert_eq!(
            why,
            "no gateway is running here (/s/curfew.sock does not answer); start one with: curfew serve --config c.toml"
        );
    }

    #[test]
    fn words_stay_words_and_a_whole_command_may_be_one_argument() {
        let typed = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            ask(Path::new("c.toml"), &args).command
        };
        assert_eq!(typed(&["deny", "r1", "--note", "too long"]), "deny r1 --note 'too long'");
        assert_eq!(typed(&["deny", "r1", "--note", "it's", "too", "long"]), r"deny r1 --note 'it'\''s' too long");
        assert_eq!(typed(&["deny r1 --note too long"]), "deny r1 --note too long");
        assert_eq!(typed(&[]), "");
    }
}
