//! Whether what proved somebody still does.

use curfew_proxy::gate::{Identity, Proof};
use jiff::Timestamp;

use super::user_certificate;
use crate::config::Config;

/// Whether what proved somebody when their connection began proves the same person at this moment.
#[must_use]
pub fn still_holds(identity: &Identity, config: &Config, now: Timestamp) -> bool {
    match &identity.proof {
        Proof::Key(fingerprint) => config.proves(fingerprint, &identity.user),
        Proof::Certificate { certificate, from, .. } => {
            user_certificate::judge(certificate, config, *from, now).is_ok_and(|proven| proven.user == identity.user)
        }
    }
}
