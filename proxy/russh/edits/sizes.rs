//! What an idle connection holds in memory.
//!
//! A queue of tokio's has 32 places from its beginning, each as large as the largest message, and a task is as large as
//! the largest thing that it ever waits for. A gateway has thousands of both, which wait for something small.

use crate::edit::Edit;

const MESSAGES: &str =
    "a certificate or key in a message makes all 32 places of its queue, of which there are four, as large";
const TASK: &str = "what spawns a future keeps room for it twice: as what it was given, and as what it waits for";
const PACKET: &str = "what it takes to handle a packet is held while a packet is handled";

/// An edit of the client's half that puts the method of authentication elsewhere.
const fn method(find: &'static str, put: &'static str) -> Edit {
    Edit { file: "client/mod.rs", why: MESSAGES, find, put }
}

pub const EDITS: &[Edit] = &[
    method("        method: auth::Method,\n", "        method: Box<auth::Method>,\n"),
    method("method: auth::Method::None,", "method: Box::new(auth::Method::None),"),
    method(
        "                method: auth::Method::Password {
                    password: password.into(),
                },
",
        "                method: Box::new(auth::Method::Password {
                    password: password.into(),
                }),
",
    ),
    method(
        "                method: auth::Method::KeyboardInteractive {
                    submethods: submethods.into().unwrap_or_else(|| \"\".to_owned()),
                },
",
        "                method: Box::new(auth::Method::KeyboardInteractive {
                    submethods: submethods.into().unwrap_or_else(|| \"\".to_owned()),
                }),
",
    ),
    method("method: auth::Method::PublicKey { key },", "method: Box::new(auth::Method::PublicKey { key }),"),
    method(
        "method: auth::Method::OpenSshCertificate { key, cert },",
        "method: Box::new(auth::Method::OpenSshCertificate { key, cert }),",
    ),
    method(
        "method: auth::Method::FuturePublicKey { key, hash_alg },",
        "method: Box::new(auth::Method::FuturePublicKey { key, hash_alg }),",
    ),
    method(
        "method: auth::Method::GssapiWithMic { mechanism_oids },",
        "method: Box::new(auth::Method::GssapiWithMic { mechanism_oids }),",
    ),
    method(
        "method: auth::Method::FutureCertificate { cert, hash_alg },",
        "method: Box::new(auth::Method::FutureCertificate { cert, hash_alg }),",
    ),
    method(
        "                self.write_auth_request_if_needed(&user, method)?;",
        "                self.write_auth_request_if_needed(&user, *method)?;",
    ),
    // The answers.
    method(
        "        key: ssh_key::PublicKey,\n        data: Vec<u8>,",
        "        key: Box<ssh_key::PublicKey>,\n        data: Vec<u8>,",
    ),
    method(
        "        cert: Certificate,\n        hash_alg: Option<HashAlg>,\n        data: Vec<u8>,",
        "        cert: Box<Certificate>,\n        hash_alg: Option<HashAlg>,\n        data: Vec<u8>,",
    ),
    method("signer.auth_sign(&key.into(), hash_alg, data)", "signer.auth_sign(&(*key).into(), hash_alg, data)"),
    method("signer.auth_sign(&cert.into(), hash_alg, data)", "signer.auth_sign(&(*cert).into(), hash_alg, data)"),
    Edit {
        file: "client/encrypted.rs",
        why: MESSAGES,
        find: ".send(Reply::SignRequest {
                                            key: key.clone(),",
        put: ".send(Reply::SignRequest {
                                            key: Box::new(key.clone()),",
    },
    Edit {
        file: "client/encrypted.rs",
        why: MESSAGES,
        find: ".send(Reply::SignRequestCert {
                                            cert: cert.clone(),",
        put: ".send(Reply::SignRequestCert {
                                            cert: Box::new(cert.clone()),",
    },
    // The tasks.
    Edit {
        file: "client/mod.rs",
        why: TASK,
        find: "russh_util::runtime::spawn(session.run(stream, handler, Some(kex_done_signal)))",
        put: "russh_util::runtime::spawn(Box::pin(session.run(stream, handler, Some(kex_done_signal))))",
    },
    Edit {
        file: "server/mod.rs",
        why: TASK,
        find: "russh_util::runtime::spawn(session.run(stream, handler))",
        put: "russh_util::runtime::spawn(Box::pin(session.run(stream, handler)))",
    },
    // What handles a packet.
    Edit {
        file: "client/mod.rs",
        why: PACKET,
        find: "reply(self, handler, kex_done_signal, &mut pkt).await?;",
        put: "Box::pin(reply(self, handler, kex_done_signal, &mut pkt)).await?;",
    },
    Edit {
        file: "server/session.rs",
        why: PACKET,
        find: "match reply(&mut self, &mut handler, &mut pkt).await {",
        put: "match Box::pin(reply(&mut self, &mut handler, &mut pkt)).await {",
    },
];
