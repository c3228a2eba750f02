//! What a server is told of a certificate, and what a client checks again.

use std::sync::Arc;

use russh::client;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKeyOrCertificate};
use russh::server::{self, Auth, PublicKeyOffer};
use tokio::sync::mpsc;

use crate::support::{Accepting, Trusting, client_config, server_config, sockets, within};

/// A client that looks at host keys as long as it is told to.
struct Wary {
    /// What it answers to each look.
    answers: std::vec::IntoIter<bool>,
    ended: mpsc::UnboundedSender<String>,
}

impl client::Handler for Wary {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(self.answers.next().unwrap_or(false))
    }

    async fn disconnected(&mut self, reason: client::DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        let _ = self.ended.send(format!("{reason:?}"));
        Ok(())
    }
}

#[tokio::test]
async fn a_server_key_is_looked_at_again_when_keys_are_renewed() {
    let (near, far) = sockets().await;
    let (opened, _channels) = mpsc::unbounded_channel();
    let (sender, mut ended) = mpsc::unbounded_channel();
    let wary = Wary { answers: vec![true, false].into_iter(), ended: sender };
    let serving = server::run_stream(Arc::new(server_config()), far, Accepting::new(opened));
    let connecting = client::connect_stream(Arc::new(client_config()), near, wary);
    let (_running, client) = tokio::join!(serving, connecting);
    let mut client = client.unwrap();
    assert!(client.authenticate_none("someone").await.unwrap().success());
    client.rekey_soon().await.unwrap();
    let said = within(10, "the end", ended.recv()).await.unwrap();
    assert!(said.contains("UnknownKey"), "{said}");
}

/// A server that lets in whom it is shown a certificate of, whatever its time.
struct Certified(Option<String>);

impl server::Handler for Certified {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, _: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        self.0 = offer.certificate.map(|certificate| certificate.key_id().to_owned());
        Ok(Auth::Accept)
    }

    async fn auth_openssh_certificate(&mut self, _: &str, shown: &Certificate) -> Result<Auth, Self::Error> {
        Ok(if self.0.as_deref() == Some(shown.key_id()) { Auth::Accept } else { Auth::reject() })
    }
}

#[tokio::test]
async fn a_server_is_told_of_the_certificate_that_is_offered_and_judges_its_time() {
    let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
    let ca = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
    let mut builder = Builder::new([7; 16], key.public_key().key_data().clone(), 1, 2).unwrap();
    builder.cert_type(CertType::User).unwrap().key_id("expired").unwrap().valid_principal("x").unwrap();
    let certificate = builder.sign(&ca).unwrap();
    let (near, far) = sockets().await;
    let (sender, _ended) = mpsc::unbounded_channel();
    let serving = server::run_stream(Arc::new(server_config()), far, Certified(None));
    let connecting = client::connect_stream(Arc::new(client_config()), near, Trusting { ended: sender });
    let (_running, client) = tokio::join!(serving, connecting);
    let mut client = client.unwrap();
    assert!(client.authenticate_openssh_cert("x", Arc::new(key), certificate).await.unwrap().success());
}
