//! What SHOW asks of a whole table: the values of tags, the number of series. No plan runs, and no row is read: the manifest's
//! summaries answer, else the dictionaries and series columns of files, which a cache keeps, and the series of chunks.
//!
//! Valid for all rows of a table only: a condition on times or fields needs a plan.

use crate::engine::{Engine, ReadView};
use crate::merge::SeriesRun;
use crate::model::file::FileMeta;
use crate::parquet_file::FileError;
use crate::query::error::QueryError;
use ahash::{AHashSet, RandomState};
use datafusion::error::DataFusionError;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Files that are read at the same time.
const FILES_AT_ONCE: usize = 8;

/// Per tag of `tags` (names that users know) its distinct values, sorted; `None` when only a plan can tell.
///
/// # Errors
/// When a file cannot be read.
pub(in crate::query) async fn tag_values(
    engine: &Engine,
    view: &ReadView,
    tags: &[Arc<str>],
) -> Result<Option<Vec<Arc<[Arc<str>]>>>, QueryError> {
    if has_deleted_rows(view) {
        return Ok(None);
    }
    let mut all = Vec::with_capacity(tags.len());
    for tag in tags {
        let Some(column) = view.table.schema.tag(tag) else {
            all.push(Arc::default());
            continue;
        };
        let mut lists: Vec<Arc<[Arc<str>]>> = view.chunks.iter().map(|chunk| chunk.tag_values(tag)).collect();
        let has_tag = |file: &&Arc<FileMeta>| file.columns.contains(&column.stored_name);
        let files: Vec<_> = view.files.iter().filter(has_tag).cloned().collect();
        let of_files = futures::stream::iter(files)
            .map(|file| tag_values_of(engine, file, &column.stored_name))
            .buffer_unordered(FILES_AT_ONCE)
            .try_collect::<Vec<_>>();
        lists.extend(of_files.await.map_err(unreadable)?);
        all.push(union(lists));
    }
    Ok(Some(all))
}

/// The number of distinct series; `None` when only a plan can tell.
///
/// # Errors
/// When a file cannot be read.
pub(in crate::query) async fn series_count(
    engine: &Engine,
    view: &ReadView,
) -> Result<Option<usize>, QueryError> {
    if has_deleted_rows(view) {
        return Ok(None);
    }
    if let ([], [file]) = (view.chunks.as_slice(), view.files.as_slice()) {
        return Ok(Some(usize::try_from(file.series_count).unwrap_or(usize::MAX)));
    }
    let mut distinct = SeriesSet::default();
    for_each_list(engine, view, |runs| distinct.insert_all(runs)).await?;
    Ok(Some(distinct.count()))
}

/// The distinct series keys, in no certain order; `None` when only a plan can tell. With `count_max` only the first so many in
/// byte order: no more are held at any time.
///
/// # Errors
/// When a file cannot be read.
pub(in crate::query) async fn series_keys(
    engine: &Engine,
    view: &ReadView,
    count_max: Option<usize>,
) -> Result<Option<Vec<Arc<str>>>, QueryError> {
    if has_deleted_rows(view) {
        return Ok(None);
    }
    let Some(count_max) = count_max else {
        let mut distinct: AHashSet<Arc<str>> = AHashSet::new();
        for_each_list(engine, view, |runs| distinct.extend(runs.iter().map(|run| run.key.clone()))).await?;
        return Ok(Some(distinct.into_iter().collect()));
    };
    let mut first: BTreeSet<Arc<str>> = BTreeSet::new();
    for_each_list(engine, view, |runs| {
        for run in runs {
            if first.len() >= count_max && first.last().is_none_or(|last| *last <= run.key) {
                return; // a list is in order
            }
            if first.insert(run.key.clone()) && first.len() > count_max {
                first.pop_last();
            }
        }
    })
    .await?;
    Ok(Some(first.into_iter().collect()))
}

/// Hands out the series of each chunk and row group, one list after the other.
async fn for_each_list(
    engine: &Engine,
    view: &ReadView,
    mut each: impl FnMut(&[SeriesRun]) + Send,
) -> Result<(), QueryError> {
    for chunk in &view.chunks {
        each(&chunk.rows().runs);
    }
    for file in view.files.iter() {
        let file = engine.open_file(file.clone()).await.map_err(unreadable)?;
        for group in 0..file.row_group_count() {
            each(&file.series(group).await.map_err(unreadable)?);
        }
    }
    Ok(())
}

/// Distinct series by 128 bits of hash each: with a billion series the chance that two share one is less than 10⁻²⁰.
#[derive(Default)]
struct SeriesSet {
    hashing: (RandomState, RandomState),
    seen: AHashSet<(u64, u64)>,
}

impl SeriesSet {
    fn insert_all(&mut self, runs: &[SeriesRun]) {
        let (first, second) = &self.hashing;
        self.seen.extend(runs.iter().map(|run| (first.hash_one(&run.key), second.hash_one(&run.key))));
    }

    fn count(&self) -> usize {
        self.seen.len()
    }
}

/// Whether rows of a file may be deleted: then its summaries tell of series that may have no row any more.
fn has_deleted_rows(view: &ReadView) -> bool {
    view.files.iter().any(|file| view.tombstones.iter().any(|tombstone| tombstone.concerns(file)))
}

async fn tag_values_of(
    engine: &Engine,
    file: Arc<FileMeta>,
    stored_name: &Arc<str>,
) -> Result<Arc<[Arc<str>]>, FileError> {
    // The manifest answers without the file being opened.
    match file.tag_values.get(stored_name) {
        Some(values) => Ok(values.iter().filter(|value| !value.is_empty()).cloned().collect()),
        None => engine.open_file(file).await?.tag_values(stored_name).await,
    }
}

/// The distinct texts of sorted lists, sorted.
fn union(mut lists: Vec<Arc<[Arc<str>]>>) -> Arc<[Arc<str>]> {
    lists.retain(|list| !list.is_empty());
    match lists.len() {
        0 | 1 => lists.pop().unwrap_or_default(),
        _ => {
            let mut all: Vec<Arc<str>> = Vec::new();
            let mut seen: AHashSet<&str> = AHashSet::new();
            for value in lists.iter().flat_map(|list| list.iter()) {
                if seen.insert(value) {
                    all.push(Arc::clone(value));
                }
            }
            all.sort_unstable();
            all.into()
        }
    }
}

fn unreadable(error: FileError) -> QueryError {
    QueryError::Internal(DataFusionError::External(Box::new(error)))
}
