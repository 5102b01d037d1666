//! Which row groups of a file have a value of a tag.
//!
//! Rows lie by series key, whose tags ascend by name. A tag behind the first has its values all over a file, and bounds of row groups
//! rule out none of them:
//!
//! ```text
//! row group  series                      index of host
//! 0          dc␁ber␁host␁a  dc␁ber␁host␁c      a: 0    b: 1
//! 1          dc␁par␁host␁b  dc␁par␁host␁c      c: 0, 1
//! ```
//!
//! The index is made of the series lists of all row groups, when it is first asked for, and kept while the cache has room.

use super::read::{FileError, ParquetFile};
use crate::merge::tag_values;
use ahash::AHashMap;
use std::sync::Arc;

/// Values of a tag above which a file has no index of it: looking for one of so many takes about as long as to read them.
const VALUES_MAX: usize = 65_536;

/// The row groups of every value of a tag.
#[derive(Debug)]
pub struct TagIndex {
    /// Row groups ascend.
    row_groups: AHashMap<Box<str>, Vec<u32>>,
}

impl TagIndex {
    /// The row groups with this value, ascending.
    pub fn row_groups(&self, value: &str) -> impl Iterator<Item = usize> {
        self.row_groups.get(value).into_iter().flatten().map(|group| *group as usize)
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        let entry = size_of::<(Box<str>, Vec<u32>)>();
        let held = self.row_groups.iter().map(|(value, groups)| value.len() + size_of_val(&groups[..]));
        self.row_groups.capacity() * entry + held.sum::<usize>()
    }
}

impl ParquetFile {
    /// The index of a tag, by the name that users know; `None` where it has too many values.
    ///
    /// # Errors
    /// When the series of a row group cannot be read.
    pub async fn tag_index(&self, tag: &Arc<str>) -> Result<Option<Arc<TagIndex>>, FileError> {
        self.cache.tag_index(&self.meta.path, tag, self.make_tag_index(tag)).await
    }

    async fn make_tag_index(&self, tag: &str) -> Result<Option<Arc<TagIndex>>, FileError> {
        let mut row_groups: AHashMap<Box<str>, Vec<u32>> = AHashMap::new();
        for (number, group) in (0..self.row_group_count()).zip(0_u32..) {
            let series = self.series(number).await?;
            tokio::task::consume_budget().await; // with all bytes at hand nothing else here gives way
            for value in tag_values(series.iter(), &[tag]).iter().flat_map(|values| values.iter()).flatten() {
                let is_full = row_groups.len() == VALUES_MAX;
                match row_groups.get_mut(value) {
                    Some(groups) if groups.last() == Some(&group) => {}
                    Some(groups) => groups.push(group),
                    None if is_full => return Ok(None),
                    None => {
                        row_groups.insert(value.into(), vec![group]);
                    }
                }
            }
        }
        Ok(Some(Arc::new(TagIndex { row_groups })))
    }
}
