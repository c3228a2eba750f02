//! `curfew ca`: what targets and clients must trust, ready to paste.

use std::path::Path;
use std::process::ExitCode;

use crate::config::Config;
use crate::secrets::{PublicParts, Secrets};

/// Prints the lines, with comments that say where each belongs; makes the keys where there are none yet.
pub fn run(file: &Path) -> ExitCode {
    let loaded = match Config::load(file) {
        Ok(loaded) => loaded,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(2);
        }
    };
    match Secrets::open(&loaded.config.gateway.state_dir) {
        Ok(secrets) => {
            print!("{}", page(&secrets.public(), loaded.config.gateway.ssh.port()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("curfew: {error}");
            ExitCode::FAILURE
        }
    }
}

fn page(public: &PublicParts, port: u16) -> String {
    let name = if port == 22 { "bastion".to_owned() } else { format!("[bastion]:{port}") };
    format!(
        "# People: in ~/.ssh/known_hosts (put your bastion's name in place of `bastion`).\n\
         {name} {host}\n\
         @cert-authority * {host_ca}\n\
         \n\
         # Targets: in a file that sshd_config names with `TrustedUserCAKeys FILE`.\n\
         {user_ca}\n\
         \n\
         # Auditors: for `curfew verify --key`.\n\
         {seal}\n",
        host = line(&public.host_key),
        host_ca = line(&public.host_ca),
        user_ca = line(&public.user_ca),
        seal = public.seal,
    )
}

fn line(key: &russh::keys::PublicKey) -> String {
    // An Ed25519 key can always be written down.
    key.to_openssh().unwrap_or_default()
}
