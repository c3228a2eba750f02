//! Certificates on both sides: what a server is told of one that is offered, and what a client checks again.

use crate::edit::Edit;

const OFFERED: &str =
    "whether a certificate is worth a signature is seen in the certificate, not in the key that it is of";
const CLOCK: &str = "its time is the handler's to judge: by one clock, and with a line in the log that says why not";
const REKEY: &str = "a server that proves another key when keys are renewed is another server";

pub const EDITS: &[Edit] = &[
    Edit {
        file: "server/mod.rs",
        why: OFFERED,
        find: "    pub algorithm: &'a ssh_key::Algorithm,
}

/// A public key whose ownership has been verified",
        put: "    pub algorithm: &'a ssh_key::Algorithm,
    /// The certificate that is offered, with a good signature of whatever CA it names. `None` for a plain key.
    pub certificate: Option<&'a Certificate>,
}

/// A public key whose ownership has been verified",
    },
    Edit {
        file: "server/encrypted.rs",
        why: OFFERED,
        find: "
                        let offer = PublicKeyOffer {
                            public_key: &pubkey,
",
        put: "
                        let offer = PublicKeyOffer {
                            certificate: pk_or_cert.certificate(),
                            public_key: &pubkey,
",
    },
    Edit {
        file: "server/encrypted.rs",
        why: OFFERED,
        find: "
                    let offer = PublicKeyOffer {
                        public_key: &pubkey,
",
        put: "
                    let offer = PublicKeyOffer {
                        certificate: pk_or_cert.certificate(),
                        public_key: &pubkey,
",
    },
    Edit { file: "server/encrypted.rs", why: CLOCK, find: "use std::time::SystemTime;\n", put: "" },
    Edit {
        file: "server/encrypted.rs",
        why: CLOCK,
        find: "                        // Validate certificate expiration. The bounds are None
                        // for OpenSSH's \"always valid\" sentinels (PROTOCOL.certkeys),
                        // which skips the corresponding check.
                        let now = SystemTime::now();
                        if cert.valid_after_time().map(|t| now < t).unwrap_or_default()
                            || cert
                                .valid_before_time()
                                .map(|t| now > t)
                                .unwrap_or_default()
                        {
                            warn!(\"Certificate is expired or not yet valid\");
                            reject_auth_request(until, &mut self.write, auth_request).await?;
                            return Ok(());
                        }

",
        put: "                        // Its time is the handler's to judge.
",
    },
    Edit {
        file: "client/mod.rs",
        why: REKEY,
        find: "                        // This is a rekey
                        handler
                            .kex_done(",
        put: "                        // This is a rekey
                        let shown = match (server_host_certificate, server_host_key) {
                            (Some(certificate), _) => PublicKeyOrCertificate::from(certificate),
                            (None, Some(key)) => PublicKeyOrCertificate::from(key),
                            (None, None) => return Err(crate::Error::UnknownKey.into()),
                        };
                        if !handler.check_server_key(&shown).await? {
                            return Err(crate::Error::UnknownKey.into());
                        }
                        handler
                            .kex_done(",
    },
];
