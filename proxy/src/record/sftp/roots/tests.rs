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
