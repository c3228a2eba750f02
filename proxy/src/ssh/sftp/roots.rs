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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn roots() -> Roots {
        let mut roots = Roots::of(&["/srv/data".to_owned(), "/var/log".to_owned()]).unwrap();
        roots.met(&RESOLVES);
        roots.learned(vec![b"/srv/data".as_slice().into(), b"/mnt/log".as_slice().into()]);
        roots
    }

    #[test]
    fn text_that_leaves_them_is_known_to() {
        let roots = roots();
        for path in ["/srv/data", "/srv/data/", "//srv///data//x", "/srv/data/a/../b", "/srv/./data/x", "/mnt/log/x"] {
            assert!(roots.may_hold(path.as_bytes()), "{path}");
        }
        for path in [
            "/",
            "/srv",
            "/srv/database",
            "/srv/data/..",
            "/srv/data/../../etc",
            "/srv/data/a/../../x",
            "/etc/srv/data",
            "/srv/data/../database",
            "/..",
            "/SRV/data",
            "/srv/data\\..\\x/../../y",
        ] {
            assert!(!roots.may_hold(path.as_bytes()), "{path}");
        }
        assert!(roots.may_hold(b"/srv/data/\xff\xfe/..") && !roots.may_hold(b"/srv/data/\xff/../.."));
    }

    #[test]
    fn a_place_is_held_where_the_target_says_it_is() {
        let roots = roots();
        assert!(roots.hold(b"/srv/data") && !roots.hold_below(b"/srv/data"));
        assert!(roots.hold_below(b"/srv/data/x") && roots.hold_below(b"/mnt/log/x"));
        // What is no answer of a target's is nowhere.
        for place in
            [&b"/var/log/x"[..], b"/srv/data/../x", b"/srv/data//x", b"srv/data", b"", b"/srv/data/x/", b"/srv/data/\0"]
        {
            assert!(!roots.hold(place), "{}", place.escape_ascii());
        }
    }

    #[test]
    fn a_target_that_may_not_resolve_links_holds_nothing() {
        for extensions in [&[][..], &[RESOLVES[0]], &[RESOLVES[1], b"posix-rename@openssh.com"]] {
            let mut roots = roots();
            roots.met(extensions);
            assert!(!roots.hold(b"/srv/data/x") && roots.why().contains("may not say where links lead"));
        }
    }

    #[test]
    fn before_the_target_has_said_where_they_are_they_hold_nothing() {
        let roots = Roots::of(&["/srv/data".to_owned()]).unwrap();
        assert!(roots.may_hold(b"/srv/data/x") && !roots.hold(b"/srv/data/x"));
    }

    #[test]
    fn a_relative_path_begins_at_the_first() {
        let roots = roots();
        assert_eq!(roots.absolute(b"x/y"), b"/srv/data/x/y");
        assert_eq!(roots.absolute(b"/x"), b"/x");
        assert_eq!(roots.absolute(b""), b"/srv/data/");
        assert!(!roots.may_hold(&roots.absolute(b"../x")));
    }

    proptest! {
        #[test]
        fn no_text_leaves_a_folder_and_may_be_in_it(parts in prop::collection::vec("(\\.|\\.\\.|a|b|srv|data||\\.\\.\\.)", 0..12)) {
            let path = format!("/srv/data/{}", parts.join("/"));
            let mut depth = 2_i32;
            let mut left = false;
            for part in &parts {
                match part.as_str() {
                    "" | "." => {}
                    ".." => depth = (depth - 1).max(0),
                    _ => depth += 1,
                }
                left |= depth < 2;
            }
            // Whatever never went above it is in it; whatever is in it has its name at the front.
            prop_assert!(left || roots().may_hold(path.as_bytes()));
            let simple = simplest(path.as_bytes());
            prop_assert_eq!(roots().may_hold(path.as_bytes()), simple == b"/srv/data" || simple.starts_with(b"/srv/data/"));
        }
    }
}
