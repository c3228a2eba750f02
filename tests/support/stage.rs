//! The usual cast around one gateway and its targets.

use std::sync::LazyLock;

use super::process::Program;
use super::{Client, Gateway, Postgres, Setup, Target};

/// A gateway, the target `web1`, and the people of [`Setup::usual`].
pub struct Stage {
    pub gateway: Gateway,
    pub web1: Target,
    pub alice: Client,
    pub bob: Client,
    pub carol: Client,
    pub dave: Client,
    pub sam: Client,
}

impl Stage {
    #[track_caller]
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// The usual stage with a changed setup.
    #[track_caller]
    pub fn with(change: impl FnOnce(&mut Setup)) -> Self {
        Self::under(&[], change)
    }

    /// The usual stage, its gateway an argument of another program.
    #[track_caller]
    pub fn under(wrapper: &[&str], change: impl FnOnce(&mut Setup)) -> Self {
        Self::set(change, |setup| Gateway::start_under(wrapper, &setup.toml()))
    }

    /// The usual stage with a changed setup, which names this database.
    #[track_caller]
    pub fn on(postgres: Option<Postgres>, change: impl FnOnce(&mut Setup)) -> Self {
        Self::set(change, |setup| {
            let gateway = Gateway::keeping(postgres, &setup.toml());
            gateway.serve();
            gateway
        })
    }

    #[track_caller]
    fn set(change: impl FnOnce(&mut Setup), start: impl FnOnce(&Setup) -> Gateway) -> Self {
        let [alice, bob, carol, dave, sam] = ["alice", "bob", "carol", "dave", "sam"].map(Client::new);
        let web1 = Target::start();
        let mut setup = Setup::usual();
        let groups: [(&Client, &[&str]); 5] = [
            (&alice, &["engineers", "oncall"]),
            (&bob, &["engineers", "leads"]),
            (&carol, &["leads"]),
            (&dave, &[]),
            (&sam, &["security"]),
        ];
        for (person, groups) in groups {
            setup.user(&person.name, &[&person.key.public], groups);
        }
        setup.target("web1", web1.address(), &web1.host_key.bare(), "");
        change(&mut setup);
        let gateway = start(&setup);
        web1.trust(&gateway.trust().user_ca);
        for person in [&alice, &bob, &carol, &dave, &sam] {
            person.meet(&gateway);
        }
        Self { gateway, web1, alice, bob, carol, dave, sam }
    }

    /// A stage where Alice holds `admin` on `web1` for an hour.
    #[track_caller]
    pub fn granted() -> Self {
        let stage = Self::new();
        stage.alice.granted("web1", "admin", "1h");
        stage
    }

    /// `ssh login@web1@bastion COMMAND` by Alice.
    pub fn on_web1(&self, command: &str) -> Program {
        self.alice.on(&web1(), command)
    }
}

/// The login on targets: whoever runs the tests.
pub fn login() -> String {
    static LOGIN: LazyLock<String> =
        LazyLock::new(|| Program::new("id").arg("-un").run().ok().text().trim().to_owned());
    LOGIN.clone()
}

/// `login@web1`.
pub fn web1() -> String {
    format!("{}@web1", login())
}
