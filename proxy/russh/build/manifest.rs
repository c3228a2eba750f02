//! Compares our manifest with russh's: the copy must be built with the dependencies it was written for.

use std::error::Error;

use serde_json::Value;

use crate::locate::Package;

/// What russh can do without, and we leave out.
const LEFT_OUT: [&str; 4] = ["criterion", "des", "flate2", "ring"];

/// Fails, with every difference named, unless we ask for what russh asks for.
pub fn compare(ours: &Package, upstream: &Package) -> Result<(), Box<dyn Error>> {
    let mut faults = Vec::new();
    let wanted: Vec<&Value> = upstream.dependencies().iter().filter(|wanted| concerns_us(wanted)).collect();
    for wanted in &wanted {
        if let Err(fault) = met(wanted, ours) {
            faults.push(fault);
        }
    }
    for own in ours.dependencies().iter().filter(|own| is_normal(own) && own["name"] != "russh") {
        if !wanted.iter().any(|wanted| wanted["name"] == own["name"]) {
            faults.push(format!("{} is listed, and russh does not use it", own["name"]));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!("proxy/russh/Cargo.toml differs from russh's manifest: {}", faults.join("; ")).into())
}

fn concerns_us(wanted: &Value) -> bool {
    let elsewhere = wanted["target"].as_str() == Some("cfg(windows)");
    let left_out = LEFT_OUT.iter().any(|name| wanted["name"] == *name);
    is_normal(wanted) && !elsewhere && !(left_out && wanted["optional"] == true)
}

fn is_normal(dependency: &Value) -> bool {
    dependency["kind"].is_null()
}

fn met(wanted: &Value, ours: &Package) -> Result<(), String> {
    let name = &wanted["name"];
    let same = |own: &&Value| is_normal(own) && own["name"] == *name && own["target"] == wanted["target"];
    let own = ours.dependencies().iter().find(same).ok_or(format!("{name} is missing"))?;
    for field in ["req", "uses_default_features", "rename"] {
        if own[field] != wanted[field] {
            return Err(format!("{name} has {field} {}, russh has {}", own[field], wanted[field]));
        }
    }
    let asked = wanted["features"].as_array().into_iter().flatten();
    let given = own["features"].as_array();
    let missing = asked.filter(|feature| !given.is_some_and(|given| given.contains(feature)));
    let missing: Vec<String> = missing.map(Value::to_string).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("{name} lacks the feature {}", missing.join(", "))) }
}
