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
            &["48: unknown group `enginers`; did you mean `engineers`?"],
        ),
        ("groups = [\"oncall\"]", "groups = [\"nobody\"]", &["48: unknown group `nobody`"]),
        ("approvers = [\"leads\"]", "approvers = [\"lead\"]", &["61: unknown group `lead`; did you mean `leads`?"]),
        ("targets = [\"web*\"]", "targets = [\"web2\"]", &["49: unknown target `web2`; did you mean `web1`?"]),
        ("roles = [\"look\"]", "roles = [\"lok\", \"admin\"]", &["50: unknown role `lok`; did you mean `look`?"]),
        ("\"replay\", ", "\"reply\", ", &["20: unknown duty `reply`; did you mean `replay`?"]),
        ("sftp = \"read\"", "sftp = \"reed\"", &["44: unknown SFTP access `reed`; did you mean `read`?"]),
        (
            "protocol = \"tcp\"",
            "protocol = \"tpc\"",
            &[
                "27: target orders-db has no `host_key`: it is never trusted on first use; paste the target's /etc/ssh/ssh_host_*_key.pub",
                "28: unknown protocol `tpc`; did you mean `tcp`?",
            ],
        ),
        ("max_idle", "max_idel", &["45: unknown key in role look: `max_idel`; did you mean `max_idle`?"]),
        ("[users.bob]", "[user.bob]", &["11: unknown key in the file: `user`; did you mean `users`?"]),
        ("ssh = ", "zzz = 1\nssh = ", &["2: unknown key in [gateway]: `zzz`"]),
        (
            "[gateway]",
            "[gatewey]",
            &[
                "1: the file has no [gateway], which says where to listen and where to keep things",
                "1: unknown key in the file: `gatewey`; did you mean `gateway`?",
            ],
        ),
        (
            "approvals = 2",
            "aprovals = 2",
            &[
                "60: unknown key in the rule: `aprovals`; did you mean `approvals`?",
                "61: approvers are named, but approvals is 0, so nobody is asked; write approvals = 1 or take approvers out",
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
        ("[users.alice]", "[users.\"a@b\"]", &[&fault(7, "a@b", "user")]),
        ("[users.alice]", "[users.\"al\\u202Eice\"]", &[&fault(7, "al\\u{202e}ice", "user")]),
        (
            "[users.alice]",
            "[users.-alice]",
            &["7: `-alice` cannot be the name of a user: it may not begin with `-` or `.`"],
        ),
        (
            "[users.alice]",
            "[users.\"..\"]",
            &["7: `..` cannot be the name of a user: it may not begin with `-` or `.`"],
        ),
        ("[users.alice]", "[users.\"\"]", &["7: `` cannot be the name of a user: it is empty"]),
        (
            "[users.alice]",
            "[users.operator]",
            &["7: `operator` cannot be the name of a user: the audit log has its own use for it"],
        ),
        ("[targets.orders-db]", "[targets.\"orders db\"]", &[&fault(27, "orders db", "target")]),
        ("[roles.admin]", "[roles.\"a\\u001b[2J\"]\n[roles.admin]", &[&fault(31, "a\\u{1b}[2J", "role")]),
        ("\"oncall\"]", "\"oncall\", \"a b\"]", &[&fault(9, "a b", "group")]),
        ("env = \"prod\", tier", "env = \"prod\", \"ti er\"", &[&fault(25, "ti er", "label")]),
    ]);
    let long = "a".repeat(129);
    let said_of_it = format!("7: `{long}` cannot be the name of a user: it is longer than 128 characters");
    check(&[("[users.alice]", &format!("[users.{long}]"), &[&said_of_it])]);
}

#[test]
fn the_gateway_must_say_where() {
    check(&[
        ("\"0.0.0.0:2222\"", "2222", &["2: ssh must be a string, not a number"]),
        (
            "\"0.0.0.0:2222\"",
            "\"localhost\"",
            &["2: `localhost` is not an address to listen on; write \"0.0.0.0:2222\" or \"[::]:2222\""],
        ),
        ("\"/var/lib/curfew\"", "\"\"", &["3: `` is not a path"]),
        (
            "ssh = \"0.0.0.0:2222\"\nstate_dir = \"/var/lib/curfew\"\n",
            "",
            &[
                "1: [gateway] has no `ssh`: where to listen, like \"0.0.0.0:2222\"",
                "1: [gateway] has no `state_dir`: the folder of keys and database, like \"/var/lib/curfew\"",
            ],
        ),
        (
            "database = \"sqlite\"",
            "https = \"0.0.0.0:8443\"\ntls = true\ndrain = 30",
            &[
                "4: this version has no HTTPS door yet; take `https` out",
                "5: this version has no TLS door yet; take `tls` out",
                "6: drain must be a duration in quotes, like \"30m\" or \"1h 30m\", not a number",
            ],
        ),
        // What may hold a password is not repeated.
        (
            "\"sqlite\"",
            "\"postgres://curfew:hunter2@db/curfew\"",
            &[
                "4: database: this version does not speak to Postgres yet; write \"sqlite\", or \"sqlite:PATH\" for a file of your own",
            ],
        ),
        (
            "\"sqlite\"",
            "\"mysql://hunter2\"",
            &["4: database: this is no database; write \"sqlite\", or \"sqlite:PATH\" for a file of your own"],
        ),
    ]);
}

