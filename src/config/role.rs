//! `[roles.NAME]`: what may be done on a target.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use curfew_policy::endpoint::EndpointPattern;
use curfew_policy::pattern::{CommandPattern, Glob};
use curfew_policy::role::{AtExpiry, Role, SftpAccess};
use curfew_policy::time::{SHORTEST, format_duration, parse_duration};

use super::book::Book;
use super::section::{Section, Text};

/// The environment variables that are passed on, unless the role says otherwise.
const ENV: [&str; 2] = ["LANG", "LC_*"];

/// The longest grace: whoever needs more needs a longer grant.
const LONGEST_GRACE: Duration = Duration::from_secs(60 * 60);

/// The longest path of a folder, in bytes.
const LONGEST_ROOT: usize = 1024;

/// The most sessions at once that a role can name.
const MOST_SESSIONS: u32 = 10_000;

/// Reads `[roles.…]`.
pub(super) fn read(root: &mut Section<'_>, book: &Book) -> BTreeMap<String, Arc<Role>> {
    let mut roles = BTreeMap::new();
    for (name, section) in root.named("roles", "role") {
        roles.insert(name.text.to_owned(), Arc::new(read_one(name, section, book)));
    }
    roles
}

fn read_one(name: Text<'_>, mut section: Section<'_>, book: &Book) -> Role {
    let logins = section.strings("logins");
    logins.iter().for_each(|login| check_login(*login, book));
    let exec = section.strings("exec");
    exec.iter().for_each(|pattern| check_command(*pattern, book));
    let env = if section.has("env") {
        section.strings("env").into_iter().map(|name| Glob::new(name.text)).collect()
    } else {
        ENV.map(Glob::new).to_vec()
    };
    let role = Role {
        name: name.text.to_owned(),
        logins: logins.iter().map(|login| login.text.to_owned()).collect(),
        shell: section.flag("shell"),
        exec: exec.iter().map(|pattern| CommandPattern::new(pattern.text)).collect(),
        sftp: section.string("sftp").map_or(SftpAccess::None, |word| sftp(word, book)),
        sftp_roots: sftp_roots(&mut section, book),
        forward: endpoints(&mut section, "forward", book),
        listen: endpoints(&mut section, "listen", book),
        agent: section.flag("agent"),
        env,
        max_idle: section.duration("max_idle"),
        max_sessions: max_sessions(&mut section, book),
        at_expiry: section.string("at_expiry").map_or(AtExpiry::Cut, |word| at_expiry(word, book)),
        record_input: section.flag("record_input"),
    };
    if role.logins.is_empty() && needs_login(&role) {
        section.demand("logins", "the users that it may log in as on a target, like [\"root\"]");
    }
    check_roots(&role, &mut section, book);
    section.finish();
    role
}

fn sftp_roots(section: &mut Section<'_>, book: &Book) -> Vec<String> {
    let at = section.has("sftp_roots").then(|| section.place("sftp_roots"));
    let roots = section.strings("sftp_roots");
    if let (Some(at), true) = (at, roots.is_empty()) {
        book.fault(at, "sftp_roots = [] reaches nothing; leave it out for all folders, or write sftp = \"none\"");
    }
    for root in &roots {
        let parts = || root.text.split('/').skip(1);
        let bad = !root.text.starts_with('/')
            || root.text.len() > LONGEST_ROOT
            || root.text.contains(char::is_control)
            || parts().any(|part| matches!(part, "" | "." | ".."));
        if bad {
            book.fault(root.at, format!("`{}` is no folder's full path, like /srv/data", root.text));
        }
    }
    roots.into_iter().map(|root| root.text.to_owned()).collect()
}

/// What else a role has may reach around the folders that its SFTP stays in.
fn check_roots(role: &Role, section: &mut Section<'_>, book: &Book) {
    if role.sftp_roots.is_empty() {
        return;
    }
    let at = section.place("sftp_roots");
    if role.sftp == SftpAccess::None {
        book.fault(
            at,
            "sftp_roots says where sftp stays, but the role has no sftp; write sftp = \"read\" or \"write\"",
        );
    }
    if role.shell || role.allows_command(b"cat /x; ls") {
        book.fault(at, "sftp_roots keeps nobody in who has a shell or exec = [\"*\"]; leave it out, or them");
    } else if !role.exec.is_empty() {
        book.warn(at, "sftp_roots is for sftp alone: what exec allows reaches what the command does");
    }
}

fn max_sessions(section: &mut Section<'_>, book: &Book) -> Option<u32> {
    if !section.has("max_sessions") {
        return None;
    }
    let at = section.place("max_sessions");
    let most = section.number("max_sessions", MOST_SESSIONS)?;
    if most == 0 {
        book.fault(at, "max_sessions = 0 lets nobody in; leave it out for as many as they like");
    }
    Some(most)
}

fn at_expiry(word: Text<'_>, book: &Book) -> AtExpiry {
    if word.text == "cut" {
        return AtExpiry::Cut;
    }
    let Some(span) = word.text.strip_prefix("grace ") else {
        book.fault(word.at, format!("at_expiry is \"cut\" or \"grace 5m\", not `{}`", word.text));
        return AtExpiry::Cut;
    };
    match parse_duration(span) {
        Ok(grace) if grace < SHORTEST => book.fault(word.at, "at_expiry: for no grace write \"cut\""),
        Ok(grace) if grace > LONGEST_GRACE => {
            let longest = format_duration(LONGEST_GRACE);
            book.fault(word.at, format!("at_expiry: the longest grace is {longest}; let grants be longer instead"));
        }
        Ok(grace) => return AtExpiry::Grace(grace),
        Err(bad) => book.fault(word.at, format!("at_expiry: {bad}")),
    }
    AtExpiry::Cut
}

/// Whether it allows anything that only an SSH target can give.
fn needs_login(role: &Role) -> bool {
    let session = role.shell || !role.exec.is_empty() || role.sftp != SftpAccess::None;
    session || !role.forward.is_empty() || !role.listen.is_empty() || role.agent
}

fn check_login(login: Text<'_>, book: &Book) {
    let bad = login.text.is_empty()
        || login.text.starts_with('-')
        || login.text.contains(|c: char| c.is_control() || c.is_whitespace());
    if bad {
        book.fault(login.at, format!("`{}` cannot be a login", login.text));
    }
}

fn check_command(pattern: Text<'_>, book: &Book) {
    if pattern.text.trim().is_empty() {
        book.fault(pattern.at, "an empty command is none; for a shell write shell = true");
    } else if pattern.text.starts_with('*') && pattern.text != "*" {
        book.warn(pattern.at, format!("`{}` allows any program, since it begins with `*`", pattern.text));
    }
}

fn sftp(word: Text<'_>, book: &Book) -> SftpAccess {
    match word.text {
        "none" => SftpAccess::None,
        "read" => SftpAccess::Read,
        "write" => SftpAccess::Write,
        _ => {
            book.unknown(word.at, "SFTP access", word.text, ["none", "read", "write"]);
            SftpAccess::None
        }
    }
}

fn endpoints(section: &mut Section<'_>, key: &'static str, book: &Book) -> Vec<EndpointPattern> {
    let mut patterns = Vec::new();
    for text in section.strings(key) {
        match text.text.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(bad) => book.fault(text.at, format!("{key}: {bad}")),
        }
    }
    patterns
}
