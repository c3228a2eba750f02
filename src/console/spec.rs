//! Every command, in one table: what the parser accepts and what the help says, so that the two cannot part.

/// A command of the console.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// What stands after the name.
    pub operands: Operands,
    /// Its options, beside `--json` and `--help`.
    pub options: &'static [Opt],
    /// What it is for, in lines that fit a terminal.
    pub about: &'static [&'static str],
    /// How it is typed; the first is also shown where it was mistyped.
    pub examples: &'static [&'static str],
    /// Whether its answer has a JSON form.
    pub json: bool,
}

/// What stands after a command's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operands {
    /// Nothing.
    None,
    /// One of this sort (`ID`, `r12`).
    One(&'static str),
    /// At most one of this sort.
    Maybe(&'static str),
    /// One or more of this sort.
    Many(&'static str),
}

impl Operands {
    /// How many there must be at least.
    #[must_use]
    pub const fn least(self) -> usize {
        match self {
            Self::None | Self::Maybe(_) => 0,
            Self::One(_) | Self::Many(_) => 1,
        }
    }

    /// How many there may be at most.
    #[must_use]
    pub const fn most(self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) | Self::Maybe(_) => 1,
            Self::Many(_) => usize::MAX,
        }
    }
}

/// An option.
#[derive(Debug, PartialEq, Eq)]
pub struct Opt {
    /// Its name with its dashes.
    pub name: &'static str,
    /// What follows it.
    pub takes: Takes,
    /// Whether the command cannot do without it.
    pub required: bool,
    /// What it is for.
    pub about: &'static str,
}

/// What follows an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// One word, called this in the help.
    Word(&'static str),
    /// A duration, in one word or several (`1h 30m`).
    Duration(&'static str),
    /// Text up to the next option.
    Text,
}

impl Takes {
    /// What it is called in the help.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Word(name) | Self::Duration(name) => name,
            Self::Text => "TEXT",
        }
    }
}

const fn must(name: &'static str, takes: Takes, about: &'static str) -> Opt {
    Opt { name, takes, required: true, about }
}

const fn may(name: &'static str, takes: Takes, about: &'static str) -> Opt {
    Opt { name, takes, required: false, about }
}

/// The options that every command has.
pub static COMMON: [Opt; 2] = [
    may("--json", Takes::Nothing, "answer with one JSON value and nothing else"),
    may("--help", Takes::Nothing, "say how the command is typed"),
];

const USER: Opt = may("--user", Takes::Word("U"), "only what concerns this user");
const TARGET: Opt = may("--target", Takes::Word("T"), "only what concerns this target");
const SINCE: Opt = may("--since", Takes::Duration("7d"), "only what began since then: so long ago, or RFC 3339");
const UNTIL: Opt = may("--until", Takes::Duration("1d"), "only what began before then");
const LIMIT: Opt = may("--limit", Takes::Word("50"), "how many at most: 20 unless said; with --json 10000");

const fn before(cursor: &'static str) -> Opt {
    may("--before", Takes::Word(cursor), "only what is older than this one")
}

const NOTE: &str = "why, for the person and the audit log";

