//! The arrows between the parts of the house (the map in `src/lib.rs`): a `use` or a dependency that runs back fails here,
//! and so does a circle of files.

mod arrows;
mod code;
mod floors;
mod names;
mod tests;

use std::path::{Path, PathBuf};

use self::arrows::{Modules, Place, written};
use self::floors::{HOUSE, faults};

/// The doors of the product: nobody imports them but what wires it together.
const DOORS: [&str; 5] = ["console", "ctl", "http", "cli", "demo"];
/// What wires the product together: `cli` hands over to the command that was typed, `ssh_door` to the console.
const WIRING: [&str; 6] = ["main", "lib", "app", "serve", "cli", "ssh_door"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names of the dependencies in a manifest, those of its tests left out.
fn dependencies(manifest: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(manifest).expect("read a manifest");
    let mut names = Vec::new();
    let mut wanted = false;
    for line in text.lines() {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            wanted = table == "dependencies" || (table.ends_with(".dependencies") && !table.starts_with("workspace"));
        } else if wanted && let Some((name, _)) = line.split_once(['=', '.']) {
            names.push(name.trim().to_owned());
        }
    }
    names
}

/// The files of a crate, or of a part of the product.
fn modules(crate_folder: &str) -> Modules {
    Modules::of(&root().join(crate_folder).join("src"))
}

/// The part of the product that a place is in: `store` for `crate::store::tx`.
fn part(place: &Place) -> &str {
    place.first().map_or("lib", String::as_str)
}

/// Each arrow between two parts of the product: who imports, and what.
fn between_parts() -> Vec<(Place, Place)> {
    let arrows = modules(".").arrows().into_iter();
    let pairs = arrows.flat_map(|(from, targets)| targets.into_keys().map(move |to| (from.clone(), to)));
    pairs.filter(|(from, to)| part(from) != part(to)).collect()
}

#[test]
fn policy_is_pure_and_imports_nothing_of_the_house() {
    let forbidden = ["curfew-", "tokio", "sqlx", "russh", "hyper", "axum", "ring", "aws-lc-rs"];
    for name in dependencies(&root().join("policy/Cargo.toml")) {
        assert!(!forbidden.iter().any(|part| name.starts_with(part)), "policy depends on {name}");
    }
    for (_, module) in modules("policy").iter() {
        for word in ["std::net::Tcp", "std::fs::", "std::process", "SystemTime::now", "Instant::now", "Timestamp::now"]
        {
            let file = module.file.display();
            assert!(!module.code.contains(word), "policy's {file} has {word}: policy decides on what it is given");
        }
    }
}

#[test]
fn the_recorder_imports_nothing_of_the_house() {
    for name in dependencies(&root().join("recorder/Cargo.toml")) {
        assert!(!name.starts_with("curfew") && name != "russh" && name != "sqlx", "recorder depends on {name}");
    }
}

#[test]
fn the_proxy_knows_no_product_and_no_database() {
    for name in dependencies(&root().join("proxy/Cargo.toml")) {
        assert!(name != "curfew" && name != "sqlx", "proxy depends on {name}");
        let own = ["curfew-policy", "curfew-recorder", "curfew-russh"];
        assert!(!name.starts_with("curfew") || own.contains(&name.as_str()), "proxy depends on {name}");
    }
}

#[test]
fn nobody_imports_a_door() {
    for (from, to) in between_parts() {
        let may = WIRING.contains(&part(&from));
        assert!(may || !DOORS.contains(&part(&to)), "{} imports the door {}", written(&from), written(&to));
    }
}

#[test]
fn the_store_and_the_use_cases_look_only_inward() {
    let forbidden = [
        ("store", ["usecase", "ssh_door", "serve"].as_slice()),
        ("usecase", ["ssh_door", "serve"].as_slice()),
        ("config", ["usecase", "store", "ssh_door", "serve"].as_slice()),
    ];
    for (from, to) in between_parts() {
        let outward = forbidden.iter().any(|(inner, outer)| part(&from) == *inner && outer.contains(&part(&to)));
        assert!(!outward, "{} imports {}", written(&from), written(&to));
    }
}

#[test]
fn doors_hold_no_sql() {
    for (place, module) in modules(".").iter().filter(|(place, _)| part(place) != "store") {
        assert!(!module.code.contains("sqlx::"), "{} speaks SQL past the store", written(place));
    }
}

#[test]
fn every_change_goes_through_the_one_commit_point() {
    let inside = |place: &Place| part(place) == "store" || written(place) == "crate::usecase::commit";
    for (place, module) in modules(".").iter().filter(|(place, _)| !inside(place)) {
        let code: String = module.code.split_whitespace().collect();
        let past = code.replace("app.commit(", "").contains(".commit(");
        assert!(!past, "{} commits past usecase::commit", written(place));
    }
}

#[test]
fn only_the_decision_makes_a_permit() {
    for folder in [".", "proxy", "recorder"] {
        for (_, module) in modules(folder).iter() {
            assert!(!module.code.contains("Permit {"), "{} in {folder} makes a permit", module.file.display());
        }
    }
}

#[test]
fn nothing_but_the_dial_opens_a_socket_to_a_target() {
    for folder in ["proxy", "."] {
        for (_, module) in modules(folder).iter() {
            let may =
                if folder == "." { module.file.starts_with("demo") } else { module.file == Path::new("net/dial.rs") };
            let opens = module.code.contains("TcpStream::connect");
            assert!(may || !opens, "{} in {folder} opens a socket of its own", module.file.display());
        }
    }
}

#[test]
fn every_arrow_between_rooms_runs_down() {
    let faults: Vec<String> = HOUSE
        .iter()
        .flat_map(|floors| {
            faults(&modules(floors.of), floors.rooms).into_iter().map(|fault| format!("{}: {fault}", floors.of))
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles: Vec<String> = HOUSE
        .iter()
        .flat_map(|floors| modules(floors.of).circles().into_iter().map(|circle| format!("{}: {circle}", floors.of)))
        .collect();
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn the_top_level_is_the_house_and_nothing_else() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "Makefile",
        "CHANGELOG.md",
        "LICENSE",
        "SECURITY.md",
        "README.md",
        "deny.toml",
        "src",
        "proxy",
        "recorder",
        "policy",
        "tests",
        "deploy",
        "target",
    ];
    for entry in std::fs::read_dir(root()).expect("read the top level").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || known.contains(&name.as_str()), "{name} is not part of the house");
    }
}
