//! Tests of the manifest: what is committed stays, whatever the store and other writers do in between.

mod damage;
mod following;

use super::format::{self, Edit, Stamp};
use super::{Candidate, CommitError, Manifest, ManifestError, ManifestOptions, inspect};
use crate::clock::ManualClock;
use crate::model::change::Change;
use crate::model::database::{DatabaseInfo, PolicyInfo};
use crate::model::ids::{DatabaseId, LogId, PolicyId, Sequence};
use crate::model::state::{ApplyError, State};
use crate::object::faulty_store::{Fault, FaultyStore, objects};
use crate::object::{Store, StoreOptions, layout, s3_server};
use bytes::Bytes;
use object_store::memory::InMemory;
use parking_lot::Mutex;
use proptest::prelude::*;
use std::convert::Infallible;
use std::sync::Arc;

fn options(checkpoint_edits: u64) -> ManifestOptions {
    ManifestOptions { checkpoint_edits, ..ManifestOptions::new(Arc::new(ManualClock::new(1_000))) }
}

const NEVER: u64 = u64::MAX / 2;

async fn open(store: &Store) -> Manifest {
    Manifest::open(store.clone(), options(NEVER)).await.expect("the manifest opens").0
}

fn database(id: u32) -> Change {
    let name = format!("db{id}").into();
    Change::CreateDatabase(Arc::new(DatabaseInfo {
        id: DatabaseId(id),
        name,
        default_policy: "autogen".into(),
    }))
}

fn policy(id: u32, database: u32) -> Change {
    Change::PutPolicy(Arc::new(PolicyInfo {
        id: PolicyId(id),
        database: DatabaseId(database),
        name: format!("p{id}").into(),
        duration_ns: 0,
        shard_duration_ns: 1,
        replica_n: 1,
        future_limit_ns: 0,
        past_limit_ns: 0,
    }))
}

/// As versions before the one that notes the log have written it.
fn flushed(through: u64) -> Change {
    Change::Flushed { through: Sequence(through), log: None }
}

async fn commit(manifest: &Manifest, changes: Vec<Change>) -> Result<State, CommitError<Infallible>> {
    manifest.commit(changes, |_| Ok(())).await
}

fn names(state: &State) -> Vec<String> {
    state.databases().map(|d| d.name.to_string()).collect()
}

async fn state_in(inner: &Arc<InMemory>) -> State {
    let store = Store::from_object_store(inner.clone(), "memory");
    inspect::read_state(&store).await.expect("the objects are whole")
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let store = Store::in_memory();
    let manifest = open(&store).await;
    commit(&manifest, vec![database(0), policy(0, 0)]).await.expect("a commit");
    let state = commit(&manifest, vec![flushed(7)]).await.expect("a commit");
    assert_eq!(manifest.state(), state);
    let (again, reopened) = Manifest::open(store.clone(), options(NEVER)).await.expect("it opens");
    assert_eq!(reopened, state);
    assert_eq!((manifest.epoch(), again.epoch()), (1, 2));
    assert_eq!(again.number().await, 4, "two commits and two openings");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_folder_holds_a_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    let store =
        Store::open(&StoreOptions::new(folder.path().to_str().expect("UTF-8"))).expect("the folder opens");
    let (manifest, _) = Manifest::open(store.clone(), options(2)).await.expect("it opens");
    for id in 0..10 {
        commit(&manifest, vec![database(id)]).await.expect("a commit");
    }
    manifest.close().await;
    assert_eq!(inspect::read_state(&store).await.expect("whole"), manifest.state());
    assert!(inspect::inspect(&store).await.expect("a list").is_sound());
}

