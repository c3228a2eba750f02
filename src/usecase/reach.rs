//! A connection onwards from the bastion's own door (`ssh -J`, `-W`, `-L`): which target is meant, if any. Only a target's
//! exact name means one; the bastion looks up no host and takes no address for anybody.

use std::net::IpAddr;

use curfew_policy::refusal::Refusal;
use curfew_policy::target::Protocol;

use super::caller::Caller;
use super::hint::{by_name, unknown_target, wrong_port};
use super::{App, Outcome, refuse};
use crate::store::Grants;

/// The port of SSH.
const SSH_PORT: u32 = 22;

/// What is spoken with the target that the caller named, at a port that is its own. `own_port` is the bastion's, where it
/// answers for SSH targets too.
///
/// # Errors
/// When no target that the person may know of is meant, or another port of it.
pub async fn reach(app: &App, caller: Caller, port: u32, own_port: u16) -> Outcome<Protocol> {
    let reached = named(app, &caller, port, own_port).await;
    if let Err(fault) = &reached {
        refuse::session(app, &caller, fault).await;
    }
    reached
}

async fn named(app: &App, caller: &Caller, port: u32, own_port: u16) -> Outcome<Protocol> {
    let rules = app.rules();
    let person = rules.people.get(&caller.user);
    let person =
        person.ok_or_else(|| Refusal::not_allowed("unknown-user", "you are no user of this bastion any more"))?;
    let unknown = || {
        if is_address(&caller.target) {
            by_name(&caller.target)
        } else {
            unknown_target(&rules, person, &caller.target)
        }
    };
    let target = rules.targets.get(&caller.target).ok_or_else(unknown)?;
    if rules.roles_for(person, target).is_empty() {
        // No rule is left for it, but there may be a grant of earlier.
        let held = app.store().view().await?.read().grants(Grants::Toward(&person.name, &target.name)).await?;
        if held.is_empty() {
            return Err(unknown().into());
        }
    }
    let own = u32::from(target.address.port);
    let fits = match target.protocol {
        Protocol::Ssh => [SSH_PORT, own, u32::from(own_port)].contains(&port),
        Protocol::Tcp => port == own,
    };
    if fits { Ok(target.protocol) } else { Err(wrong_port(target, port).into()) }
}

/// Whether a host is an address, in any spelling that a system's resolver takes for one (`0x7f.1`, `2130706433`).
fn is_address(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_number = match digits {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    };
    is_number || host.trim_matches(['[', ']']).split('%').next().is_some_and(|host| host.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_known_in_every_spelling() {
        for host in [
            "10.0.0.5",
            "127.1",
            "0x7f.1",
            "0X7F000001",
            "2130706433",
            "017700000001",
            "10.0.0.5.",
            "::1",
            "[::1]",
            "fe80::1%eth0",
            "::ffff:10.0.0.5",
            "0x",
        ] {
            assert!(is_address(host), "{host}");
        }
        for host in ["web1", "web1.", "localhost", "db.internal", "10.example.com", "", ".", "0xyz"] {
            assert!(!is_address(host), "{host}");
        }
    }
}
