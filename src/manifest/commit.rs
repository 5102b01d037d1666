//! Appending an edit: create the next number if it is absent, and find out whose it is when it is not.

use super::format::{self, Edit, Stamp};
use super::{CommitError, Manifest, ManifestError, Tail, recover};
use crate::model::change::Change;
use crate::model::state::State;
use crate::object::{Creation, StoreError, layout};
use uuid::Uuid;

/// Attempts at one number before a commit fails. The store has its own retries; these are for answers
/// that were lost, and for S3's "a conflicting creation is in progress".
const ATTEMPTS_MAX: u32 = 5;

/// How an attempt at a number ended.
enum Attempt {
    /// The edit is in the log.
    Placed,
    /// An edit that this process did not know took the number; it is applied now.
    Overtaken,
}

impl Manifest {
    /// Makes changes durable, all or none, and returns the state after them. Changes take effect in
    /// their order. `validate` sees the state before; it is asked again when another writer's edit came
    /// between.
    ///
    /// When the store fails, it is unknown whether the edit took effect. The next commit finds out
    /// first; when it has the very same changes, and they did take effect, it succeeds without making them
    /// twice. So the way out is to try again. The same holds for a commit whose future was dropped: spawn
    /// it when the client may go away.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn commit<E>(
        &self,
        changes: Vec<Change>,
        validate: impl Fn(&State) -> Result<(), E>,
    ) -> Result<State, CommitError<E>> {
        let mut tail = self.tail.lock().await;
        let result = self.commit_at(&mut tail, changes, validate).await;
        *self.current.write() = tail.state.clone();
        result?;
        if tail.number >= self.checkpointer.last() + self.options.checkpoint_edits {
            self.checkpointer.start(self.stamp(&tail, tail.number), tail.state.clone());
        }
        Ok(tail.state.clone())
    }

    async fn commit_at<E>(
        &self,
        tail: &mut Tail,
        changes: Vec<Change>,
        validate: impl Fn(&State) -> Result<(), E>,
    ) -> Result<(), CommitError<E>> {
        self.check_not_fenced().map_err(CommitError::Failed)?;
        if self.settle(tail, &changes).await.map_err(CommitError::Failed)? {
            return Ok(());
        }
        loop {
            validate(&tail.state).map_err(CommitError::Refused)?;
            let after = tail.state.with_changes(&changes).map_err(CommitError::Conflict)?;
            let edit = Edit { stamp: self.stamp(tail, tail.number + 1), changes: changes.clone() };
            match self.place(tail, edit, after).await.map_err(CommitError::Failed)? {
                Attempt::Placed => return Ok(()),
                Attempt::Overtaken => {
                    if self.tell(tail, &changes).await.map_err(CommitError::Failed)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Finds out whether an own edit without an answer took effect, and whether it made `changes`.
    async fn settle(&self, tail: &mut Tail, changes: &[Change]) -> Result<bool, ManifestError> {
        while tail.unsettled.is_some()
            && let Some(edit) = recover::read_edit(&self.store, tail.number + 1).await?
        {
            self.take_in(tail, &edit)?;
        }
        // An edit that was not found may still arrive at the store. Then it and the next edit compete for one number, and
        // one wins.
        self.tell(tail, changes).await
    }

    /// Whether an own edit whose success is not known to any caller has made `changes`. The caller knows by the answer.
    async fn tell(&self, tail: &mut Tail, changes: &[Change]) -> Result<bool, ManifestError> {
        let made = tail.untold.as_ref().is_some_and(|edit| edit.changes == changes);
        if made {
            // When this fails, the edit stays `untold`: it is in the state, and must not be made a second time.
            self.check_is_newest().await?;
            tail.untold = None;
        }
        Ok(made)
    }

    /// Tries to make `edit` the next one; `after` is the state it leads to.
    async fn place(&self, tail: &mut Tail, edit: Edit, after: State) -> Result<Attempt, ManifestError> {
        let number = edit.stamp.number;
        let path = layout::edit(number);
        let bytes = format::encode_edit(&edit);
        tail.unsettled = Some(edit.clone());
        let mut last_error = None;
        for attempt in 0..ATTEMPTS_MAX {
            if attempt > 0 {
                tokio::time::sleep(self.options.commit_backoff * 2_u32.pow(attempt - 1)).await;
            }
            let found = match self.store.create(&path, bytes.clone()).await {
                Ok(Creation::Created) => Some(edit.clone()),
                Ok(Creation::AlreadyExists) => recover::read_edit(&self.store, number).await?,
                // The answer may have been lost after the edit was made.
                Err(e) => {
                    let found = recover::read_edit(&self.store, number).await;
                    last_error = Some(e);
                    found?
                }
            };
            match found {
                None => {}
                Some(found) if found.stamp == edit.stamp => {
                    // That the edit is in the log does not prove that this writer is the newest: see "Fencing" in the
                    // module documentation.
                    self.check_is_newest().await?;
                    (tail.state, tail.number, tail.epoch) = (after, number, self.epoch);
                    (tail.unsettled, tail.untold) = (None, None);
                    return Ok(Attempt::Placed);
                }
                Some(other) => {
                    self.take_in(tail, &other)?;
                    return Ok(Attempt::Overtaken);
                }
            }
        }
        let undecided = || StoreError::Failed {
            action: "create",
            path: path.clone(),
            source: "the store says that it exists, and that it does not".into(),
        };
        Err(last_error.unwrap_or_else(undecided).into())
    }

    /// Applies an edit that is in the log at the next number.
    fn take_in(&self, tail: &mut Tail, edit: &Edit) -> Result<(), ManifestError> {
        if edit.stamp.epoch > self.epoch {
            return Err(self.fenced(edit.stamp.epoch));
        }
        tail.state = recover::apply(&tail.state, tail.epoch, edit)?;
        (tail.number, tail.epoch) = (edit.stamp.number, edit.stamp.epoch);
        tail.unsettled = None;
        if edit.stamp.writer == self.writer {
            tail.untold = Some(edit.clone());
        }
        Ok(())
    }

    pub(super) fn stamp(&self, tail: &Tail, number: u64) -> Stamp {
        Stamp {
            number,
            epoch: if number > tail.number { self.epoch } else { tail.epoch },
            writer: self.writer.clone(),
            id: Uuid::new_v4().to_string(),
            time_ns: self.options.clock.now_ns(),
        }
    }
}
