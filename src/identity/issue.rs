//! The certificates that Curfew's CAs sign.
//!
//! What proves a session to its target: a key made for the session, signed by the user CA, valid no longer than the
//! grant, and naming user, grant and session so that the target's own log can be joined with ours.
//!
//! What proves to a client that the bastion answers for a target: the bastion's host key, signed by the host CA for the
//! target's name. It is made anew for each connection, so there is none to renew.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use curfew_policy::decide::Permit;
use curfew_policy::id::SessionId;
use curfew_proxy::gate::Credential;
use jiff::Timestamp;
use russh::keys::ssh_key::Error;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{Certificate, PrivateKey, PublicKey};

/// How far a target's clock may be behind ours, in seconds.
const CLOCK_SKEW: u64 = 60;

/// What an interactive session needs of sshd (PROTOCOL.certkeys, "Extensions"); forwarding is the role's business and
/// is decided here, so the target need not refuse it again.
const EXTENSIONS: [&str; 4] = ["permit-agent-forwarding", "permit-port-forwarding", "permit-pty", "permit-user-rc"];

/// Makes a key and a certificate over it for one session.
///
/// # Errors
/// When the CA key cannot sign.
pub fn for_session(
    ca: &PrivateKey,
    session: SessionId,
    permit: &Permit,
    now: Timestamp,
    until: Timestamp,
) -> Result<Credential, Error> {
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&random()?));
    let begin = seconds(now).saturating_sub(CLOCK_SKEW);
    // Whole seconds, rounded up: the gateway itself cuts to the millisecond.
    let end = seconds(until).saturating_add(1);
    let mut builder = Builder::new(
        random::<{ Builder::RECOMMENDED_NONCE_SIZE }>()?,
        key.public_key().key_data().clone(),
        begin,
        end,
    )?;
    builder
        .cert_type(CertType::User)?
        .serial(u64::try_from(session.0).unwrap_or_default())?
        .key_id(format!("{} {} {session}", permit.user(), permit.grant()))?
        .valid_principal(permit.login())?;
    for extension in EXTENSIONS {
        builder.extension(extension, "")?;
    }
    let certificate = builder.sign(ca)?;
    Ok(Credential { key: Arc::new(key), certificate: Some(certificate) })
}

/// How far a client's clock may be off, and how long the host certificate of a connection is valid, in seconds. Clients look
/// at it when they connect; one that looks again when keys are renewed (RFC 4253 §9) does so within its session.
const HOST_SKEW: u64 = 3600;
const HOST_VALIDITY: u64 = 7 * 24 * 3600;

/// Makes a certificate that says that `key` is the host key for these names.
///
/// # Errors
/// When the CA key cannot sign, or there is no name: the certificate would be for any.
pub fn for_host(ca: &PrivateKey, key: &PublicKey, names: &[&str], now: Timestamp) -> Result<Certificate, Error> {
    let now = seconds(now);
    let mut builder = Builder::new(
        random::<{ Builder::RECOMMENDED_NONCE_SIZE }>()?,
        key.key_data().clone(),
        now.saturating_sub(HOST_SKEW),
        now.saturating_add(HOST_VALIDITY),
    )?;
    builder.cert_type(CertType::Host)?.key_id(format!("curfew for {}", names.join(", ")))?;
    for name in names {
        builder.valid_principal(*name)?;
    }
    builder.sign(ca)
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or_default()
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Crypto)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PrivateKey {
        PrivateKey::from(Ed25519Keypair::from_seed(&random().unwrap()))
    }

    #[test]
    fn a_host_certificate_is_for_one_name_one_key_and_a_while() {
        let (ca, host, now) = (key(), key(), Timestamp::from_second(1_800_000_000).unwrap());
        let made = for_host(&ca, host.public_key(), &["web1"], now).unwrap();
        assert_eq!(made.cert_type(), CertType::Host);
        assert_eq!(made.valid_principals(), ["web1"]);
        assert_eq!(made.public_key(), host.public_key().key_data());
        assert!(for_host(&ca, host.public_key(), &[], now).is_err());
        assert!(made.extensions().is_empty() && made.critical_options().is_empty());
        let cas = [ca.public_key().fingerprint(russh::keys::HashAlg::Sha256)];
        for (second, valid) in
            [(0, true), (-3599, true), (-3601, false), (7 * 86_400 - 1, true), (7 * 86_400 + 1, false)]
        {
            let at = seconds(now).saturating_add_signed(second);
            assert_eq!(made.validate_at(at, &cas).is_ok(), valid, "{second}");
        }
    }
}
