//! The gateway's side of the operator's door.

use std::fs::Permissions;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use curfew_proxy::gate::{Console, Output};
use tokio::io::BufWriter;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};

use super::frame::{Ask, Frame, read, write};

/// The socket's name in `state_dir`.
pub const SOCKET: &str = "curfew.sock";

/// How many operators are served at once.
const MOST_CALLERS: usize = 32;

/// How long a caller may take to say what it wants.
const LONGEST_TO_ASK: Duration = Duration::from_secs(10);

/// How many pieces of output may wait for a slow caller.
const PIECES: usize = 4;

/// The open door. When it is dropped the socket is gone.
#[derive(Debug)]
pub struct OperatorDoor {
    listener: UnixListener,
    path: PathBuf,
    /// The user that the gateway runs as.
    owner: u32,
}

impl OperatorDoor {
    /// Opens the socket in `state_dir`. One that a dead gateway left there is replaced: that no other gateway lives is
    /// for the caller to make sure of.
    ///
    /// # Errors
    /// When the socket cannot be made, or not be closed to others.
    pub fn open(state_dir: &Path) -> io::Result<Self> {
        let path = state_dir.join(SOCKET);
        match std::fs::remove_file(&path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        let listener = UnixListener::bind(&path)
            .map_err(|why| io::Error::new(why.kind(), format!("cannot make the socket {}: {why}", path.display())))?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&path)?.uid();
        Ok(Self { listener, path, owner })
    }

