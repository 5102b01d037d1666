//! The queries that are running: what SHOW QUERIES lists, KILL QUERY ends, and the limits count.
//!
//! In: the text of a request when it begins. Out: a [`RunningQuery`], which everything that works for the query holds. The query
//! is listed until the last of them lets go, so a killed one that has not wound down yet still shows and still counts. Nothing here
//! knows statements or plans; whoever runs them listens to [`RunningQuery::interrupted`].

use super::error::QueryError;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// All running queries. Ids ascend from 1 and are never used again.
#[derive(Debug, Default)]
pub struct RunningQueries {
    entries: Mutex<BTreeMap<u64, Weak<RunningQuery>>>,
    next_id: AtomicU64,
    finished: AtomicU64,
    finished_ns: AtomicU64,
    /// Most queries at once; 0 = any number.
    count_max: usize,
    /// After so long a query is logged.
    log_after: Option<Duration>,
}

/// What is known of a query when it begins.
#[derive(Clone, Debug, Default)]
pub struct QueryOrigin {
    /// Its text, without passwords.
    pub text: String,
    /// The database of the request, maybe empty.
    pub database: String,
    /// Who asks, maybe nobody.
    pub user: String,
    /// How long it may take; for ever when `None`.
    pub deadline: Option<Duration>,
}

/// A query from its beginning until nothing works for it any more.
#[derive(Debug)]
pub struct RunningQuery {
    id: u64,
    origin: QueryOrigin,
    started: Instant,
    killed: CancellationToken,
    ended: CancellationToken,
    all: Arc<RunningQueries>,
}

/// A line of SHOW QUERIES.
#[derive(Clone, Debug)]
pub struct QueryEntry {
    /// Its id.
    pub id: u64,
    /// What it is.
    pub origin: QueryOrigin,
    /// How long it has been running.
    pub elapsed: Duration,
    /// Whether it was killed and winds down.
    pub is_killed: bool,
}

/// Queries since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueryCounts {
    /// Running now.
    pub active: u64,
    /// Begun.
    pub executed: u64,
    /// Ended.
    pub finished: u64,
    /// Time that the ended ones took, in nanoseconds.
    pub finished_ns: u64,
}

impl RunningQueries {
    /// No query yet. `count_max`: most at once, 0 = any number. `log_after`: when a query is worth a warning.
    #[must_use]
    pub fn new(count_max: usize, log_after: Option<Duration>) -> Arc<Self> {
        Arc::new(Self { count_max, log_after, next_id: AtomicU64::new(1), ..Self::default() })
    }

    /// Lists a query that begins. To be called within a tokio runtime.
    ///
    /// # Errors
    /// When as many run as may.
    pub fn begin(self: &Arc<Self>, origin: QueryOrigin) -> Result<Arc<RunningQuery>, QueryError> {
        let mut entries = self.entries.lock();
        if self.count_max > 0 && entries.len() >= self.count_max {
            return Err(QueryError::Resource(format!(
                "max-concurrent-queries limit exceeded({}, {})",
                entries.len(),
                self.count_max
            )));
        }
        let query = Arc::new(RunningQuery {
            id: self.next_id.fetch_add(1, Ordering::Relaxed),
            origin,
            started: Instant::now(),
            killed: CancellationToken::new(),
            ended: CancellationToken::new(),
            all: Arc::clone(self),
        });
        entries.insert(query.id, Arc::downgrade(&query));
        drop(entries);
        if let Some(threshold) = self.log_after {
            tokio::spawn(log_slow(Arc::downgrade(&query), query.ended.clone(), threshold));
        }
        Ok(query)
    }

    /// The running queries, by id.
    #[must_use]
    pub fn list(&self) -> Vec<QueryEntry> {
        // Held until the lock is free: dropping the last reference takes the lock.
        let queries: Vec<Arc<RunningQuery>> =
            self.entries.lock().values().filter_map(Weak::upgrade).collect();
        let entry = |query: &Arc<RunningQuery>| QueryEntry {
            id: query.id,
            origin: query.origin.clone(),
            elapsed: query.started.elapsed(),
            is_killed: query.killed.is_cancelled(),
        };
        queries.iter().map(entry).collect()
    }

    /// Ends a query.
    ///
    /// # Errors
    /// When there is none of this id, or it was killed before.
    pub fn kill(&self, id: u64) -> Result<(), QueryError> {
        let query = self.entries.lock().get(&id).and_then(Weak::upgrade);
        let Some(query) = query else {
            return Err(QueryError::Query(format!("no such query id: {id}")));
        };
        if query.killed.is_cancelled() {
            return Err(QueryError::Query("already killed".into()));
        }
        query.killed.cancel();
        Ok(())
    }

    /// Counts since the start.
    #[must_use]
    pub fn counts(&self) -> QueryCounts {
        QueryCounts {
            active: self.entries.lock().len() as u64,
            executed: self.next_id.load(Ordering::Relaxed) - 1,
            finished: self.finished.load(Ordering::Relaxed),
            finished_ns: self.finished_ns.load(Ordering::Relaxed),
        }
    }
}

impl RunningQuery {
    /// The id that KILL QUERY takes.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Waits until the query has to stop, because it was killed or its time is up, and says why. Never returns for a query that
    /// may go on.
    pub async fn interrupted(&self) -> QueryError {
        let timed_out = async {
            // A time beyond all clocks never comes.
            match self.origin.deadline.and_then(|deadline| self.started.checked_add(deadline)) {
                // A timer that is set too late fires only when the thread has nothing else to do.
                Some(deadline) if deadline <= Instant::now() => {}
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.killed.cancelled() => QueryError::Cancelled,
            () = timed_out => QueryError::Resource("query-timeout limit exceeded".to_owned()),
        }
    }
}

impl Drop for RunningQuery {
    fn drop(&mut self) {
        self.ended.cancel();
        self.all.entries.lock().remove(&self.id);
        self.all.finished.fetch_add(1, Ordering::Relaxed);
        let elapsed_ns = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.all.finished_ns.fetch_add(elapsed_ns, Ordering::Relaxed);
    }
}

/// Warns of a query that still runs after the threshold.
async fn log_slow(query: Weak<RunningQuery>, ended: CancellationToken, threshold: Duration) {
    tokio::select! {
        biased;
        () = ended.cancelled() => return,
        () = tokio::time::sleep(threshold) => {}
    }
    if let Some(query) = query.upgrade() {
        let QueryOrigin { text, database, .. } = &query.origin;
        tracing::warn!(query = text, qid = query.id, database, ?threshold, "detected a slow query");
    }
}

#[cfg(test)]
mod tests;
