//! Damage at every byte of a small manifest: a start has all that was committed, or says which object is damaged and changes
//! nothing.

use super::{NEVER, commit, database, flushed, options, policy};
use crate::manifest::{Manifest, inspect};
use crate::model::change::Change;
use crate::model::ids::DatabaseId;
use crate::model::state::State;
use crate::object::faulty_store::objects;
use crate::object::{Store, layout};
use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use std::sync::Arc;

/// Edits 1 to 9, checkpoints after 4 and 7.
async fn small_manifest() -> (Arc<InMemory>, State) {
    let inner = Arc::new(InMemory::new());
    let store = Store::from_object_store(inner.clone(), "memory");
    let (manifest, _) = Manifest::open(store, options(NEVER)).await.expect("it opens");
    for id in 0..8 {
        let changes = match id {
            5 => vec![Change::DropDatabase(DatabaseId(1))],
            _ => vec![database(id), policy(id, id), flushed(u64::from(id))],
        };
        commit(&manifest, changes).await.expect("a commit");
        if matches!(id, 2 | 5) {
            manifest.checkpoint().await.expect("a checkpoint");
        }
    }
    (inner, manifest.state())
}

async fn bytes_of(inner: &InMemory, path: &str) -> Vec<u8> {
    inner.get(&Path::from(path)).await.expect("it is there").bytes().await.expect("memory").to_vec()
}

/// All objects with their bytes.
async fn contents(inner: &InMemory) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for path in objects(inner).await {
        let bytes = bytes_of(inner, &path).await;
        all.push((path, bytes));
    }
    all
}

/// What a start made of a damaged object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It did not notice, having everything.
    Unnoticed,
    /// It had everything and named the object.
    Told,
    /// It named the object and changed nothing.
    Refused,
}

/// Starts over the objects of `inner` with other bytes in `path`, `None` = without it.
async fn start(
    inner: &InMemory,
    expected: &State,
    path: &str,
    bytes: Option<Vec<u8>>,
    what: &str,
) -> Outcome {
    let damaged = Arc::new(inner.fork());
    match bytes {
        Some(bytes) => drop(damaged.put(&Path::from(path), Bytes::from(bytes).into()).await.expect("memory")),
        None => damaged.delete(&Path::from(path)).await.expect("memory"),
    }
    let before = contents(&damaged).await;
    match Manifest::open(Store::from_object_store(damaged.clone(), "memory"), options(NEVER)).await {
        Ok((manifest, state)) => {
            assert_eq!(&state, expected, "{path} {what}");
            match manifest.damage() {
                [] => Outcome::Unnoticed,
                [told] => {
                    assert!(told.contains(path), "{path} {what}: {told}");
                    Outcome::Told
                }
                more => panic!("{path} {what}: {more:?}"),
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(path), "{path} {what}: {text}");
            assert_eq!(contents(&damaged).await, before, "{path} {what}: nothing was changed");
            Outcome::Refused
        }
    }
}

/// What may become of damage in an object, wherever in it.
fn possible(path: &str) -> &'static [Outcome] {
    let number = layout::number_of(path);
    match path {
        // The newest checkpoint can be done without. A version that this program does not know is no damage that it can tell.
        _ if path == layout::checkpoint(7) => &[Outcome::Told, Outcome::Refused],
        _ if path.starts_with(layout::LOG_FOLDER) && number > Some(7) => &[Outcome::Refused],
        // Superfluous: an older checkpoint, edits that are in the newest, the pointer, and epochs, of which the names count.
        _ => &[Outcome::Unnoticed],
    }
}

#[tokio::test]
async fn any_flipped_byte_is_told_or_harmless() {
    let (inner, expected) = small_manifest().await;
    let mut counts = [0; 3];
    for (path, whole) in contents(&inner).await {
        let header_end = whole.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        for at in 0..whole.len() {
            for flip in [1 << (at % 8), 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let what = format!("byte {at} ^ {flip:#x}");
                let outcome = start(&inner, &expected, &path, Some(bytes.clone()), &what).await;
                counts[outcome as usize] += 1;
                // Another spelling of a number in the header is no damage.
                let is_harmless = outcome == Outcome::Unnoticed && at < header_end;
                assert!(possible(&path).contains(&outcome) || is_harmless, "{path} {what}: {outcome:?}");
                if is_harmless && !possible(&path).contains(&outcome) {
                    assert!(bytes[at].eq_ignore_ascii_case(&whole[at]) || bytes[at] == b'0', "{path} {what}");
                }
            }
        }
    }
    assert!(counts.iter().all(|count| *count > 100), "all of it happens: {counts:?}");
}

