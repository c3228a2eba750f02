//! The patterns of the configuration: names (`web*`), commands (`journalctl *`), endpoints (`*:5432`).

use std::fmt;
use std::str::FromStr;

/// A name with `*` for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Takes the pattern as it is; every string is one.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// Whether the whole name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes(), |_| true)
    }

    /// Whether it is a name and nothing else.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.0.contains('*')
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A command line with `*` for any run of characters that a shell would not act on; `*` alone is any command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPattern(String);

impl CommandPattern {
    /// Takes the pattern as it is; every string is one.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// Whether the whole command matches.
    #[must_use]
    pub fn matches(&self, command: &[u8]) -> bool {
        self.0 == "*" || matches(self.0.as_bytes(), command, harmless)
    }
}

impl fmt::Display for CommandPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A byte that no POSIX shell, bash or zsh acts on in the middle of a word.
const fn harmless(byte: u8) -> bool {
    !matches!(byte, b';' | b'&' | b'|' | b'$' | b'`' | b'(' | b')' | b'<' | b'>' | b'\n' | b'\r' | 0)
}

/// Whether all of `text` matches `pattern`, where a `*` stands for any run of bytes that are all `fit`. Linear in
/// both lengths but for one remembered star, so a hostile command cannot make it slow.
fn matches(pattern: &[u8], text: &[u8], fit: impl Fn(u8) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                star = Some((p + 1, t));
                p += 1;
            }
            (Some(a), Some(b)) if a == b => {
                p += 1;
                t += 1;
            }
            _ => match star {
                // Let the last star take one byte more, and try again from there.
                Some((after, taken)) => match text.get(taken) {
                    Some(byte) if fit(*byte) => {
                        star = Some((after, taken + 1));
                        p = after;
                        t = taken + 1;
                    }
                    _ => return false,
                },
                None => return false,
            },
        }
    }
}

/// Where a forward may lead or listen: `host:port` with `*` in the host or for the port, or a Unix socket path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointPattern {
    /// A host and a port; `None` is any port.
    Tcp(Glob, Option<u16>),
    /// A path of a Unix socket.
    Unix(Glob),
}

/// An endpoint pattern that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither host:port (`*:5432`, `localhost:*`) nor the path of a socket (`/run/*`)")]
pub struct BadEndpoint(pub String);

impl FromStr for EndpointPattern {
    type Err = BadEndpoint;

    fn from_str(text: &str) -> Result<Self, BadEndpoint> {
        let bad = || BadEndpoint(text.to_owned());
        if text.starts_with('/') {
            return Ok(Self::Unix(Glob::new(text)));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port = match port {
            "*" => None,
            port => Some(port.parse::<u16>().ok().filter(|p| *p > 0).ok_or_else(bad)?),
        };
        if host.is_empty() {
            return Err(bad());
        }
        Ok(Self::Tcp(Glob::new(host), port))
    }
}

impl fmt::Display for EndpointPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, Some(port)) => write!(f, "{host}:{port}"),
            Self::Tcp(host, None) => write!(f, "{host}:*"),
            Self::Unix(path) => path.fmt(f),
        }
    }
}
