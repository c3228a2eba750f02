//! Where the database is: a file, or an address of PostgreSQL.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use url::Url;

/// The parameters of an address that are understood, as libpq names them.
const PARAMETERS: [&str; 8] =
    ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "port", "application_name", "statement-cache-capacity"];

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// SQLite: a file, which one gateway has open.
    Sqlite(PathBuf),
    /// PostgreSQL.
    Postgres(Address),
}

/// The address of a PostgreSQL database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text names no database. It never repeats a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadLocation(String);

impl Location {
    /// Reads `sqlite:PATH` or `postgres://…`. A relative path is relative to `folder`.
    ///
    /// # Errors
    /// A line that says what is wrong with the text.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, BadLocation> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(BadLocation("sqlite: needs a path, as in sqlite:/var/lib/curfew/curfew.db".to_owned())),
                path => Ok(Self::Sqlite(folder.join(path))),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Address::parse(text).map(Self::Postgres);
        }
        Err(BadLocation(
            "this is no database; write \"sqlite\", \"sqlite:PATH\" for a file of your own, or \"postgres://USER@HOST/NAME\"".to_owned(),
        ))
    }
}

impl Location {
    /// Whether a password is written in it.
    #[must_use]
    pub fn has_password(&self) -> bool {
        matches!(self, Self::Postgres(address) if address.0.password().is_some())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

impl Address {
    /// Reads an address. Without `sslmode`, a server on another machine must prove who it is (`verify-full`).
    ///
    /// # Errors
    /// A line that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadLocation> {
        let bad = |why: &str| BadLocation(format!("the database's address {why}"));
        let mut url = Url::parse(text).map_err(|why| bad(&format!("cannot be read: {why}")))?;
        if url.path().trim_start_matches('/').is_empty() {
            return Err(bad("names no database, as in postgres://curfew@db/curfew"));
        }
        let known = |key: &str| PARAMETERS.contains(&key);
        if let Some((key, _)) = url.query_pairs().find(|(key, _)| !known(key)) {
            let key: String = key.escape_debug().take(40).collect();
            return Err(bad(&format!("has the parameter `{key}`, which is none of {}", PARAMETERS.join(", "))));
        }
        let mode = url.query_pairs().find(|(key, _)| key == "sslmode").map(|(_, mode)| mode.into_owned());
        match mode.as_deref() {
            Some("disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full") => {}
            Some(_) => return Err(bad("has an unknown sslmode; verify-full is the safe one")),
            None => {
                let mode = if Self(url.clone()).is_near() { "prefer" } else { "verify-full" };
                url.query_pairs_mut().append_pair("sslmode", mode);
            }
        }
        Ok(Self(url))
    }

    /// The same address with this password.
    #[must_use]
    pub fn with_password(&self, password: &str) -> Self {
        let mut url = self.0.clone();
        // Only an address without a host takes no password, and such an address needs none.
        let _ = url.set_password(Some(password));
        Self(url)
    }

    /// Whether the connection would be encrypted, and the server known, wherever the server is.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.is_near() || self.0.query_pairs().any(|(key, mode)| key == "sslmode" && mode == "verify-full")
    }

    /// Whether the server is on this machine: no wire leads there.
    fn is_near(&self) -> bool {
        let socket = |(key, value): (_, std::borrow::Cow<'_, str>)| key == "host" && value.starts_with('/');
        let host = self.0.host_str().unwrap_or_default().trim_matches(['[', ']']);
        // A folder with a socket, or this machine's name for itself.
        let named = ["", "localhost"].contains(&host) || host.to_lowercase().starts_with("%2f");
        let host = named || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        host || self.0.query_pairs().any(socket)
    }

    /// The address with its password, for the driver alone.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        if shown.password().is_some() {
            let _ = shown.set_password(Some("…"));
        }
        shown.set_query(None);
        f.write_str(shown.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Location, BadLocation> {
        Location::parse(text, Path::new("/etc/curfew"))
    }

    #[test]
    fn a_path_is_relative_to_the_file_that_names_it() {
        assert_eq!(read("sqlite:state/a b.db").unwrap(), Location::Sqlite("/etc/curfew/state/a b.db".into()));
        assert_eq!(read("sqlite:///var/db").unwrap(), Location::Sqlite("/var/db".into()));
        assert!(read("sqlite:").is_err());
        assert!(read("mysql://db/curfew").unwrap_err().to_string().contains("postgres://"));
    }

    #[test]
    fn a_server_elsewhere_must_prove_who_it_is_unless_told_otherwise() {
        for (text, verified, mode) in [
            ("postgres://curfew@db.example.com/curfew", true, "sslmode=verify-full"),
            ("postgres://curfew@db.example.com/curfew?sslmode=require", false, "sslmode=require"),
            ("postgres://curfew@127.0.0.1:5433/curfew", true, "sslmode=prefer"),
            ("postgresql://curfew@[::1]/curfew", true, "sslmode=prefer"),
            ("postgres://curfew@%2Frun%2Fpostgresql/curfew", true, "sslmode=prefer"),
        ] {
            let Location::Postgres(address) = read(text).unwrap() else { panic!("{text}") };
            assert_eq!(address.is_verified(), verified, "{text}");
            assert!(address.url().as_str().contains(mode), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let location = read("postgres://curfew:hunter2@db/curfew").unwrap();
        for shown in [format!("{location}"), format!("{location:?}")] {
            assert!(!shown.contains("hunter2") && shown.contains("db/curfew"), "{shown}");
        }
    }

    #[test]
    fn a_misspelt_parameter_is_a_fault_and_not_a_weaker_connection() {
        let why = read("postgres://curfew@db/curfew?ssl_mode=verify-full").unwrap_err().to_string();
        assert!(why.contains("`ssl_mode`") && why.contains("sslmode"), "{why}");
        assert!(read("postgres://curfew@db/curfew?sslmode=verify_full").is_err());
        assert!(read("postgres://curfew@db").unwrap_err().to_string().contains("names no database"));
    }
}