#[test]
fn addresses_have_a_host_and_a_port() {
    let no_address = |typed: &str| {
        format!("23: `{typed}` is not an address; write \"10.0.0.5:22\", \"[fd00::5]:22\" or \"db.internal:5432\"")
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
            &["22: target web1 has no `address`: where it listens, like \"10.0.0.5:22\""],
        ),
        ("10.0.0.5:22", "fd00::5", &["23: `fd00::5` needs brackets: write \"[fd00::5]:22\""]),
        ("10.0.0.9:5432", "10.0.0.9", &["29: `10.0.0.9` has no port, which a TCP target needs"]),
    ]);
}

#[test]
fn a_target_says_how_both_sides_are_proven() {
    let no_key = "has no `host_key`: it is never trusted on first use; paste the target's /etc/ssh/ssh_host_*_key.pub";
    let no_file =
        "auth of target web1 has no `key_file`: a private key for this target; without `auth` Curfew's own CA is used";
    let labels = "labels = { env = \"prod\", tier = \"web\" }";
    check(&[
        (&format!("host_key = \"{}\"\n", keys::HOST), "", &[&format!("22: target web1 {no_key}")]),
        (&format!("host_key = \"{}\"\n", keys::HOST), "host_key = []\n", &[&format!("24: target web1 {no_key}")]),
        ("protocol = \"tcp\"", "", &[&format!("27: target orders-db {no_key}")]),
        (
            "protocol = \"tcp\"",
            "protocol = \"tcp\"\nauth = { key_file = \"x\" }\nhost_key = \"y\"",
            &["29: a TCP target has no `auth`; take it out", "30: a TCP target has no `host_key`; take it out"],
        ),
        (labels, "auth = {}", &[&format!("25: {no_file}")]),
        (
            labels,
            "auth = { key = \"x\" }",
            &[&format!("25: {no_file}"), "25: unknown key in auth of target web1: `key`; did you mean `key_file`?"],
        ),
        (labels, "auth = \"x\"", &["25: auth must be a table, not a string"]),
        (
            labels,
            "labels = { env = 1 }",
            &["25: labels must be a table of strings, like { env = \"prod\" }, not a number"],
        ),
    ]);
}

#[test]
fn a_rule_says_who_what_where_and_how_long() {
    let approvals = "60: approvals must be a whole number from 0 to 100";
    let nobody_asked =
        "approvers are named, but approvals is 0, so nobody is asked; write approvals = 1 or take approvers out";
    let no_targets = "the rule has neither `targets` nor `labels`: for every target write targets = [\"*\"]";
    check(&[
        ("groups = [\"oncall\"]\n", "", &["47: the rule has no `groups`: who may ask, like [\"engineers\"]"]),
        ("roles = [\"look\"]", "roles = []", &["50: the rule has no `roles`: what may be asked for, like [\"admin\"]"]),
        ("targets = [\"web*\"]\n", "", &[&format!("47: {no_targets}")]),
        ("targets = [\"web*\"]", "targets = []", &[&format!("47: {no_targets}")]),
        (
            "labels = { env = \"prod\" }",
            "labels = \"prod\"",
            &["57: labels must be a table of strings, like { env = \"prod\" }, not a string"],
        ),
        (
            "max_duration = \"4h\"\n",
            "",
            &["55: the rule has no `max_duration`: the longest that may be asked for, like \"4h\""],
        ),
        ("\"4h\"", "\"11y\"", &["59: max_duration: `11y` is not a duration: write it like 30m, 1h 30m, 12h or 90s"]),
        ("\"INC-\\\\d+\"", "\"INC-(\"", &["52: reason is not a regular expression: unclosed group"]),
        ("approvals = 2", "approvals = -1", &[approvals]),
        ("approvals = 2", "approvals = \"two\"", &[approvals]),
        ("approvals = 2", "approvals = 101", &[approvals]),
        ("approvals = 2\n", "", &[&format!("60: {nobody_asked}")]),
        ("approvals = 0", "approvals = 0\napprovers = [\"leads\"]", &[&format!("54: {nobody_asked}")]),
        (
            "approvers = [\"leads\"]\n",
            "",
            &["55: the rule has no `approvers`: whose approval counts, like [\"leads\"]"],
        ),
        (
            "approvers = [\"leads\"]",
            "approvers = []",
            &["61: the rule has no `approvers`: whose approval counts, like [\"leads\"]"],
        ),
    ]);
}

