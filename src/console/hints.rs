//! The exact commands that a person may type next.

use std::path::Path;

use curfew_policy::refusal::{Refusal, Way};

use crate::text::shell_words::quote_word;
use crate::usecase::Fault;

/// How the person reached the bastion, and so how they will reach it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hints {
    prefix: String,
    bastion: String,
    port: u16,
}

impl Hints {
    /// For somebody who types `ssh BASTION COMMAND`.
    #[must_use]
    pub fn ssh(bastion: &str, port: u16) -> Self {
        let prefix = match port {
            22 => format!("ssh {bastion}"),
            _ => format!("ssh -p {port} {bastion}"),
        };
        Self { prefix, bastion: bastion.to_owned(), port }
    }

    /// For the operator, who types `curfew ctl --config FILE COMMAND`.
    #[must_use]
    pub fn ctl(config: &Path, bastion: &str, port: u16) -> Self {
        let prefix = format!("curfew ctl --config {}", quote_word(&config.display().to_string()));
        Self { prefix, ..Self::ssh(bastion, port) }
    }

    /// A console command: `ssh -p 2222 bastion approve r12`.
    #[must_use]
    pub fn command(&self, command: &str) -> String {
        format!("{} {command}", self.prefix).trim_end().to_owned()
    }

    /// The way into a target: `ssh -p 2222 root@web1@bastion`.
    #[must_use]
    pub fn connect(&self, login: Option<&str>, target: &str) -> String {
        let to = match login {
            Some(login) => format!("{login}@{target}@{}", self.bastion),
            None => format!("{target}@{}", self.bastion),
        };
        self.ssh_to("", &to)
    }

    /// The way into a TCP target: `ssh -p 2222 -N -L 5432:orders-db:5432 bastion`.
    #[must_use]
    pub fn forward(&self, target: &str, port: u16) -> String {
        self.ssh_to(&format!("-N -L {port}:{target}:{port} "), &self.bastion)
    }

    /// The way into a target by ProxyJump: `ssh -J bastion:2222 root@web1`.
    #[must_use]
    pub fn jump(&self, login: &str, target: &str) -> String {
        match self.port {
            22 => format!("ssh -J {} {login}@{target}", self.bastion),
            port => format!("ssh -J {}:{port} {login}@{target}", self.bastion),
        }
    }

    /// What somebody is told who was refused: why, and what would help as they type it.
    #[must_use]
    pub fn told(&self, refusal: &Refusal) -> String {
        let Some(hint) = &refusal.hint else { return refusal.public.clone() };
        let way = self.way(&hint.way);
        match &hint.lead {
            Some(lead) => format!("{}; {lead}: {way}", refusal.public),
            None => format!("{}: {way}", refusal.public),
        }
    }

    /// The same of whatever kept something from being done.
    #[must_use]
    pub fn told_of(&self, fault: &Fault) -> String {
        match fault {
            Fault::Refused(refusal) => self.told(refusal),
            Fault::Store(_) => fault.to_string(),
        }
    }

    /// The refusal with what would help written out in it, for whoever knows no door.
    #[must_use]
    pub fn written_out(&self, refusal: Refusal) -> Refusal {
        Refusal { public: self.told(&refusal), hint: None, ..refusal }
    }

    fn way(&self, way: &Way) -> String {
        match way {
            Way::Command(command) => self.command(command),
            Way::Login { target } => self.connect(Some("LOGIN"), target),
            Way::Forward { target, port } => self.forward(target, *port),
            Way::Through { target, port } => {
                self.ssh_to(&format!("-L {port}:localhost:{port} "), &format!("LOGIN@{target}@{}", self.bastion))
            }
        }
    }

    fn ssh_to(&self, options: &str, to: &str) -> String {
        match self.port {
            22 => format!("ssh {options}{to}"),
            port => format!("ssh -p {port} {options}{to}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hints_are_what_one_types() {
        let hints = Hints::ssh("bastion", 2222);
        assert_eq!(hints.command("approve r12"), "ssh -p 2222 bastion approve r12");
        assert_eq!(hints.command(""), "ssh -p 2222 bastion");
        assert_eq!(hints.connect(Some("root"), "web1"), "ssh -p 2222 root@web1@bastion");
        assert_eq!(hints.connect(None, "web1"), "ssh -p 2222 web1@bastion");
        assert_eq!(hints.forward("orders-db", 5432), "ssh -p 2222 -N -L 5432:orders-db:5432 bastion");
        assert_eq!(hints.jump("root", "web1"), "ssh -J bastion:2222 root@web1");
        let hints = Hints::ssh("bastion", 22);
        assert_eq!(hints.command("whoami"), "ssh bastion whoami");
        assert_eq!(hints.connect(Some("root"), "web1"), "ssh root@web1@bastion");
        assert_eq!(hints.jump("root", "web1"), "ssh -J bastion root@web1");
        let hints = Hints::ctl(Path::new("/etc/curfew/my file.toml"), "bastion", 22);
        assert_eq!(hints.command("grants"), "curfew ctl --config '/etc/curfew/my file.toml' grants");
        assert_eq!(hints.connect(None, "web1"), "ssh web1@bastion");
    }

    #[test]
    fn what_would_help_is_written_as_one_types_it_at_the_door() {
        let refusal = Refusal::no_grant("no-grant", "you hold no grant for web1").hinted_command("ask", "request web1");
        let hints = Hints::ssh("bastion", 2222);
        assert_eq!(hints.told(&refusal), "you hold no grant for web1; ask: ssh -p 2222 bastion request web1");
        let ctl = Hints::ctl(Path::new("curfew.toml"), "bastion", 2222);
        let told = "you hold no grant for web1; ask: curfew ctl --config curfew.toml request web1";
        assert_eq!(ctl.told(&refusal), told);
        let written = hints.written_out(refusal);
        assert_eq!(hints.written_out(written.clone()), written, "once");
        for (way, told) in [
            (Way::Login { target: "web1".into() }, "ssh -p 2222 LOGIN@web1@bastion"),
            (Way::Forward { target: "db".into(), port: 5432 }, "ssh -p 2222 -N -L 5432:db:5432 bastion"),
            (Way::Through { target: "web1".into(), port: 80 }, "ssh -p 2222 -L 80:localhost:80 LOGIN@web1@bastion"),
        ] {
            assert_eq!(hints.told(&Refusal::usage("wrong-way", "no").hinted(None, way)), format!("no: {told}"));
        }
    }
}
