//! `curfew verify`: whether recordings, or the audit log, are as they were written.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use curfew_recorder::{EXTENSION, PublicKey, Verdict, verify};

use crate::config::store::NoPassword;
use crate::config::{Config, ConfigFaults};
use crate::identity::keys::{GatewayKeys, KeysError, seal_bytes};
use crate::store::{self, GATEWAY, HEAD_FILE, StoreError, verify_audit};
use crate::text::escape;

/// What to verify, and with whose key.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  curfew verify --config curfew.toml --audit\n  curfew verify --config curfew.toml /var/lib/curfew/recordings\n  curfew verify --key seal.pub s345-1.cast\n\n0 is intact, 1 names the first bad record. `curfew ca` prints the key."
)]
pub struct VerifyArgs {
    /// The configuration file, which says where key, database and recordings are.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    config: Option<PathBuf>,
    /// The public key that sealed it: the line `curfew ca` prints, or a file that holds it.
    #[arg(long, value_name = "PUB")]
    key: Option<String>,
    /// Verify the audit log.
    #[arg(long, requires = "config", conflicts_with = "what")]
    audit: bool,
    /// Recordings, or folders of them; all recordings where nothing is named.
    #[arg(value_name = "FILE|FOLDER")]
    what: Vec<PathBuf>,
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
enum NotVerified {
    #[error("{0}")]
    Config(#[from] ConfigFaults),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    GatewayKeys(#[from] KeysError),
    #[error("{0}")]
    Password(#[from] NoPassword),
    #[error("the audit log cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("{path}: {why}", path = escape::terminal(&.0.display().to_string()), why = .1)]
    Unreadable(PathBuf, io::Error),
}

/// Verifies: 0 intact, 1 not, 2 when what was typed or configured makes no sense.
pub async fn run(args: VerifyArgs) -> ExitCode {
    match verified(args).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("curfew: {why}");
            match why {
                NotVerified::Config(_) | NotVerified::Usage(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn verified(args: VerifyArgs) -> Result<bool, NotVerified> {
    let (key, config) = match (&args.config, &args.key) {
        (Some(file), _) => {
            let config = Config::load(file)?.config;
            (GatewayKeys::open(&config.gateway.state_dir)?.public().seal, Some(config))
        }
        (None, Some(key)) => (read_key(key)?, None),
        (None, None) => {
            return Err(NotVerified::Usage("say whose seal to check: --config FILE, or --key PUB".to_owned()));
        }
    };
    if let (true, Some(config)) = (args.audit, &config) {
        return audit(config, &key).await;
    }
    let roots = match (args.what.is_empty(), config) {
        (false, _) => args.what,
        (true, Some(config)) => vec![config.recordings.spool],
        (true, None) => return Err(NotVerified::Usage("say what to verify: a recording or a folder".to_owned())),
    };
    recordings(&roots, &key)
}

fn read_key(text: &str) -> Result<PublicKey, NotVerified> {
    let bad = || {
        NotVerified::Usage(
            "--key takes the line `curfew-seal-ed25519 …` that `curfew ca` prints, or a file that holds it".to_owned(),
        )
    };
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let file = std::fs::read_to_string(text).map_err(|_| bad())?;
    file.lines().find_map(|line| line.parse().ok()).ok_or_else(bad)
}

async fn audit(config: &Config, key: &PublicKey) -> Result<bool, NotVerified> {
    let state_dir = &config.gateway.state_dir;
    let location = config.store.location(state_dir)?;
    let gateway = config.gateway.name.as_deref().unwrap_or(GATEWAY);
    let verdict = verify_audit(&location, gateway, &seal_bytes(key), &state_dir.join(HEAD_FILE)).await?;
    match verdict {
        store::Verdict::Intact { events } => {
            println!("audit log: intact, {events} records");
            Ok(true)
        }
        store::Verdict::Broken { seq, what } => {
            println!("audit log: record {seq}: {what}");
            Ok(false)
        }
    }
}

fn recordings(roots: &[PathBuf], key: &PublicKey) -> Result<bool, NotVerified> {
    let mut files = Vec::new();
    for root in roots {
        gather(root, &mut files).map_err(|why| NotVerified::Unreadable(root.clone(), why))?;
    }
    files.sort();
    let mut intact = true;
    for file in &files {
        let verdict =
            verify(file, std::slice::from_ref(key)).map_err(|why| NotVerified::Unreadable(file.clone(), why))?;
        let (good, says) = describe(file, &verdict);
        println!("{}: {says}", escape::terminal(&file.display().to_string()));
        intact &= good;
    }
    if files.is_empty() {
        println!("no recordings there");
    }
    Ok(intact)
}

fn describe(file: &Path, verdict: &Verdict) -> (bool, String) {
    match verdict {
        Verdict::Intact(summary) => {
            let state = match summary.statement.state {
                curfew_recorder::Completeness::Complete => "intact",
                curfew_recorder::Completeness::Interrupted => "intact, but interrupted",
            };
            (true, format!("{state}, {} lines, ended: {}", summary.lines, escape::terminal(&summary.statement.end)))
        }
        Verdict::Unsealed(_) if is_being_written(file) => (true, "still being written".to_owned()),
        Verdict::Unsealed(open) => {
            (false, format!("line {}: no seal follows; its end is missing", open.lines.saturating_add(1)))
        }
        Verdict::Broken(fault) => (false, fault.to_string()),
    }
}

/// Whether a gateway has it open: it holds a lock for as long.
fn is_being_written(file: &Path) -> bool {
    File::open(file).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The recordings at or below a path.
fn gather(root: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !std::fs::metadata(root)?.is_dir() {
        files.push(root.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(root)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            gather(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    Ok(())
}
