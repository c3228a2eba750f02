//! The SSH libraries, each in a script that takes a check's name and where to go.

use super::door::{Door, ODD};
use crate::support::Program;

/// The cells of a script, each running one of its checks.
macro_rules! cells {
    ($library:ident: $interpreter:literal $words:expr, $file:literal, $size:expr) => {
        pub mod $library {
            use super::*;

            fn check(name: &str, door: &Door) {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/matrix/", $file);
                super::check(Program::new($interpreter).args($words as [&str; _]).arg(script), name, door);
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

cells!(paramiko: "/usr/bin/python3" ["-W", "ignore"], "with_paramiko.py", 32 << 20);
cells!(asyncssh: "/usr/bin/python3" [], "with_asyncssh.py", 64 << 20);
cells!(ssh2: "node" [], "with_ssh2.js", 64 << 20);
// It waits for the answer to each piece of 32 KiB.
cells!(libssh: "/usr/bin/python3" [], "with_libssh.py", 2 << 20);

fn check(interpreter: Program, name: &str, door: &Door) {
    let folders = [door.far().display().to_string(), door.near().display().to_string()];
    interpreter.args([name, "127.0.0.1", &door.port(), &door.user()]).arg(door.key()).args(folders).run().ok();
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