/// Every command, in the order of the help.
pub static COMMANDS: [Spec; 20] = [
    Spec {
        name: "whoami",
        operands: Operands::None,
        options: &[],
        about: &["Who you are here: groups, duties, what you hold, what waits for you."],
        examples: &["whoami", "whoami --json"],
        json: true,
    },
    Spec {
        name: "targets",
        operands: Operands::None,
        options: &[],
        about: &["The targets that you may ask for, and in which roles."],
        examples: &["targets"],
        json: true,
    },
    Spec {
        name: "request",
        operands: Operands::Many("TARGET"),
        options: &[
            must("--role", Takes::Word("ROLE"), "what you want to do there; `targets` lists the roles"),
            must("--for", Takes::Duration("30m"), "for how long: 90s, 30m, 1h 30m"),
            must("--reason", Takes::Text, "why; rules may want a ticket in it"),
            may("--login", Takes::Word("L"), "only with this login, where the role has several"),
            may("--at", Takes::Word("RFC3339"), "from then on, and not from its approval"),
            may("--wait", Takes::Nothing, "wait for the decision; exit 0 only when it is granted"),
        ],
        about: &["Ask for access. Some is granted at once, some waits for approvals (for 24 h)."],
        examples: &[
            "request web1 --role admin --for 30m --reason INC-42 disk full",
            "request web1 web2 --role look --for 1h 30m --reason slow --wait",
            "request web1 --role ops --for 2h --reason fix --at 2026-12-01T22Z",
        ],
        json: true,
    },
    Spec {
        name: "requests",
        operands: Operands::None,
        options: &[
            may("--pending", Takes::Nothing, "only those that wait for a decision"),
            may("--mine", Takes::Nothing, "only your own"),
            may("--all", Takes::Nothing, "all that you may see, the past ones too"),
            USER,
            TARGET,
            SINCE,
            UNTIL,
            LIMIT,
            before("r12"),
        ],
        about: &[
            "Your own requests that wait, or whose grant has not ended, and those that wait",
            "for your decision; newest last.",
        ],
        examples: &["requests", "requests --pending", "requests --all --user alice --since 30d"],
        json: true,
    },
    Spec {
        name: "show",
        operands: Operands::One("ID"),
        options: &[],
        about: &["Everything about one request, grant or session."],
        examples: &["show r12", "show g9", "show s345"],
        json: true,
    },
    Spec {
        name: "approve",
        operands: Operands::One("r12"),
        options: &[
            may("--for", Takes::Duration("15m"), "grant less time than was asked for, never more"),
            may("--note", Takes::Text, NOTE),
        ],
        about: &["Say yes to somebody's request. Nobody approves their own."],
        examples: &["approve r12", "approve r12 --for 15m --note only the logs, please"],
        json: true,
    },
    Spec {
        name: "deny",
        operands: Operands::One("r12"),
        options: &[must("--note", Takes::Text, NOTE)],
        about: &["Say no to somebody's request."],
        examples: &["deny r12 --note use web2, it is not in production"],
        json: true,
    },
    Spec {
        name: "cancel",
        operands: Operands::One("r12"),
        options: &[],
        about: &["Take back your own request while it waits."],
        examples: &["cancel r12"],
        json: true,
    },
    Spec {
        name: "grants",
        operands: Operands::None,
        options: &[
            may("--all", Takes::Nothing, "the past ones too, and those that you could approve"),
            USER,
            TARGET,
            SINCE,
            UNTIL,
            LIMIT,
            before("g9"),
        ],
        about: &["The grants you hold, or will: where to, until when; newest last."],
        examples: &["grants", "grants --all --since 7d"],
        json: true,
    },
    Spec {
        name: "extend",
        operands: Operands::One("g9"),
        options: &[
            must("--for", Takes::Duration("30m"), "how much longer, from its present end"),
            must("--reason", Takes::Text, "why it takes longer"),
        ],
        about: &["Ask for more time. The same rules decide as for a new request;", "sessions under the grant go on."],
        examples: &["extend g9 --for 30m --reason INC-42 still copying"],
        json: true,
    },
    Spec {
        name: "done",
        operands: Operands::One("g9"),
        options: &[],
        about: &["Give a grant back before its time. Sessions under it end now."],
        examples: &["done g9"],
        json: true,
    },
    Spec {
        name: "revoke",
        operands: Operands::One("g9"),
        options: &[must("--note", Takes::Text, NOTE)],
        about: &["End somebody's grant now, with every session under it."],
        examples: &["revoke g9 --note wrong host"],
        json: true,
    },
    Spec {
        name: "sessions",
        operands: Operands::None,
        options: &[
            may("--live", Takes::Nothing, "only those that go on now, as without it"),
            may("--all", Takes::Nothing, "those that have ended too"),
            USER,
            TARGET,
            SINCE,
            UNTIL,
            LIMIT,
            before("s345"),
        ],
        about: &["Live sessions, and with --all past ones: who was where, from when to when."],
        examples: &["sessions", "sessions --all --target web1 --since 7d"],
        json: true,
    },
    Spec {
        name: "watch",
        operands: Operands::One("s345"),
        options: &[],
        about: &["Follow a live session as it goes on. `q` or Ctrl-C leaves it."],
        examples: &["watch s345"],
        json: false,
    },
    Spec {
        name: "kill",
        operands: Operands::One("s345"),
        options: &[must("--note", Takes::Text, NOTE)],
        about: &["End one session now. Its grant goes on; `revoke` ends that."],
        examples: &["kill s345 --note the job has run away"],
        json: true,
    },
    Spec {
        name: "replay",
        operands: Operands::One("s345"),
        options: &[
            may("--speed", Takes::Word("2"), "how many times as fast"),
            may("--idle-limit", Takes::Duration("2s"), "the longest pause that is kept"),
            may("--start-at", Takes::Duration("5m"), "skip what came before"),
        ],
        about: &[
            "See a session again, as it was recorded. `q` or Ctrl-C ends it.",
            "Use ssh -t for the recorded pace; without a terminal all is printed at once.",
        ],
        examples: &["replay s345", "replay s345 --speed 4 --idle-limit 2s --start-at 5m"],
        json: false,
    },
    Spec {
        name: "audit",
        operands: Operands::None,
        options: &[USER, TARGET, SINCE, UNTIL, LIMIT, before("2007")],
        about: &["What happened, newest last."],
        examples: &["audit --since 7d --user alice", "audit --since 1h --target web1 --json"],
        json: true,
    },
    Spec {
        name: "status",
        operands: Operands::None,
        options: &[],
        about: &["What lives in the bastion now: sessions, recordings, connections, tasks.", "For its operator."],
        examples: &["status", "status --json"],
        json: true,
    },
    Spec {
        name: "help",
        operands: Operands::Maybe("COMMAND"),
        options: &[],
        about: &["How the commands are typed."],
        examples: &["help", "help request"],
        json: true,
    },
    Spec {
        name: "version",
        operands: Operands::None,
        options: &[],
        about: &["Which Curfew answers here."],
        examples: &["version"],
        json: true,
    },
];

/// The command of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Spec> {
    COMMANDS.iter().find(|spec| spec.name == name)
}

impl Spec {
    /// All its options, the common ones last.
    pub fn all_options(&'static self) -> impl Iterator<Item = &'static Opt> {
        self.options.iter().chain(COMMON.iter())
    }

    /// How it is typed, what must be there and what may be: `approve r12`, and `[--for 15m]`, `[--note TEXT]`.
    #[must_use]
    pub fn synopsis(&self) -> (String, Vec<String>) {
        let operands = match self.operands {
            Operands::None => String::new(),
            Operands::One(name) => format!(" {name}"),
            Operands::Maybe(name) => format!(" [{name}]"),
            Operands::Many(name) => format!(" {name}..."),
        };
        let (must, may): (Vec<&Opt>, Vec<&Opt>) = self.options.iter().partition(|option| option.required);
        let must: String = must.iter().map(|option| format!(" {}", option.typed())).collect();
        let may: Vec<String> = may.iter().map(|option| format!("[{}]", option.typed())).collect();
        (format!("{}{operands}{must}", self.name), may)
    }
}

impl Opt {
    /// How it is typed: `--for 15m`.
    #[must_use]
    pub fn typed(&self) -> String {
        format!("{} {}", self.name, self.takes.name()).trim_end().to_owned()
    }
}
