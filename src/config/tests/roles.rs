//! What a role may say of where SFTP stays, and of what becomes of a session at the end.

use std::time::Duration;

use super::faults::check;
use super::{loaded, said, with};

/// A line of the role `look`, on line 45.
const IDLE: &str = "max_idle = \"15m\"";

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
    let no_duration = "45: at_expiry: `5` is not a duration: write it like 30m, 1h 30m, 12h or 90s";
    let too_long = "45: at_expiry: the longest grace is 1h; let grants be longer instead";
    check(&[
        (IDLE, "at_expiry = \"grace\"", &["45: at_expiry is \"cut\" or \"grace 5m\", not `grace`"]),
        (IDLE, "at_expiry = \"grace 5\"", &[no_duration]),
        (IDLE, "at_expiry = \"grace 0s\"", &["45: at_expiry: for no grace write \"cut\""]),
        (IDLE, "at_expiry = \"grace 2h\"", &[too_long]),
    ]);
}

#[test]
fn sftp_stays_in_folders_that_are_named_in_full() {
    let loaded = loaded(&with(IDLE, "sftp_roots = [\"/srv/data\", \"/var/log\"]"));
    assert_eq!(loaded.config.roles["look"].sftp_roots, ["/srv/data", "/var/log"]);
    let for_sftp_alone = "45: sftp_roots is for sftp alone: what exec allows reaches what the command does";
    assert_eq!(said(&loaded.warnings), [for_sftp_alone]);
    assert!(loaded.config.roles["admin"].sftp_roots.is_empty());
    let no_folder = |path: &str| format!("45: `{path}` is no folder's full path, like /srv/data");
    let bad = ["srv", "/srv/../etc", "/srv//a", "/"].map(no_folder);
    check(&[
        (
            IDLE,
            "sftp_roots = []",
            &["45: sftp_roots = [] reaches nothing; leave it out for all folders, or write sftp = \"none\""],
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
            &["38: sftp_roots keeps nobody in who has a shell or exec = [\"*\"]; leave it out, or them"],
        ),
        (
            "sftp = \"read\"",
            "sftp_roots = [\"/srv\"]",
            &["44: sftp_roots says where sftp stays, but the role has no sftp; write sftp = \"read\" or \"write\""],
        ),
    ]);
}
