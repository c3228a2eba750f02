//! `curfew ca`: what targets and clients must trust, ready to paste.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use curfew_policy::target::{Protocol, Target};

use crate::config::Config;
use crate::identity::keys::{GatewayKeys, PublicParts};

/// The port of SSH, which needs no mention.
const SSH_PORT: u16 = 22;

/// How many names stand on a line: each has at most 128 characters, and OpenSSH before 8.7 reads 1023 of a line.
const NAMES_A_LINE: usize = 7;

/// Prints the lines, with comments that say where each belongs; makes the keys where there are none yet.
pub fn run(file: &Path) -> ExitCode {
    let loaded = match Config::load(file) {
        Ok(loaded) => loaded,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(2);
        }
    };
    match GatewayKeys::open(&loaded.config.gateway.state_dir) {
        Ok(secrets) => {
            print!("{}", page(&secrets.public(), &loaded.config));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("curfew: {error}");
            ExitCode::FAILURE
        }
    }
}

fn page(public: &PublicParts, config: &Config) -> String {
    // Port 0 is any free one, which only a test asks for.
    let port = Some(config.ssh.listen.port()).filter(|port| ![0, SSH_PORT].contains(port));
    let names = match config.ssh.names.as_slice() {
        [] => vec!["bastion".to_owned()],
        names => names.to_vec(),
    };
    let hosts: Vec<String> =
        names.iter().map(|name| port.map_or(name.clone(), |port| format!("[{name}]:{port}"))).collect();
    let jumps = client_config(
        names.first().map_or("bastion", String::as_str),
        port,
        config.targets.values().filter(|target| target.protocol == Protocol::Ssh),
    );
    format!(
        "# People: in ~/.ssh/known_hosts (put your bastion's name in place of `bastion`).\n\
         {names} {host}\n\
         @cert-authority * {host_ca}\n\
         \n\
         # People: in ~/.ssh/config, so that `ssh LOGIN@TARGET` goes through the bastion (likewise).\n\
         {jumps}\
         \n\
         # Targets: in a file that sshd_config names with `TrustedUserCAKeys FILE`.\n\
         {user_ca}\n\
         \n\
         # Auditors: for `curfew verify --key`.\n\
         {seal}\n",
        names = hosts.join(","),
        host = lines(&public.host_key, &public.beside.host_key, &format!("{} ", hosts.join(","))),
        host_ca = lines(&public.host_ca, &public.beside.host_ca, "@cert-authority * "),
        user_ca = lines(&public.user_ca, &public.beside.user_ca, ""),
        seal = public.seal,
    )
}

/// A block for `ssh_config`: how the bastion is reached, and which hosts are reached through it.
fn client_config<'a>(name: &str, port: Option<u16>, targets: impl Iterator<Item = &'a Arc<Target>>) -> String {
    let mut block = format!("Host bastion\n    HostName {name}\n");
    if let Some(port) = port {
        block += &format!("    Port {port}\n");
    }
    let names: Vec<&str> = targets.map(|target| target.name.as_str()).collect();
    for names in names.chunks(NAMES_A_LINE) {
        block += &format!("Host {}\n    ProxyJump bastion\n", names.join(" "));
    }
    block
}

/// A key, and on lines of their own those that come or were. Each further line begins with `start`, as the first does.
fn lines(key: &russh::keys::PublicKey, beside: &[russh::keys::PublicKey], start: &str) -> String {
    let all: Vec<String> = std::iter::once(key).chain(beside).map(line).collect();
    all.join(&format!("\n{start}"))
}

fn line(key: &russh::keys::PublicKey) -> String {
    // A key that was read can be written down.
    key.to_openssh().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use curfew_policy::target::{Address, TargetAuth};

    use super::*;

    #[test]
    fn the_block_names_every_target_on_lines_that_old_clients_can_read() {
        let target = |n: usize| {
            Arc::new(Target {
                name: format!("{n:0128}"),
                protocol: Protocol::Ssh,
                address: Address { host: "10.0.0.5".to_owned(), port: 22 },
                host_keys: Vec::new(),
                host_cas: Vec::new(),
                labels: BTreeMap::new(),
                auth: TargetAuth::Certificate,
            })
        };
        let targets: Vec<_> = (0..100).map(target).collect();
        let block = client_config("bastion", Some(2222), targets.iter());
        assert!(block.starts_with("Host bastion\n    HostName bastion\n    Port 2222\nHost 000"));
        assert!(block.lines().all(|line| line.len() < 1023));
        assert!(targets.iter().all(|target| block.contains(&target.name)));
        assert_eq!(client_config("b.example.com", None, [].iter()), "Host bastion\n    HostName b.example.com\n");
    }
}
