//! The map against the standard library's, and that copies do not change each other.

use super::{CHUNK_ENTRIES_MAX, SortedMap};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn check_same(map: &SortedMap<u32, u32>, model: &BTreeMap<u32, u32>, wanted: u32) {
    assert_eq!(map.len(), model.len());
    assert_eq!(map.is_empty(), model.is_empty());
    assert!(map.iter().eq(model.iter()));
    assert_eq!(map.get(&wanted), model.get(&wanted));
    assert!(map.iter_from(|k| k.cmp(&wanted)).eq(model.range(wanted..)));
}

proptest! {
    #[test]
    fn behaves_as_a_b_tree_map(steps in prop::collection::vec((0_u32..2_000, any::<u32>(), 0_u8..4), 0..1_500)) {
        let (mut map, mut model) = (SortedMap::default(), BTreeMap::new());
        let mut copy = None;
        for (at, (key, value, action)) in steps.iter().enumerate() {
            if at == steps.len() / 2 {
                copy = Some((map.clone(), model.clone()));
            }
            match action {
                0 => prop_assert_eq!(map.remove(key), model.remove(key)),
                1 => {
                    if let Some(v) = map.get_mut(key) { *v = *value; }
                    if let Some(v) = model.get_mut(key) { *v = *value; }
                }
                _ => prop_assert_eq!(map.insert(*key, *value), model.insert(*key, *value)),
            }
        }
        let wanted = steps.first().map_or(0, |(key, _, _)| *key);
        check_same(&map, &model, wanted);
        if let Some((map, model)) = copy {
            check_same(&map, &model, wanted);
        }
    }
}

#[test]
fn change_of_a_copy_shares_all_other_chunks() {
    let mut map = SortedMap::default();
    let entries = u32::try_from(CHUNK_ENTRIES_MAX * 20).expect("a small number");
    for key in 0..entries {
        map.insert(key, key);
    }
    assert_eq!(map.chunks.len(), 20, "keys in order fill their chunks");
    let mut copy = map.clone();
    copy.insert(0, 9);
    let shared = map.chunks.iter().zip(copy.chunks.iter()).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
    assert_eq!(shared, 19);
    assert_eq!((map.get(&0), copy.get(&0)), (Some(&0), Some(&9)));
}
