//! Which host keys a target may show: those that are pinned, and those that a pinned CA certified for it. Never others.

use curfew_policy::decide::Permit;
use russh::client;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey, PublicKeyOrCertificate};

use crate::lease::clock::Clock;
use crate::ssh::algorithms;

/// The fewest bits of an RSA key, as in the configuration.
const FEWEST_RSA_BITS: u32 = 2048;

/// Which host keys one target may show, and which one it showed.
#[derive(Debug)]
pub struct HostKeys {
    pinned: Vec<KeyData>,
    cas: Vec<KeyData>,
    /// What a certificate may call it: the host of its address, and its name here.
    names: Vec<String>,
    clock: Clock,
    proven: Option<KeyData>,
}

impl HostKeys {
    /// Those of the permit's target.
    #[must_use]
    pub fn of(permit: &Permit, clock: &Clock) -> Self {
        let names = vec![permit.address().host.clone(), permit.target().to_owned()];
        Self {
            pinned: keys(permit.host_keys()),
            cas: keys(permit.host_cas()),
            names,
            clock: clock.clone(),
            proven: None,
        }
    }

    /// The settings of a connection to it: certificates are asked for where a CA is pinned, and first those types of keys
    /// that are pinned.
    #[must_use]
    pub fn settings(&self) -> client::Config {
        algorithms::client(&self.pinned, !self.cas.is_empty())
    }

    /// The target's name.
    #[must_use]
    pub fn target(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// Looks at what it shows, at the start and whenever keys are renewed.
    ///
    /// # Errors
    /// What is wrong with it, as a phrase that goes on from the target's name.
    pub fn check(&mut self, shown: &PublicKeyOrCertificate) -> Result<(), String> {
        let key = shown.public_key();
        let print = format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256));
        if let Some(proven) = &self.proven {
            // Its certificate may have expired by now; the key in it is no other's for that.
            let same = proven == key.key_data();
            return if same { Ok(()) } else { Err(format!("shows another host key than at first ({print})")) };
        }
        if !self.pinned.contains(key.key_data()) {
            match shown.certificate() {
                Some(certificate) => self
                    .certified(certificate)
                    .map_err(|why| format!("shows a host certificate that {why} ({print})"))?,
                None if self.pinned.is_empty() => {
                    return Err(format!("shows a host key without a certificate ({print})"));
                }
                None => return Err(format!("shows a host key that is not the configured one ({print})")),
            }
        }
        self.proven = Some(key.key_data().clone());
        Ok(())
    }

    /// Whether a certificate (PROTOCOL.certkeys) says that this target has the key in it. That it has, russh verified.
    fn certified(&self, certificate: &Certificate) -> Result<(), &'static str> {
        if certificate.cert_type() != CertType::Host {
            return Err("is not for a host");
        }
        if !self.cas.contains(certificate.signature_key()) {
            return Err("is not of the configured CA");
        }
        if matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None } | Algorithm::Dsa) {
            return Err("is signed with SHA-1");
        }
        match certificate.public_key() {
            KeyData::Dsa(_) => return Err("is of a DSA key"),
            KeyData::Rsa(rsa) if rsa.key_size() < FEWEST_RSA_BITS => return Err("is of a short RSA key"),
            _ => {}
        }
        if !certificate.critical_options().is_empty() {
            return Err("has a critical option, and hosts have none");
        }
        // To ssh one without principals is any host's.
        let named = |principal: &String| self.names.iter().any(|name| name.eq_ignore_ascii_case(principal));
        if !certificate.valid_principals().iter().any(named) {
            return Err("is for another host");
        }
        let now = u64::try_from(self.clock.wall().as_second()).unwrap_or(0);
        if now < certificate.valid_after() || now >= certificate.valid_before() {
            return Err("has expired, or is not valid yet");
        }
        let ca = certificate.signature_key().fingerprint(HashAlg::Sha256);
        certificate.validate_at(now, [&ca]).map_err(|_| "does not have its CA's signature")
    }
}

fn keys(lines: &[String]) -> Vec<KeyData> {
    // They were read when the configuration was loaded; one that cannot be read matches nothing, which fails closed.
    lines.iter().filter_map(|line| PublicKey::from_openssh(line).ok()).map(|key| key.key_data().clone()).collect()
}

#[cfg(test)]
mod tests;
