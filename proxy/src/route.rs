//! Where a connection wants to go, read from the user name that was typed.

use std::fmt;

/// The longest user name that is looked at, in bytes. A longer one is refused before anything is done with it.
pub const LONGEST_NAME: usize = 512;

/// Where a connection wants to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The bastion itself, under this name.
    Bastion(String),
    /// A target: `root@web1`, or `web1` alone.
    Target {
        /// The target's name as typed.
        name: String,
        /// The login on it, where one was typed.
        login: Option<String>,
    },
    /// A TCP service, by its target's name.
    Service(String),
}

impl Route {
    /// Reads a user name. The last `@` parts login from target, since logins may hold one (`jo@corp@web1`); a name
    /// without any means a target when `is_target` knows it, else the bastion.
    #[must_use]
    pub fn parse(typed: &str, is_target: impl Fn(&str) -> bool) -> Self {
        match typed.rsplit_once('@') {
            Some((login, name)) => {
                // An empty login (`@web1`) is one that no role has.
                Self::Target { name: name.to_owned(), login: Some(login.to_owned()) }
            }
            None if is_target(typed) => Self::Target { name: typed.to_owned(), login: None },
            None => Self::Bastion(typed.to_owned()),
        }
    }

    /// Reads the user name of a connection that leads to `target` already: `root`, or `root@web1` all the same. `None`
    /// when it names another target.
    #[must_use]
    pub fn inside(typed: &str, target: &str, is_target: impl Fn(&str) -> bool) -> Option<Self> {
        let login = match typed.rsplit_once('@') {
            Some((login, name)) if name == target => login,
            Some((_, name)) if is_target(name) => return None,
            _ => typed,
        };
        Some(Self::Target { name: target.to_owned(), login: Some(login.to_owned()) })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bastion(name) | Self::Service(name) => f.write_str(name),
            Self::Target { name, login: Some(login) } => write!(f, "{login}@{name}"),
            Self::Target { name, login: None } => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests;
