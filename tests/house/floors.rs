//! The rooms of each crate, from the ground up. A room imports the rooms below it and none above.

use super::arrows::{Modules, Place, written};

/// The rooms of a crate, from the ground up.
pub struct Floors {
    /// The crate's folder.
    pub of: &'static str,
    /// Each room is a folder or file below `src`. A file belongs to the room with the longest name that fits: `ssh/say` is
    /// a room of its own, and `ssh` has the rest of that folder.
    pub rooms: &'static [&'static str],
}

pub const HOUSE: [Floors; 4] = [
    Floors {
        of: "policy",
        rooms: &[
            "id", "pattern", "refusal", "text", "time", "endpoint", "lease", "target", "user", "grant", "request",
            "role", "rule", "start", "ask", "decide",
        ],
    },
    Floors {
        of: "recorder",
        rooms: &[
            "text",
            "utf8",
            "json",
            "hash",
            "event",
            "chain",
            "exact",
            "file",
            "key",
            "cast",
            "lines",
            "sealed",
            "writer",
            "queue",
            "follow",
            "recording",
            "player",
            "scan",
            "verify",
            "repair",
        ],
    },
    Floors {
        of: "proxy",
        rooms: &[
            "lease",
            "net",
            "limits",
            "route",
            "gate",
            "gateway",
            "record",
            "ssh/algorithms",
            "ssh/connection",
            "ssh/say",
            "ssh/target",
            "ssh/channel",
            "ssh",
            "tcp",
            "bastion",
            "front",
        ],
    },
    Floors {
        of: ".",
        rooms: &[
            "text",
            "files",
            "control",
            "config",
            "store",
            "identity",
            "live",
            "usecase",
            "recordings",
            "console",
            "ctl",
            "ssh_door",
            "serve",
            "demo",
            "cli",
            "main",
        ],
    },
];

/// What is wrong with the rooms of a crate: rooms that are not there, files without a room, arrows that run back.
pub fn faults(modules: &Modules, rooms: &[&str]) -> Vec<String> {
    let rooms: Vec<Place> = rooms.iter().map(|room| room.split('/').map(str::to_owned).collect()).collect();
    let missing = rooms.iter().filter(|room| !modules.iter().any(|(place, _)| place.starts_with(room)));
    let mut faults: Vec<String> = missing
        .map(|room| {
            format!("the room `{}` of tests/house/floors.rs is not there: no such folder or file", room.join("/"))
        })
        .collect();
    let homeless = modules.iter().filter(|(place, _)| !place.is_empty() && floor(place, &rooms).is_none());
    faults.extend(homeless.map(|(_, module)| {
        format!("{} has no room: move it into one, or give it a floor in tests/house/floors.rs", module.file.display())
    }));
    for (from, targets) in modules.arrows() {
        for (to, path) in targets {
            if let (Some(here), Some(there)) = (floor(&from, &rooms), floor(&to, &rooms))
                && there > here
            {
                faults.push(format!(
                    "{} (room `{}`) names {path} of the room `{}`, which is above it",
                    written(&from),
                    rooms[here].join("/"),
                    rooms[there].join("/")
                ));
            }
        }
    }
    faults
}

/// The floor of a module: that of the room with the longest name that claims it.
fn floor(place: &Place, rooms: &[Place]) -> Option<usize> {
    let claims = rooms.iter().enumerate().filter(|(_, room)| place.starts_with(room));
    claims.max_by_key(|(_, room)| room.len()).map(|(floor, _)| floor)
}
