//! A sorted map whose copies share what they have in common.
//!
//! A snapshot of the catalog is taken for every new table and every flush, with tens of thousands of
//! tables in it. Cloning this map costs one reference count; changing a clone copies the list of chunks
//! and the one chunk that the key lies in, so a change costs about `len / CHUNK_ENTRIES_MAX +
//! CHUNK_ENTRIES_MAX` and not `len`.
//!
//! ```text
//! chunks ─▶ [ chunk | chunk | chunk ]        each 1 to CHUNK_ENTRIES_MAX entries
//!               │       └──────┴── shared with older copies of the map
//!               └▶ [(k, v), (k, v), …]       sorted over all chunks, no key twice
//! ```

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Entries of a chunk before it is split: about the square root of the largest expected map.
const CHUNK_ENTRIES_MAX: usize = 256;

type Chunk<K, V> = Arc<Vec<(K, V)>>;

/// A sorted map with cheap copies. See the [module documentation](self).
#[derive(Clone)]
pub struct SortedMap<K, V> {
    chunks: Arc<Vec<Chunk<K, V>>>,
    len: usize,
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self { chunks: Arc::default(), len: 0 }
    }
}

impl<K, V> SortedMap<K, V> {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).map(|(k, v)| (k, v))
    }

    /// The value whose key `compare` finds equal. `compare` tells how a key relates to the wanted one,
    /// so that a key can be looked up by its borrowed parts; it must agree with the order of keys.
    pub fn get_by(&self, compare: impl Fn(&K) -> Ordering) -> Option<&V> {
        let (chunk, found) = self.locate(&compare);
        let at = found.ok()?;
        self.chunks.get(chunk)?.get(at).map(|(_, v)| v)
    }

    /// The entries from the first on whose key `compare` does not find less, sorted by key.
    pub fn iter_from(&self, compare: impl Fn(&K) -> Ordering) -> impl Iterator<Item = (&K, &V)> {
        let (chunk, found) = self.locate(&compare);
        let at = found.unwrap_or_else(|at| at);
        let first = self.chunks.get(chunk).map_or(&[][..], |c| &c[at..]);
        let rest = self.chunks.get(chunk + 1..).unwrap_or_default();
        first.iter().chain(rest.iter().flat_map(|c| c.iter())).map(|(k, v)| (k, v))
    }

    /// The chunk that a key belongs into, and where in it the key is or would be.
    fn locate(&self, compare: &impl Fn(&K) -> Ordering) -> (usize, Result<usize, usize>) {
        let starts_at_or_before =
            |chunk: &Chunk<K, V>| chunk.first().is_some_and(|(k, _)| compare(k) != Ordering::Greater);
        let chunk = self.chunks.partition_point(starts_at_or_before).saturating_sub(1);
        let found = self.chunks.get(chunk).map_or(Err(0), |c| c.binary_search_by(|(k, _)| compare(k)));
        (chunk, found)
    }
}

impl<K: Ord + Clone, V: Clone> SortedMap<K, V> {
    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.get_by(|k| k.cmp(key))
    }

    /// The value of `key`, to be changed in place.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (chunk, found) = self.locate(&|k: &K| k.cmp(key));
        let at = found.ok()?;
        let chunk = Arc::make_mut(Arc::make_mut(&mut self.chunks).get_mut(chunk)?);
        chunk.get_mut(at).map(|(_, v)| v)
    }

    /// Sets the value of `key` and returns the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (chunk_at, found) = self.locate(&|k: &K| k.cmp(&key));
        let chunks = Arc::make_mut(&mut self.chunks);
        if chunks.is_empty() {
            chunks.push(Arc::default());
        }
        let chunk = Arc::make_mut(&mut chunks[chunk_at]);
        match found {
            Ok(at) => return Some(std::mem::replace(&mut chunk[at].1, value)),
            Err(at) => chunk.insert(at, (key, value)),
        }
        self.len += 1;
        if chunk.len() > CHUNK_ENTRIES_MAX {
            // Keys mostly arrive in order (ids grow): then a full chunk stays full and a new one begins.
            let at_end = matches!(found, Err(at) if at == CHUNK_ENTRIES_MAX);
            let tail = chunk.split_off(if at_end { CHUNK_ENTRIES_MAX } else { CHUNK_ENTRIES_MAX / 2 });
            chunks.insert(chunk_at + 1, Arc::new(tail));
        }
        None
    }

    /// Removes `key` and returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let (chunk_at, found) = self.locate(&|k: &K| k.cmp(key));
        let at = found.ok()?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(&mut chunks[chunk_at]);
        let (_, value) = chunk.remove(at);
        if chunk.is_empty() {
            chunks.remove(chunk_at);
        }
        self.len -= 1;
        Some(value)
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