#[test]
fn tables_are_where_they_belong() {
    check(&[("[users.alice]", "[users]\nx = 1\n[users.alice]", &["8: users.x must be a table: [users.NAME]"])]);
    let text = sample();
    let without_rules = text.split("[[rules]]").next().unwrap();
    assert!(parse(without_rules).is_ok());
    for (rules, fault) in [
        ("[rules]\n", "47: rules must be a list of tables, each beginning with [[rules]], not a table"),
        ("[rules.x]\n", "47: rules must be a list of tables, each beginning with [[rules]], not a table"),
    ] {
        assert_eq!(said(&parse(&format!("{without_rules}{rules}")).unwrap_err().0), [fault]);
    }
    assert_eq!(
        said(&parse("").unwrap_err().0),
        ["1: the file has no [gateway], which says where to listen and where to keep things"]
    );
    assert_eq!(
        said(&parse("rules = [1]\nusers = 2\n[gateway]\n").unwrap_err().0),
        [
            "1: rules must be a list of tables, not a number",
            "2: users must be a table, not a number",
            "3: [gateway] has no `ssh`: where to listen, like \"0.0.0.0:2222\"",
            "3: [gateway] has no `state_dir`: the folder of keys and database, like \"/var/lib/curfew\"",
        ]
    );
}

#[test]
fn every_slip_in_the_toml_is_told_and_nothing_else() {
    check(&[
        ("[users.alice]", "[users.alice", &["7: this is not TOML: unclosed table, expected `]`"]),
        (
            "[users.alice]",
            "ssh = \"x\"\n[users.alice]\nx = = \ny = \"\n",
            &[
                "7: `ssh` is here for the second time",
                "9: this is not TOML: extra `=`, expected nothing",
                "10: this is not TOML: invalid basic string, expected `\"`",
            ],
        ),
        (
            "[users.bob]",
            "[users.alice]",
            &[
                "11: `alice` is here for the second time",
                "12: `keys` is here for the second time",
                "13: `groups` is here for the second time",
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
        check(&[(keys::ALICE, line, &[&format!("8: a key of user alice {why}")])]);
    }
    check(&[
        (keys::HOST, keys::DSA, &[&format!("24: this host key {dsa}")]),
        (keys::HOST, "web1 ssh-ed25519 AAAA", &[&format!("24: this host key {in_front}")]),
        // On the later line, and whatever the comment.
        (
            keys::BOB,
            &format!("{} bob@desk", keys::ALICE),
            &["12: this key of user bob is user alice's too; a key must prove one user"],
        ),
    ]);
    let swapped = sample().replace("users.alice", "users.zoe").replace(keys::BOB, keys::ALICE);
    assert_eq!(
        said(&parse(&swapped).unwrap_err().0),
        ["12: this key of user bob is user zoe's too; a key must prove one user",]
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
            &["7: [certificates] has no `trusted`: the public keys of the CAs whose certificates let people in"],
        ),
        (
            "[users.alice]",
            &section(&format!("trusted = [\"{}\"]", keys::DSA)),
            &["8: this CA key is a DSA key, which is too weak; make one with ssh-keygen -t ed25519"],
        ),
        (
            "[users.alice]",
            &section("revoked = \"/no/such/list\""),
            &["8: revoked /no/such/list: cannot be read: No such file or directory (os error 2)"],
        ),
        (
            "[users.bob]",
            "[users.bob]\nprincipals = [\"bob\", \"alice\", \"\", \"a b\", \"a,b\"]",
            &[
                "12: principal `alice` of user bob is user alice's too; a principal must prove one user",
                "12: `` cannot be a principal",
                "12: `a b` cannot be a principal",
                "12: `a,b` cannot be a principal",
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
        (&pinned, "host_ca = []", &[&format!("22: target web1 {no_key}")]),
        (
            &pinned,
            &format!("host_ca = \"web1 {}\"", keys::HOST),
            &[
                "24: this host CA key has something before its type; options and host names are not supported, give the key alone",
            ],
        ),
        (
            "protocol = \"tcp\"",
            "protocol = \"tcp\"\nhost_ca = \"y\"",
            &["29: a TCP target has no `host_ca`; take it out"],
        ),
    ]);
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_their_lines() {
    let text = with("ssh = \"0.0.0.0:2222\"", "ssh = 1")
        .replace("\"replay\"", "\"reply\"")
        .replace("roles = [\"look\"]", "roles = [\"lok\"]")
        .replace(keys::ALICE, keys::DSA)
        .replace("tcp", "tpc");
    let faults = parse(&text).unwrap_err();
    assert_eq!(faults.0.iter().map(|fault| fault.line.unwrap()).collect::<Vec<_>>(), [2, 8, 20, 27, 28, 50]);
    let shown = faults.to_string();
    assert_eq!(shown.lines().count(), 6);
    assert!(
        shown.starts_with("/etc/curfew/curfew.toml:2: ssh must be a string, not a number\n/etc/curfew/curfew.toml:8: ")
    );
}
