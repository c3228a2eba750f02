//! The certificate that proves a session to its target: a key made for the session, signed by Curfew's user CA, valid
//! no longer than the grant, and naming user, grant and session so that the target's own log can be joined with ours.

use std::sync::Arc;

use curfew_policy::decide::Permit;
use curfew_policy::id::SessionId;
use curfew_proxy::gate::Credential;
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::Error;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::ssh_key::private::Ed25519Keypair;

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

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or_default()
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Crypto)?;
    Ok(bytes)
}
