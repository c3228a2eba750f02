use super::{Start, permitted};
use crate::pattern::CommandPattern;
use crate::role::{Role, SftpAccess};
use crate::tests::{role, strings};

fn exec(command: &str) -> Start {
    Start::Exec(command.as_bytes().to_vec())
}

fn sftp() -> Start {
    Start::Subsystem("sftp".to_owned())
}

#[test]
fn a_role_permits_what_it_names_and_nothing_else() {
    let none = role("none", &["root"]);
    let shell = Role { shell: true, ..none.clone() };
    let uptime = Role { exec: vec![CommandPattern::new("uptime")], ..none.clone() };
    let reads = Role { sftp: SftpAccess::Read, ..none.clone() };
    for (role, shell, uptime, sends) in [
        (&none, false, false, false),
        (&shell, true, false, false),
        (&uptime, false, true, false),
        (&reads, false, false, true),
    ] {
        assert_eq!(permitted(role, &Start::Shell).is_ok(), shell, "{role:?}");
        assert_eq!(permitted(role, &exec("uptime")).is_ok(), uptime, "{role:?}");
        assert_eq!(permitted(role, &sftp()).is_ok(), sends, "{role:?}");
        assert!(permitted(role, &exec("reboot")).is_err());
        assert!(permitted(role, &Start::Subsystem("netconf".to_owned())).is_err());
    }
}

#[test]
fn a_refusal_names_what_was_wanted_and_what_there_is() {
    let none = role("none", &["root"]);
    let some = Role {
        exec: vec![CommandPattern::new("uptime")],
        sftp: SftpAccess::Read,
        sftp_roots: strings(&["/srv", "/tmp"]),
        ..none.clone()
    };
    for (role, start, line) in [
        (&none, Start::Shell, "role none does not allow a shell; it allows nothing of the kind"),
        (
            &some,
            Start::Shell,
            "role none does not allow a shell; it allows `uptime`, sftp for reading in /srv and /tmp",
        ),
        (&none, sftp(), "role none does not allow the sftp subsystem; it allows nothing of the kind"),
        (&none, exec("rm \x1b[2J"), "role none does not allow `rm \u{fffd}[2J`; it allows nothing of the kind"),
    ] {
        assert_eq!(permitted(role, &start).unwrap_err(), line);
    }
}
