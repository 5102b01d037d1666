//! Names with sizes, in the order of their last use. Knows nothing of what they name.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Names, their bytes together, and which was used longest ago.
#[derive(Debug, Default)]
pub(super) struct Lru {
    entries: BTreeMap<Arc<str>, Entry>,
    /// Names by the time of their last use.
    order: BTreeMap<u64, Arc<str>>,
    /// A time that no use had yet.
    now: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    bytes: u64,
    used: u64,
}

impl Lru {
    /// The bytes of all.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Notes a use. Whether the name is there.
    pub(super) fn touch(&mut self, name: &str) -> bool {
        let Some(entry) = self.entries.get_mut(name) else { return false };
        if let Some(name) = self.order.remove(&entry.used) {
            self.order.insert(self.now, name);
        }
        entry.used = self.now;
        self.now += 1;
        true
    }

    /// Adds a name, as just used, or gives one that is there another size.
    pub(super) fn insert(&mut self, name: Arc<str>, bytes: u64) {
        self.remove(&name);
        self.order.insert(self.now, name.clone());
        self.entries.insert(name, Entry { bytes, used: self.now });
        self.now += 1;
        self.bytes += bytes;
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let Some(entry) = self.entries.remove(name) else { return false };
        self.order.remove(&entry.used);
        self.bytes -= entry.bytes;
        true
    }

    /// Removes the name whose last use was longest ago.
    pub(super) fn pop_oldest(&mut self) -> Option<Arc<str>> {
        let (_, name) = self.order.first_key_value()?;
        let name = name.clone();
        self.remove(&name);
        Some(name)
    }

    /// Removes all names that start with `prefix`.
    pub(super) fn remove_all(&mut self, prefix: &str) -> Vec<Arc<str>> {
        let from = self.entries.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let names: Vec<_> =
            from.map(|(name, _)| name.clone()).take_while(|name| name.starts_with(prefix)).collect();
        for name in &names {
            self.remove(name);
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::Lru;
    use proptest::prelude::*;
    use std::sync::Arc;

    #[derive(Clone, Debug)]
    enum Use {
        Touch(u8),
        Insert(u8, u64),
        Remove(u8),
        Pop,
        RemoveAll(u8),
    }

    fn uses() -> impl Strategy<Value = Vec<Use>> {
        let one = prop_oneof![
            (0..30_u8).prop_map(Use::Touch),
            (0..30_u8, 0..100_u64).prop_map(|(name, bytes)| Use::Insert(name, bytes)),
            (0..30_u8).prop_map(Use::Remove),
            Just(Use::Pop),
            (0..4_u8).prop_map(Use::RemoveAll),
        ];
        prop::collection::vec(one, 0..200)
    }

    proptest! {
        #[test]
        fn it_is_a_list_from_old_to_new(uses in uses()) {
            let name = |number: u8| -> Arc<str> { format!("{number:02}").into() };
            let (mut lru, mut list) = (Lru::default(), Vec::<(Arc<str>, u64)>::new());
            for one in uses {
                match one {
                    Use::Touch(number) => {
                        let at = list.iter().position(|(found, _)| *found == name(number));
                        prop_assert_eq!(lru.touch(&name(number)), at.is_some());
                        if let Some(at) = at {
                            let entry = list.remove(at);
                            list.push(entry);
                        }
                    }
                    Use::Insert(number, bytes) => {
                        lru.insert(name(number), bytes);
                        list.retain(|(found, _)| *found != name(number));
                        list.push((name(number), bytes));
                    }
                    Use::Remove(number) => {
                        let before = list.len();
                        list.retain(|(found, _)| *found != name(number));
                        prop_assert_eq!(lru.remove(&name(number)), list.len() < before);
                    }
                    Use::Pop => {
                        let oldest = if list.is_empty() { None } else { Some(list.remove(0).0) };
                        prop_assert_eq!(lru.pop_oldest(), oldest);
                    }
                    Use::RemoveAll(digit) => {
                        let prefix = digit.to_string();
                        let is_meant = |entry: &(Arc<str>, u64)| entry.0.starts_with(&prefix);
                        let mut meant: Vec<_> = list.iter().filter(|e| is_meant(e)).map(|e| e.0.clone()).collect();
                        meant.sort();
                        list.retain(|entry| !is_meant(entry));
                        prop_assert_eq!(lru.remove_all(&prefix), meant);
                    }
                }
                prop_assert_eq!(lru.bytes(), list.iter().map(|(_, bytes)| bytes).sum::<u64>());
                prop_assert_eq!(lru.len(), list.len());
                prop_assert!(list.iter().all(|(name, _)| lru.contains(name)));
            }
        }
    }
}
