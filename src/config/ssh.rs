//! `[ssh]`: where SSH listens, and under which names.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::book::Book;
use super::moved::Successor;
use super::section::{Section, Text, bad_name};

/// How long live sessions get when the gateway goes down, unless the file says otherwise.
const DRAIN: Duration = Duration::from_secs(30);

/// What `listen` is for.
const WHERE: &str = "where to listen, like \"0.0.0.0:2222\"";

/// `[ssh]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSettings {
    /// Where SSH listens.
    pub listen: SocketAddr,
    /// The names under which people reach it, which its host CA certifies.
    pub names: Vec<String>,
    /// How long live sessions get when the gateway goes down.
    pub drain: Duration,
}

/// Reads `[ssh]`, and its old keys in `[gateway]`.
pub(super) fn read<'a>(root: &mut Section<'a>, gateway: Option<&mut Section<'a>>, book: &Book) -> Option<SshSettings> {
    let mut keys = Successor::of(root, "ssh", "[ssh]", gateway, book);
    let listen = match keys.find("listen", "ssh") {
        Some((section, key)) => section.string(key).and_then(|text| listen_address(text, book)),
        None => {
            match keys.section() {
                Some(section) => section.demand("listen", WHERE),
                None => root.fault(format!("the file has no [ssh] with `listen`: {WHERE}")),
            }
            None
        }
    };
    let names = keys.find("names", "names").map(|(section, key)| section.strings(key)).unwrap_or_default();
    for name in &names {
        if let Some(why) = bad_name(name.text).filter(|_| name.text.parse::<IpAddr>().is_err()) {
            book.fault(name.at, format!("`{}` cannot be the name of a host: {why}", name.text));
        }
    }
    let drain = keys.find("drain", "drain").and_then(|(section, key)| section.duration(key));
    keys.finish();
    Some(SshSettings {
        listen: listen?,
        names: names.iter().map(|name| name.text.to_ascii_lowercase()).collect(),
        drain: drain.unwrap_or(DRAIN),
    })
}

fn listen_address(text: Text<'_>, book: &Book) -> Option<SocketAddr> {
    let address = text.text.parse().ok();
    if address.is_none() {
        let typed = text.text;
        book.fault(
            text.at,
            format!("`{typed}` is not an address to listen on; write \"0.0.0.0:2222\" or \"[::]:2222\""),
        );
    }
    address
}
