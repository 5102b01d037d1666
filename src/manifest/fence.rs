//! Whether this writer is the newest still. Once it is not, it never is again.

use super::{Manifest, ManifestError};
use crate::object::layout;

impl Manifest {
    /// Whether nothing is known of another process that has taken over. Asks nobody, so that a writer that commits nothing has to
    /// [ask the store](Manifest::check_is_newest) from time to time.
    ///
    /// # Errors
    /// [`ManifestError::Fenced`].
    pub fn check_not_fenced(&self) -> Result<(), ManifestError> {
        self.fenced_by.get().map_or(Ok(()), |newer| Err(self.fenced_error(*newer)))
    }

    /// Asks the store whether another process has taken over. When none has, whatever was in the store before the question was
    /// put there by this writer, or by those before it, all of whose edits it knows.
    ///
    /// # Errors
    /// [`ManifestError::Fenced`], or [`ManifestError::Store`] when it is not known.
    pub async fn check_is_newest(&self) -> Result<(), ManifestError> {
        self.check_not_fenced()?;
        let newer = self.epoch + 1;
        if self.store.exists(&layout::epoch(newer)).await? { Err(self.fenced(newer)) } else { Ok(()) }
    }

    /// Notes that the epoch `newer` has taken over, and tells of it once.
    pub(super) fn fenced(&self, newer: u64) -> ManifestError {
        let error = self.fenced_error(newer);
        if self.fenced_by.set(newer).is_ok() {
            tracing::error!(%error, "this server can change nothing any more");
        }
        error
    }

    fn fenced_error(&self, newer: u64) -> ManifestError {
        ManifestError::Fenced { own: self.epoch, newer }
    }
}
