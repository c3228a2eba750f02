//! The sample of the documentation must load, and every fault must be told with its line and what to do.

mod any;
mod faults;
mod files;
mod keys;
mod roles;
mod valid;

use std::path::Path;

use super::{Config, ConfigFaults, Loaded};

/// The sample of the documentation, with keys that are real. Its lines are counted by the tests of faults.
fn sample() -> String {
    format!(
        r#"[gateway]
state_dir = "/var/lib/curfew"
[ssh]
listen = "0.0.0.0:2222"
[store]
database = "sqlite"
[recordings]
spool = "/var/lib/curfew/recordings"

[users.alice]
keys = ["{alice} alice@laptop"]
groups = ["engineers", "oncall"]

[users.bob]
keys = ["{bob}"]
groups = ["leads", "engineers"]

[users.lea]
keys = ["{rsa}"]
groups = ["leads", "security"]

[groups.security]
may = ["watch", "replay", "kill", "revoke", "audit"]

[targets.web1]
address = "10.0.0.5:22"
host_key = "{host}"
labels = {{ env = "prod", tier = "web" }}

[targets.orders-db]
protocol = "tcp"
address = "10.0.0.9:5432"

[roles.admin]
logins = ["root"]
shell = true
exec = ["*"]
sftp = "write"
forward = ["*:*"]
listen = ["localhost:*"]
agent = true
env = ["LANG", "LC_*"]

[roles.look]
logins = ["viewer"]
exec = ["journalctl *", "tail *"]
sftp = "read"
max_idle = "15m"

[[rules]]
groups = ["oncall"]
targets = ["web*"]
roles = ["look"]
max_duration = "1h"
reason = "INC-\\d+"
approvals = 0

[[rules]]
groups = ["engineers"]
labels = {{ env = "prod" }}
roles = ["admin"]
max_duration = "4h"
approvals = 2
approvers = ["leads"]
"#,
        alice = keys::ALICE,
        bob = keys::BOB,
        rsa = keys::RSA,
        host = keys::HOST,
    )
}

fn parse(text: &str) -> Result<Loaded, ConfigFaults> {
    Config::parse(text, Path::new("/etc/curfew/curfew.toml"))
}

/// The sample with one thing in it replaced.
fn with(old: &str, new: &str) -> String {
    let sample = sample();
    assert!(sample.contains(old), "the sample has no {old:?}");
    sample.replacen(old, new, 1)
}

/// What is said of a file, without the name of the file: `LINE: text`.
fn said(remarks: &[super::Remark]) -> Vec<String> {
    remarks.iter().map(|remark| format!("{}: {}", remark.line.unwrap_or(0), remark.text)).collect()
}

fn loaded(text: &str) -> Loaded {
    parse(text).unwrap_or_else(|faults| panic!("{faults}"))
}
