//! `ssh -N -L 5432:orders-db:5432 bastion`: a TCP service under a grant.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::process::Running;
use crate::support::{Client, SOON, Setup, Stage, eventually, eventually_some, text};

/// How long after its deadline the last trace of a session may go on a busy machine.
const LATE: Duration = Duration::from_secs(3);

const GREETING: &[u8] = b"* ready\r\n";

/// A service that speaks first, repeats what it is told, and has a last word when its client has finished.
struct Service {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Service {
    fn start() -> Self {
        Self::with(|mut stream| {
            stream.write_all(GREETING)?;
            std::io::copy(&mut stream.try_clone()?, &mut stream)?;
            stream.write_all(b"bye\r\n")
        })
    }

    fn with(serve: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self { address: listener.local_addr().unwrap(), accepted: Arc::default(), open: Arc::default() };
        let (accepted, open, serve) = (service.accepted.clone(), service.open.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                accepted.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let (open, serve) = (open.clone(), serve.clone());
                std::thread::spawn(move || {
                    let _ = serve(stream);
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        service
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    #[track_caller]
    fn expect_quiet(&self) {
        eventually(LATE, "every connection to the service is closed", || self.open.load(Ordering::SeqCst) == 0);
    }
}

pub fn orders_db(setup: &mut Setup, address: SocketAddr) {
    setup.policy.push_str(&format!(
        "\n[targets.orders-db]\nprotocol = \"tcp\"\naddress = \"{address}\"\nlabels = {{ env = \"db\" }}\n\
         [roles.db]\n\
         [roles.short-db]\nmax_idle = \"2s\"\n\
         [[rules]]\ngroups = [\"oncall\"]\nlabels = {{ env = \"db\" }}\nroles = [\"db\", \"short-db\"]\nmax_duration = \"2h\"\n"
    ));
}

fn stage(service: &Service) -> Stage {
    Stage::with(|setup| orders_db(setup, service.address))
}

/// `ssh -N -L …` of somebody, through which the service is at a socket of theirs.
struct Forward {
    process: Running,
    socket: PathBuf,
}

impl Forward {
    #[track_caller]
    fn open(who: &Client, to: &str) -> Self {
        let socket = who.dir().join("orders.sock");
        let _ = std::fs::remove_file(&socket);
        let spec = format!("{}:{to}", socket.display());
        let process = who.ssh(&["-oLogLevel=INFO", "-oExitOnForwardFailure=yes", "-N", "-L", &spec, "bastion"]).start();
        eventually(SOON, "the forward listens", || socket.exists());
        Self { process, socket }
    }

    #[track_caller]
    fn connect(&self) -> UnixStream {
        // The socket is there a moment before ssh listens on it.
        let mut stream = None;
        eventually(SOON, "the forward takes a connection", || {
            stream = UnixStream::connect(&self.socket).ok();
            stream.is_some()
        });
        let stream = stream.unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    }
}

fn greeted(stream: &mut UnixStream) {
    let mut greeting = [0; GREETING.len()];
    stream.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting[..], GREETING);
}

/// What comes until the end. A connection that is cut may end with a reset.
fn rest(stream: &mut UnixStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut chunk = [0; 65536];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return all,
            Ok(n) => all.extend_from_slice(&chunk[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return all,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn the_service_speaks_first_each_side_ends_by_itself_and_all_is_written_down() {
    let service = Service::start();
    let stage = stage(&service);
    let grant = stage.alice.granted("orders-db", "db", "1h");
    let forward = Forward::open(&stage.alice, &format!("orders-db:{}", service.address.port()));
    let mut stream = forward.connect();
    greeted(&mut stream);
    stream.write_all(b"select 1").unwrap();
    let mut echoed = [0; 8];
    stream.read_exact(&mut echoed).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), b"bye\r\n");
    let session = stage.gateway.ended_session();
    assert_eq!(session["grant"], grant.as_str());
    assert_eq!((session["user"].as_str(), session["target"].as_str()), (Some("alice"), Some("orders-db")));
    assert_eq!((session["protocol"].as_str(), session["ended_why"].as_str()), (Some("tcp"), Some("client")));
    assert!(session["login"].is_null(), "{session}");
    let id = text(&session["id"]);
    assert_eq!(stage.gateway.session(&id)["recordings"][0]["kind"], "forward");
    let recording = stage.gateway.sealed_recordings(&id).remove(0);
    let transcript = std::fs::read_to_string(&recording).unwrap();
    assert!(transcript.contains("8 bytes sent, 22 received"), "{transcript}");
    assert!(!transcript.contains("select"), "not the bytes");
    stage.gateway.curfew(&["verify"]).arg(&recording).run().ok();
    for action in ["session.started", "session.ended"] {
        assert!(stage.gateway.audit(action).iter().any(|event| event["subject"] == id.as_str()), "{action}");
    }
}

#[test]
fn each_connection_is_a_session_of_its_own() {
    let service = Service::start();
    let stage = stage(&service);
    stage.alice.granted("orders-db", "db", "1h");
    let forward = Forward::open(&stage.alice, &format!("orders-db:{}", service.address.port()));
    let mut streams: Vec<_> = (0..3).map(|_| forward.connect()).collect();
    streams.iter_mut().for_each(greeted);
    let live = stage.gateway.ctl_json("sessions --live");
    assert_eq!(live.as_array().map(Vec::len), Some(3));
    let session = text(&live[0]["id"]);
    stage.sam.ask(&format!("kill {session} --note enough")).ok();
    eventually(LATE, "one is cut, two go on", || {
        stage.gateway.ctl_json("sessions --live").as_array().is_some_and(|live| live.len() == 2)
    });
    assert_eq!(stage.gateway.session(&session)["ended_why"], "killed");
    drop(streams);
    service.expect_quiet();
}

#[test]
fn a_service_that_ends_first_is_heard_to_its_last_byte() {
    let service = Service::with(|mut stream| {
        stream.write_all(GREETING)?;
        stream.write_all(&vec![b'x'; 1_000_000])
    });
    let stage = stage(&service);
    stage.alice.granted("orders-db", "db", "1h");
    let forward = Forward::open(&stage.alice, &format!("orders-db:{}", service.address.port()));
    let mut stream = forward.connect();
    greeted(&mut stream);
    assert_eq!(rest(&mut stream).len(), 1_000_000);
    drop(stream);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "target");
}

#[test]
fn bytes_pass_unchanged_both_ways() {
    let service = Service::start();
    let stage = stage(&service);
    stage.alice.granted("orders-db", "db", "1h");
    let forward = Forward::open(&stage.alice, &format!("orders-db:{}", service.address.port()));
    let mut stream = forward.connect();
    greeted(&mut stream);
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8).collect();
    let mut up = stream.try_clone().unwrap();
    let sent = bytes.clone();
    let sending = std::thread::spawn(move || {
        up.write_all(&sent).unwrap();
        up.shutdown(Shutdown::Write).unwrap();
    });
    let came = rest(&mut stream);
    sending.join().unwrap();
    assert!(came.len() == bytes.len() + 5 && came[..bytes.len()] == bytes[..], "{} bytes", came.len());
}

#[test]
fn without_a_grant_the_channel_is_refused_with_the_request_to_type() {
    let service = Service::start();
    let stage = stage(&service);
    let to = format!("orders-db:{}", service.address.port());
    let run = stage.alice.ssh(&["-oLogLevel=INFO", "-W", &to, "bastion"]).run().expect(255);
    let start = run.stderr.find("request orders-db --role db").unwrap_or_else(|| panic!("{run:?}"));
    let typed = run.stderr[start..].lines().next().unwrap().trim().replace("TEXT", "INC-4");
    stage.alice.ask(&typed).ok();
    let mut through = stage.alice.ssh(&["-W", &to, "bastion"]).start();
    through.stdout.wait_for("* ready", SOON);
    through.stdin.take();
    assert!(through.wait(SOON).ok().text().ends_with("bye\r\n"));
    assert_eq!(service.accepted(), 1);
}

#[test]
fn another_port_another_spelling_and_the_address_lead_nowhere() {
    let service = Service::start();
    let stage = stage(&service);
    stage.alice.granted("orders-db", "db", "1h");
    let (port, other) = (service.address.port(), stage.web1.address().port());
    for to in [
        format!("orders-db:{other}"),
        "orders-db:22".to_owned(),
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("ORDERS-DB:{port}"),
        format!("orders-db.:{port}"),
        format!("[::1]:{port}"),
    ] {
        let run = stage.alice.ssh(&["-oLogLevel=INFO", "-W", &to, "bastion"]).run().expect(255);
        assert!(run.stderr.contains("curfew: "), "{to}: {run:?}");
    }
    assert_eq!((service.accepted(), stage.web1.connections()), (0, 0));
}

#[test]
fn an_ssh_door_does_not_lead_to_a_tcp_service_and_says_what_does() {
    let service = Service::start();
    let stage = stage(&service);
    stage.alice.granted("orders-db", "db", "1h");
    let (port, door) = (service.address.port(), stage.gateway.address().port());
    let way = format!("ssh -p {door} -N -L {port}:orders-db:{port} bastion");
    stage.alice.on("orders-db", "true").run().expect(77).says(&way);
    stage.alice.on("root@orders-db", "true").run().expect(77).says(&way);
    let run = stage.alice.ssh(&["-oLogLevel=INFO", "-W", "orders-db:22", "bastion"]).run().expect(255);
    assert!(run.stderr.contains(&way), "{run:?}");
    assert_eq!(service.accepted(), 0);
}

#[test]
fn at_the_end_of_the_grant_a_stalled_client_and_a_stalled_service_are_cut() {
    // It sends without end, and reads nothing.
    let service = Service::with(|mut stream| {
        loop {
            stream.write_all(&[b'x'; 65536])?;
        }
    });
    let stage = stage(&service);
    let grant = stage.alice.granted("orders-db", "db", "1h");
    let mut forward = Forward::open(&stage.alice, &format!("orders-db:{}", service.address.port()));
    let mut stalled = forward.connect();
    stalled.read_exact(&mut [0; 1000]).unwrap();
    // Nobody reads on; and what goes up fills every buffer on its way, until a write would wait.
    stalled.set_nonblocking(true).unwrap();
    eventually(SOON, "the way up is full", || stalled.write(&[0; 65536]).is_err());
    stage.sam.ask(&format!("revoke {grant} --note over")).ok();
    service.expect_quiet();
    assert_eq!(stage.gateway.ended_session()["ended_why"], "revoked");
    stalled.set_nonblocking(false).unwrap();
    rest(&mut stalled);
    // The connection to the bastion lives on; a new connection through it is refused.
    assert!(forward.process.is_running());
    assert_eq!(rest(&mut forward.connect()), b"");
    assert_eq!(service.accepted(), 1);
}

#[test]
fn it_ends_when_the_grant_expires() {
    let service = Service::start();
    let stage = stage(&service);
    stage.alice.granted("orders-db", "db", "6s");
    let forward = Forward::open(&stage.alice, &format!("orders-db:{}", service.address.port()));
    let mut stream = forward.connect();
    greeted(&mut stream);
    assert_eq!(rest(&mut stream), b"", "no warning is mixed in");
    assert_eq!(stage.gateway.ended_session()["ended_why"], "expired");
    service.expect_quiet();
}

#[test]
fn an_idle_connection_ends_as_the_role_says() {
    let service = Service::start();
    let stage = stage(&service);
    stage.alice.granted("orders-db", "short-db", "1h");
    let forward = Forward::open(&stage.alice, &format!("orders-db:{}", service.address.port()));
    let mut stream = forward.connect();
    greeted(&mut stream);
    assert_eq!(rest(&mut stream), b"");
    assert_eq!(stage.gateway.ended_session()["ended_why"], "idle");
}

#[test]
fn a_service_that_refuses_is_told_in_the_refusal_of_the_channel() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stage = Stage::with(|setup| orders_db(setup, nobody));
    stage.alice.granted("orders-db", "db", "1h");
    let to = format!("orders-db:{}", nobody.port());
    let run = stage.alice.ssh(&["-oLogLevel=INFO", "-W", &to, "bastion"]).run().expect(255);
    assert!(run.stderr.contains("orders-db refused the connection"), "{run:?}");
    let session = stage.gateway.ended_session();
    assert_eq!(session["ended_why"], "unreachable");
    stage.gateway.sealed_recordings(&text(&session["id"]));
}

#[test]
fn a_dial_into_a_black_hole_ends_when_the_client_goes() {
    // A listener whose backlog is full answers no further SYN.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let full = Mutex::new(Vec::new());
    eventually(SOON, "the backlog is full", || {
        let one = TcpStream::connect_timeout(&address, Duration::from_millis(300));
        one.map(|stream| full.lock().unwrap().push(stream)).is_err()
    });
    let stage = Stage::with(|setup| orders_db(setup, address));
    stage.alice.granted("orders-db", "db", "1h");
    let waiting = stage.alice.ssh(&["-W", &format!("orders-db:{}", address.port()), "bastion"]).start();
    let session = eventually_some(SOON, "it is being dialled", || {
        let live = stage.gateway.ctl_json("sessions --live");
        live[0]["recordings"].as_array().filter(|list| !list.is_empty())?;
        Some(text(&live[0]["id"]))
    });
    drop(waiting);
    eventually(LATE, "the session has ended", || stage.gateway.session(&session)["ended_why"] == "client");
    // And when the lease is over, while the client stays.
    let mut waiting =
        stage.alice.ssh(&["-oLogLevel=INFO", "-W", &format!("orders-db:{}", address.port()), "bastion"]).start();
    eventually(SOON, "it is being dialled", || {
        stage.gateway.ctl_json("sessions --live")[0]["recordings"].as_array().is_some_and(|list| !list.is_empty())
    });
    stage.sam.ask("revoke g1 --note never mind").ok();
    waiting.wait(LATE).expect(255).says("never mind");
    assert_eq!(stage.gateway.ended_session()["ended_why"], "revoked");
}

#[test]
fn where_nothing_can_be_written_down_nothing_is_reached() {
    let service = Service::start();
    let stage = stage(&service);
    // The folder is a file now, which stops root too.
    let _ = std::fs::remove_dir_all(stage.gateway.recordings_dir());
    std::fs::write(stage.gateway.recordings_dir(), "").unwrap();
    stage.alice.granted("orders-db", "db", "1h");
    let to = format!("orders-db:{}", service.address.port());
    let run = stage.alice.ssh(&["-oLogLevel=INFO", "-W", &to, "bastion"]).run().expect(255);
    assert!(run.stderr.contains("can no longer be recorded"), "{run:?}");
    assert_eq!(service.accepted(), 0);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "recording-failed");
}

#[test]
fn the_console_knows_a_service_without_a_login() {
    let service = Service::start();
    let stage = stage(&service);
    let targets = stage.alice.json("targets");
    let db = targets.as_array().unwrap().iter().find(|target| target["name"] == "orders-db").expect("listed").clone();
    assert_eq!(db["protocol"], "tcp");
    let said = stage.alice.ask("request orders-db --role db --for 1h --reason INC-5").ok().text();
    let port = service.address.port();
    assert!(said.contains(&format!("-N -L {port}:orders-db:{port} bastion")), "{said}");
    let grants = stage.alice.json("grants");
    assert!(grants[0]["login"].is_null() && grants[0]["targets"][0] == "orders-db", "{grants}");
    stage.alice.ask("done g1").ok();
}
