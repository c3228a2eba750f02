//! The door that a client comes through, with a target behind it and files to move.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use crate::support::{Program, SOON, Stage, Stopwatch, eventually, login, web1};

/// File names that tools get wrong.
pub const ODD: [&str; 7] = ["space name", "-dash", "new\nline", "ünï☃", "quote'\"$(x)`", "\\back", ".hidden"];

/// The size of the file that each client moves, in bytes: no multiple of anything.
pub const BIG: usize = (64 << 20) + 13;

/// A door, and a stage behind it where Alice has `admin` on `web1`.
pub struct Door {
    pub stage: Stage,
    /// What follows the `@` of a client's user name: how an OpenSSH user names the place.
    pub host: &'static str,
    /// Whether it is reached through the bastion.
    jumps: bool,
    /// How often the transcripts have to tell of the big file.
    told: Cell<usize>,
}

/// A place to go to, and as whom.
pub struct Place {
    pub host: String,
    pub port: String,
    pub user: String,
}

fn bastion(stage: &Stage, user: &str) -> Place {
    let port = stage.gateway.address().port().to_string();
    Place { host: "127.0.0.1".to_owned(), port, user: user.to_owned() }
}

/// The Ed25519 key that a stage's bastion shows: its type and itself.
pub fn host_key(stage: &Stage) -> String {
    let known = std::fs::read_to_string(stage.gateway.known_hosts()).unwrap();
    let key = known.lines().find_map(|line| line.strip_prefix("* ").filter(|key| key.starts_with("ssh-ed25519 ")));
    key.expect("a host key").split(' ').take(2).collect::<Vec<_>>().join(" ")
}

impl Door {
    /// `ssh web1@bastion`.
    pub fn direct() -> Self {
        let stage = Stage::granted();
        let far = stage.web1.dir.path().join("far");
        std::fs::create_dir_all(far.join("many")).unwrap();
        for n in 0..5000 {
            std::fs::write(far.join(format!("many/{n:04}")), "").unwrap();
        }
        Self { stage, host: "web1@bastion", jumps: false, told: Cell::default() }
    }

    /// `ssh web1`, which goes by `ProxyJump bastion`.
    pub fn jump() -> Self {
        let door = Self::direct();
        let (config, known) = (door.stage.alice.config(), door.stage.gateway.known_hosts());
        let more = format!(
            "Host web1\n  User {}\n  ProxyJump bastion\n  UserKnownHostsFile {}\nMatch all\n",
            login(),
            known.display()
        );
        std::fs::write(&config, more + &std::fs::read_to_string(&config).unwrap()).unwrap();
        Self { host: "web1", jumps: true, ..door }
    }

    /// The configuration of an OpenSSH client for [`Door::host`].
    pub fn config(&self) -> String {
        self.stage.alice.config().display().to_string()
    }

    /// `ssh HOST WORDS`.
    pub fn ssh(&self, words: &[&str]) -> Program {
        self.stage.alice.ssh(&[&[self.host], words].concat())
    }

    /// Where clients go that have no configuration.
    pub fn place(&self) -> Place {
        self.place_at(&self.stage)
    }

    /// The same where they go to another stage.
    pub fn place_at(&self, stage: &Stage) -> Place {
        if self.jumps {
            return Place { host: "web1".to_owned(), port: "22".to_owned(), user: login() };
        }
        Place { user: web1(), ..bastion(stage, "") }
    }

    /// Through what they go there, and as whom, where they have to.
    pub fn via(&self) -> Option<Place> {
        self.via_of(&self.stage, "alice")
    }

    /// The same where they go to another stage.
    pub fn via_of(&self, stage: &Stage, user: &str) -> Option<Place> {
        self.jumps.then(|| bastion(stage, user))
    }

    /// The host key that both the bastion and, by `ProxyJump`, the target show: a type and a key.
    pub fn host_key(&self) -> String {
        host_key(&self.stage)
    }

