//! The folders that a role's SFTP stays in (`sftp_roots`), as text and as the target knows them.
//!
//! Paths are bytes, whatever their encoding. Text alone decides nothing but a no: a link may lead anywhere, so the target
//! is asked where a path really is (see [`check`](super::check)), and of the roots themselves too.

use std::sync::Arc;

/// The folders of a channel.
#[derive(Debug)]
pub struct Roots {
    /// As the role names them: absolute, and in their simplest form.
    named: Vec<Box<[u8]>>,
    /// Where they really are on the target, once it has said so. One that is not there is left out.
    real: Option<Vec<Box<[u8]>>>,
    /// Whether the target's word on links is good.
    resolved: bool,
    why: Arc<str>,
}

/// What OpenSSH's server says of itself since 6.5, and none does that takes paths as text.
const RESOLVES: [&[u8]; 2] = [b"fstatvfs@openssh.com", b"fsync@openssh.com"];

impl Roots {
    /// The folders that a role names; none where it names none.
    #[must_use]
    pub fn of(named: &[String]) -> Option<Self> {
        let why = format!("role allows only {}", named.join(" and "));
        let named: Vec<Box<[u8]>> = named.iter().map(|root| simplest(root.as_bytes()).into()).collect();
        (!named.is_empty()).then(|| Self { named, real: None, resolved: false, why: why.into() })
    }

    /// What is said to whom they stop.
    #[must_use]
    pub fn why(&self) -> Arc<str> {
        Arc::clone(&self.why)
    }

    /// The target has greeted, and has these extensions. One that may not resolve links lets nobody in: there are servers
    /// whose realpath only tidies the text.
    pub fn met(&mut self, extensions: &[&[u8]]) {
        self.resolved = RESOLVES.iter().all(|needed| extensions.contains(needed));
        if !self.resolved {
            self.why = format!("{}, and this target's server may not say where links lead", self.why).into();
        }
    }

    /// Those that the target has to be asked for, which is once.
    pub fn unknown(&self) -> &[Box<[u8]>] {
        if self.real.is_none() { &self.named } else { &[] }
    }

    /// Where the target says that they are, in the order in which it was asked.
    pub fn learned(&mut self, real: Vec<Box<[u8]>>) {
        self.real = Some(real);
    }

    /// A path from the first root on, unless it is absolute.
    #[must_use]
    pub fn absolute(&self, path: &[u8]) -> Vec<u8> {
        if path.starts_with(b"/") {
            return path.to_vec();
        }
        let first = self.real().first().or_else(|| self.named.first());
        let mut absolute = first.map(|root| root.to_vec()).unwrap_or_default();
        absolute.push(b'/');
        absolute.extend_from_slice(path);
        absolute
    }

    /// Whether a path stays in one of them as far as its text goes. Only its `no` counts.
    #[must_use]
    pub fn may_hold(&self, path: &[u8]) -> bool {
        let path = simplest(path);
        self.all().any(|root| is_in(&path, root))
    }

    /// Whether a path's text is that of one of them.
    #[must_use]
    pub fn are(&self, path: &[u8]) -> bool {
        let path = simplest(path);
        self.all().any(|root| **root == *path)
    }

    /// Whether a place is in one of them, or is one. `place` is what the target said, with all links resolved.
    #[must_use]
    pub fn hold(&self, place: &[u8]) -> bool {
        self.resolved && is_simple(place) && self.real().iter().any(|root| is_in(place, root))
    }

    /// Whether a place is in one of them, and is none itself.
    #[must_use]
    pub fn hold_below(&self, place: &[u8]) -> bool {
        self.hold(place) && !self.real().iter().any(|root| **root == *place)
    }

    fn real(&self) -> &[Box<[u8]>] {
        self.real.as_deref().unwrap_or_default()
    }

    fn all(&self) -> impl Iterator<Item = &Box<[u8]>> {
        self.named.iter().chain(self.real())
    }
}

/// Whether a path in its simplest form is a folder, or in it.
fn is_in(path: &[u8], root: &[u8]) -> bool {
    match path.strip_prefix(root) {
        Some(rest) => rest.is_empty() || rest.starts_with(b"/") || root == b"/",
        None => false,
    }
}

/// Whether a path is absolute, and in its simplest form.
#[must_use]
pub fn is_simple(path: &[u8]) -> bool {
    !path.contains(&0) && *simplest(path) == *path
}

/// An absolute path as text in its simplest form: no empty part, no `.`, and `..` takes away what is before it.
fn simplest(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    [b"/", parts.join(&b'/').as_slice()].concat()
}

#[cfg(test)]
mod tests;
