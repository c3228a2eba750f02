//! Where forwards may lead and listen: `*:5432`, `localhost:*`, `/run/app/*`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::pattern::Glob;

/// Where a forward wants to go or to listen, as the client put it (RFC 4254 §7; streamlocal in OpenSSH's PROTOCOL).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// A host and a port. A listener's host may be empty (every address), and its port 0 (any free one).
    Tcp(&'a str, u32),
    /// A path of a Unix socket.
    Unix(&'a str),
}

impl fmt::Display for Endpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) => write_tcp(f, host, port),
            Self::Unix(path) => f.write_str(path),
        }
    }
}

/// An [`Endpoint`] that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EndpointBuf {
    /// A host and a port.
    Tcp(String, u32),
    /// A path of a Unix socket.
    Unix(String),
}

impl EndpointBuf {
    /// The endpoint, to be looked at.
    #[must_use]
    pub fn as_endpoint(&self) -> Endpoint<'_> {
        match self {
            Self::Tcp(host, port) => Endpoint::Tcp(host, *port),
            Self::Unix(path) => Endpoint::Unix(path),
        }
    }
}

impl fmt::Display for EndpointBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_endpoint().fmt(f)
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

impl EndpointPattern {
    /// Whether it allows this endpoint.
    ///
    /// Host names match in any case, IPv6 addresses in any spelling. A pattern of address parts (`10.0.0.*`) only
    /// matches addresses: `10.0.0.example.com` is a name, which whoever owns it may point anywhere. An address with a zone
    /// (`fe80::1%eth0`) only matches `*`. A path with a
    /// `..` in it matches nothing, since it leads out of the folder that the pattern names.
    ///
    /// Nor does anything match that the target might read otherwise than we do: hosts that are not printable ASCII
    /// (a NUL ends a name in C, and some resolvers take other dots than `.`), ports beyond 65535, paths with control
    /// characters, and what is longer than any name is.
    #[must_use]
    pub fn allows(&self, endpoint: Endpoint<'_>) -> bool {
        match (self, endpoint) {
            (Self::Tcp(host, port), Endpoint::Tcp(to, to_port)) => {
                let plain = to.len() <= LONGEST_PLACE && to.bytes().all(|byte| byte.is_ascii_graphic());
                let here = u16::try_from(to_port).is_ok_and(|to_port| port.is_none_or(|port| port == to_port));
                plain && here && host_fits(host, to)
            }
            (Self::Unix(glob), Endpoint::Unix(path)) => {
                let plain = path.len() <= LONGEST_PLACE && !path.contains(char::is_control);
                plain && path.starts_with('/') && !path.split('/').any(|part| part == "..") && glob.matches(path)
            }
            _ => false,
        }
    }
}

/// The longest name of a host that DNS has is 253 bytes; a Unix socket's path has 108 at most.
const LONGEST_PLACE: usize = 255;

fn host_fits(glob: &Glob, host: &str) -> bool {
    let glob = glob.as_str().to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    let of_address_parts = glob.contains(|c: char| c.is_ascii_digit() || c == ':')
        && glob.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '*'))
        && (glob.contains(':') || !glob.contains(|c: char| c.is_ascii_alphabetic()));
    match address {
        Some(address) => Glob::new(&glob).matches(&address.to_string()),
        // No name has these; `fe80::1%db.internal` is an address by an interface that is called so.
        None if host.contains([':', '%']) => glob == "*",
        None => !of_address_parts && Glob::new(&glob).matches(&host.to_ascii_lowercase()),
    }
}

/// An endpoint pattern that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither host:port (`*:5432`, `localhost:*`, `[::1]:80`) nor the path of a socket (`/run/*`)")]
pub struct BadEndpoint(pub String);

impl FromStr for EndpointPattern {
    type Err = BadEndpoint;

    fn from_str(text: &str) -> Result<Self, BadEndpoint> {
        let parse = || {
            if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
                return None;
            }
            if text.starts_with('/') {
                return Some(Self::Unix(Glob::new(text)));
            }
            let (host, port) = text.rsplit_once(':')?;
            let host = match host.strip_prefix('[') {
                // In its shortest spelling, which is what `allows` compares with.
                Some(inner) => {
                    let inner = inner.strip_suffix(']')?;
                    inner.parse::<IpAddr>().map_or_else(|_| inner.to_owned(), |address| address.to_string())
                }
                None if host.contains(':') => return None,
                None => host.to_owned(),
            };
            let port = match port {
                "*" => None,
                digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
                    Some(digits.parse::<u16>().ok().filter(|port| *port > 0)?)
                }
                _ => return None,
            };
            (!host.is_empty()).then(|| Self::Tcp(Glob::new(&host), port))
        };
        parse().ok_or_else(|| BadEndpoint(text.escape_debug().take(80).collect()))
    }
}

impl fmt::Display for EndpointPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, Some(port)) => write_tcp(f, host.as_str(), port),
            Self::Tcp(host, None) => write_tcp(f, host.as_str(), "*"),
            Self::Unix(path) => path.fmt(f),
        }
    }
}

fn write_tcp(f: &mut fmt::Formatter<'_>, host: &str, port: impl fmt::Display) -> fmt::Result {
    if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
}

#[cfg(test)]
mod tests;
