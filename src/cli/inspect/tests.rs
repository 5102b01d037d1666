//! What `inspect` finds in a manifest, and how it counts what is damaged.

use super::{Findings, manifest};
use crate::object::{Store, layout};

/// It was counted for itself and for the state that it stands in the way of.
#[tokio::test]
async fn a_damaged_object_of_the_manifest_counts_once() {
    let store = Store::in_memory();
    store.create(&layout::edit(1), "no edit".into()).await.expect("an empty store takes it");
    for shown in [true, false] {
        let mut findings = Findings::default();
        let state = manifest::inspect(&store, shown, &mut findings).await.expect("the store answers");
        assert!(state.is_none());
        assert_eq!(findings.damage_count, 1, "{}", findings.text);
        assert!(findings.text.contains("a server does not start with this manifest"), "{}", findings.text);
    }
}