    /// Serves callers until it is dropped. `run` does what is asked, as the console does, and gives the exit status;
    /// beside the console it is given the configuration file as the operator typed it.
    pub async fn serve<R, F>(&self, run: R)
    where
        R: Fn(Console, String) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = u32> + Send,
    {
        let room = Arc::new(Semaphore::new(MOST_CALLERS));
        let mut callers = tokio::task::JoinSet::new();
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            while callers.try_join_next().is_some() {}
            match self.listener.accept().await {
                Ok((stream, _)) if self.is_operator(&stream) => {
                    let run = run.clone();
                    callers.spawn(async move {
                        let _permit = permit;
                        if let Err(why) = answer(stream, run).await {
                            tracing::debug!(%why, "a caller of the operator's door went away");
                        }
                    });
                }
                Ok(_) => tracing::warn!("somebody else than the operator was at the operator's door"),
                // Out of file descriptors, say: others may give theirs back.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Whether root or the gateway's own user is calling. The socket's mode says the same, if nobody changed it.
    fn is_operator(&self, stream: &UnixStream) -> bool {
        stream.peer_cred().is_ok_and(|caller| caller.uid() == 0 || caller.uid() == self.owner)
    }
}

impl Drop for OperatorDoor {
    fn drop(&mut self) {
        // A successor may have replaced it; then there is nothing of ours to remove, and its own comes back next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Reads what one caller asks, does it, and answers.
async fn answer<R, F>(stream: UnixStream, run: R) -> io::Result<()>
where
    R: Fn(Console, String) -> F,
    F: Future<Output = u32>,
{
    let (mut from, to) = stream.into_split();
    let mut to = BufWriter::new(to);
    let Ok(asked) = tokio::time::timeout(LONGEST_TO_ASK, read(&mut from)).await else { return Ok(()) };
    let Some(Frame::Ask(ask)) = asked? else { return Ok(()) };
    let (typed, input) = mpsc::channel(PIECES);
    let (output, pieces) = mpsc::channel(PIECES);
    let config = ask.config.clone();
    let job = run(console(ask, output, input), config);
    let status = tokio::select! {
        (status, passed) = async { tokio::join!(job, pass_on(pieces, &mut to)) } => {
            passed?;
            status
        }
        () = listen(&mut from, typed) => return Ok(()),
    };
    write(&mut to, &Frame::Exit(status)).await
}

fn console(ask: Ask, output: mpsc::Sender<Output>, input: mpsc::Receiver<Bytes>) -> Console {
    Console {
        command: ask.command.into(),
        called: String::new(),
        from: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        pty: ask.terminal,
        output,
        input,
    }
}

/// Passes output on until there is no more.
async fn pass_on(mut pieces: mpsc::Receiver<Output>, to: &mut BufWriter<OwnedWriteHalf>) -> io::Result<()> {
    while let Some(piece) = pieces.recv().await {
        let frame = match piece {
            // The operator's own terminal minds its line ends.
            Output::Out(bytes) | Output::Raw(bytes) => Frame::Out(bytes),
            Output::Err(bytes) => Frame::Err(bytes),
        };
        write(to, &frame).await?;
    }
    Ok(())
}

/// Takes what is typed, until the caller is gone.
async fn listen(from: &mut OwnedReadHalf, typed: mpsc::Sender<Bytes>) {
    while let Ok(Some(frame)) = read(from).await {
        if let Frame::Input(bytes) = frame {
            // A command that takes no input leaves its end of the line unread.
            let _ = typed.try_send(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo(mut console: Console, config: String) -> u32 {
        let say = |text: String| Output::Out(text.into());
        let _ = console.output.send(say(format!("{config}: {}", String::from_utf8_lossy(&console.command)))).await;
        let _ = console.output.send(Output::Err("waiting".into())).await;
        console.input.recv().await.map_or(1, |typed| u32::from(typed.as_ref() == b"\x03") * 77)
    }

    async fn connect(folder: &Path, command: &str) -> UnixStream {
        let mut stream = UnixStream::connect(folder.join(SOCKET)).await.expect("the door is open");
        let ask = Ask { command: command.into(), config: "c.toml".into(), terminal: None };
        write(&mut stream, &Frame::Ask(ask)).await.expect("it is asked");
        stream
    }

    #[tokio::test]
    async fn a_caller_is_answered_piece_by_piece_with_its_status_last() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(SOCKET), "left by a dead gateway").expect("a file");
        let door = OperatorDoor::open(folder.path()).expect("a door");
        let caller = async {
            let mut stream = connect(folder.path(), "show 'r1'").await;
            assert_eq!(read(&mut stream).await.ok().flatten(), Some(Frame::Out("c.toml: show 'r1'".into())));
            assert_eq!(read(&mut stream).await.ok().flatten(), Some(Frame::Err("waiting".into())));
            write(&mut stream, &Frame::Input("\x03".into())).await.expect("it is typed");
            assert_eq!(read(&mut stream).await.ok().flatten(), Some(Frame::Exit(77)));
            assert_eq!(read(&mut stream).await.ok(), Some(None));
        };
        tokio::select! {
            () = door.serve(echo) => panic!("the door closed"),
            () = caller => {}
        }
    }

    #[tokio::test]
    async fn the_command_of_a_caller_that_is_gone_is_dropped_and_others_go_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let door = OperatorDoor::open(folder.path()).expect("a door");
        let (sender, mut dropped) = mpsc::unbounded_channel();
        let run = move |console: Console, _: String| {
            let guard = Told(sender.clone());
            async move {
                let _guard = guard;
                let _ = console.output.send(Output::Out("x".into())).await;
                std::future::pending::<u32>().await
            }
        };
        let caller = async {
            let mut first = connect(folder.path(), "watch s1").await;
            let mut second = connect(folder.path(), "watch s1").await;
            assert!(matches!(read(&mut first).await, Ok(Some(Frame::Out(_)))));
            drop(first);
            assert_eq!(dropped.recv().await, Some(()));
            assert!(matches!(read(&mut second).await, Ok(Some(Frame::Out(_)))));
            assert!(dropped.try_recv().is_err());
        };
        tokio::select! {
            () = door.serve(run) => panic!("the door closed"),
            () = caller => {}
        }
    }

    /// Tells when it is dropped.
    struct Told(mpsc::UnboundedSender<()>);

    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    #[tokio::test]
    async fn the_socket_is_closed_to_others_and_goes_with_the_door() {
        let folder = tempfile::tempdir().expect("a folder");
        let door = OperatorDoor::open(folder.path()).expect("a door");
        let mode = std::fs::metadata(folder.path().join(SOCKET)).expect("a socket").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(door);
        assert!(!folder.path().join(SOCKET).exists());
    }
}
