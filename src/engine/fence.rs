//! Two servers on one store. Whoever opened it last writes; the other one is *fenced*, goes on answering queries on what it
//! knows, and changes nothing any more. It cannot be told: it finds out when it commits, and by asking.

use super::Engine;
use super::error::EngineError;
use super::role::Role;

impl Engine {
    /// Whether another server is known to have taken over.
    pub(super) fn is_fenced(&self) -> bool {
        matches!(&self.role, Role::Writer(writer) if writer.manifest.check_not_fenced().is_err())
    }

    /// Asks the store whether another server has taken over: an engine that has nothing to commit learns it only so.
    ///
    /// # Errors
    /// [`ManifestError::Fenced`](crate::manifest::ManifestError::Fenced) when one has, and others when it is not known.
    pub(super) async fn check_is_newest(&self) -> Result<(), EngineError> {
        Ok(self.writer()?.manifest.check_is_newest().await?)
    }
}
