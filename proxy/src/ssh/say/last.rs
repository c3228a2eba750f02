//! The last line of a channel, and its end.

use russh::{ChannelWriteHalf, server};

use crate::ssh::say::messages::{RESTORE, STDERR};
use crate::ssh::say::terminal::Screen;

/// Writes a last line, where there is one, ends the channel with a status, and closes it.
pub async fn farewell(
    client: &ChannelWriteHalf<server::Msg>,
    terminal: Option<&Screen>,
    line: Option<&str>,
    status: u32,
) -> Result<(), russh::Error> {
    if let Some(line) = line {
        match terminal {
            Some(screen) => {
                let restore = if screen.is_alternate() { RESTORE } else { "" };
                client.data_bytes(format!("{restore}\r\n{line}\r\n").into_bytes()).await?;
            }
            None => client.extended_data_bytes(STDERR, format!("{line}\n").into_bytes()).await?,
        }
    }
    client.exit_status(status).await?;
    client.eof().await?;
    client.close().await
}
