//! All that somebody may have open at once, under each of the ends that there are: nothing of it is left.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::agent_forwarding::{Agent, with_agent};
use crate::forwards::tunnel;
use crate::support::process::{Program, Running};
use crate::support::service::{dial, free_port, is_free, ping, unix_echo};
use crate::support::{
    Fake, Master, SOON, Service, Stage, Stopwatch, Terminal, eventually, eventually_some, own_sleep, processes, text,
    web1,
};
use crate::tcp_target::orders_db;

/// How long after its end the last trace of a session may go on a busy machine.
const LATE: Duration = Duration::from_secs(5);

/// What one side of a live connection is, for the test that waits until it is closed.
trait Ending {
    fn is_over(&mut self) -> bool;
}

/// Reads what has come until there is no more for now; `true` at the end or at a reset.
fn drained(stream: &mut impl Read) -> bool {
    let mut buffer = [0; 65536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

impl Ending for TcpStream {
    fn is_over(&mut self) -> bool {
        self.set_nonblocking(true).is_err() || drained(self)
    }
}

impl Ending for UnixStream {
    fn is_over(&mut self) -> bool {
        self.set_nonblocking(true).is_err() || drained(self)
    }
}

/// All that Alice may have open: on `web1`, on the way to a target that says nothing, and to a service.
struct Everything {
    stage: Stage,
    grants: Vec<String>,
    slow: Fake,
    /// Live connections whose other end is across the bastion, and what they are.
    streams: Vec<(&'static str, Box<dyn Ending>)>,
    /// Where the target listens.
    listeners: Vec<u16>,
    /// Sockets on the target.
    sockets: Vec<PathBuf>,
    /// What runs on the target.
    sleeps: Vec<String>,
    /// Those that are to end, and say why.
    running: Vec<Running>,
    terminal: Terminal,
    /// Those that only are to be there.
    _held: Vec<Running>,
}

impl Everything {
    #[track_caller]
    fn open(span: &str) -> Self {
        let (slow, service) = (Fake::silent(), Service::echo());
        let stage = Stage::with(|setup| {
            setup.target("slow", slow.address(), &slow.host_key.bare(), "");
            let folder = "listen = [\"localhost:*\", \"/tmp/*\"]\nforward = [\"*:*\", \"/tmp/*\"]";
            setup.policy = setup.policy.replace("listen = [\"localhost:*\"]\n", "");
            setup.policy = setup.policy.replace("forward = [\"*:*\"]", folder);
            orders_db(setup, service.address);
        });
        let grants =
            vec![stage.alice.granted("web1 slow", "admin", span), stage.alice.granted("orders-db", "db", span)];
        let terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
        let mut all = Self {
            stage,
            grants,
            slow,
            streams: Vec::new(),
            listeners: Vec::new(),
            sockets: Vec::new(),
            sleeps: Vec::new(),
            running: Vec::new(),
            terminal,
            _held: Vec::new(),
        };
        all.work();
        all.forward(&service);
        all.lend_an_agent();
        all.jump(&service);
        all.reach_the_service(&service);
        all.stall();
        eventually(SOON, "all of it runs", || all.sleeps.iter().all(|sleep| !processes(&["sleep", sleep]).is_empty()));
        all
    }

    fn sleep(&mut self) -> String {
        self.sleeps.push(own_sleep());
        self.sleeps.last().cloned().unwrap_or_default()
    }

    /// A terminal with a job in the background, and commands on a connection of many channels.
    fn work(&mut self) {
        let (front, back) = (self.sleep(), self.sleep());
        self.terminal.type_in(format!("nohup sleep {back} >/dev/null 2>&1 &\r"));
        self.terminal.type_in(format!("sleep {front}\r"));
        let sleeps = [self.sleep(), self.sleep()];
        let master = Master::open(&self.stage.alice, &web1());
        let commands: Vec<Running> = sleeps.iter().map(|sleep| master.run(&format!("sleep {sleep}")).start()).collect();
        let Master { process, .. } = master;
        self.running.extend(commands);
        self._held.push(process);
    }

    /// `-L`, `-R` and `-D`, by ports and by sockets, each with a live connection.
    fn forward(&mut self, service: &Service) {
        let dir = tempfile::Builder::new().prefix("every").tempdir_in("/tmp").unwrap().keep();
        let [there, near, back, own] = ["there", "near", "back", "own"].map(|name| dir.join(name));
        unix_echo(&there);
        unix_echo(&own);
        let [out, listener, socks] = [free_port(), free_port(), free_port()];
        let to = service.address;
        let ssh = tunnel(
            &self.stage,
            &[
                "-L",
                &format!("{out}:{to}"),
                "-R",
                &format!("{listener}:{to}"),
                "-D",
                &socks.to_string(),
                "-L",
                &format!("{}:{}", near.display(), there.display()),
                "-R",
                &format!("{}:{}", back.display(), own.display()),
            ],
        );
        self.keep("-L", dial(out));
        self.keep("-R", dial(listener));
        let mut proxied = dial(socks);
        // SOCKS 5 (RFC 1928): no authentication, CONNECT to an IPv4 address.
        proxied.write_all(&[5, 1, 0]).unwrap();
        proxied.read_exact(&mut [0; 2]).unwrap();
        proxied.write_all(&[&[5, 1, 0, 1, 127, 0, 0, 1][..], &to.port().to_be_bytes()].concat()).unwrap();
        proxied.read_exact(&mut [0; 10]).unwrap();
        self.keep("-D", proxied);
        for (what, path) in [("-L of a socket", &near), ("-R of a socket", &back)] {
            let stream = eventually_some(SOON, what, || UnixStream::connect(path).ok());
            self.keep(what, stream);
        }
        self.listeners.push(listener);
        self.sockets.push(back);
        self.running.push(ssh);
    }

    /// The agent, with a connection to its socket on the target.
    fn lend_an_agent(&mut self) {
        let agent = Agent::start(self.stage.alice.dir());
        let sleep = self.sleep();
        let command = format!("echo $SSH_AUTH_SOCK; sleep {sleep}");
        let ssh = with_agent(&self.stage.alice, &agent, &["web1@bastion", &command]).start();
        ssh.stdout.wait_for("\n", SOON);
        let socket = PathBuf::from(ssh.stdout.text().trim());
        let mut stream = UnixStream::connect(&socket).unwrap();
        // SSH_AGENTC_REQUEST_IDENTITIES, and the length of the answer.
        stream.write_all(&[0, 0, 0, 1, 11]).unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        self.streams.push(("the agent", Box::new(stream)));
        self.sockets.push(socket);
        self.running.push(ssh);
        self._held.push(agent.into_running());
    }

    /// A session inside a connection, and a forward from the target on inside of that.
    fn jump(&mut self, service: &Service) {
        let (sleep, port) = (self.sleep(), free_port());
        let known = format!("-oUserKnownHostsFile={}", self.stage.gateway.known_hosts().display());
        let forward = format!("{port}:{}", service.address);
        let words = ["-J", "bastion", &known, "-L", &forward, &web1(), &format!("sleep {sleep}")];
        self.running.push(self.stage.alice.ssh(&words).start());
        self.keep("-L inside a jump", dial(port));
    }

    /// A service by `-L` of the bastion's own.
    fn reach_the_service(&mut self, service: &Service) {
        let port = free_port();
        let spec = format!("{port}:orders-db:{}", service.port());
        self._held.push(self.stage.alice.ssh(&["-N", "-L", &spec, "bastion"]).start());
        self.keep("the service", dial(port));
    }

    /// Clients that stop in the middle of it: of a download, of a copy, of a listener; and a dial that hangs.
    fn stall(&mut self) {
        let sleep = self.sleep();
        let download = self.stage.on_web1(&format!("sleep {sleep} & cat /dev/zero")).start();
        download.stdout.wait_for("\0", SOON);
        let big = self.stage.web1.dir.path().join("big");
        std::fs::File::create(&big).unwrap().set_len(1 << 40).unwrap();
        let config = self.stage.alice.config().display().to_string();
        let copied = self.stage.alice.dir().join("copied");
        let from = format!("web1@bastion:{}", big.display());
        let copy = Program::new("scp").args(["-F", &config, &from, &copied.display().to_string()]).start();
        eventually(SOON, "the copy began", || std::fs::metadata(&copied).is_ok_and(|file| file.len() > 0));
        let (listener, own) = (free_port(), Service::echo());
        let tunnel = tunnel(&self.stage, &["-R", &format!("{listener}:{}", own.address)]);
        self.keep("-R of a stopped client", dial(listener));
        self.listeners.push(listener);
        let dialling = self.stage.alice.on("slow", "true").start();
        let slow = &self.slow;
        eventually(SOON, "it is being dialled", || slow.connections() == 1);
        for client in [&download, &copy, &tunnel] {
            client.signal(Signal::STOP);
        }
        self._held.extend([download, copy, tunnel]);
        self.running.push(dialling);
    }

    #[track_caller]
    fn keep(&mut self, what: &'static str, mut stream: impl Ending + Read + Write + 'static) {
        ping(&mut stream, what);
        self.streams.push((what, Box::new(stream)));
    }

    /// Checks that nothing of it is left, and every session over for this reason.
    #[track_caller]
    fn expect_gone(&mut self, why: &str) {
        let watch = Stopwatch::start();
        for (what, stream) in &mut self.streams {
            eventually(LATE, &format!("it is closed: {what}"), || stream.is_over());
        }
        let Self { stage, slow, .. } = self;
        eventually(LATE, "the half-open dial is closed", || slow.all_left());
        stage.web1.expect_quiet(LATE);
        for port in &self.listeners {
            eventually(LATE, "nobody listens on the target", || is_free(*port));
        }
        for socket in &self.sockets {
            eventually(LATE, "nobody listens at a socket", || UnixStream::connect(socket).is_err());
        }
        for sleep in &self.sleeps {
            eventually(LATE, "the process on the target is gone", || processes(&["sleep", sleep]).is_empty());
        }
        // A target that says nothing is given up before a deadline that is far.
        let given_up = |session: &Value| session["target"] == "slow" && session["ended_why"] == "unreachable";
        let over = |session: &Value| session["ended_why"] == why || given_up(session);
        eventually(LATE, "every session is over", || stage.gateway.sessions().iter().all(over));
        assert!(watch.elapsed() < LATE, "took {:?}", watch.elapsed());
        assert_eq!(self.terminal.wait(SOON), Some(124));
        self.running.iter_mut().for_each(|client| drop(client.wait(SOON)));
        for session in self.stage.gateway.sessions() {
            let recordings = session["recordings"].as_array().unwrap().len();
            if recordings > 0 {
                self.stage.gateway.sealed_recordings(&text(&session["id"]));
            }
        }
    }
}

#[test]
fn nothing_is_left_after_the_deadline() {
    let mut all = Everything::open("25s");
    let show = format!("show {}", all.grants[1]);
    eventually(SOON + SOON, "the last grant has ended", || all.stage.gateway.ctl_json(&show)["state"] == "ended");
    all.expect_gone("expired");
}

#[test]
fn nothing_is_left_after_a_revocation() {
    let mut all = Everything::open("1h");
    for grant in &all.grants {
        all.stage.gateway.ctl(&format!("revoke {grant} --note over")).ok();
    }
    all.expect_gone("revoked");
}

#[test]
fn nothing_is_left_after_a_kill() {
    let mut all = Everything::open("1h");
    for session in all.stage.gateway.sessions() {
        all.stage.gateway.ctl(&format!("kill {} --note over", text(&session["id"]))).ok();
    }
    all.expect_gone("killed");
}

#[test]
fn nothing_is_left_when_the_user_is_taken_out_of_the_configuration() {
    let mut all = Everything::open("1h");
    all.stage.gateway.edit(|toml| toml.replace("[users.alice]", "[users.alicia]"));
    all.stage.gateway.reload();
    all.expect_gone("revoked");
}

#[test]
fn nothing_is_left_when_the_targets_are_taken_out_of_the_configuration() {
    let mut all = Everything::open("1h");
    all.stage.gateway.edit(|toml| {
        let names = ["web1", "slow", "orders-db"];
        names
            .iter()
            .fold(toml, |toml, name| toml.replace(&format!("[targets.{name}]"), &format!("[targets.no-{name}]")))
    });
    all.stage.gateway.reload();
    all.expect_gone("revoked");
}

#[test]
fn nothing_is_left_when_the_roles_are_taken_out_of_the_configuration() {
    let mut all = Everything::open("1h");
    all.stage.gateway.edit(|toml| {
        let toml = toml.replace("[roles.admin]", "[roles.operator]").replace("[roles.db]", "[roles.service]");
        toml.replace("\"admin\"", "\"operator\"").replace("\"db\", \"short-db\"", "\"service\", \"short-db\"")
    });
    all.stage.gateway.reload();
    all.expect_gone("revoked");
}
