use crate::pattern::Glob;
use crate::tests::{person, rule, target};

#[test]
fn a_rule_names_targets_by_name_glob_or_labels() {
    let web1 = target("web1", &[("env", "prod"), ("tier", "web")]);
    for (names, labels, expected) in [
        (&["web1"][..], &[][..], true),
        (&["db1", "web*"], &[], true),
        (&["web"], &[], false),
        (&["WEB1"], &[], false),
        (&[], &[("env", "prod")], true),
        (&[], &[("env", "prod"), ("tier", "web")], true),
        (&[], &[("env", "prod"), ("tier", "db")], false),
        (&[], &[("env", "pro*")], true),
        (&[], &[("region", "*")], false),
        (&["web*"], &[("env", "prod")], true),
        (&["db*"], &[("env", "prod")], false),
        (&["web*"], &[("env", "test")], false),
        // A rule that names nothing is not a rule for everything.
        (&[], &[], false),
    ] {
        let mut rule = rule(0, &[]);
        rule.targets = names.iter().map(|name| Glob::new(name)).collect();
        rule.labels = labels.iter().map(|(k, v)| ((*k).to_owned(), Glob::new(v))).collect();
        assert_eq!(rule.names(&web1), expected, "{names:?} {labels:?}");
    }
}

#[test]
fn a_rule_covers_its_groups_and_roles_and_nobody_else() {
    let web1 = target("web1", &[]);
    let rule = rule(0, &[]);
    assert!(rule.covers(&person("alice", &["oncall", "engineers"]), &web1, "admin"));
    assert!(!rule.covers(&person("alice", &["engineers"]), &web1, "look"));
    assert!(!rule.covers(&person("alice", &["oncall"]), &web1, "admin"));
    assert!(!rule.covers(&person("engineers", &[]), &web1, "admin"));
}
