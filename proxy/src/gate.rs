//! What the bytes ask of the product, in three traits: who is it ([`Authenticate`]), may they and how did it end ([`Admit`]),
//! what do they type ([`Converse`]). Each part of this crate is bound to those that it uses.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use curfew_policy::decide::Permit;
use curfew_policy::id::SessionId;
use curfew_policy::refusal::Refusal;
use curfew_policy::start::Start;
use curfew_policy::target::Protocol;
use curfew_recorder::{Recording, Sealed};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::lease::{End, Lease};
use crate::route::Route;

/// Somebody proven by a key, certificate or sign-in. Only a gate makes one, from a verified signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's name in the configuration.
    pub user: String,
    /// What proved it. Whether the proof still holds is asked again before each new thing.
    pub proof: Proof,
}

/// What proved somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A key, by its SHA-256 fingerprint (`SHA256:…`).
    Key(String),
    /// A certificate.
    Certificate {
        /// The certificate.
        certificate: Arc<russh::keys::Certificate>,
        /// Where it was shown from.
        from: IpAddr,
        /// Its key id, serial and CA, in words for the audit log.
        words: String,
    },
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(fingerprint) => f.write_str(fingerprint),
            Self::Certificate { words, .. } => f.write_str(words),
        }
    }
}

/// A session that may begin.
#[derive(Debug)]
pub struct Admitted {
    /// Its id.
    pub session: SessionId,
    /// Its way to the target, and nowhere else.
    pub permit: Arc<Permit>,
    /// Its right to go on.
    pub lease: Lease,
}

impl Admitted {
    /// The span of the session: its log lines say whose they are. It is on as long as any line is.
    #[must_use]
    pub fn span(&self) -> tracing::Span {
        let permit = &self.permit;
        tracing::error_span!("session", id = %self.session, user = permit.user(), target = permit.target())
    }
}

/// What proves the gateway to a target.
#[derive(Clone)]
pub struct Credential {
    /// The private key.
    pub key: Arc<russh::keys::PrivateKey>,
    /// The certificate over it, where the target trusts Curfew's CA.
    pub certificate: Option<russh::keys::Certificate>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("certificate", &self.certificate.is_some()).finish_non_exhaustive()
    }
}

/// What a recording is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// A login shell.
    Shell,
    /// A command.
    Exec,
    /// The SFTP subsystem, or a file copy: a transcript.
    Sftp,
    /// Another subsystem.
    Subsystem,
    /// A forwarded connection: a transcript.
    Forward,
}

impl ChannelKind {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Exec => "exec",
            Self::Sftp => "sftp",
            Self::Subsystem => "subsystem",
            Self::Forward => "forward",
        }
    }
}

/// What a recording says of its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelInfo {
    /// The number of the channel in its session, from 1.
    pub channel: u32,
    /// What it carries.
    pub kind: ChannelKind,
    /// The command, or the subsystem's name, as text.
    pub command: Option<String>,
    /// The terminal's type, where there is a pty.
    pub term: Option<String>,
    /// The terminal's columns and rows; 80 × 24 where there is no pty.
    pub size: (u32, u32),
}

impl ChannelInfo {
    /// The size that a recording says where there is no terminal.
    pub const NO_TERMINAL: (u32, u32) = (80, 24);
}

/// The line to one console command: what was typed, and where its output goes.
#[derive(Debug)]
pub struct Console {
    /// The command as it came, without its quotes; empty for none.
    pub command: Bytes,
    /// The name under which the bastion was called (`alice` of `ssh alice@bastion`).
    pub called: String,
    /// Where the person comes from.
    pub from: SocketAddr,
    /// The terminal's columns and rows, where there is a pty.
    pub pty: Option<(u32, u32)>,
    /// Where output goes. When nobody takes it any more the client is gone, and the command should end.
    pub output: mpsc::Sender<Output>,
    /// What is typed meanwhile.
    pub input: mpsc::Receiver<Bytes>,
}

/// The line to somebody who was refused for want of a grant, and may ask for one.
#[derive(Debug)]
pub struct Asking {
    /// Why they were refused.
    pub refusal: Refusal,
    /// What they want to run.
    pub start: Start,
    /// What their client's environment answers already, `CURFEW_REASON` and the like; names and values as they came.
    pub answers: Vec<(String, String)>,
    /// The terminal's columns and rows as they are now. Without one nobody can be asked, and output goes to stderr.
    pub terminal: Option<watch::Receiver<(u32, u32)>>,
    /// Where output goes. When nobody takes it any more the client is gone.
    pub output: mpsc::Sender<Output>,
    /// What is typed meanwhile.
    pub input: mpsc::Receiver<Bytes>,
}

