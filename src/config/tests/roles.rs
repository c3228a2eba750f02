//! What a role may say: what it allows, where SFTP stays, what becomes of a session at the end.

use std::time::Duration;

use super::faults::check;
use super::{loaded, said, with};

/// A line of the role `look`, on line 45.
const IDLE: &str = "max_idle = \"15m\"";

#[test]
fn a_role_says_what_it_allows() {
    let endpoint = |typed: &str| {
        format!(
            "39: forward: `{typed}` is neither host:port (`*:5432`, `localhost:*`, `[::1]:80`) nor the path of a socket (`/run/*`)"
        )
    };
    let no_login = "role admin has no `logins`: the users that it may log in as on a target, like [\"root\"]";
    check(&[
        ("shell = true", "shell = \"yes\"", &["36: shell must be true or false, not a string"]),
        ("exec = [\"*\"]", "exec = \"*\"", &["37: exec must be a list of strings, not a string"]),
        (
            "exec = [\"*\"]",
            "exec = [\"*\", 7, \"\"]",
            &[
                "37: exec must be a list of strings, not a number",
                "37: an empty command is none; for a shell write shell = true",
            ],
        ),
        ("[\"*:*\"]", "[\"*\", \"x:99999\", \"run/x\"]", &[&endpoint("*"), &endpoint("x:99999"), &endpoint("run/x")]),
        ("\"15m\"", "900", &["48: max_idle must be a duration in quotes, like \"30m\" or \"1h 30m\", not a number"]),
        ("\"15m\"", "\"15\"", &["48: max_idle: `15` is not a duration: write it like 30m, 1h 30m, 12h or 90s"]),
        (
            "max_idle = \"15m\"",
            "max_sessions = 0",
            &["48: max_sessions = 0 lets nobody in; leave it out for as many as they like"],
        ),
        ("\"15m\"", "\"0s\"", &["48: max_idle: the shortest duration is 1s"]),
        ("logins = [\"root\"]\n", "", &[&format!("34: {no_login}")]),
        ("logins = [\"root\"]", "logins = []", &[&format!("35: {no_login}")]),
        (
            "logins = [\"root\"]",
            "logins = [\"\", \"-x\", \"a b\"]",
            &["35: `` cannot be a login", "35: `-x` cannot be a login", "35: `a b` cannot be a login"],
        ),
    ]);
}

#[test]
fn a_role_cuts_at_the_end_unless_it_gives_grace() {
    for (written, grace) in [("cut", 0), ("grace 5m", 300), ("grace 1h", 3600), ("grace 1m 30s", 90)] {
        let config = loaded(&with(IDLE, &format!("at_expiry = \"{written}\""))).config;
        assert_eq!(config.roles["look"].grace(), Duration::from_secs(grace), "{written}");
        assert_eq!(config.roles["admin"].grace(), Duration::ZERO);
    }
}

#[test]
fn a_grace_is_a_duration_of_an_hour_at_most() {
    let no_duration = "48: at_expiry: `5` is not a duration: write it like 30m, 1h 30m, 12h or 90s";
    let too_long = "48: at_expiry: the longest grace is 1h; let grants be longer instead";
    check(&[
        (IDLE, "at_expiry = \"grace\"", &["48: at_expiry is \"cut\" or \"grace 5m\", not `grace`"]),
        (IDLE, "at_expiry = \"grace 5\"", &[no_duration]),
        (IDLE, "at_expiry = \"grace 0s\"", &["48: at_expiry: for no grace write \"cut\""]),
        (IDLE, "at_expiry = \"grace 2h\"", &[too_long]),
    ]);
}

#[test]
fn sftp_stays_in_folders_that_are_named_in_full() {
    let loaded = loaded(&with(IDLE, "sftp_roots = [\"/srv/data\", \"/var/log\"]"));
    assert_eq!(loaded.config.roles["look"].sftp_roots, ["/srv/data", "/var/log"]);
    let for_sftp_alone = "48: sftp_roots is for sftp alone: what exec allows reaches what the command does";
    assert_eq!(said(&loaded.warnings), [for_sftp_alone]);
    assert!(loaded.config.roles["admin"].sftp_roots.is_empty());
    let no_folder = |path: &str| format!("48: `{path}` is no folder's full path, like /srv/data");
    let bad = ["srv", "/srv/../etc", "/srv//a", "/"].map(no_folder);
    check(&[
        (
            IDLE,
            "sftp_roots = []",
            &["48: sftp_roots = [] reaches nothing; leave it out for all folders, or write sftp = \"none\""],
        ),
        (IDLE, "sftp_roots = [\"srv\", \"/srv/../etc\", \"/srv//a\", \"/\"]", &bad.each_ref().map(String::as_str)),
    ]);
}

#[test]
fn folders_are_for_roles_with_sftp_and_without_a_shell() {
    check(&[
        (
            "agent = true\n",
            "sftp_roots = [\"/srv\"]\n",
            &["41: sftp_roots keeps nobody in who has a shell or exec = [\"*\"]; leave it out, or them"],
        ),
        (
            "sftp = \"read\"",
            "sftp_roots = [\"/srv\"]",
            &["47: sftp_roots says where sftp stays, but the role has no sftp; write sftp = \"read\" or \"write\""],
        ),
    ]);
}
