//! What the demo says: where everything is, and what to type, ready to paste.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use super::stage::Stage;
use crate::text::shell_words::quote_word;

/// How far commands are set in, so that they stand out and can be picked out.
const MARGIN: &str = "     ";

/// A tour through the product.
pub struct Guide<'a> {
    /// Where everything is.
    pub stage: &'a Stage,
    /// Where the bastion listens.
    pub bastion: SocketAddr,
    /// How long the grant is.
    pub grant: &'a str,
    /// The `curfew` that runs.
    pub program: &'a Path,
}

impl Guide<'_> {
    /// What is to be typed, each with what it is for.
    fn steps(&self) -> [(&'static str, String); 8] {
        let (alice, bob) = (self.as_person("alice"), self.as_person("bob"));
        let (grant, curfew) = (self.grant, quoted(self.program));
        let (config, recordings) = (quoted(&self.stage.config()), quoted(&self.stage.path().join("recordings")));
        [
            ("alice looks around: she holds nothing yet.", format!("{alice} bastion")),
            (
                "She asks for access to web1, and says why.",
                format!("{alice} bastion request web1 --role shell --for {grant} --reason trying curfew"),
            ),
            ("bob, a lead, says yes. From now on the time runs.", format!("{bob} bastion approve r1")),
            (
                "alice works on web1, with plain ssh. Type what you like; when the time is up, the session is cut.",
                format!("{alice} web1@bastion"),
            ),
            (
                "bob sees what she did, as it was recorded.",
                format!("{bob} -t bastion replay s1 --speed 4 --idle-limit 1s"),
            ),
            ("Who asked, decided, connected, and how it ended.", format!("{bob} bastion audit")),
            (
                "Has anybody touched the recordings? Try it again after changing one.",
                format!("{curfew} verify --config {config} {recordings}"),
            ),
            ("Or the audit log?", format!("{curfew} verify --config {config} --audit")),
        ]
    }

    fn as_person(&self, person: &str) -> String {
        format!("ssh -F {}", quoted(&self.stage.client_config(person)))
    }
}

fn quoted(path: &Path) -> String {
    quote_word(&path.display().to_string())
}

impl fmt::Display for Guide<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nA bastion listens on {}, with one target behind it: web1, a shell on this machine.\n\
             Two people may come: alice, an engineer, and bob, a lead who approves. `ssh -F FOLDER/alice` is alice.\n\
             Open a second terminal and paste, one after the other:",
            self.bastion
        )?;
        for (number, (what, command)) in (1..).zip(self.steps()) {
            writeln!(f, "\n  {number}. {what}\n{MARGIN}{command}")?;
        }
        writeln!(
            f,
            "\nFor another round, steps 2 to 5 with the next numbers: r2, s2. `bastion help` lists all commands.\n\
             The configuration of all this is {}.\n\
             Ctrl-C here ends the demo and removes its folder.",
            self.stage.config().display()
        )
    }
}
