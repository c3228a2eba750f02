//! Files that are wrong, and exactly what is said of them: the line, what is wrong, and what to do.

use super::{keys, loaded, parse, said, sample, with};

/// A thing in the sample, what stands there instead, and all that must be said of it.
type Case<'a> = (&'a str, &'a str, &'a [&'a str]);

pub fn check(cases: &[Case<'_>]) {
    for (old, new, expected) in cases {
        match parse(&with(old, new)) {
            Ok(_) => panic!("{new:?} was taken"),
            Err(faults) => assert_eq!(said(&faults.0), *expected, "{new:?}"),
        }
    }
}

#[test]
fn names_must_exist_and_the_nearest_is_proposed() {
    check(&[
        (
            "groups = [\"oncall\"]",
            "groups = [\"enginers\"]",
            &["51: unknown group `enginers`; did you mean `engineers`?"],
        ),
        ("groups = [\"oncall\"]", "groups = [\"nobody\"]", &["51: unknown group `nobody`"]),
        ("approvers = [\"leads\"]", "approvers = [\"lead\"]", &["64: unknown group `lead`; did you mean `leads`?"]),
        ("targets = [\"web*\"]", "targets = [\"web2\"]", &["52: unknown target `web2`; did you mean `web1`?"]),
        ("roles = [\"look\"]", "roles = [\"lok\", \"admin\"]", &["53: unknown role `lok`; did you mean `look`?"]),
        ("\"replay\", ", "\"reply\", ", &["23: unknown duty `reply`; did you mean `replay`?"]),
        ("sftp = \"read\"", "sftp = \"reed\"", &["47: unknown SFTP access `reed`; did you mean `read`?"]),
        (
            "protocol = \"tcp\"",
            "protocol = \"tpc\"",
            &[
                "30: target orders-db has no `host_key`: it is never trusted on first use; paste the target's /etc/ssh/ssh_host_*_key.pub",
                "31: unknown protocol `tpc`; did you mean `tcp`?",
            ],
        ),
        ("max_idle", "max_idel", &["48: unknown key in role look: `max_idel`; did you mean `max_idle`?"]),
        ("[users.bob]", "[user.bob]", &["14: unknown key in the file: `user`; did you mean `users`?"]),
        ("state_dir = ", "zzz = 1\nstate_dir = ", &["2: unknown key in [gateway]: `zzz`"]),
        (
            "[gateway]",
            "[gatewey]",
            &[
                "1: the file has no [gateway], which says where to keep things",
                "1: unknown key in the file: `gatewey`; did you mean `gateway`?",
            ],
        ),
        (
            "approvals = 2",
            "aprovals = 2",
            &[
                "63: unknown key in the rule: `aprovals`; did you mean `approvals`?",
                "64: approvers are named, but approvals is 0, so nobody is asked; write approvals = 1 or take approvers out",
            ],
        ),
    ]);
}

#[test]
fn names_are_safe_to_type_and_to_show() {
    let letters = "use letters, digits, `.`, `_` and `-`";
    let fault =
        |line: usize, name: &str, what: &str| format!("{line}: `{name}` cannot be the name of a {what}: {letters}");
    check(&[
        ("[users.alice]", "[users.\"a@b\"]", &[&fault(10, "a@b", "user")]),
        ("[users.alice]", "[users.\"al\\u202Eice\"]", &[&fault(10, "al\\u{202e}ice", "user")]),
        (
            "[users.alice]",
            "[users.-alice]",
            &["10: `-alice` cannot be the name of a user: it may not begin with `-` or `.`"],
        ),
        (
            "[users.alice]",
            "[users.\"..\"]",
            &["10: `..` cannot be the name of a user: it may not begin with `-` or `.`"],
        ),
        ("[users.alice]", "[users.\"\"]", &["10: `` cannot be the name of a user: it is empty"]),
        (
            "[users.alice]",
            "[users.operator]",
            &["10: `operator` cannot be the name of a user: the audit log has its own use for it"],
        ),
        ("[targets.orders-db]", "[targets.\"orders db\"]", &[&fault(30, "orders db", "target")]),
        ("[roles.admin]", "[roles.\"a\\u001b[2J\"]\n[roles.admin]", &[&fault(34, "a\\u{1b}[2J", "role")]),
        ("\"oncall\"]", "\"oncall\", \"a b\"]", &[&fault(12, "a b", "group")]),
        ("env = \"prod\", tier", "env = \"prod\", \"ti er\"", &[&fault(28, "ti er", "label")]),
    ]);
    let long = "a".repeat(129);
    let said_of_it = format!("10: `{long}` cannot be the name of a user: it is longer than 128 characters");
    check(&[("[users.alice]", &format!("[users.{long}]"), &[&said_of_it])]);
}

#[test]
fn the_gateway_must_say_where() {
    check(&[
        ("\"0.0.0.0:2222\"", "2222", &["4: listen must be a string, not a number"]),
        (
            "\"0.0.0.0:2222\"",
            "\"localhost\"",
            &["4: `localhost` is not an address to listen on; write \"0.0.0.0:2222\" or \"[::]:2222\""],
        ),
        ("\"/var/lib/curfew\"", "\"\"", &["2: `` is not a path"]),
        (
            "[gateway]",
            "[gateway]\nname = \"a b\"",
            &["2: `a b` cannot be the name of a gateway: use letters, digits, `.`, `_` and `-`"],
        ),
        (
            "state_dir = \"/var/lib/curfew\"\n",
            "",
            &["1: [gateway] has no `state_dir`: the folder of keys and database, like \"/var/lib/curfew\""],
        ),
        ("listen = \"0.0.0.0:2222\"\n", "", &["3: [ssh] has no `listen`: where to listen, like \"0.0.0.0:2222\""]),
        (
            "[ssh]\nlisten = \"0.0.0.0:2222\"\n",
            "",
            &["1: the file has no [ssh] with `listen`: where to listen, like \"0.0.0.0:2222\""],
        ),
        (
            "state_dir = \"/var/lib/curfew\"\n",
            "state_dir = \"/var/lib/curfew\"\nhttps = \"0.0.0.0:8443\"\ntls = true\n",
            &[
                "3: this version has no HTTPS door yet; take `https` out",
                "4: this version has no TLS door yet; take `tls` out",
            ],
        ),
        (
            "listen = \"0.0.0.0:2222\"",
            "listen = \"0.0.0.0:2222\"\ndrain = 30",
            &["5: drain must be a duration in quotes, like \"30m\" or \"1h 30m\", not a number"],
        ),
        ("spool = ", "pool = ", &["8: unknown key in [recordings]: `pool`; did you mean `spool`?"]),
    ]);
}

#[test]
fn a_database_is_sqlite_or_postgres_and_its_password_is_not_repeated() {
    let forms = "write \"sqlite\", \"sqlite:PATH\" for a file of your own, or \"postgres://USER@HOST/NAME\"";
    let no_database = format!("6: database: this is no database; {forms}");
    for typed in ["mysql://hunter2", "postgres:hunter2", ""] {
        check(&[("\"sqlite\"", &format!("{typed:?}"), &[&no_database])]);
    }
    let nameless = "6: database: the database's address names no database, as in postgres://curfew@db/curfew";
    check(&[("\"sqlite\"", "\"postgres://curfew:hunter2@db\"", &[nameless])]);
    check(&[(
        "\"sqlite\"",
        "\"sqlite\"\npassword_file = \"secret\"",
        &["7: password_file is for PostgreSQL; SQLite has no password, so take it out"],
    )]);
}

/// Where these keys stood in earlier versions.
const OLD: &str = "[gateway]\nstate_dir = \"/var/lib/curfew\"\nssh = \"0.0.0.0:2222\"\nnames = [\"b\"]\ndrain = \"2m\"\n\
                   database = \"sqlite:c.db\"\nrecordings = \"rec\"\n";

#[test]
fn the_old_keys_of_the_gateway_are_read_with_a_warning_that_names_the_new_place() {
    let loaded = loaded(OLD);
    assert_eq!(
        said(&loaded.warnings),
        [
            "3: `ssh` of [gateway] is `listen` of [ssh] now; move it there",
            "4: `names` of [gateway] is `names` of [ssh] now; move it there",
            "5: `drain` of [gateway] is `drain` of [ssh] now; move it there",
            "6: `database` of [gateway] is `database` of [store] now; move it there",
            "7: `recordings` of [gateway] is `spool` of [recordings] now; move it there",
        ]
    );
    let new = "[gateway]\nstate_dir = \"/var/lib/curfew\"\n[ssh]\nlisten = \"0.0.0.0:2222\"\nnames = [\"b\"]\ndrain = \"2m\"\n\
               [store]\ndatabase = \"sqlite:c.db\"\n[recordings]\nspool = \"rec\"\n";
    let (old, new) = (loaded.config, super::loaded(new).config);
    assert_eq!(
        (&old.gateway, &old.ssh, &old.store, &old.recordings),
        (&new.gateway, &new.ssh, &new.store, &new.recordings)
    );
}

#[test]
fn what_is_given_at_the_old_place_and_at_the_new_is_a_fault() {
    let both = format!("{OLD}[ssh]\nlisten = \"0.0.0.0:22\"\n[recordings]\nspool = \"x\"\n");
    assert_eq!(
        said(&parse(&both).unwrap_err().0),
        [
            "3: `ssh` of [gateway] is `listen` of [ssh] now, which is given as well; take `ssh` out",
            "7: `recordings` of [gateway] is `spool` of [recordings] now, which is given as well; take `recordings` out",
        ]
    );
}

#[test]
fn addresses_have_a_host_and_a_port() {
    let no_address = |typed: &str| {
        format!("26: `{typed}` is not an address; write \"10.0.0.5:22\", \"[fd00::5]:22\" or \"db.internal:5432\"")
    };
    for typed in [
        "",
        ":22",
        "10.0.0.5:",
        "10.0.0.5:0",
        "web1:65536",
        "web1:+22",
        "-oProxyCommand=x:22",
        "[fd00::5]22",
        "[web1]:22",
        "ssh://web1",
        "a b:22",
    ] {
        check(&[("10.0.0.5:22", typed, &[&no_address(typed)])]);
    }
    check(&[
        (
            "address = \"10.0.0.5:22\"\n",
            "",
            &["25: target web1 has no `address`: where it listens, like \"10.0.0.5:22\""],
        ),
        ("10.0.0.5:22", "fd00::5", &["26: `fd00::5` needs brackets: write \"[fd00::5]:22\""]),
        ("10.0.0.9:5432", "10.0.0.9", &["32: `10.0.0.9` has no port, which a TCP target needs"]),
    ]);
}

#[test]
fn a_target_says_how_both_sides_are_proven() {
    let no_key = "has no `host_key`: it is never trusted on first use; paste the target's /etc/ssh/ssh_host_*_key.pub";
    let no_file =
        "auth of target web1 has no `key_file`: a private key for this target; without `auth` Curfew's own CA is used";
    let labels = "labels = { env = \"prod\", tier = \"web\" }";
    check(&[
        (&format!("host_key = \"{}\"\n", keys::HOST), "", &[&format!("25: target web1 {no_key}")]),
        (&format!("host_key = \"{}\"\n", keys::HOST), "host_key = []\n", &[&format!("27: target web1 {no_key}")]),
        ("protocol = \"tcp\"", "", &[&format!("30: target orders-db {no_key}")]),
        (
            "protocol = \"tcp\"",
            "protocol = \"tcp\"\nauth = { key_file = \"x\" }\nhost_key = \"y\"",
            &["32: a TCP target has no `auth`; take it out", "33: a TCP target has no `host_key`; take it out"],
        ),
        (labels, "auth = {}", &[&format!("28: {no_file}")]),
        (
            labels,
            "auth = { key = \"x\" }",
            &[&format!("28: {no_file}"), "28: unknown key in auth of target web1: `key`; did you mean `key_file`?"],
        ),
        (labels, "auth = \"x\"", &["28: auth must be a table, not a string"]),
        (
            labels,
            "labels = { env = 1 }",
            &["28: labels must be a table of strings, like { env = \"prod\" }, not a number"],
        ),
    ]);
}

#[test]
fn a_rule_says_who_what_where_and_how_long() {
    let approvals = "63: approvals must be a whole number from 0 to 100";
    let nobody_asked =
        "approvers are named, but approvals is 0, so nobody is asked; write approvals = 1 or take approvers out";
    let no_targets = "the rule has neither `targets` nor `labels`: for every target write targets = [\"*\"]";
    check(&[
        ("groups = [\"oncall\"]\n", "", &["50: the rule has no `groups`: who may ask, like [\"engineers\"]"]),
        ("roles = [\"look\"]", "roles = []", &["53: the rule has no `roles`: what may be asked for, like [\"admin\"]"]),
        ("targets = [\"web*\"]\n", "", &[&format!("50: {no_targets}")]),
        ("targets = [\"web*\"]", "targets = []", &[&format!("50: {no_targets}")]),
        (
            "labels = { env = \"prod\" }",
            "labels = \"prod\"",
            &["60: labels must be a table of strings, like { env = \"prod\" }, not a string"],
        ),
        (
            "max_duration = \"4h\"\n",
            "",
            &["58: the rule has no `max_duration`: the longest that may be asked for, like \"4h\""],
        ),
        ("\"4h\"", "\"11y\"", &["62: max_duration: `11y` is not a duration: write it like 30m, 1h 30m, 12h or 90s"]),
        ("\"INC-\\\\d+\"", "\"INC-(\"", &["55: reason is not a regular expression: unclosed group"]),
        ("approvals = 2", "approvals = -1", &[approvals]),
        ("approvals = 2", "approvals = \"two\"", &[approvals]),
        ("approvals = 2", "approvals = 101", &[approvals]),
        ("approvals = 2\n", "", &[&format!("63: {nobody_asked}")]),
        ("approvals = 0", "approvals = 0\napprovers = [\"leads\"]", &[&format!("57: {nobody_asked}")]),
        (
            "approvers = [\"leads\"]\n",
            "",
            &["58: the rule has no `approvers`: whose approval counts, like [\"leads\"]"],
        ),
        (
            "approvers = [\"leads\"]",
            "approvers = []",
            &["64: the rule has no `approvers`: whose approval counts, like [\"leads\"]"],
        ),
    ]);
}

#[test]
fn tables_are_where_they_belong() {
    check(&[("[users.alice]", "[users]\nx = 1\n[users.alice]", &["11: users.x must be a table: [users.NAME]"])]);
    let text = sample();
    let without_rules = text.split("[[rules]]").next().unwrap();
    assert!(parse(without_rules).is_ok());
    for (rules, fault) in [
        ("[rules]\n", "50: rules must be a list of tables, each beginning with [[rules]], not a table"),
        ("[rules.x]\n", "50: rules must be a list of tables, each beginning with [[rules]], not a table"),
    ] {
        assert_eq!(said(&parse(&format!("{without_rules}{rules}")).unwrap_err().0), [fault]);
    }
    let no_ssh = "1: the file has no [ssh] with `listen`: where to listen, like \"0.0.0.0:2222\"";
    let no_gateway = "1: the file has no [gateway], which says where to keep things";
    assert_eq!(said(&parse("").unwrap_err().0), [no_gateway, no_ssh]);
    assert_eq!(
        said(&parse("rules = [1]\nusers = 2\n[gateway]\n").unwrap_err().0),
        [
            no_ssh,
            "1: rules must be a list of tables, not a number",
            "2: users must be a table, not a number",
            "3: [gateway] has no `state_dir`: the folder of keys and database, like \"/var/lib/curfew\"",
        ]
    );
}

#[test]
fn every_slip_in_the_toml_is_told_and_nothing_else() {
    check(&[
        ("[users.alice]", "[users.alice", &["10: this is not TOML: unclosed table, expected `]`"]),
        (
            "[users.alice]",
            "spool = \"x\"\n[users.alice]\nx = = \ny = \"\n",
            &[
                "10: `spool` is here for the second time",
                "12: this is not TOML: extra `=`, expected nothing",
                "13: this is not TOML: invalid basic string, expected `\"`",
            ],
        ),
        (
            "[users.bob]",
            "[users.alice]",
            &[
                "14: `alice` is here for the second time",
                "15: `keys` is here for the second time",
                "16: `groups` is here for the second time",
            ],
        ),
    ]);
}

#[test]
fn keys_are_whole_strong_and_of_one_person() {
    let not_a_key = "is not an OpenSSH public key; paste the whole line of its .pub file";
    let in_front = "has something before its type; options and host names are not supported, give the key alone";
    let unreadable = "cannot be read; paste the whole line of its .pub file";
    let dsa = "is a DSA key, which is too weak; make one with ssh-keygen -t ed25519";
    for (line, why) in [
        (keys::DSA, dsa),
        (keys::RSA_1024, "is an RSA key of 1024 bits; at least 2048 are needed, or ssh-keygen -t ed25519"),
        (keys::CERTIFICATE, "is a certificate; give the key that it was made for"),
        ("", not_a_key),
        ("alice", not_a_key),
        ("ssh-ed25519", unreadable),
        ("ssh-ed25519 AAAA", unreadable),
        ("ssh-ed25519 AAAA…", unreadable),
        ("ssh-unheard-of AAAA", unreadable),
        (&keys::ALICE.replace("ssh-ed25519", "ssh-rsa"), unreadable),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "is not an OpenSSH public key; paste the line of its .pub file, and never a private key",
        ),
        (
            "cert-authority ssh-ed25519 AAAA",
            "is marked cert-authority, which is not supported; list each person's own key",
        ),
        ("from=\\\"10.0.0.*\\\" ssh-ed25519 AAAA", in_front),
        (&format!("{}\\n{}", keys::ALICE, keys::BOB), "has more than one line; give one key in each string"),
        (
            &keys::ALICE["ssh-ed25519 ".len()..],
            "has no type; paste the whole line of its .pub file, which begins with the type",
        ),
    ] {
        check(&[(keys::ALICE, line, &[&format!("11: a key of user alice {why}")])]);
    }
    check(&[
        (keys::HOST, keys::DSA, &[&format!("27: this host key {dsa}")]),
        (keys::HOST, "web1 ssh-ed25519 AAAA", &[&format!("27: this host key {in_front}")]),
        // On the later line, and whatever the comment.
        (
            keys::BOB,
            &format!("{} bob@desk", keys::ALICE),
            &["15: this key of user bob is user alice's too; a key must prove one user"],
        ),
    ]);
    let swapped = sample().replace("users.alice", "users.zoe").replace(keys::BOB, keys::ALICE);
    assert_eq!(
        said(&parse(&swapped).unwrap_err().0),
        ["15: this key of user bob is user zoe's too; a key must prove one user",]
    );
}

#[test]
fn certificates_have_sound_cas_and_principals_of_one_user() {
    let section = |lines: &str| format!("[certificates]\n{lines}\n[users.alice]");
    let trusted = format!("trusted = [\"{}\"]", keys::P256);
    assert!(parse(&with("[users.alice]", &section(&trusted))).is_ok());
    check(&[
        (
            "[users.alice]",
            &section(""),
            &["10: [certificates] has no `trusted`: the public keys of the CAs whose certificates let people in"],
        ),
        (
            "[users.alice]",
            &section(&format!("trusted = [\"{}\"]", keys::DSA)),
            &["11: this CA key is a DSA key, which is too weak; make one with ssh-keygen -t ed25519"],
        ),
        (
            "[users.alice]",
            &section("revoked = \"/no/such/list\""),
            &["11: revoked /no/such/list: cannot be read: No such file or directory (os error 2)"],
        ),
        (
            "[users.bob]",
            "[users.bob]\nprincipals = [\"bob\", \"alice\", \"\", \"a b\", \"a,b\"]",
            &[
                "15: principal `alice` of user bob is user alice's too; a principal must prove one user",
                "15: `` cannot be a principal",
                "15: `a b` cannot be a principal",
                "15: `a,b` cannot be a principal",
            ],
        ),
    ]);
}

#[test]
fn a_target_is_pinned_by_keys_or_cas() {
    let pinned = format!("host_key = \"{}\"", keys::HOST);
    let text = with(&pinned, &format!("host_ca = [\"{}\", \"{}\"]", keys::P256, keys::HOST));
    let target = &loaded(&text).config.targets["web1"];
    assert_eq!(
        (target.host_keys.len(), target.host_cas.as_slice()),
        (0, &[keys::P256.to_owned(), keys::HOST.to_owned()][..])
    );
    let no_key = "has no `host_key`: it is never trusted on first use; paste the target's /etc/ssh/ssh_host_*_key.pub";
    check(&[
        (&pinned, "host_ca = []", &[&format!("25: target web1 {no_key}")]),
        (
            &pinned,
            &format!("host_ca = \"web1 {}\"", keys::HOST),
            &[
                "27: this host CA key has something before its type; options and host names are not supported, give the key alone",
            ],
        ),
        (
            "protocol = \"tcp\"",
            "protocol = \"tcp\"\nhost_ca = \"y\"",
            &["32: a TCP target has no `host_ca`; take it out"],
        ),
    ]);
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_their_lines() {
    let text = with("listen = \"0.0.0.0:2222\"", "listen = 1")
        .replace("\"replay\"", "\"reply\"")
        .replace("roles = [\"look\"]", "roles = [\"lok\"]")
        .replace(keys::ALICE, keys::DSA)
        .replace("tcp", "tpc");
    let faults = parse(&text).unwrap_err();
    assert_eq!(faults.0.iter().map(|fault| fault.line.unwrap()).collect::<Vec<_>>(), [4, 11, 23, 30, 31, 53]);
    let shown = faults.to_string();
    assert_eq!(shown.lines().count(), 6);
    assert!(
        shown.starts_with(
            "/etc/curfew/curfew.toml:4: listen must be a string, not a number\n/etc/curfew/curfew.toml:11: "
        )
    );
}
