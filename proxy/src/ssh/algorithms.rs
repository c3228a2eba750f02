//! Which algorithms are spoken, and the settings of both SSH halves. Every list is named here: the library's defaults
//! suit a tool, not a gateway.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PrivateKey};
use russh::{Limits, MethodKind, MethodSet, Preferred, SshId, cipher, client, compression, kex, mac, server};

/// The receive window of a channel, in bytes: also the most that one stalled channel makes the gateway hold.
pub const WINDOW: u32 = 2 * 1024 * 1024;

/// The largest packet that is taken, in bytes (RFC 4253 §6.1 asks for 32 KiB at least).
const PACKET: u32 = 32 * 1024;

/// The most requests that may wait unread on a channel; a peer that sends more is disconnected.
const MOST_UNREAD: usize = 1024;

/// The most bytes that may come before somebody is proven: key exchange and a few dozen keys. A packet counts as 512
/// bytes at least, which makes it 512 packets.
const MOST_FROM_STRANGERS: usize = 256 * 1024;

/// How many proofs a connection may try. Agents with many keys are common, and guessing at keys leads nowhere.
const MOST_ATTEMPTS: usize = 20;

/// The most channels that one connection may have at once.
const MOST_CHANNELS: usize = 256;

/// The identification string. It names no version: that would only help somebody looking for an old one.
const ID: &str = "SSH-2.0-Curfew";

/// A new key after this much data in either direction (RFC 4253 §9), or this much time.
const REKEY_BYTES: usize = 1 << 30;
const REKEY_TIME: Duration = Duration::from_secs(3600);

/// What people may use: post-quantum first, then what every client of the last ten years has. Neither the NIST curves,
/// which some distrust, nor finite fields: of those the exponents cost a tenth of a second and more, which any stranger could
/// make the gateway spend again and again (CVE-2002-20001).
const KEX_WITH_PEOPLE: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];

/// What targets may use, which are who the configuration says: post-quantum first; no SHA-1, nothing below 2048 bits.
const KEX_WITH_TARGETS: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// Authenticated ciphers first; counter mode for clients that have nothing better, with encrypt-then-MAC where they know
/// it (libssh2 before 1.11 does not).
const CIPHERS: &[cipher::Name] =
    &[cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_128_CTR, cipher::AES_256_CTR];

const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];

const KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::SkEd25519,
    Algorithm::SkEcdsaSha2NistP256,
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

fn preferred(kex: &'static [kex::Name]) -> Preferred {
    Preferred {
        kex: Cow::Borrowed(kex),
        key: Cow::Borrowed(KEYS),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: Cow::Borrowed(CIPHERS),
        mac: Cow::Borrowed(MACS),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

fn limits() -> Limits {
    Limits { rekey_write_limit: REKEY_BYTES, rekey_read_limit: REKEY_BYTES, rekey_time_limit: REKEY_TIME }
}

/// The settings of the half that people connect to. The certificates are of some of the host keys, for clients that ask
/// for them.
#[must_use]
pub fn server(host_keys: Vec<PrivateKey>, certificates: Vec<Certificate>) -> Arc<server::Config> {
    Arc::new(server::Config {
        server_id: SshId::Standard(Cow::Borrowed(ID)),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        auth_rejection_time: Duration::from_millis(100),
        // Every client tries `none` first, to learn what is offered; it must not wait for that.
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: host_keys,
        certificates,
        limits: limits(),
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        preferred: preferred(KEX_WITH_PEOPLE),
        max_auth_attempts: MOST_ATTEMPTS,
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_secs(30)),
        keepalive_max: 3,
        nodelay: true,
        channel_buffer_size: MOST_UNREAD,
        max_unauthenticated_bytes: Some(MOST_FROM_STRANGERS),
        max_channels: Some(MOST_CHANNELS),
        ..server::Config::default()
    })
}

/// The settings of the half that connects to a target: the types of these host keys come first, and certificates before
/// them where one will do.
#[must_use]
pub fn client(pinned: &[KeyData], certified: bool) -> client::Config {
    let is_of_pinned = |algorithm: &Algorithm| {
        pinned
            .iter()
            .any(|key| key.algorithm() == *algorithm || (key.is_rsa() && matches!(algorithm, Algorithm::Rsa { .. })))
    };
    let mut keys = KEYS.to_vec();
    keys.sort_by_key(|algorithm| !is_of_pinned(algorithm));
    let mut preferred = preferred(KEX_WITH_TARGETS);
    preferred.key = Cow::Owned(keys);
    if certified {
        preferred.host_key_certificates = Cow::Borrowed(KEYS);
    }
    client::Config {
        client_id: SshId::Standard(Cow::Borrowed(ID)),
        limits: limits(),
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        preferred,
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_secs(30)),
        keepalive_max: 3,
        nodelay: true,
        channel_buffer_size: MOST_UNREAD,
        ..client::Config::default()
    }
}
