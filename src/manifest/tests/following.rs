//! Following a manifest that another process writes.

use super::{NEVER, commit, database, names, open, options};
use crate::manifest::follow::Follower;
use crate::manifest::{Manifest, ManifestError};
use crate::object::faulty_store::{Fault, FaultyStore, objects};
use crate::object::{Store, StoreOptions, layout, s3_server};
use object_store::memory::InMemory;
use std::sync::Arc;

/// Commits, checkpoints and collection by the writer, with the follower looking in between or only at the end.
async fn check_follower(store: Store) {
    let mut early = Follower::open(store.clone()).await.expect("there is nothing to be damaged");
    assert_eq!((early.number(), names(early.state()).len()), (0, 0));
    let (manifest, _) = Manifest::open(store.clone(), options(4)).await.expect("it opens");
    let mut diligent = Follower::open(store.clone()).await.expect("it opens");
    for id in 0..30 {
        let state = commit(&manifest, vec![database(id)]).await.expect("a commit");
        manifest.close().await;
        assert!(diligent.advance().await.expect("whole"), "edit {id} is new");
        assert_eq!(diligent.state(), &state);
        assert!(!diligent.advance().await.expect("whole"), "nothing is new");
    }
    assert!(
        !store.exists(&layout::edit(1)).await.expect("an answer"),
        "what comes next for `early` was collected"
    );
    assert!(early.advance().await.expect("whole"));
    assert_eq!((early.state(), early.number()), (&manifest.state(), manifest.number().await));
}

#[tokio::test]
async fn follower_sees_every_edit_in_memory() {
    check_follower(Store::in_memory()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_sees_every_edit_of_a_local_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    check_follower(
        Store::open(&StoreOptions::new(folder.path().to_str().expect("UTF-8"))).expect("it opens"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_sees_every_edit_on_s3() {
    let server = s3_server::S3Server::start().await;
    let options = StoreOptions { url: server.url("followed"), options: server.options() };
    check_follower(Store::open(&options).expect("S3")).await;
}

#[tokio::test]
async fn follower_writes_nothing_and_fences_nobody() {
    let inner = Arc::new(InMemory::new());
    let store = Store::from_object_store(inner.clone(), "memory");
    let manifest = open(&store).await;
    let before = objects(&inner).await;
    let faulty = FaultyStore::new(inner.clone());
    faulty.plan(|operation, path| {
        assert!(matches!(operation, "get" | "list"), "{operation} {path}");
        Fault::None
    });
    let mut follower =
        Follower::open(Store::from_object_store(Arc::new(faulty), "faulty")).await.expect("it opens");
    assert_eq!(objects(&inner).await, before);
    commit(&manifest, vec![database(0)]).await.expect("it goes on writing");
    assert!(follower.advance().await.expect("whole"));
}

#[tokio::test]
async fn follower_follows_the_writer_that_takes_over() {
    let store = Store::in_memory();
    let old = open(&store).await;
    let mut follower = Follower::open(store.clone()).await.expect("it opens");
    commit(&old, vec![database(0)]).await.expect("a commit");
    let new = open(&store).await;
    commit(&old, vec![database(1)]).await.expect_err("it is fenced");
    commit(&new, vec![database(2)]).await.expect("a commit");
    assert!(follower.advance().await.expect("whole"));
    assert_eq!(names(follower.state()), ["db0", "db2"]);
}

/// A writer that was fenced, and stood still until its next number was collected, makes that number once more.
#[tokio::test]
async fn follower_does_not_take_in_an_edit_that_was_made_anew_where_one_was_collected() {
    let store = Store::in_memory();
    let old = open(&store).await;
    let mut follower = Follower::open(store.clone()).await.expect("it opens");
    let new = open(&store).await;
    for id in 0..5 {
        commit(&new, vec![database(id)]).await.expect("a commit");
        new.checkpoint().await.expect("a checkpoint");
    }
    commit(&old, vec![database(9)]).await.expect_err("it is fenced, and its edit is there");
    assert!(store.exists(&layout::edit(2)).await.expect("memory"), "the stale edit");
    assert!(follower.advance().await.expect("whole"));
    assert_eq!(follower.state(), &new.state());
}

#[tokio::test]
async fn follower_stops_before_a_damaged_edit_and_goes_on_when_it_is_mended() {
    let store = Store::in_memory();
    let manifest = open(&store).await;
    let mut follower = Follower::open(store.clone()).await.expect("it opens");
    for id in 0..3 {
        commit(&manifest, vec![database(id)]).await.expect("a commit");
    }
    let (path, whole) = (layout::edit(3), store.get(&layout::edit(3)).await.expect("edit 3"));
    store.put(&path, whole.slice(..whole.len() - 1)).await.expect("memory");
    for _ in 0..2 {
        let error = follower.advance().await.expect_err("it is damaged");
        assert!(matches!(&error, ManifestError::Damaged { path: named, .. } if *named == path), "{error}");
        assert_eq!(names(follower.state()), ["db0"], "what comes before is known");
    }
    store.put(&path, whole).await.expect("memory");
    assert!(follower.advance().await.expect("whole"));
    assert_eq!(follower.state(), &manifest.state());
}

#[tokio::test]
async fn follower_needs_no_pointer_that_can_be_read() {
    let inner = Arc::new(InMemory::new());
    let store = Store::from_object_store(inner.clone(), "memory");
    let manifest = open(&store).await;
    let faulty = FaultyStore::new(inner);
    let mut follower =
        Follower::open(Store::from_object_store(Arc::new(faulty.clone()), "faulty")).await.expect("whole");
    for id in 0..5 {
        commit(&manifest, vec![database(id)]).await.expect("a commit");
        manifest.checkpoint().await.expect("a checkpoint");
    }
    assert!(!store.exists(&layout::edit(2)).await.expect("memory"), "what comes next was collected");
    faulty.plan(|_, path| if path == layout::LATEST { Fault::Before } else { Fault::None });
    follower.advance().await.expect_err("a store that fails is no pointer that is missing");
    faulty.plan(|_, _| Fault::None);
    store.put(layout::LATEST, "rubbish".into()).await.expect("memory");
    assert!(follower.advance().await.expect("whole"));
    assert_eq!(follower.state(), &manifest.state());
}

#[tokio::test]
async fn follower_keeps_what_it_knows_when_the_newest_checkpoint_is_damaged() {
    let store = Store::in_memory();
    let (manifest, _) = Manifest::open(store.clone(), options(NEVER)).await.expect("it opens");
    let mut follower = Follower::open(store.clone()).await.expect("it opens");
    for id in 0..4 {
        commit(&manifest, vec![database(id)]).await.expect("a commit");
        manifest.checkpoint().await.expect("a checkpoint");
    }
    let newest = layout::checkpoint(manifest.number().await);
    store.put(&newest, "rubbish".into()).await.expect("memory");
    assert!(follower.advance().await.expect("older objects make up for it"));
    assert_eq!(follower.state(), &manifest.state());
    assert!(follower.damage()[0].contains(&newest), "{:?}", follower.damage());
    assert!(!follower.advance().await.expect("the pointer is no newer than what is known"));
}
