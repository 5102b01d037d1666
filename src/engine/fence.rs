//! Two servers on one store. Whoever opened it last writes; the other one is *fenced*, goes on answering queries on what it
//! knows, and changes nothing any more, nor takes writes. It cannot be told: it finds out when it commits, and by asking.
//!
//! Each server has a log of its own, and the manifest names the one that the store goes on from. What other logs hold is in no
//! file, though the store be flushed past their sequences: a server that comes back after another one has taken over puts the
//! records of its log aside ([`crate::wal`]).

use super::Engine;
use super::commit::Effect;
use super::error::EngineError;
use super::role::Role;
use crate::model::change::Change;

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

    /// Notes in the manifest that the store goes on from the log of this engine, unless it does already. To be called before any
    /// write is acknowledged: a log whose records count is named before it has any, and the log before it no longer once it is
    /// empty or put aside.
    ///
    /// # Errors
    /// When the manifest cannot be extended.
    pub(super) async fn go_on_from_own_log(&self) -> Result<(), EngineError> {
        let log = self.writer()?.wal.id();
        let turn = self.turn().await?;
        let state = self.live.load_full();
        if state.flushed_log() == Some(log) {
            return Ok(());
        }
        let flushed = Change::Flushed { through: state.flushed_through(), log: Some(log.clone()) };
        self.commit(turn, vec![flushed], Effect::Files(Vec::new(), Vec::new())).await
    }
}
