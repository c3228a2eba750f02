//! The help: one screen for all commands, one for each.

use super::hints::Hints;
use super::spec::{COMMON, Spec};

/// How wide a line may be.
const WIDTH: usize = 79;

/// What `help` says: it fits a terminal of 24 rows and 80 columns with the prompt below it.
#[must_use]
pub fn overview(hints: &Hints) -> String {
    let usage = format!("Usage: {}", hints.command("COMMAND"));
    let (way_in, jump) = (hints.connect(Some("root"), "web1"), hints.jump("root", "web1"));
    let width = (way_in.len().max(jump.len()) + 2).max(30);
    let way_in = format!("{way_in:<width$}also scp, sftp, rsync, git, Ansible");
    let jump = format!("{jump:<width$}the same by ProxyJump");
    format!(
        "\
{usage}      (more: help COMMAND)

Ask     targets                       what you may ask for
        request web1 --role admin --for 30m --reason INC-42 disk full
        request web1 web2 --role look --for 1h --reason INC-42 slow --wait
Enter   {way_in}
        {jump}
Hold    grants                        what you hold, and until when
        extend g9 --for 30m --reason INC-42 still copying
        done g9                       give it back early
Decide  requests --pending            what waits for you
        approve r12 [--for 15m]       yes, or yes but shorter
        deny r12 --note use web2      no, and why
        cancel r12                    take back your own
Look    whoami; show r12              you; one request, grant or session
        sessions --live               who is where now
        watch s345; replay s345       follow it, or see it again (ssh -t)
        audit --since 7d --user bob   what happened, in order
End     revoke g9 --note wrong host   a grant and all its sessions, now
        kill s345 --note runaway      one session, now

--json makes any answer JSON. Exit: 0 done, 1 no, 2 mistyped.
"
    )
}

/// What `help COMMAND` says.
#[must_use]
pub fn of(spec: &'static Spec, hints: &Hints) -> String {
    let mut text = format!("{}\n\n", usage(spec));
    for line in spec.about {
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    let options = || spec.all_options().filter(|option| spec.json || option.name != COMMON[0].name);
    let width = options().map(|option| option.typed().len()).max().unwrap_or(0);
    for option in options() {
        text.push_str(&format!("  {:width$}  {}\n", option.typed(), option.about));
    }
    text.push_str("\nExamples:\n");
    for example in spec.examples {
        text.push_str(&format!("  {}\n", hints.command(example)));
    }
    text
}

/// How a command is typed, in lines that fit a terminal. What may be left out begins a line of its own where it does not
/// fit beside the rest.
fn usage(spec: &'static Spec) -> String {
    let (must, may) = spec.synopsis();
    let mut usage = format!("Usage: {must}");
    let whole = usage.len() + may.iter().map(|option| option.len() + 1).sum::<usize>();
    let mut column = if whole < WIDTH { usage.len() } else { WIDTH };
    for option in may {
        let next = column + 1 + option.len();
        if next < WIDTH {
            usage.push_str(&format!(" {option}"));
            column = next;
        } else {
            usage.push_str(&format!("\n       {option}"));
            column = 7 + option.len();
        }
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::command::Command;
    use crate::console::parse::parse;
    use crate::console::spec::COMMANDS;

    fn fits(text: &str) {
        assert!(text.lines().count() <= 23, "{} lines:\n{text}", text.lines().count());
        for line in text.lines() {
            assert!(line.len() < 80, "{} columns: {line}", line.len());
        }
    }

    #[test]
    fn every_help_fits_a_screen() {
        for hints in [Hints::ssh("bastion", 22), Hints::ssh("bastion", 2222), Hints::ssh("bastion", 54321)] {
            fits(&overview(&hints));
            for spec in &COMMANDS {
                fits(&of(spec, &Hints::ssh("bastion", 22)));
            }
        }
    }

    #[test]
    fn every_example_is_right_and_every_command_has_one() {
        for spec in &COMMANDS {
            assert!(!spec.examples.is_empty(), "{}", spec.name);
            for example in spec.examples {
                assert!(parse(example.as_bytes()).is_ok(), "{example}");
                assert!(example.starts_with(spec.name));
            }
        }
    }

    #[test]
    fn the_overview_names_every_command_and_its_examples_are_right() {
        let text = overview(&Hints::ssh("bastion", 22));
        // What people rarely need is left to `help COMMAND`.
        for spec in COMMANDS.iter().filter(|spec| !["version", "status"].contains(&spec.name)) {
            assert!(text.contains(spec.name), "{}", spec.name);
        }
        for line in text.lines().filter(|line| line.contains("--reason") || line.contains("--note")) {
            let typed = line.get(8..).unwrap_or_default().split("   ").next().unwrap_or_default();
            assert!(parse(typed.as_bytes()).is_ok(), "{typed}");
        }
    }

    #[test]
    fn the_help_of_a_command_teaches_by_example() {
        let Ok(line) = parse(b"approve --help") else { panic!("approve --help is a command") };
        let Command::Help(Some(spec)) = line.command else { panic!("it asks for help") };
        assert_eq!(
            of(spec, &Hints::ssh("bastion", 22)),
            "\
Usage: approve r12 [--for 15m] [--note TEXT]

Say yes to somebody's request. Nobody approves their own.

  --for 15m    grant less time than was asked for, never more
  --note TEXT  why, for the person and the audit log
  --json       answer with one JSON value and nothing else
  --help       say how the command is typed

Examples:
  ssh bastion approve r12
  ssh bastion approve r12 --for 15m --note only the logs, please
"
        );
    }
}
