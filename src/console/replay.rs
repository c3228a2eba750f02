//! `replay`: a session as it was recorded, channel by channel.

use std::path::Path;

use curfew_policy::id::SessionId;
use curfew_policy::refusal::Refusal;
use curfew_recorder::{CastError, Pace};

use super::pen::{Gone, Pen};
use super::run::{Call, CommandResult, CommandStop};
use crate::recordings::playback::{Manner, Playback, TIDY};
use crate::store::Recorded;
use crate::text::escape;
use crate::usecase::record::{Look, look};
use crate::usecase::{App, Fault};

impl Call<'_> {
    /// Plays the recordings of a session: on a terminal at some pace, else at once.
    pub(super) async fn replay(&mut self, id: SessionId, pace: Pace) -> CommandResult {
        let session = look(self.app, self.actor, id, Look::Replay).await?;
        if session.recordings.is_empty() {
            return Err(
                Refusal::not_found("no-recording", format!("{id} has no recording: no channel was opened")).into()
            );
        }
        let manner = if self.pty.is_some() { Manner::Paced(pace) } else { Manner::AtOnce };
        let played = tokio::select! {
            played = play(&self.pen, self.app, &session.recordings, manner) => played,
            () = self.keys.quit() => Ok(()),
            Gone = self.pen.gone() => return Err(CommandStop::Gone),
        };
        if self.pty.is_some() {
            self.pen.raw(TIDY.as_bytes()).await?;
        }
        played.map(|()| 0)
    }
}

/// Plays recordings one after the other, each with a line that says what it is.
async fn play(pen: &Pen, app: &App, recordings: &[Recorded], manner: Manner) -> Result<(), CommandStop> {
    for recording in recordings {
        let command =
            recording.command.as_ref().map(|command| format!(" `{}`", escape::terminal(command))).unwrap_or_default();
        pen.err(&format!("-- channel {} {}{command}\n", recording.channel, recording.kind)).await?;
        let mut playback = Playback::start(Path::new(&recording.path), manner, app.clock().clone());
        while let Some(piece) = playback.next().await.map_err(|why| unreadable(recording, &why))? {
            pen.raw(&piece).await?;
        }
    }
    Ok(())
}

fn unreadable(recording: &Recorded, why: &CastError) -> Fault {
    let text = format!("the recording {} cannot be played: {why}", recording.path);
    Refusal::unavailable("recording", text).into()
}
