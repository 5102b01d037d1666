//! An engine over a store that another process writes to: it opens no log, claims no epoch, changes nothing, and has no rows but
//! those in files.
//!
//! ```text
//! checkpoint, edits ─ follow ─▶ live state ─▶ read views
//!        ▲                │
//!        └─ every follow_interval, and when a reader finds a file missing
//! ```
//!
//! The writer deletes a file some time after it has left the manifest (`delete_after`). A reader that has not heard of that, or
//! whose query takes longer, finds it missing. Then [`Engine::refresh`] tells whether there is a newer view to try again with.

use super::error::EngineError;
use super::options::EngineOptions;
use super::role::Role;
use super::table::Table;
use super::{Engine, Parts};
use crate::clock::Clock;
use crate::manifest::follow::Follower;
use crate::model::ids::{Sequence, TableId};
use crate::model::state::State;
use crate::object::Store;
use ahash::AHashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tokio::sync::Mutex as AsyncMutex;

/// What only a reader has.
#[derive(Debug)]
pub(super) struct Reader {
    follower: AsyncMutex<Follower>,
    /// The number of the last edit that is in the live state.
    number: AtomicU64,
    /// When the manifest was last read to its end.
    read_ns: AtomicI64,
    /// Why that failed since.
    failure: Mutex<Option<String>>,
    damage: Mutex<Vec<String>>,
}

/// How far an engine that only reads has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowStatus {
    /// The number of the last edit of the manifest that queries see; 0 = none.
    pub edit_number: u64,
    /// When the manifest was last read to its end, in nanoseconds since the epoch.
    pub read_ns: i64,
    /// Why it could not be read since, if so.
    pub failure: Option<String>,
}

impl Reader {
    pub(super) fn status(&self) -> FollowStatus {
        FollowStatus {
            edit_number: self.number.load(Ordering::Acquire),
            read_ns: self.read_ns.load(Ordering::Relaxed),
            failure: self.failure.lock().clone(),
        }
    }

    pub(super) fn damage(&self) -> Vec<String> {
        self.damage.lock().clone()
    }
}

impl Engine {
    /// Opens the database on `store` to read what another process has flushed, and follows it every
    /// [`EngineOptions::follow_interval`]. Nothing is written, neither to the store nor to this machine.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub async fn open_read_only(
        options: EngineOptions,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, EngineError> {
        let follower = Follower::open(store.clone()).await?;
        let state = follower.state().clone();
        let reader = Reader {
            number: AtomicU64::new(follower.number()),
            read_ns: AtomicI64::new(clock.now_ns()),
            failure: Mutex::default(),
            damage: Mutex::new(follower.damage().to_vec()),
            follower: AsyncMutex::new(follower),
        };
        tracing::info!(edit = reader.number.load(Ordering::Acquire), "read the manifest; read-only");
        let parts = Parts {
            store,
            clock,
            state,
            role: Role::Reader(Box::new(reader)),
            last_sequence: Sequence::ZERO,
        };
        let engine = Arc::new(Self::assemble(options, parts));
        super::background::start_following(&engine);
        Ok(engine)
    }

    /// Shows queries what the writer has done since. Whether that is anything; a writer itself knows all it has done.
    ///
    /// # Errors
    /// When the manifest cannot be read to its end. Queries go on with what is known.
    pub async fn refresh(&self) -> Result<bool, EngineError> {
        let Role::Reader(reader) = &self.role else { return Ok(false) };
        let mut follower = reader.follower.lock().await;
        let advanced = follower.advance().await;
        let is_newer = follower.number() > reader.number.load(Ordering::Acquire);
        if is_newer {
            self.show_state(follower.state());
            reader.number.store(follower.number(), Ordering::Release);
            *reader.damage.lock() = follower.damage().to_vec();
        }
        *reader.failure.lock() = advanced.as_ref().err().map(ToString::to_string);
        advanced?;
        reader.read_ns.store(self.clock.now_ns(), Ordering::Relaxed);
        Ok(is_newer)
    }

    /// The number of the last edit that queries see. It stands still where nobody else writes.
    #[must_use]
    pub fn seen_edits(&self) -> u64 {
        match &self.role {
            Role::Writer(_) => 0,
            Role::Reader(reader) => reader.number.load(Ordering::Acquire),
        }
    }

    /// Replaces what queries see. Tables come before the catalog names them, and go after it names them no longer; their files
    /// come after the catalog knows all of their columns.
    fn show_state(&self, state: &State) {
        let contents = |id: TableId| (state.files_of(id), state.tombstones_of(id));
        let known: AHashMap<TableId, Arc<Table>> = self.tables.read().clone();
        let added = state.tables().filter(|table| !known.contains_key(&table.id)).map(|table| {
            let (files, tombstones) = contents(table.id);
            (table.id, Arc::new(self.table_with(files, tombstones)))
        });
        let added: Vec<_> = added.collect();
        self.tables.write().extend(added);
        {
            let _lock = self.live_lock.lock();
            self.live.store(Arc::new(state.clone()));
        }
        for (id, table) in &known {
            let (files, tombstones) = contents(*id);
            table.show(files, tombstones);
        }
        self.tables.write().retain(|id, _| state.table_by_id(*id).is_some());
    }
}
