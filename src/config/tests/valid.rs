use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use curfew_policy::role::SftpAccess;
use curfew_policy::target::{Protocol, TargetAuth};
use curfew_policy::user::Duty;
use ssh_key::PublicKey;

use super::super::Config;
use super::super::location::{Address, Location};
use super::{keys, loaded, said, sample, with};
use crate::text::suggest::nearest;

fn key(line: &str) -> PublicKey {
    PublicKey::from_openssh(line).unwrap()
}

#[test]
fn the_sample_of_the_documentation_loads_without_a_remark() {
    let loaded = loaded(&sample());
    assert_eq!(said(&loaded.warnings), Vec::<String>::new());
    assert_eq!(loaded.summary(), "3 users, 2 targets, 2 roles, 2 rules");
    let Config { ssh, store, recordings, users, groups, targets, roles, rules, .. } = loaded.config;
    assert_eq!(ssh.listen.to_string(), "0.0.0.0:2222");
    assert_eq!(store.database, None);
    assert_eq!(recordings.spool, Path::new("/var/lib/curfew/recordings"));
    assert_eq!(ssh.drain, Duration::from_secs(30));
    assert_eq!(users.keys().collect::<Vec<_>>(), ["alice", "bob", "lea"]);
    assert_eq!(groups.keys().collect::<Vec<_>>(), ["engineers", "leads", "oncall", "security"]);
    let (web1, db) = (&targets["web1"], &targets["orders-db"]);
    assert_eq!((web1.protocol, web1.address.to_string().as_str()), (Protocol::Ssh, "10.0.0.5:22"));
    assert_eq!((web1.host_keys.as_slice(), &web1.auth), ([keys::HOST.to_owned()].as_slice(), &TargetAuth::Certificate));
    assert_eq!(web1.labels["tier"], "web");
    assert_eq!((db.protocol, db.address.port, db.host_keys.len()), (Protocol::Tcp, 5432, 0));
    let (admin, look) = (&roles["admin"], &roles["look"]);
    assert!(admin.shell && admin.agent && admin.sftp == SftpAccess::Write && admin.allows_command(b"a; b"));
    assert!(!look.shell && !look.agent && look.sftp == SftpAccess::Read && look.forward.is_empty());
    assert!(look.allows_env("LC_ALL") && look.max_idle == Some(Duration::from_secs(900)) && !look.record_input);
    assert_eq!(
        (rules[0].approvals, rules[1].approvals, rules[1].approvers.as_slice()),
        (0, 2, &["leads".to_owned()][..])
    );
    assert!(rules[0].takes_reason("INC-12 disk") && !rules[0].takes_reason("INC-"));
    assert!(rules[1].names(web1) && !rules[1].names(db));
}

#[test]
fn what_is_left_out_has_its_default() {
    let text = with("[store]\ndatabase = \"sqlite\"\n[recordings]\nspool = \"/var/lib/curfew/recordings\"\n", "")
        .replace("env = [\"LANG\", \"LC_*\"]\n", "")
        .replace("10.0.0.5:22", "web1.internal");
    let config = loaded(&text).config;
    assert_eq!(config.store.database, None);
    assert_eq!(config.recordings.spool, Path::new("/var/lib/curfew/recordings"));
    assert!(config.roles["admin"].allows_env("LANG") && !config.roles["admin"].allows_env("TERM"));
    assert_eq!(config.targets["web1"].address.to_string(), "web1.internal:22");
    assert!(config.rules[1].takes_reason("anything"));
}

#[test]
fn relative_paths_start_from_the_file() {
    let text = with("/var/lib/curfew\"", "state\"")
        .replace("\"sqlite\"", "\"sqlite:db/c.sqlite\"")
        .replace("/var/lib/curfew/recordings", "../rec");
    let Config { gateway, store, recordings, .. } = loaded(&text).config;
    assert_eq!(gateway.state_dir, Path::new("/etc/curfew/state"));
    assert_eq!(store.database, Some(Location::Sqlite("/etc/curfew/db/c.sqlite".into())));
    assert_eq!(recordings.spool, Path::new("/etc/curfew/../rec"));
    let absolute = with("\"sqlite\"", "\"sqlite:///srv/c.db\"");
    assert_eq!(loaded(&absolute).config.store.database, Some(Location::Sqlite("/srv/c.db".into())));
}