#[tokio::test]
async fn any_cut_and_any_extension_is_told_or_harmless() {
    let (inner, expected) = small_manifest().await;
    for (path, whole) in contents(&inner).await {
        for end in 0..whole.len() {
            let outcome =
                start(&inner, &expected, &path, Some(whole[..end].to_vec()), &format!("cut at {end}")).await;
            assert!(possible(&path).contains(&outcome), "{path} cut at {end}: {outcome:?}");
        }
        let longer = [&whole[..], b"\n"].concat();
        let outcome = start(&inner, &expected, &path, Some(longer), "a line more").await;
        assert!(possible(&path).contains(&outcome), "{path}: {outcome:?}");
    }
}

/// Two objects of which either makes up for the other.
#[tokio::test]
async fn damage_that_nothing_makes_up_for_is_refused() {
    let (inner, expected) = small_manifest().await;
    let damaged = inner.fork();
    let newest = layout::checkpoint(7);
    damaged.put(&Path::from(newest.as_str()), "rubbish".into()).await.expect("memory");
    for number in 5..=7 {
        let path = layout::edit(number);
        let mut bytes = bytes_of(&inner, &path).await;
        *bytes.last_mut().expect("not empty") ^= 1;
        let outcome = start(&damaged, &expected, &path, Some(bytes), "beside the newest checkpoint").await;
        assert_eq!(outcome, Outcome::Refused);
        let outcome = start(&damaged, &expected, &path, None, "beside the newest checkpoint").await;
        assert_eq!(outcome, Outcome::Refused);
    }
}

#[tokio::test]
async fn any_missing_object_but_the_last_edit_is_told_or_harmless() {
    let (inner, expected) = small_manifest().await;
    for path in objects(&inner).await {
        let outcome = match path {
            // It cannot be told from one that was never made. The log tells then that records are missing.
            _ if path == layout::edit(9) => continue,
            _ if path == layout::edit(8) => Outcome::Refused,
            _ => Outcome::Unnoticed,
        };
        // A pointer to a checkpoint that is gone finds the one before.
        assert_eq!(start(&inner, &expected, &path, None, "missing").await, outcome, "{path}");
    }
}

/// A start that did without the newest checkpoint writes another one, so that later starts are told nothing, and stand more damage.
#[tokio::test]
async fn a_damaged_checkpoint_is_made_up_for_at_once() {
    let (inner, expected) = small_manifest().await;
    let store = Store::from_object_store(inner.clone(), "memory");
    store.put(&layout::checkpoint(7), "rubbish".into()).await.expect("memory");
    let (manifest, state) = Manifest::open(store.clone(), options(3)).await.expect("it opens");
    assert_eq!((&state, manifest.damage().len()), (&expected, 1));
    manifest.close().await;
    assert!(store.exists(&layout::checkpoint(10)).await.expect("memory"));
    let (manifest, state) = Manifest::open(store, options(NEVER)).await.expect("it opens");
    assert_eq!((&state, manifest.damage()), (&expected, &[][..]));
}

/// What a start can do without is told by whoever looks at all objects.
#[tokio::test]
async fn inspection_finds_damage_that_a_start_does_not_look_at() {
    let (inner, _) = small_manifest().await;
    for path in [layout::edit(2), layout::checkpoint(4), layout::edit(9)] {
        let damaged = Arc::new(inner.fork());
        let mut bytes = bytes_of(&inner, &path).await;
        *bytes.last_mut().expect("not empty") ^= 1;
        damaged.put(&Path::from(path.as_str()), bytes.into()).await.expect("memory");
        let found = inspect::inspect(&Store::from_object_store(damaged, "memory")).await.expect("memory");
        assert!(!found.is_sound(), "{path}");
        let named = found.checkpoints.iter().chain(&found.edits).find(|object| object.content.is_err());
        assert_eq!(named.map(|object| object.path.as_str()), Some(path.as_str()));
    }
}