    /// A `known_hosts` that has nothing but that, for every name that is gone to.
    pub fn known(&self) -> PathBuf {
        let (known, key, port) = (self.near().join("known"), self.host_key(), bastion(&self.stage, "").port);
        let names = ["web1", "127.0.0.1", &format!("[127.0.0.1]:{port}")].map(|name| format!("{name} {key}\n"));
        std::fs::write(&known, names.concat()).unwrap();
        known
    }

    pub fn key(&self) -> &Path {
        &self.stage.alice.key.path
    }

    /// A folder of Alice's.
    pub fn near(&self) -> &Path {
        self.stage.alice.dir()
    }

    /// A folder on the target.
    pub fn far(&self) -> PathBuf {
        self.stage.web1.dir.path().join("far")
    }

    /// A fresh file to move, of this many bytes.
    pub fn big(&self, size: usize) -> PathBuf {
        let big = self.near().join("big");
        std::fs::write(&big, sample(size)).unwrap();
        big
    }

    /// What was moved arrived, on the target as `there` and here again as `back`.
    #[track_caller]
    pub fn moved(&self, size: usize, there: &Path, back: &Path) {
        let wanted = sample(size);
        assert!(std::fs::read(there).unwrap() == wanted, "what arrived there is what was sent");
        assert!(std::fs::read(back).unwrap() == wanted, "what came back is what was sent");
        let _ = std::fs::remove_file(there);
        let _ = std::fs::remove_file(back);
    }

    /// What was moved arrived, and the transcripts tell so: each time its path, bytes, result and SHA-256, both ways.
    #[track_caller]
    pub fn moved_and_told(&self, size: usize, there: &Path, back: &Path) {
        self.moved(size, there, back);
        self.told.set(self.told.get() + 1);
        let sum: String = digest(&SHA256, &sample(size)).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        for op in ["put", "get"] {
            let told = |note: &Value| {
                note["op"] == op
                    && note["path"].as_str().is_some_and(|path| path.ends_with("big"))
                    && (&note["bytes"], &note["sha256"]) == (&Value::from(size), &Value::from(sum.as_str()))
                    // lftp may leave without closing what it has read.
                    && note["partial"] == false
                    && ["ok", "not closed"].contains(&note["result"].as_str().unwrap_or_default())
            };
            let all = || self.stage.gateway.notes().iter().filter(|note| told(note)).count() == self.told.get();
            let so_far = || self.stage.gateway.notes().into_iter().filter(|note| note["op"] == op).collect::<Vec<_>>();
            let watch = Stopwatch::start();
            while !all() {
                assert!(watch.elapsed() < SOON, "{op} {} times with sha256 {sum}: {:?}", self.told.get(), so_far());
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }

    /// Every recording is sealed and intact, once all sessions are over.
    #[track_caller]
    pub fn sealed(&self) {
        eventually(SOON, "all sessions are over, and sealed", || {
            self.stage.gateway.sessions().iter().all(|session| {
                let recordings = session["recordings"].as_array();
                session["ended_at"].is_string()
                    && recordings
                        .is_some_and(|all| all.iter().all(|recording| recording["sealed"] == Value::Bool(true)))
            })
        });
        let folder = self.stage.gateway.recordings_dir();
        if folder.exists() {
            self.stage.gateway.curfew(&["verify", &folder.display().to_string()]).run().ok();
        }
    }

    /// A fresh folder `odd` on the target with a file of each odd name, its content the name.
    pub fn odd(&self) -> PathBuf {
        let odd = self.far().join("odd");
        let _ = std::fs::remove_dir_all(&odd);
        std::fs::create_dir_all(&odd).unwrap();
        for name in ODD {
            std::fs::write(odd.join(name), name).unwrap();
        }
        odd
    }
}

/// Bytes of every value that do not repeat soon.
pub fn sample(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n.wrapping_mul(n) / 7 + n + (n >> 9)) as u8).collect()
}

/// Every byte value, many times.
pub fn every_byte() -> Vec<u8> {
    (0..=255).cycle().take(256 * 2000).collect()
}
