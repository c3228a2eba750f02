//! The arrows between the parts of the house (DESIGN.md): a `use` or a dependency that runs back fails here.

use std::path::{Path, PathBuf};

/// The doors of the product: nobody imports them but what wires it together.
const DOORS: [&str; 5] = ["console", "ctl", "http", "cli", "demo"];
/// What wires the product together: `cli` hands over to the command that was typed, `ssh_door` to the console.
const WIRING: [&str; 5] = ["main", "lib", "serve", "cli", "ssh_door"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, tests left out.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests")) {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The code of a file, without comments and unit tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("read a source");
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
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

/// The modules of this crate that a file's code names (`crate::store`, `crate::{store, …}`).
fn modules_named(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if at > 0 && code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        match rest.strip_prefix('{') {
            Some(group) => named.extend(first_names(group)),
            None => named.extend(word(rest)),
        }
    }
    named
}

/// The first name of each entry of a `use` group, nested groups left out.
fn first_names(group: &str) -> Vec<String> {
    let (mut names, mut depth, mut fresh) = (Vec::new(), 0, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            _ if depth == 0 && fresh && !c.is_whitespace() => {
                names.extend(word(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// The module of the product that a file belongs to: `store` for `src/store/tx.rs`.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).expect("a file of src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn policy_is_pure_and_imports_nothing_of_the_house() {
    let forbidden = ["curfew-", "tokio", "sqlx", "russh", "hyper", "axum", "ring", "aws-lc-rs"];
    for name in dependencies(&root().join("policy/Cargo.toml")) {
        assert!(!forbidden.iter().any(|part| name.starts_with(part)), "policy depends on {name}");
    }
    for path in sources(&root().join("policy/src")) {
        let code = code(&path);
        for word in ["std::net::Tcp", "std::fs::", "std::process", "SystemTime::now", "Instant::now", "Timestamp::now"]
        {
            assert!(!code.contains(word), "{} has {word}: policy decides on what it is given", path.display());
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
    for path in sources(&root().join("src")) {
        let module = module_of(&path);
        if WIRING.contains(&module.as_str()) {
            continue;
        }
        for named in modules_named(&code(&path)) {
            let own = named == module;
            assert!(own || !DOORS.contains(&named.as_str()), "{} imports the door `{named}`", path.display());
        }
    }
}

#[test]
fn the_store_and_the_use_cases_look_only_inward() {
    for (module, forbidden) in [
        ("store", ["usecase", "ssh_door", "serve"].as_slice()),
        ("usecase", ["ssh_door", "serve"].as_slice()),
        ("config", ["usecase", "store", "ssh_door", "serve"].as_slice()),
    ] {
        let files = sources(&root().join("src")).into_iter().filter(|path| module_of(path) == module);
        for path in files {
            for named in modules_named(&code(&path)) {
                assert!(!forbidden.contains(&named.as_str()), "{} imports `{named}`", path.display());
            }
        }
    }
}

#[test]
fn doors_hold_no_sql() {
    for path in sources(&root().join("src")).into_iter().filter(|path| module_of(path) != "store") {
        let code = code(&path);
        assert!(!code.contains("sqlx::"), "{} speaks SQL past the store", path.display());
    }
}

#[test]
fn only_the_decision_makes_a_permit() {
    for folder in ["src", "proxy/src", "recorder/src"] {
        for path in sources(&root().join(folder)) {
            assert!(!code(&path).contains("Permit {"), "{} makes a permit", path.display());
        }
    }
}

#[test]
fn nothing_but_the_dial_opens_a_socket_to_a_target() {
    for path in sources(&root().join("proxy/src")).into_iter().chain(sources(&root().join("src"))) {
        let name = path.strip_prefix(root()).expect("a file of ours").display().to_string();
        let may = name == "proxy/src/net/dial.rs" || name.starts_with("src/demo");
        assert!(may || !code(&path).contains("TcpStream::connect"), "{name} opens a socket of its own");
    }
}

#[test]
fn the_top_level_is_the_house_and_nothing_else() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "Makefile",
        "CHANGELOG.md",
        "LICENSE",
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

#[test]
fn the_walk_over_imports_sees_them() {
    assert_eq!(modules_named("use crate::store::Tx;"), ["store"]);
    assert_eq!(
        modules_named("use crate::{store::{Tx, Head}, usecase, console::help};"),
        ["store", "usecase", "console"]
    );
    assert_eq!(modules_named("let x = crate::http::serve(); my_crate::console();"), ["http"]);
}
