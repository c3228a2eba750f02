//! The exact commands that lead into what a grant gives.

use curfew_policy::target::Protocol;

use super::Sheet;
use crate::usecase::view::GrantView;

/// How many ways are written out; a grant may name many targets.
const MOST: usize = 4;

/// The ways into the targets of a grant, one a line; of many the first, and how many more.
pub(super) fn into(sheet: &Sheet<'_>, grant: &GrantView) -> Vec<String> {
    let all: Vec<String> = grant.targets.iter().flat_map(|target| into_target(sheet, grant, target)).collect();
    let more = all.len().saturating_sub(MOST);
    let mut ways: Vec<String> = all.into_iter().take(MOST).collect();
    if more > 0 {
        ways.push(format!("… and {more} more"));
    }
    ways
}

fn into_target(sheet: &Sheet<'_>, grant: &GrantView, name: &str) -> Vec<String> {
    let target = sheet.rules.targets.get(name);
    if let Some(target) = target.filter(|target| target.protocol == Protocol::Tcp) {
        return vec![sheet.hints.forward(name, target.address.port)];
    }
    let logins = match (&grant.login, sheet.rules.roles.get(&grant.role)) {
        (Some(login), _) => vec![login.clone()],
        (None, Some(role)) => role.logins.clone(),
        (None, None) => Vec::new(),
    };
    if logins.is_empty() {
        return vec![sheet.hints.connect(None, name)];
    }
    logins.iter().map(|login| sheet.hints.connect(Some(login), name)).collect()
}
