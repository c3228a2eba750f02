//! The SSH libraries, each in a script that takes a check's name and where to go.

use super::door::{Door, ODD, Place};
use crate::support::Program;

/// The cells of a script, each running one of its checks.
macro_rules! cells {
    ($library:ident: $interpreter:literal $words:expr, $file:literal, $via:ident, $size:expr) => {
        pub mod $library {
            use super::*;

            fn check(name: &str, door: &Door) {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/matrix/", $file);
                let interpreter = Program::new($interpreter).args($words as [&str; _]).arg(script);
                super::check(interpreter, name, door, &$via(door));
            }

            cells!(@cell commands signals listing terminal channels);

            pub fn files(door: &Door) {
                door.big($size);
                check("files", door);
                door.moved_and_told($size, &door.far().join("big"), &door.near().join("back"));
            }

            pub fn names(door: &Door) {
                super::names(door, check);
            }
        }
    };
    (@cell $($name:ident)*) => {
        $(#[allow(dead_code)] // libssh has no signals.
        pub fn $name(door: &Door) {
            check(stringify!($name), door);
        })*
    };
}

cells!(paramiko: "/usr/bin/python3" ["-W", "ignore"], "with_paramiko.py", via, 32 << 20);
cells!(asyncssh: "/usr/bin/python3" [], "with_asyncssh.py", via, 64 << 20);
cells!(ssh2: "node" [], "with_ssh2.js", via, 64 << 20);
// It waits for the answer to each piece of 32 KiB.
cells!(libssh: "/usr/bin/python3" [], "with_libssh.py", via_ssh, 2 << 20);

fn check(interpreter: Program, name: &str, door: &Door, via: &[String]) {
    let place = door.place();
    let script = interpreter.args([name, &place.host, &place.port, &place.user]).arg(door.key()).arg(door.known());
    script.arg(door.far()).arg(door.near()).args(via).run().ok();
}

/// How a library gets to the bastion first, where it has to.
fn via(door: &Door) -> Vec<String> {
    let of = |place: &Place| vec![place.host.clone(), place.port.clone(), place.user.clone()];
    door.via().as_ref().map(of).unwrap_or_default()
}

/// libssh has OpenSSH get there.
fn via_ssh(door: &Door) -> Vec<String> {
    door.via().map(|_| vec![door.config()]).unwrap_or_default()
}

/// Each odd name is listed, appended to and renamed.
fn names(door: &Door, check: fn(&str, &Door)) {
    let odd = door.odd();
    std::fs::write(door.near().join("odd.json"), serde_json::json!(ODD).to_string()).unwrap();
    check("names", door);
    for name in ODD {
        let there = std::fs::read_to_string(odd.join(format!("x{name}"))).unwrap();
        assert_eq!(there, format!("{name} and more"));
    }
}
