//! `watch`: follows a live session as it goes on. The watcher reads the recording's file at their own pace, so a slow
//! one delays nobody.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use curfew_policy::id::{AnyId, SessionId};
use curfew_policy::refusal::Refusal;
use curfew_recorder::{Follower, What};
use tokio::sync::watch;

use super::pen::{Gone, Pen};
use super::run::{Call, CommandResult, CommandStop};
use crate::live::recordings::LiveChannel;
use crate::recordings::playback::TIDY;
use crate::text::escape;
use crate::usecase::record::{Look, look};
use crate::usecase::view::AnyView;
use crate::usecase::{self};

/// How much of a channel's past is shown first, in bytes of its recording: enough to draw any usual screen.
const BACKLOG: u64 = 4 << 20;

impl Call<'_> {
    /// Follows a live session until it is over, or the watcher has seen enough.
    pub(super) async fn watch(&mut self, id: SessionId) -> CommandResult {
        look(self.app, self.actor, id, Look::Watch).await?;
        let channels = self.live_recordings.channels(id);
        // Asked after the channels were, so that a session that ends meanwhile ends them too.
        if !self.app.leases().is_live(id) {
            self.live_recordings.over(id);
            let replay = self.hints.command(&format!("replay {id}"));
            return Err(Refusal::conflict("ended", format!("{id} has ended; see it again with `{replay}`")).into());
        }
        let over = tokio::select! {
            shown = show(&self.pen, channels, self.pty) => shown.map(|()| true)?,
            () = self.keys.quit() => false,
            Gone = self.pen.gone() => return Err(CommandStop::Gone),
        };
        if self.pty.is_some() {
            self.pen.raw(TIDY.as_bytes()).await?;
        }
        if over {
            let why = self.why_ended(id).await;
            self.pen.err(&format!("{id} has ended{}\n", escape::terminal(&why))).await?;
        }
        Ok(0)
    }

    /// `: expired`, where it is known already.
    async fn why_ended(&self, id: SessionId) -> String {
        match usecase::show::show(self.app, self.actor, AnyId::Session(id)).await {
            Ok(AnyView::Session(view)) => view.ended_why.map(|why| format!(": {why}")).unwrap_or_default(),
            _ => String::new(),
        }
    }
}

/// Shows the channels of a session, one at a time, until the session is over.
async fn show(
    pen: &Pen,
    mut channels: watch::Receiver<Vec<LiveChannel>>,
    pty: Option<(u32, u32)>,
) -> Result<(), CommandStop> {
    let mut seen = BTreeSet::new();
    loop {
        let next = best(&channels.borrow_and_update(), &seen);
        let Some(channel) = next else {
            match channels.changed().await {
                Ok(()) => continue,
                Err(_) => return Ok(()),
            }
        };
        announce(pen, &channel, pty).await?;
        follow(pen, channel.live.follow_recent(BACKLOG)).await?;
        seen.insert(channel.number);
    }
}

/// The channel to look at of those not seen to their end: one with a terminal or a command before others, of these the
/// newest.
fn best(channels: &[LiveChannel], seen: &BTreeSet<u32>) -> Option<LiveChannel> {
    let rank = |channel: &&LiveChannel| (matches!(channel.kind, "shell" | "exec"), channel.number);
    channels.iter().filter(|channel| !seen.contains(&channel.number)).max_by_key(rank).cloned()
}

/// Says which channel follows, and how large its terminal is where the watcher's is smaller.
async fn announce(pen: &Pen, channel: &LiveChannel, pty: Option<(u32, u32)>) -> Result<(), Gone> {
    let command =
        channel.command.as_ref().map(|command| format!(" `{}`", escape::terminal(command))).unwrap_or_default();
    let (columns, rows) = channel.size;
    let size = match pty {
        Some((own_columns, own_rows)) if own_columns < columns || own_rows < rows => {
            format!(", {columns}x{rows}; yours is {own_columns}x{own_rows}")
        }
        _ => String::new(),
    };
    pen.err(&format!("-- channel {} {}{command}{size}\n", channel.number, channel.kind)).await
}

/// Shows a channel until it is over.
async fn follow(pen: &Pen, mut follower: Follower) -> Result<(), CommandStop> {
    loop {
        match follower.next().await {
            Ok(Some(events)) => {
                for event in events {
                    if let What::Output(text) = event.what {
                        pen.raw(text.as_bytes()).await?;
                    }
                }
            }
            Ok(None) => return Ok(()),
            Err(why) => {
                tracing::warn!(%why, "a recording cannot be watched");
                return Err(
                    Refusal::unavailable("recording", "its recording cannot be read; see the gateway's log").into()
                );
            }
        }
    }
}
