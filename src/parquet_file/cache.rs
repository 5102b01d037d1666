//! What readers keep of files: footers, which series a row group holds, the values of tags, and where those lie.

use super::footer::Footer;
use super::read::FileError;
use super::tag_index::TagIndex;
use crate::merge::SeriesRun;
use moka::sync::Cache;
use std::sync::Arc;

/// Footers and series lists of files, by path. Paths are never reused, so entries never go stale.
///
/// Bounded by bytes; the least useful entries leave first. Cheap to clone, clones share the entries.
#[derive(Clone, Debug)]
pub struct ReaderCache {
    footers: Cache<Arc<str>, CachedFooter>,
    series: Cache<(Arc<str>, usize), Arc<[SeriesRun]>>,
    values: Cache<TagOfFile, TagValues>,
    tag_indexes: Cache<TagOfFile, Option<Arc<TagIndex>>>,
}

/// A file's path, and a tag of it.
type TagOfFile = (Arc<str>, Arc<str>);

/// The distinct values of a tag in a file.
type TagValues = Arc<[Arc<str>]>;

/// A footer, and an estimate of the memory it holds.
#[derive(Clone, Debug)]
struct CachedFooter {
    footer: Footer,
    bytes: u32,
}

impl ReaderCache {
    /// A cache that holds up to `bytes_max` bytes: half of it for footers, a quarter for series lists, and an eighth each for values
    /// and indexes of tags.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let footers = Cache::builder()
            .weigher(|_, cached: &CachedFooter| cached.bytes)
            .max_capacity(bytes_max / 2)
            .build();
        let series = Cache::builder().weigher(|_, runs| runs_bytes(runs)).max_capacity(bytes_max / 4).build();
        let values =
            Cache::builder().weigher(|_, values| values_bytes(values)).max_capacity(bytes_max / 8).build();
        let tag_indexes = Cache::builder().weigher(index_bytes).max_capacity(bytes_max / 8).build();
        Self { footers, series, values, tag_indexes }
    }

    pub(super) async fn footer(
        &self,
        path: &Arc<str>,
        load: impl Future<Output = Result<Footer, FileError>>,
    ) -> Result<Footer, FileError> {
        if let Some(cached) = self.footers.get(path) {
            return Ok(cached.footer);
        }
        let footer = load.await?;
        // The checksums are a small part of the text that the metadata has of them.
        let bytes = u32::try_from(footer.metadata.metadata().memory_size()).unwrap_or(u32::MAX);
        self.footers.insert(path.clone(), CachedFooter { footer: footer.clone(), bytes });
        Ok(footer)
    }

    pub(super) async fn series(
        &self,
        path: &Arc<str>,
        row_group: usize,
        load: impl Future<Output = Result<Arc<[SeriesRun]>, FileError>>,
    ) -> Result<Arc<[SeriesRun]>, FileError> {
        let key = (path.clone(), row_group);
        if let Some(runs) = self.series.get(&key) {
            return Ok(runs);
        }
        let runs = load.await?;
        self.series.insert(key, runs.clone());
        Ok(runs)
    }

    pub(super) async fn values(
        &self,
        path: &Arc<str>,
        column: &Arc<str>,
        load: impl Future<Output = Result<Arc<[Arc<str>]>, FileError>>,
    ) -> Result<Arc<[Arc<str>]>, FileError> {
        let key = (path.clone(), column.clone());
        if let Some(values) = self.values.get(&key) {
            return Ok(values);
        }
        let values = load.await?;
        self.values.insert(key, values.clone());
        Ok(values)
    }

    pub(super) async fn tag_index(
        &self,
        path: &Arc<str>,
        tag: &Arc<str>,
        load: impl Future<Output = Result<Option<Arc<TagIndex>>, FileError>>,
    ) -> Result<Option<Arc<TagIndex>>, FileError> {
        let key = (path.clone(), tag.clone());
        if let Some(index) = self.tag_indexes.get(&key) {
            return Ok(index);
        }
        let index = load.await?;
        self.tag_indexes.insert(key, index.clone());
        Ok(index)
    }
}

fn index_bytes((path, tag): &(Arc<str>, Arc<str>), index: &Option<Arc<TagIndex>>) -> u32 {
    let bytes = index.as_ref().map_or(0, |index| index.size());
    u32::try_from(path.len() + tag.len() + bytes).unwrap_or(u32::MAX)
}

fn values_bytes(values: &Arc<[Arc<str>]>) -> u32 {
    let bytes: usize = values.iter().map(|value| value.len() + size_of::<Arc<str>>() + 16).sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn runs_bytes(runs: &Arc<[SeriesRun]>) -> u32 {
    let bytes: usize = runs.iter().map(|run| run.key.len() + size_of::<SeriesRun>() + 16).sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
