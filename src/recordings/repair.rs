//! At the start: recordings that a crash left open are repaired, sealed as interrupted, and written down.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use curfew_policy::id::SessionId;
use curfew_recorder::{Repaired, SealKey, find_unsealed, repair};

use crate::usecase::{App, record};

/// Repairs what is left open under `folder`.
///
/// # Errors
/// When the folder cannot be read. What is wrong with one recording is logged, and the others go on.
pub async fn unsealed(app: &App, folder: &Path, key: &Arc<SealKey>) -> std::io::Result<()> {
    let (folder, key) = (folder.to_owned(), Arc::clone(key));
    let repaired = tokio::task::spawn_blocking(move || {
        let found = find_unsealed(&folder)?;
        Ok::<_, std::io::Error>(found.into_iter().map(|path| (repair(&path, &key), path)).collect::<Vec<_>>())
    })
    .await
    .map_err(std::io::Error::other)??;
    for (result, path) in repaired {
        match result {
            Ok(Repaired::Sealed(sealed) | Repaired::Already(sealed)) => {
                tracing::warn!(path = %path.display(), "a recording was left open; it is sealed as interrupted");
                note(app, &path, sealed.bytes, &sealed.sha256).await;
            }
            Ok(Repaired::Empty(_)) => tracing::warn!(path = %path.display(), "a recording was left without a header"),
            Ok(Repaired::Broken(fault)) => {
                tracing::error!(path = %path.display(), %fault, "a recording that was left open was tampered with");
            }
            Err(error) => tracing::error!(path = %path.display(), %error, "a recording cannot be repaired"),
        }
    }
    Ok(())
}

/// Writes the seal down beside its session, which the file's name tells.
async fn note(app: &App, path: &Path, bytes: u64, seal: &str) {
    let Some((session, channel)) = whose(path) else {
        tracing::warn!(path = %path.display(), "whose recording this is cannot be told from its name");
        return;
    };
    if let Err(fault) = record::sealed(app, session, channel, bytes, seal).await {
        tracing::warn!(path = %path.display(), %fault, "a seal is not in the database");
    }
}

/// `…/s345-2.cast` is channel 2 of session s345.
fn whose(path: &Path) -> Option<(SessionId, u32)> {
    let stem = PathBuf::from(path.file_stem()?);
    let (session, channel) = stem.to_str()?.split_once('-')?;
    Some((session.parse().ok()?, channel.parse().ok()?))
}