/// A piece of a console command's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Text to stdout; a terminal gets a carriage return with each line feed.
    Out(Bytes),
    /// Text to stderr, likewise.
    Err(Bytes),
    /// Bytes to stdout as they are: what a replayed or watched terminal showed.
    Raw(Bytes),
}

/// Who is it: what is asked of the product until somebody is proven.
pub trait Authenticate: Send + Sync + 'static {
    /// Whose key this is, after its signature was verified.
    fn authenticate(
        &self,
        key: &russh::keys::PublicKey,
        from: SocketAddr,
    ) -> impl Future<Output = Option<Identity>> + Send;

    /// Whose certificate this is, after a signature with its key and the CA's in it were verified; nothing else of it was.
    /// The error says why it is nobody's, for the log.
    fn certified(&self, certificate: &russh::keys::Certificate, from: SocketAddr) -> Result<Identity, String>;

    /// Whether a key is worth a signature: somebody's, or that of a certificate from a trusted CA. Proves nothing.
    fn knows(&self, key: &russh::keys::PublicKey, certificate: Option<&russh::keys::Certificate>) -> bool;

    /// Whether a target has this name.
    fn is_target(&self, name: &str) -> bool;

    /// A certificate that says this is the host key for this target, or for the bastion itself. `None` when there is none:
    /// clients see the plain key then.
    fn host_certificate(&self, target: Option<&str>, key: &russh::keys::PublicKey) -> Option<russh::keys::Certificate>;

    /// Something that was refused before there was a session, for the log and the counters. Strangers bring it about as
    /// often as they like, and `detail` may be what one of them typed.
    fn refused(&self, from: SocketAddr, code: &'static str, detail: &str);
}

/// May they, and what is written down of it: a session from its admission to its end. A protocol that only carries bytes needs
/// no more of the product than this.
pub trait Admit: Send + Sync + 'static {
    /// What a `direct-tcpip` channel on the bastion's own door leads to: the target of exactly this name, at a port that is
    /// its own. It is no decision: whether this person may go there, [`Self::admit`] says.
    fn reach(
        &self,
        identity: &Identity,
        host: &str,
        port: u32,
        from: SocketAddr,
    ) -> impl Future<Output = Result<Protocol, Refusal>> + Send;

    /// Decides whether this person may open a session there now, and writes the session down.
    fn admit(
        &self,
        identity: &Identity,
        route: &Route,
        from: SocketAddr,
        client: &str,
    ) -> impl Future<Output = Result<Admitted, Refusal>> + Send;

    /// What proves the gateway to the permit's target, valid until then and for this session only where it can be.
    ///
    /// The error is one line for the person.
    fn credential(
        &self,
        session: SessionId,
        permit: &Arc<Permit>,
        until: Timestamp,
    ) -> impl Future<Output = Result<Credential, String>> + Send;

    /// Begins the recording of a channel. No byte moves before it has begun.
    fn record(
        &self,
        session: SessionId,
        permit: &Arc<Permit>,
        info: &ChannelInfo,
    ) -> impl Future<Output = std::io::Result<Recording>> + Send;

    /// A recording was sealed.
    fn sealed(&self, session: SessionId, info: &ChannelInfo, sealed: Sealed) -> impl Future<Output = ()> + Send;

    /// A session ended.
    fn ended(&self, session: SessionId, end: &End) -> impl Future<Output = ()> + Send;
}

/// What do they type: the product talks to somebody who is proven.
pub trait Converse: Send + Sync + 'static {
    /// Runs a console command and gives its exit status.
    fn console(&self, identity: &Identity, console: Console) -> impl Future<Output = u32> + Send;

    /// Lets somebody who was refused ask for what they lack, and waits until it is granted. Whether they may go on then is
    /// for [`Admit::admit`] to say.
    ///
    /// # Errors
    /// Why not: what they were refused with, where they can ask for nothing, or what came of it.
    fn ask(
        &self,
        identity: &Identity,
        route: &Route,
        asking: Asking,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}

/// All that is asked of the product.
pub trait Gate: Authenticate + Admit + Converse {}

impl<T: Authenticate + Admit + Converse> Gate for T {}