#[tokio::test]
async fn edit_is_all_or_nothing() {
    let manifest = open(&Store::in_memory()).await;
    let before = manifest.state();
    let refused = commit(&manifest, vec![database(0), policy(0, 9)]).await;
    assert!(matches!(refused, Err(CommitError::Conflict(ApplyError::Missing { .. }))), "{refused:?}");
    let refused = manifest.commit(vec![database(0)], |_| Err("no")).await;
    assert!(matches!(refused, Err(CommitError::Refused("no"))), "{refused:?}");
    assert_eq!(manifest.state(), before);
    assert_eq!(manifest.number().await, 1, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_commits_all_take_effect_once() {
    let inner = Arc::new(InMemory::new());
    let store = Store::from_object_store(inner.clone(), "memory");
    let (manifest, _) = Manifest::open(store, options(7)).await.expect("it opens");
    let manifest = Arc::new(manifest);
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let manifest = manifest.clone();
            tokio::spawn(async move {
                // Each takes the next free id, and decides again when somebody else was quicker.
                loop {
                    let id = manifest.state().next_database_id();
                    match commit(&manifest, vec![database(id.0)]).await {
                        Ok(_) => return,
                        Err(CommitError::Conflict(ApplyError::Taken { .. })) => {}
                        Err(e) => panic!("{e}"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    manifest.close().await;
    let expected: Vec<_> = (0..40).map(|id| format!("db{id}")).collect();
    assert_eq!(names(&manifest.state()), expected);
    assert_eq!(state_in(&inner).await, manifest.state());
}

#[tokio::test]
async fn writer_that_was_taken_over_stops() {
    let store = Store::in_memory();
    let old = open(&store).await;
    commit(&old, vec![database(0)]).await.expect("a commit");
    let new = open(&store).await;
    for _ in 0..2 {
        let refused = commit(&old, vec![database(1)]).await;
        let fenced = matches!(refused, Err(CommitError::Failed(ManifestError::Fenced { own: 1, newer: 2 })));
        assert!(fenced, "{refused:?}");
    }
    commit(&new, vec![database(2)]).await.expect("a commit");
    assert_eq!(names(&new.state()), ["db0", "db2"]);
}

#[tokio::test]
async fn writer_that_commits_nothing_learns_by_asking_that_it_was_taken_over() {
    let store = Store::in_memory();
    let old = open(&store).await;
    old.check_is_newest().await.expect("nobody else is there");
    let new = open(&store).await;
    old.check_not_fenced().expect("it has not asked");
    let is_fenced =
        |answer: Result<(), ManifestError>| matches!(answer, Err(ManifestError::Fenced { own: 1, newer: 2 }));
    assert!(is_fenced(old.check_is_newest().await));
    assert!(is_fenced(old.check_not_fenced()) && is_fenced(old.check_is_newest().await));
    new.check_is_newest().await.expect("it is the newest");
    new.check_not_fenced().expect("it is the newest");
}

/// Several processes open one store at once, each commits what it can, and all but one must stop: no
/// acknowledged commit is lost on the way.
async fn check_one_of_many_openers_remains(store: Store) {
    let tasks: Vec<_> = (0..6)
        .map(|opener| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                let Ok((manifest, _)) = Manifest::open(store, options(3)).await else {
                    return (acknowledged, false);
                };
                for round in 0..4 {
                    let id = opener * 4 + round;
                    match commit(&manifest, vec![database(id)]).await {
                        Ok(_) => acknowledged.push(format!("db{id}")),
                        Err(CommitError::Failed(ManifestError::Fenced { .. })) => {
                            // What it collects beside its commits must not run into the look at the objects below.
                            manifest.close().await;
                            return (acknowledged, false);
                        }
                        Err(e) => panic!("{e}"),
                    }
                }
                let remains = commit(&manifest, Vec::new()).await.is_ok();
                // The last commit, too, may have something collected beside it.
                manifest.close().await;
                (acknowledged, remains)
            })
        })
        .collect();
    let (mut all, mut remaining) = (Vec::new(), 0);
    for task in tasks {
        let (acknowledged, remains) = task.await.expect("no panic");
        all.extend(acknowledged);
        remaining += usize::from(remains);
    }
    let state = inspect::read_state(&store).await.expect("whole");
    let found = names(&state);
    assert!(all.iter().all(|name| found.contains(name)), "{all:?} acknowledged, {found:?} found");
    assert!(remaining >= 1, "the newest is never fenced");
    assert!(inspect::inspect(&store).await.expect("a list").is_sound());
    // Whoever opened later fences all of them.
    let last = open(&store).await;
    commit(&last, vec![database(99)]).await.expect("a commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_openers_remains_in_memory() {
    check_one_of_many_openers_remains(Store::in_memory()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_openers_remains_on_a_local_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("UTF-8");
    check_one_of_many_openers_remains(Store::open(&StoreOptions::new(path)).expect("it opens")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_openers_remains_on_s3() {
    let server = s3_server::S3Server::start().await;
    let options = StoreOptions { url: server.url("manifest"), options: server.options() };
    check_one_of_many_openers_remains(Store::open(&options).expect("S3")).await;
}

/// A writer stands still, others go on until its next number is collected: then that number is free
/// again, and only the look at the epochs tells.
#[tokio::test]
async fn writer_that_stood_still_past_collection_stops() {
    let store = Store::in_memory();
    let old = open(&store).await;
    let new = open(&store).await;
    for id in 0..5 {
        commit(&new, vec![database(id)]).await.expect("a commit");
        new.checkpoint().await.expect("a checkpoint");
    }
    assert!(!store.exists(&layout::edit(2)).await.expect("memory"), "the old writer's next is collected");
    let refused = commit(&old, vec![database(9)]).await;
    assert!(matches!(refused, Err(CommitError::Failed(ManifestError::Fenced { .. }))), "{refused:?}");
    assert_eq!(inspect::read_state(&store).await.expect("whole"), new.state());
}

/// Its next number is free again. Were it created, there would be two histories.
#[tokio::test]
async fn candidate_that_stood_still_past_collection_takes_over_what_is_there() {
    let store = Store::in_memory();
    let old = open(&store).await;
    let candidate = Candidate::read(store.clone(), options(NEVER)).await.expect("it is whole");
    for id in 0..5 {
        commit(&old, vec![database(id)]).await.expect("reading fences nobody");
        old.checkpoint().await.expect("a checkpoint");
    }
    assert_eq!(names(candidate.state()), Vec::<String>::new());
    assert!(!store.exists(&layout::edit(2)).await.expect("memory"), "the candidate's next is collected");
    let (new, state) = candidate.take_over().await.expect("it takes over");
    assert_eq!(names(&state), ["db0", "db1", "db2", "db3", "db4"]);
    let refused = commit(&old, vec![database(9)]).await;
    assert!(matches!(refused, Err(CommitError::Failed(ManifestError::Fenced { .. }))), "{refused:?}");
    commit(&new, vec![database(5)]).await.expect("a commit");
    assert_eq!(inspect::read_state(&store).await.expect("whole"), new.state());
}

/// The old writer commits after the new one has read the log, and before it has written to it.
#[tokio::test(flavor = "multi_thread")]
async fn edit_of_the_old_writer_during_takeover_is_not_lost() {
    let inner = Arc::new(InMemory::new());
    let old = Arc::new(open(&Store::from_object_store(inner.clone(), "memory")).await);
    let faulty = FaultyStore::new(inner.clone());
    let (runtime, writer) = (tokio::runtime::Handle::current(), old.clone());
    let mut done = false;
    faulty.plan(move |operation, path| {
        if !done && operation == "put" && path.starts_with(layout::EPOCH_FOLDER) {
            done = true;
            let committed = tokio::task::block_in_place(|| {
                runtime.block_on(commit(&writer, vec![database(0), policy(0, 0)]))
            });
            committed.expect("nobody has taken over yet");
        }
        Fault::None
    });
    let new = open(&Store::from_object_store(Arc::new(faulty), "faulty")).await;
    assert_eq!(names(&new.state()), ["db0"]);
    assert_eq!(state_in(&inner).await, new.state());
}

#[tokio::test]
async fn lost_answer_of_an_edit_that_took_effect_is_found_out() {
    let inner = Arc::new(InMemory::new());
    let faulty = FaultyStore::new(inner.clone());
    let manifest = open(&Store::from_object_store(Arc::new(faulty.clone()), "faulty")).await;
    let mut lose_next = true;
    faulty.plan(move |operation, path| {
        let is_edit = operation == "put" && path.starts_with(layout::LOG_FOLDER);
        if is_edit && std::mem::take(&mut lose_next) { Fault::After } else { Fault::None }
    });
    let state = commit(&manifest, vec![database(0)]).await.expect("found out");
    assert_eq!(manifest.number().await, 2, "it was not made twice");
    assert_eq!(state_in(&inner).await, state);
}

/// Nothing can be found out at once; the next commit does, whether it tries the same again or not.
#[tokio::test]
async fn unknown_outcome_is_settled_by_the_next_commit() {
    for fault in [Fault::Before, Fault::After] {
        for same_again in [true, false] {
            let inner = Arc::new(InMemory::new());
            let faulty = FaultyStore::new(inner.clone());
            let manifest = open(&Store::from_object_store(Arc::new(faulty.clone()), "faulty")).await;
            faulty.plan(move |operation, _| if operation == "put" { fault } else { Fault::Before });
            let unknown = commit(&manifest, vec![database(0)]).await;
            let failed = matches!(unknown, Err(CommitError::Failed(ManifestError::Store(_))));
            assert!(failed, "{unknown:?}");

            faulty.plan(|_, _| Fault::None);
            let next = if same_again { 0 } else { 1 };
            let state = commit(&manifest, vec![database(next)]).await.expect("a commit");
            let expected = match (fault, same_again) {
                (_, true) => vec!["db0"],
                (Fault::Before, false) => vec!["db1"],
                (_, false) => vec!["db0", "db1"],
            };
            assert_eq!(names(&state), expected, "{fault:?} {same_again}");
            assert_eq!(state_in(&inner).await, state);
        }
    }
}

/// The edit is found in the log, and then the store fails once more, before its caller can be told.
#[tokio::test]
async fn an_edit_that_was_found_out_is_not_made_again() {
    let inner = Arc::new(InMemory::new());
    let faulty = FaultyStore::new(inner.clone());
    let manifest = open(&Store::from_object_store(Arc::new(faulty.clone()), "faulty")).await;
    faulty.plan(|operation, _| if operation == "put" { Fault::After } else { Fault::Before });
    commit(&manifest, vec![database(0)]).await.expect_err("the store is gone");
    // The edit can be read, and not whether the epoch is still ours.
    faulty.plan(|_, path| if path == layout::edit(2) { Fault::None } else { Fault::Before });
    commit(&manifest, vec![database(0)]).await.expect_err("the store fails");
    faulty.plan(|_, _| Fault::None);
    let state = commit(&manifest, vec![database(0)]).await.expect("it was made");
    assert_eq!(names(&state), ["db0"]);
    assert_eq!(manifest.number().await, 2, "it was not made twice");
    let state = commit(&manifest, vec![Change::DropDatabase(DatabaseId(0))]).await.expect("a commit");
    assert!(names(&state).is_empty());
    assert_eq!(state_in(&inner).await, state);
}

/// The store is gone from one operation on, for each operation of a run with checkpoints and
/// collection: what was acknowledged is there afterwards, and the rest is whole or absent.
#[tokio::test]
async fn crash_at_every_step_loses_nothing_acknowledged() {
    for fault in [Fault::Before, Fault::After] {
        let mut steps = 1;
        for crash_at in 0.. {
            let inner = Arc::new(InMemory::new());
            let faulty = FaultyStore::new(inner.clone());
            let step = Arc::new(Mutex::new(0));
            let counted = step.clone();
            faulty.plan(move |_, _| {
                let mut step = counted.lock();
                *step += 1;
                match (*step - 1).cmp(&crash_at) {
                    std::cmp::Ordering::Less => Fault::None,
                    std::cmp::Ordering::Equal => fault,
                    std::cmp::Ordering::Greater => Fault::Before,
                }
            });
            let acknowledged = run_until_it_fails(&faulty).await;
            let recovered = names(&state_in(&inner).await);
            let all: Vec<_> = (0..recovered.len()).map(|id| format!("db{id}")).collect();
            assert_eq!(recovered, all, "crash at {crash_at}: no gap");
            let at_most_one_more = (acknowledged..=acknowledged + 1).contains(&recovered.len());
            assert!(at_most_one_more, "crash at {crash_at}: {acknowledged} acknowledged, {recovered:?}");

            let (after, state) =
                Manifest::open(Store::from_object_store(inner.clone(), "memory"), options(NEVER))
                    .await
                    .expect("it opens after the crash");
            assert_eq!(names(&state), recovered);
            let next = u32::try_from(recovered.len()).expect("a small number");
            let state = commit(&after, vec![database(next)]).await.expect("it goes on");
            assert_eq!(state_in(&inner).await, state);
            steps = *step.lock();
            if crash_at >= steps {
                assert_eq!(acknowledged, RUN_COMMITS, "the last round had no crash");
                break;
            }
        }
        assert!(steps > 40, "the run has enough steps to be worth it: {steps}");
    }
}

const RUN_COMMITS: usize = 8;

/// Commits and checkpoints until something fails; returns how many commits were acknowledged.
async fn run_until_it_fails(faulty: &FaultyStore) -> usize {
    let store = Store::from_object_store(Arc::new(faulty.clone()), "faulty");
    let Ok((manifest, _)) = Manifest::open(store, options(NEVER)).await else { return 0 };
    for acknowledged in 0..RUN_COMMITS {
        let id = u32::try_from(acknowledged).expect("a small number");
        if commit(&manifest, vec![database(id)]).await.is_err() {
            return acknowledged;
        }
        if manifest.checkpoint().await.is_err() {
            return acknowledged + 1;
        }
    }
    RUN_COMMITS
}

#[tokio::test]
async fn checkpoints_equal_replay_and_bound_the_log() {
    let inner = Arc::new(InMemory::new());
    let store = Store::from_object_store(inner.clone(), "memory");
    let (manifest, _) = Manifest::open(store.clone(), options(5)).await.expect("it opens");
    let mut replayed = State::default();
    for id in 0..60 {
        let mut changes = vec![database(id), policy(id, id)];
        if id % 3 == 0 {
            changes.push(Change::DropDatabase(DatabaseId(id)));
        }
        replayed = replayed.with_changes(&changes).expect("they fit");
        commit(&manifest, changes).await.expect("a commit");
        manifest.close().await;
    }
    assert_eq!(manifest.state(), replayed);
    let recovered = inspect::read_state(&store).await.expect("whole");
    assert_eq!(recovered, replayed);
    assert_eq!(
        recovered.next_database_id(),
        DatabaseId(60),
        "ids of what was dropped are not given out again"
    );
    let objects = objects(&inner).await;
    let count = |folder: &str| objects.iter().filter(|path| path.starts_with(folder)).count();
    assert_eq!(count(layout::CHECKPOINT_FOLDER), 3);
    assert!(count(layout::LOG_FOLDER) <= 15, "{objects:?}");
    assert!(store.exists(layout::LATEST).await.expect("memory"));
}

#[tokio::test]
async fn failing_checkpoint_does_not_fail_commits_and_is_tried_again() {
    let inner = Arc::new(InMemory::new());
    let faulty = FaultyStore::new(inner.clone());
    let store = Store::from_object_store(Arc::new(faulty.clone()), "faulty");
    let (manifest, _) = Manifest::open(store.clone(), options(2)).await.expect("it opens");
    let fails = |_: &str, path: &str| {
        if path.starts_with(layout::CHECKPOINT_FOLDER) { Fault::Before } else { Fault::None }
    };
    faulty.plan(fails);
    for id in 0..5 {
        commit(&manifest, vec![database(id)]).await.expect("a commit");
        manifest.close().await;
    }
    faulty.plan(|_, _| Fault::None);
    commit(&manifest, vec![database(5)]).await.expect("a commit");
    manifest.close().await;
    assert!(store.exists(&layout::checkpoint(7)).await.expect("an answer"));
}

/// Opens what is left after `damage` and returns the error text.
async fn error_after(damage: impl AsyncFnOnce(&Store)) -> String {
    let store = Store::in_memory();
    let manifest = open(&store).await;
    for id in 0..4 {
        commit(&manifest, vec![database(id)]).await.expect("a commit");
    }
    damage(&store).await;
    let inspected = inspect::inspect(&store).await.expect("memory");
    assert!(!inspected.is_sound());
    let refused = Manifest::open(store, options(NEVER)).await.map(|_| ()).expect_err("it is damaged");
    assert_eq!(inspected.state.expect_err("it is damaged").to_string(), refused.to_string());
    refused.to_string()
}

#[tokio::test]
async fn damage_is_named() {
    let edit3 = layout::edit(3);
    let flipped = error_after(async |store| {
        let mut bytes = store.get(&edit3).await.expect("edit 3").to_vec();
        *bytes.last_mut().expect("not empty") ^= 1;
        store.put(&edit3, bytes.into()).await.expect("memory");
    });
    let text = flipped.await;
    assert!(
        text.starts_with(&format!("manifest object {edit3:?} is damaged: its body has the checksum ")),
        "{text}"
    );

    let cut = error_after(async |store| {
        let bytes = store.get(&edit3).await.expect("edit 3");
        store.put(&edit3, bytes.slice(..bytes.len() - 10)).await.expect("memory");
    });
    let text = cut.await;
    assert!(text.contains("bytes and should have"), "{text}");

    let empty = error_after(async |store| store.put(&edit3, Bytes::new()).await.expect("memory"));
    let expected =
        format!("manifest object {edit3:?} is damaged: it does not start with a line \"tidegauge-edit …\"");
    assert_eq!(empty.await, expected);

    let gone = error_after(async |store| store.delete(&edit3).await.expect("memory"));
    let expected = format!("manifest object {edit3:?} is missing, although later ones exist");
    assert_eq!(gone.await, expected);

    let moved = error_after(async |store| {
        let bytes = store.get(&layout::edit(2)).await.expect("edit 2");
        store.put(&edit3, bytes).await.expect("memory");
    });
    assert_eq!(moved.await, format!("manifest object {edit3:?} is damaged: it says that its number is 2"));

    let newer = error_after(async |store| {
        store.put(&edit3, "tidegauge-edit 2 whatever\n".into()).await.expect("memory");
    });
    let expected = format!("manifest object {edit3:?} has format version 2, this program reads up to 1");
    assert_eq!(newer.await, expected);

    let contradicting = error_after(async |store| {
        let stamp = |id: &str| Stamp { number: 3, epoch: 1, writer: "w".into(), id: id.into(), time_ns: 0 };
        let edit = Edit { stamp: stamp("x"), changes: vec![database(0)] };
        store.put(&edit3, format::encode_edit(&edit)).await.expect("memory");
    });
    let expected = format!("manifest object {edit3:?} is damaged: database 0 exists already");
    assert_eq!(contradicting.await, expected);
}

#[tokio::test]
async fn damaged_checkpoint_is_passed_over() {
    let store = Store::in_memory();
    let manifest = open(&store).await;
    for id in 0..6 {
        commit(&manifest, vec![database(id)]).await.expect("a commit");
        manifest.checkpoint().await.expect("a checkpoint");
    }
    let state = manifest.state();
    store.put(&layout::checkpoint(7), "rubbish".into()).await.expect("memory");
    let inspected = inspect::inspect(&store).await.expect("memory");
    assert!(!inspected.is_sound(), "it is told");
    assert_eq!(inspected.checkpoints.len(), 3);
    assert_eq!(inspected.state.expect("a server starts"), state);
    for number in [5, 6] {
        store.put(&layout::checkpoint(number), "rubbish".into()).await.expect("memory");
    }
    let refused = inspect::read_state(&store).await.expect_err("none is left").to_string();
    assert!(refused.contains("00000000000000000007.jsonl\" is damaged"), "{refused}");
}

#[tokio::test]
async fn inspection_tells_who_wrote_what() {
    let store = Store::in_memory();
    let manifest = open(&store).await;
    commit(&manifest, vec![database(0), policy(0, 0)]).await.expect("a commit");
    manifest.checkpoint().await.expect("a checkpoint");
    let inspected = inspect::inspect(&store).await.expect("memory");
    assert!(inspected.is_sound());
    assert_eq!(inspected.epochs, [1]);
    let counts: Vec<_> =
        inspected.edits.iter().map(|o| o.content.as_ref().expect("whole").change_count).collect();
    assert_eq!(counts, [0, 2]);
    let summary = inspected.checkpoints[0].content.as_ref().expect("whole");
    assert_eq!((summary.stamp.number, summary.stamp.epoch, summary.stamp.time_ns), (2, 1, 1_000));
    assert_eq!(inspect::read_edit(&store, 2).await.expect("whole").changes, [database(0), policy(0, 0)]);
    let missing = inspect::read_edit(&store, 3).await.expect_err("there is none").to_string();
    assert_eq!(missing, format!("manifest: object {:?} does not exist", layout::edit(3)));
}

/// The checksum was computed apart, bit by bit after the polynomial 0x1EDC6F41.
#[test]
fn edit_is_text_that_a_person_can_read() {
    let stamp = Stamp { number: 7, epoch: 2, writer: "w".into(), id: "i".into(), time_ns: -1 };
    let edit = Edit { stamp, changes: vec![database(1), flushed(9)] };
    let bytes = format::encode_edit(&edit);
    let expected = "tidegauge-edit 1 crc32c=fb6ec87d bytes=153\n\
        {\"number\":7,\"epoch\":2,\"writer\":\"w\",\"id\":\"i\",\"time_ns\":-1}\n\
        {\"create_database\":{\"id\":1,\"name\":\"db1\",\"default_policy\":\"autogen\"}}\n\
        {\"flushed\":{\"through\":9}}\n";
    assert_eq!(std::str::from_utf8(&bytes), Ok(expected));
    assert_eq!(format::decode_edit("x", &bytes).expect("whole"), edit);
    let with_log = Change::Flushed { through: Sequence(9), log: Some(LogId::new("l")) };
    let text = "{\"flushed\":{\"through\":9,\"log\":\"l\"}}";
    assert_eq!(serde_json::to_string(&with_log).expect("text"), text);
    assert_eq!(serde_json::from_str::<Change>(text).expect("own text"), with_log);
}

/// Bytes written once are read for ever, and written anew they are the same.
#[test]
fn checkpoints_of_earlier_versions_are_read() {
    for (bytes, tombstone_count) in [
        (&include_bytes!("../../../testdata/manifest/checkpoint_without_tombstones.txt")[..], None),
        (&include_bytes!("../../../testdata/manifest/checkpoint_with_tombstones.txt")[..], Some(1)),
    ] {
        let checkpoint = format::decode_checkpoint("x", bytes).expect("it was written by an earlier version");
        let deleted: Vec<_> = checkpoint.state.tables_with_deletions().map(|(_, t)| t.len()).collect();
        assert_eq!(deleted, Vec::from_iter(tombstone_count));
        assert_eq!(format::encode_checkpoint(&checkpoint), bytes);
    }
}

proptest! {
    #[test]
    fn damaged_bytes_never_pass_for_an_edit(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let stamp = Stamp { number: 7, epoch: 2, writer: "w".into(), id: "i".into(), time_ns: 0 };
        let edit = Edit { stamp, changes: vec![database(1)] };
        let mut bytes = format::encode_edit(&edit).to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(decoded) = format::decode_edit("x", &bytes) {
            // Only another spelling of the header's numbers can mean the same.
            prop_assert_eq!(decoded, edit);
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = format::decode_edit("x", &bytes);
        let _ = format::decode_checkpoint("x", &bytes);
    }
}
