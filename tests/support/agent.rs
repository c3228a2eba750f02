//! An ssh-agent in software that holds a FIDO key, for `sk-` keys without a token.
//!
//! Speaks the two messages that ssh asks of it: the list of keys and one signature (draft-miller-ssh-agent §4), and
//! signs as a token would (OpenSSH PROTOCOL.u2f).

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

const APPLICATION: &[u8] = b"ssh:";
/// Somebody touched the token (bit 0).
const USER_PRESENT: u8 = 1;
const COUNTER: u32 = 7;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// The agent. Its socket goes with the folder it is in.
pub struct SkAgent {
    pub socket: PathBuf,
    /// The public key as a line of the configuration.
    pub public: String,
}

enum Token {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl SkAgent {
    pub fn ed25519(dir: &Path) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("make a key");
        Self::listen(dir, "sk-ed25519", Token::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("read a key")))
    }

    pub fn ecdsa(dir: &Path) -> Self {
        let rng = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &rng).expect("make a key");
        Self::listen(
            dir,
            "sk-ecdsa",
            Token::Ecdsa(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).expect("read a key")),
        )
    }

    fn listen(dir: &Path, name: &str, token: Token) -> Self {
        let socket = dir.join(format!("{name}.sock"));
        let listener = UnixListener::bind(&socket).expect("bind the agent's socket");
        let public = format!("{} {} {name}", token.algorithm(), BASE64.encode(token.public_blob()));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &token);
            }
        });
        Self { socket, public }
    }
}

fn serve(mut stream: UnixStream, token: &Token) -> std::io::Result<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut message)?;
        let answer = match message.split_first() {
            Some((&REQUEST_IDENTITIES, _)) => {
                let mut answer = vec![IDENTITIES_ANSWER, 0, 0, 0, 1];
                put_string(&mut answer, &token.public_blob());
                put_string(&mut answer, b"token");
                answer
            }
            Some((&SIGN_REQUEST, rest)) => {
                let data = string_at(rest, 1);
                let mut answer = vec![SIGN_RESPONSE];
                put_string(&mut answer, &token.sign(data));
                answer
            }
            _ => vec![FAILURE],
        };
        stream.write_all(&u32::try_from(answer.len()).expect("answers are short").to_be_bytes())?;
        stream.write_all(&answer)?;
    }
}

impl Token {
    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "sk-ssh-ed25519@openssh.com",
            Self::Ecdsa(_) => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    fn public_blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put_string(&mut blob, self.algorithm().as_bytes());
        match self {
            Self::Ed25519(key) => put_string(&mut blob, key.public_key().as_ref()),
            Self::Ecdsa(key) => {
                put_string(&mut blob, b"nistp256");
                put_string(&mut blob, key.public_key().as_ref());
            }
        }
        put_string(&mut blob, APPLICATION);
        blob
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signed = digest::digest(&digest::SHA256, APPLICATION).as_ref().to_vec();
        signed.push(USER_PRESENT);
        signed.extend_from_slice(&COUNTER.to_be_bytes());
        signed.extend_from_slice(digest::digest(&digest::SHA256, message).as_ref());
        let mut blob = Vec::new();
        put_string(&mut blob, self.algorithm().as_bytes());
        match self {
            Self::Ed25519(key) => put_string(&mut blob, key.sign(&signed).as_ref()),
            Self::Ecdsa(key) => {
                let signature = key.sign(&SystemRandom::new(), &signed).expect("sign");
                let (r, s) = signature.as_ref().split_at(32);
                let mut both = Vec::new();
                put_string(&mut both, &positive(r));
                put_string(&mut both, &positive(s));
                put_string(&mut blob, &both);
            }
        }
        blob.push(USER_PRESENT);
        blob.extend_from_slice(&COUNTER.to_be_bytes());
        blob
    }
}

/// A number as an mpint (RFC 4251 §5): no leading zeros, but one where the top bit is set.
fn positive(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|b| **b == 0).count();
    let digits = &number[zeros..];
    if digits.first().is_some_and(|b| b & 0x80 != 0) { [&[0], digits].concat() } else { digits.to_vec() }
}

fn put_string(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(&u32::try_from(bytes.len()).expect("short").to_be_bytes());
    to.extend_from_slice(bytes);
}

/// The string after skipping `skip` others.
fn string_at(mut from: &[u8], skip: usize) -> &[u8] {
    for turn in 0..=skip {
        let (length, rest) = from.split_at(4);
        let (string, rest) = rest.split_at(u32::from_be_bytes(length.try_into().expect("four bytes")) as usize);
        if turn == skip {
            return string;
        }
        from = rest;
    }
    unreachable!("the loop returns")
}
