//! The doors that speak SSH, as the bytes see them: the one place where `proxy` meets the product. What is asked here comes
//! from the threads that carry bytes, so it is answered from memory or handed over to the runtime for control work.

mod product;

use std::net::SocketAddr;
use std::sync::Arc;

use curfew_policy::decide::Permit;
use curfew_policy::id::SessionId;
use curfew_policy::refusal::Refusal;
use curfew_policy::target::Protocol;
use curfew_proxy::gate::{Admit, Admitted, Asking, Authenticate, ChannelInfo, Console, Converse, Credential, Identity};
use curfew_proxy::lease::End;
use curfew_proxy::route::Route;
use curfew_proxy::ssh::say::messages::EXIT_REFUSED;
use curfew_recorder::{Recording, Sealed};
use jiff::Timestamp;
use russh::keys::{Certificate, PublicKey};

pub use self::product::Product;
use crate::control::Control;

/// What a person is told when the product itself failed.
const FAILED: &str = "the bastion could not do that; tell its operator";

/// The product behind the doors that speak SSH.
pub struct SshDoor {
    product: Arc<Product>,
    control: Control,
}

impl SshDoor {
    /// A door to this product, whose work is done by `control`.
    #[must_use]
    pub fn new(product: Product, control: Control) -> Self {
        Self { product: Arc::new(product), control }
    }

    fn product(&self) -> Arc<Product> {
        Arc::clone(&self.product)
    }
}

fn failed() -> Refusal {
    Refusal::unavailable("failed", FAILED)
}

impl Authenticate for SshDoor {
    async fn authenticate(&self, key: &PublicKey, _from: SocketAddr) -> Option<Identity> {
        self.product.authenticate(key)
    }

    fn certified(&self, certificate: &Certificate, from: SocketAddr) -> Result<Identity, String> {
        self.product.certified(certificate, from)
    }

    fn knows(&self, key: &PublicKey, certificate: Option<&Certificate>) -> bool {
        self.product.knows(key, certificate)
    }

    fn is_target(&self, name: &str) -> bool {
        self.product.is_target(name)
    }

    fn host_certificate(&self, target: Option<&str>, key: &PublicKey) -> Option<Certificate> {
        self.product.host_certificate(target, key)
    }

    fn refused(&self, from: SocketAddr, code: &'static str, detail: &str) {
        self.product.count_refusal(from, code, detail);
        let (product, detail) = (self.product(), detail.to_owned());
        // A slow database holds up nobody at the door. Only the first of an hour gets as far as that.
        self.control.behind(async move { product.write_refusal(from, code, &detail).await });
    }
}

impl Admit for SshDoor {
    async fn reach(&self, identity: &Identity, host: &str, port: u32, from: SocketAddr) -> Result<Protocol, Refusal> {
        let (product, identity, host) = (self.product(), identity.clone(), host.to_owned());
        let reached = self.control.whole(async move { product.reach(&identity, &host, port, from).await });
        reached.await.unwrap_or_else(|| Err(failed()))
    }

    async fn admit(
        &self,
        identity: &Identity,
        route: &Route,
        from: SocketAddr,
        client: &str,
    ) -> Result<Admitted, Refusal> {
        let (product, identity, route, client) = (self.product(), identity.clone(), route.clone(), client.to_owned());
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.control.behind(async move {
            let admitted = product.admit(&identity, &route, from, &client).await;
            // Whoever asked has gone, and would not report the end of what was begun for them.
            if let Err(Ok(admitted)) = answer.send(admitted) {
                product.ended(admitted.session, &End::Client).await;
            }
        });
        answered.await.unwrap_or_else(|_| Err(failed()))
    }

    async fn credential(
        &self,
        session: SessionId,
        permit: &Arc<Permit>,
        until: Timestamp,
    ) -> Result<Credential, String> {
        let (product, permit) = (self.product(), Arc::clone(permit));
        let made = self.control.whole(async move { product.credential(session, &permit, until).await });
        made.await.unwrap_or_else(|| Err(FAILED.to_owned()))
    }

    async fn record(&self, session: SessionId, permit: &Arc<Permit>, info: &ChannelInfo) -> std::io::Result<Recording> {
        let (product, permit, info) = (self.product(), Arc::clone(permit), info.clone());
        let begun = self.control.whole(async move { product.record(session, &permit, &info).await });
        begun.await.unwrap_or_else(|| Err(std::io::Error::other(FAILED)))
    }

    async fn sealed(&self, session: SessionId, info: &ChannelInfo, sealed: Sealed) {
        let (product, info) = (self.product(), info.clone());
        self.control.whole(async move { product.sealed(session, &info, sealed).await }).await;
    }

    async fn ended(&self, session: SessionId, end: &End) {
        let (product, end) = (self.product(), end.clone());
        self.control.whole(async move { product.ended(session, &end).await }).await;
    }
}

impl Converse for SshDoor {
    async fn console(&self, identity: &Identity, console: Console) -> u32 {
        let (product, identity) = (self.product(), identity.clone());
        let ran = self.control.attached(async move { product.console(&identity, console).await });
        ran.await.unwrap_or(EXIT_REFUSED)
    }

    async fn ask(&self, identity: &Identity, route: &Route, asking: Asking) -> Result<(), Refusal> {
        let (product, identity, route) = (self.product(), identity.clone(), route.clone());
        let asked = self.control.attached(async move { product.ask(&identity, &route, asking).await });
        asked.await.unwrap_or_else(|| Err(failed()))
    }
}