#[test]
fn postgres_is_known_and_its_password_is_not_shown() {
    for url in ["postgres://curfew:hunter2@db/curfew?sslmode=verify-full", "postgresql://curfew@db/curfew"] {
        let text = with("\"sqlite\"", &format!("{url:?}\npassword_file = \"secret\""));
        let config = loaded(&text).config;
        assert_eq!(config.store.database, Some(Location::Postgres(Address::parse(url).unwrap())));
        assert_eq!(config.store.password_file.as_deref(), Some(Path::new("/etc/curfew/secret")));
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

#[test]
fn keys_of_every_type_prove_their_user() {
    let all = [keys::P256, keys::P384, keys::P521, keys::RSA, keys::SK_ED25519, keys::SK_P256, keys::ALICE];
    for line in all {
        let config = loaded(&with(keys::RSA, keys::HOST).replace(keys::ALICE, line)).config;
        assert_eq!(config.user_by_key(&key(line)), Some("alice"), "{line}");
        assert_eq!(config.user_by_key(&key(&format!("{line} another comment"))), Some("alice"));
        assert_eq!(config.user_by_key(&key(keys::BOB)), Some("bob"));
        assert_eq!(config.user_by_key(&key(keys::RSA_1024)), None);
    }
}

#[test]
fn a_target_may_have_several_host_keys_and_the_name_of_a_user() {
    let two = format!("host_key = [\"{}\", \"{} root@web1\"]", keys::P256, keys::HOST);
    let text = with(&format!("host_key = \"{}\"", keys::HOST), &two).replace("users.lea", "users.web1");
    let config = loaded(&text).config;
    assert_eq!(config.targets["web1"].host_keys, [keys::P256, keys::HOST]);
}

#[test]
fn addresses_may_be_names_and_ipv6() {
    for (written, expected) in [
        ("[fd00::5]:2022", "[fd00::5]:2022"),
        ("[fd00::5]", "[fd00::5]:22"),
        ("web-1.internal_net:65535", "web-1.internal_net:65535"),
        ("10.0.0.5", "10.0.0.5:22"),
    ] {
        let config = loaded(&with("10.0.0.5:22", written)).config;
        assert_eq!(config.targets["web1"].address.to_string(), expected);
    }
}

#[test]
fn a_role_of_tcp_targets_needs_no_login() {
    let config = loaded(&(sample() + "[roles.query]\n")).config;
    assert!(config.roles["query"].logins.is_empty() && !config.roles["query"].allows_pty());
}

#[test]
fn a_person_has_the_duties_of_all_its_groups() {
    let config = loaded(&(sample() + "[groups.leads]\nmay = [\"kill\"]\n")).config;
    let bob = config.person("bob").unwrap();
    assert_eq!((bob.name.as_str(), bob.may), ("bob", BTreeSet::from([Duty::Kill])));
    assert_eq!(config.person("lea").unwrap().may.len(), 5);
    assert!(config.person("alice").unwrap().may.is_empty());
    assert_eq!(config.person("nobody"), None);
}

#[test]
fn the_nearest_name_is_one_that_could_have_been_meant() {
    let names = ["web1", "orders-db"];
    for (typed, near) in [
        ("web2", Some("web1")),
        ("wbe1", Some("web1")),
        ("WEB1", Some("web1")),
        ("orders_db", Some("orders-db")),
        ("order-db", Some("orders-db")),
        ("mail", None),
        ("", None),
    ] {
        assert_eq!(nearest(typed, names), near, "{typed:?}");
    }
    assert_eq!(nearest(&"w".repeat(64 * 1024), names), None);
}

#[test]
fn oddities_are_told_without_refusing_the_file() {
    for (old, new, expected) in [
        ("targets = [\"web*\"]", "targets = [\"web*\", \"mail*\"]", &["52: no target fits `mail*`"][..]),
        ("labels = { env = \"prod\" }", "labels = { env = \"test\" }", &["60: no target has the label env = \"test\""]),
        ("approvals = 2", "approvals = 3", &["64: 3 approvals are needed, but only 2 people can give them"]),
        ("[groups.security]", "[groups.sec]", &["22: no user is in group sec"]),
        ("exec = [\"*\"]", "exec = [\"*top\"]", &["37: `*top` allows any program, since it begins with `*`"]),
        ("logins = [\"root\"]", "logins = [\"root\", \"root\"]", &["35: `root` is in logins twice"]),
    ] {
        assert_eq!(said(&loaded(&with(old, new)).warnings), expected, "{new}");
    }
    let no_keys = with(&format!("keys = [\"{}\"]\n", keys::BOB), "");
    assert_eq!(said(&loaded(&no_keys).warnings), ["14: user bob has no keys, so nobody can sign in as it"]);
    let twice = with(&format!("keys = [\"{}\"", keys::BOB), &format!("keys = [\"{0}\", \"{0} x\"", keys::BOB));
    assert_eq!(said(&loaded(&twice).warnings), ["15: user bob has this key twice"]);
    // What comes twice counts once.
    let twice = loaded(&with("logins = [\"root\"]", "logins = [\"root\", \"root\"]"));
    assert_eq!(twice.config.roles["admin"].logins, ["root"]);
}
