use crate::endpoint::Endpoint;
use crate::pattern::{CommandPattern, Glob};
use crate::tests::role;

#[test]
fn a_role_allows_what_one_of_its_patterns_allows() {
    let mut look = role("look", &["viewer"]);
    assert!(!look.allows_command(b"") && !look.allows_pty() && !look.allows_env("LANG"));
    look.exec = vec![CommandPattern::new("journalctl *"), CommandPattern::new("uptime")];
    look.env = vec![Glob::new("LANG"), Glob::new("LC_*")];
    assert!(look.allows_command(b"uptime") && look.allows_command(b"journalctl -u x") && look.allows_pty());
    assert!(!look.allows_command(b"journalctl") && !look.allows_command(b"sh"));
    assert!(look.allows_env("LC_ALL") && !look.allows_env("LANGUAGE") && !look.allows_env("LD_PRELOAD"));
}

#[test]
fn no_pattern_passes_a_variable_that_is_not_portable() {
    let mut any = role("any", &[]);
    any.env = vec![Glob::new("*")];
    assert!(any.allows_env("FOO_1"));
    for name in ["", "A=B", "A B", "BASH_FUNC_x%%", "A\n", "A\0", "É", "x()"] {
        assert!(!any.allows_env(name), "{name:?}");
    }
}

#[test]
fn a_role_that_names_no_forward_has_none() {
    let mut admin = role("admin", &["root"]);
    let db = Endpoint::Tcp("db", 5432);
    assert!(!admin.allows_forward(db) && !admin.allows_listen(db));
    admin.forward = vec!["*:5432".parse().unwrap()];
    assert!(admin.allows_forward(db) && !admin.allows_listen(db));
    admin.listen = vec!["localhost:*".parse().unwrap()];
    assert!(admin.allows_listen(Endpoint::Tcp("localhost", 0)) && !admin.allows_listen(db));
}
