//! Who a user's OpenSSH certificate proves (PROTOCOL.certkeys), and why it proves nobody.
//!
//! A certificate opens connections and sessions while it is valid; the sessions that it opened end with their grant, as all
//! do, and not with the certificate.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use curfew_proxy::gate::{Identity, Proof};
use jiff::Timestamp;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, HashAlg};

use crate::config::{Certificates, Config, key};
use crate::text::escape;

/// How much of a key id goes into the audit log, in characters: it is whatever the CA wrote.
const LONGEST_KEY_ID: usize = 128;

/// Whether a certificate that was offered is worth a signature. What else may be wrong with it is found when there is
/// one, so that it can be told.
#[must_use]
pub fn is_worth_a_look(certificate: &Certificate, certificates: &Certificates) -> bool {
    certificate.cert_type() == CertType::User && certificates.trusted.contains(certificate.signature_key())
}

/// Whom a certificate proves at this moment, coming from there. That its owner has its key was verified before.
///
/// # Errors
/// Why it proves nobody, for the log.
pub fn judge(certificate: &Certificate, config: &Config, from: IpAddr, now: Timestamp) -> Result<Identity, String> {
    let id = escape::log(certificate.key_id(), LONGEST_KEY_ID);
    let refused = |why: String| format!("certificate `{id}` {why}");
    signed_by_trusted(certificate, &config.certificates, now).map_err(|why| refused(why.to_owned()))?;
    key::sound(certificate.public_key()).map_err(|why| refused(format!("is of a key that {why}")))?;
    if config.certificates.revoked.has_certificate(certificate) {
        return Err(refused("is revoked".to_owned()));
    }
    for (option, value) in certificate.critical_options().iter() {
        match option.as_str() {
            "source-address" if is_in(from, value) == Some(true) => {}
            "source-address" => return Err(refused("may not be used from there (source-address)".to_owned())),
            other => {
                let shown = escape::log(other, 32);
                return Err(refused(format!("has the critical option {shown}, which is not supported")));
            }
        }
    }
    let user = owner(certificate, config).map_err(|why| refused(why.to_owned()))?;
    let ca = certificate.signature_key().fingerprint(HashAlg::Sha256);
    let words = format!("certificate `{id}` serial {} of CA {ca}", certificate.serial());
    let proof = Proof::Certificate { certificate: Arc::new(certificate.clone()), from, words };
    Ok(Identity { user: user.to_owned(), proof })
}

/// Type, CA, signature and time.
fn signed_by_trusted(
    certificate: &Certificate,
    certificates: &Certificates,
    now: Timestamp,
) -> Result<(), &'static str> {
    if certificate.cert_type() != CertType::User {
        return Err("is not for a user");
    }
    if !certificates.trusted.contains(certificate.signature_key()) {
        return Err("is not of a trusted CA");
    }
    if matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None } | Algorithm::Dsa) {
        return Err("is signed with SHA-1; its CA should sign with rsa-sha2-512");
    }
    // Before 1970 no certificate is valid.
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    if seconds < certificate.valid_after() {
        return Err("is not valid yet");
    }
    if seconds >= certificate.valid_before() {
        return Err("has expired");
    }
    let ca = certificate.signature_key().fingerprint(HashAlg::Sha256);
    certificate.validate_at(seconds, [&ca]).map_err(|_| "does not have its CA's signature")
}

/// The one user whose principals it names.
fn owner<'c>(certificate: &Certificate, config: &'c Config) -> Result<&'c str, &'static str> {
    // To sshd one without principals is everybody's.
    if certificate.valid_principals().is_empty() {
        return Err("has no principals, and so would be anybody's");
    }
    let owners: BTreeSet<&str> =
        certificate.valid_principals().iter().filter_map(|principal| config.user_by_principal(principal)).collect();
    match owners.len() {
        0 => Err("has no principal of a user"),
        1 => owners.first().copied().ok_or("has no principal of a user"),
        _ => Err("has principals of several users"),
    }
}

/// Whether an address is in a list of networks like `10.0.0.0/8,2001:db8::/32,192.0.2.1`. `None` when the list is not one.
fn is_in(address: IpAddr, networks: &str) -> Option<bool> {
    let address = address.to_canonical();
    let mut found = false;
    for network in networks.split(',') {
        found |= is_in_one(address, network)?;
    }
    Some(found)
}

fn is_in_one(address: IpAddr, network: &str) -> Option<bool> {
    let (host, length) = network.split_once('/').map_or((network, None), |(host, length)| (host, Some(length)));
    let host: IpAddr = host.parse().ok()?;
    let most = if host.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => most,
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok().filter(|n| *n <= most)?
        }
        Some(_) => return None,
    };
    let hosts = most - length;
    let network_of = |address: IpAddr| number(address).checked_shr(hosts).unwrap_or(0);
    if network_of(host).checked_shl(hosts).unwrap_or(0) != number(host) {
        // It has bits behind its length: a slip, of which nobody knows what was meant. sshd refuses it too.
        return None;
    }
    Some(address.is_ipv4() == host.is_ipv4() && network_of(address) == network_of(host))
}

/// An address in the lower bits of a number.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}

#[cfg(test)]
mod tests;
