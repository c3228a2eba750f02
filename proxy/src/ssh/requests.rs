//! What a client asks of a channel before anything runs on it (RFC 4254 §6.2–6.5).

use curfew_policy::role::Role;
pub use curfew_policy::start::Start;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, Pty};

/// The most environment variables, and the most bytes of them, that one channel may set.
const MOST_ENV: usize = 128;
const MOST_ENV_BYTES: usize = 32 * 1024;

/// A pseudo-terminal (RFC 4254 §6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// Its type: the value of `TERM`.
    pub term: String,
    /// Columns and rows.
    pub size: (u32, u32),
    /// Width and height in pixels, often 0.
    pub pixels: (u32, u32),
    /// Its modes (RFC 4254 §8).
    pub modes: Vec<(Pty, u32)>,
}

/// All that a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The terminal, where one was asked for and is allowed.
    pub terminal: Option<Terminal>,
    /// The environment variables that are allowed.
    pub env: Vec<(String, String)>,
    /// Whether the client lends its agent, and may.
    pub agent: bool,
    /// What was asked for and is refused, although the channel goes on without it.
    pub refused: Vec<Extra>,
    /// What is to run.
    pub start: Start,
    /// Whether the client waits for an answer to that.
    pub want_reply: bool,
    /// Whether the client has ended its side already, while it waited.
    pub ended: bool,
}

impl Asked {
    /// Leaves out what the role does not have, where nothing was known of the role when it was asked for.
    pub fn narrow(&mut self, role: &Role) {
        self.env.retain(|(name, _)| role.allows_env(name));
        self.terminal = self.terminal.take().filter(|_| role.allows_pty());
        if self.agent && !role.agent {
            self.agent = false;
            self.refused.push(Extra::Agent);
        }
    }
}

/// What a channel may ask for beside what is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// That the target may reach the client's X server (RFC 4254 §6.3).
    X11,
    /// That the target may reach the client's agent (draft-ietf-sshm-ssh-agent §4).
    Agent,
}

/// What a channel may ask for.
#[derive(Clone, Copy)]
pub struct Allowed<'a> {
    /// Whether a terminal.
    pub terminal: bool,
    /// Which environment variables.
    pub env: &'a (dyn Fn(&str) -> bool + Sync),
    /// Whether the target may reach the client's agent.
    pub agent: bool,
}

/// Reads and answers a channel's requests until it says what is to run; that last one the caller answers. `None` when
/// the client closes the channel, or ends its side of it, before that.
pub async fn gather(channel: &mut Channel<Msg>, allowed: Allowed<'_>) -> Option<Asked> {
    let mut terminal: Option<Terminal> = None;
    let mut env: Vec<(String, String)> = Vec::new();
    let mut agent = false;
    let mut refused = Vec::new();
    loop {
        let (start, want_reply) = match channel.wait().await? {
            ChannelMsg::RequestShell { want_reply } => (Start::Shell, want_reply),
            ChannelMsg::Exec { want_reply, command } => (Start::Exec(command), want_reply),
            ChannelMsg::RequestSubsystem { want_reply, name } => (Start::Subsystem(name), want_reply),
            ChannelMsg::RequestPty {
                want_reply,
                term,
                col_width,
                row_height,
                pix_width,
                pix_height,
                terminal_modes,
            } => {
                let good = allowed.terminal && terminal.is_none() && term.len() <= 64;
                if good {
                    terminal = Some(Terminal {
                        term,
                        size: (col_width, row_height),
                        pixels: (pix_width, pix_height),
                        modes: terminal_modes,
                    });
                }
                answer(channel, want_reply, good).await;
                continue;
            }
            ChannelMsg::WindowChange { col_width, row_height, pix_width, pix_height } => {
                if let Some(terminal) = &mut terminal {
                    terminal.size = (col_width, row_height);
                    terminal.pixels = (pix_width, pix_height);
                }
                continue;
            }
            ChannelMsg::SetEnv { want_reply, variable_name, variable_value } => {
                let room = env.len() < MOST_ENV
                    && env.iter().map(|(n, v)| n.len() + v.len()).sum::<usize>() + variable_value.len()
                        < MOST_ENV_BYTES;
                let good = room && (allowed.env)(&variable_name);
                if good {
                    env.push((variable_name, variable_value));
                }
                answer(channel, want_reply, good).await;
                continue;
            }
            ChannelMsg::AgentForward { want_reply } => {
                agent |= allowed.agent;
                if !allowed.agent && !refused.contains(&Extra::Agent) {
                    refused.push(Extra::Agent);
                }
                answer(channel, want_reply, allowed.agent).await;
                continue;
            }
            ChannelMsg::RequestX11 { want_reply, .. } => {
                if !refused.contains(&Extra::X11) {
                    refused.push(Extra::X11);
                }
                answer(channel, want_reply, false).await;
                continue;
            }
            ChannelMsg::Close | ChannelMsg::Eof => return None,
            other => {
                answer(channel, wants_reply(&other), false).await;
                continue;
            }
        };
        return Some(Asked { terminal, env, agent, refused, start, want_reply, ended: false });
    }
}

/// Answers a request, if the client waits for that.
pub async fn answer(channel: &Channel<Msg>, want_reply: bool, success: bool) {
    if want_reply {
        // When the answer cannot be sent the connection is gone, which the next read reports.
        let _ = channel.reply(success).await;
    }
}

/// Whether the client waits for an answer to this request.
#[must_use]
pub fn wants_reply(message: &ChannelMsg) -> bool {
    match message {
        ChannelMsg::RequestPty { want_reply, .. }
        | ChannelMsg::RequestShell { want_reply }
        | ChannelMsg::Exec { want_reply, .. }
        | ChannelMsg::RequestSubsystem { want_reply, .. }
        | ChannelMsg::RequestX11 { want_reply, .. }
        | ChannelMsg::SetEnv { want_reply, .. }
        | ChannelMsg::AgentForward { want_reply }
        | ChannelMsg::Custom { want_reply, .. } => *want_reply,
        _ => false,
    }
}
