//! Waiting for the database, but not for ever.

use super::StoreError;
use super::dialect::ANSWER;

/// The answer of the database, within [`ANSWER`].
///
/// # Errors
/// [`StoreError::Unavailable`] when there is none, or the database's own error.
pub(super) async fn answered<T>(asked: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::Unavailable(format!("no answer within {} s", ANSWER.as_secs()))),
    }
}

/// For what is asked of a transaction that is over.
pub(super) fn over() -> StoreError {
    StoreError::Unavailable("the transaction is over".to_owned())
}
