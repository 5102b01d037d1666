//! Images of databases: taken of a state, renumbered into another one, and refused where they do not fit.

use super::DatabaseImage;
use crate::model::change::Change;
use crate::model::continuous_query::ContinuousQueryInfo;
use crate::model::database::{DatabaseInfo, PolicyInfo, TableInfo};
use crate::model::file::FileMeta;
use crate::model::ids::{ContinuousQueryId, DatabaseId, PolicyId, Sequence, SubscriptionId, TableId};
use crate::model::state::State;
use crate::model::subscription::{SubscriptionInfo, SubscriptionMode};
use crate::model::time::TimeRange;
use crate::model::tombstone::{SeriesFilter, Tombstone};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A database with one policy `p` and its tables, each with two files, a tombstone between them, one continuous query and one subscription.
fn database(id: u32, name: &str, tables: &[(u32, &str)], sequence: u64) -> Vec<Change> {
    let (database, policy) = (DatabaseId(id), PolicyId(id + 10));
    let info = DatabaseInfo { id: database, name: name.into(), default_policy: "p".into() };
    let mut changes = vec![
        Change::CreateDatabase(Arc::new(info)),
        Change::PutPolicy(Arc::new(PolicyInfo {
            id: policy,
            database,
            name: "p".into(),
            duration_ns: 0,
            shard_duration_ns: 10,
            replica_n: 1,
            future_limit_ns: 0,
            past_limit_ns: 0,
        })),
    ];
    for (table, table_name) in tables {
        let table = TableId(*table);
        let info =
            TableInfo { id: table, database, policy, name: (*table_name).into(), schema: Arc::default() };
        changes.push(Change::PutTable(Arc::new(info)));
        changes.extend([sequence, sequence + 5].map(|s| Change::AddFile(Arc::new(file(table, s)))));
        changes.push(Change::PutTombstone(Arc::new(Tombstone {
            id: format!("tombstone of {table}").into(),
            table,
            times: TimeRange::new(0, 5),
            series: SeriesFilter::all(),
            through: Sequence(sequence + 3),
        })));
    }
    changes.push(Change::CreateContinuousQuery(Arc::new(ContinuousQueryInfo {
        id: ContinuousQueryId(id),
        database,
        name: "c".into(),
        statement: "…".into(),
    })));
    changes.push(Change::CreateSubscription(Arc::new(SubscriptionInfo {
        id: SubscriptionId(id),
        policy,
        name: "s".into(),
        mode: SubscriptionMode::All,
        destinations: vec!["udp://h:1".into()],
    })));
    changes
}

fn file(table: TableId, sequence: u64) -> FileMeta {
    FileMeta {
        end: None,
        path: format!("{table}/{sequence}").into(),
        table,
        window: TimeRange::new(0, 10),
        time_range: TimeRange::new(0, 10),
        series_min: "a".into(),
        series_max: "b".into(),
        series_count: 2,
        row_count: 3,
        size_bytes: 4,
        sequence_min: Sequence(sequence),
        sequence_max: Sequence(sequence + 1),
        level: 0,
        created_ns: 5,
        purged: vec!["an older tombstone".into()],
        columns: Vec::new(),
        tag_values: BTreeMap::new(),
    }
}

fn state(databases: &[Vec<Change>]) -> State {
    State::default().with_changes(databases.iter().flatten()).expect("they fit")
}

#[test]
fn an_image_comes_out_of_a_state_as_it_came_in() {
    let source = state(&[database(0, "x", &[(0, "m")], 100), database(1, "y", &[(1, "m"), (2, "n")], 200)]);
    assert_eq!(DatabaseImage::of(&source, "z"), None);
    let image = DatabaseImage::of(&source, "y").expect("it is there");
    assert_eq!((image.tables.len(), image.files.len(), image.tombstones.len()), (2, 4, 2));

    // Into a state whose identifiers collide with all of the image's.
    let target = state(&[database(1, "a", &[(1, "m"), (2, "n")], 7)]);
    let added = image.renumbered(&target, "b", Sequence(50)).expect("it is consistent");
    let after = target.with_changes(&added.changes).expect("they fit");
    let again = DatabaseImage::of(&after, "b").expect("it was added");
    assert_eq!(DatabaseImage::of(&after, "a"), DatabaseImage::of(&target, "a"), "the other one is as it was");
    assert_eq!(added.through, Sequence(57));
    let sequences = |image: &DatabaseImage| -> Vec<u64> {
        image
            .files
            .iter()
            .map(|f| f.sequence_max.0)
            .chain(image.tombstones.iter().map(|t| t.through.0))
            .collect()
    };
    assert_eq!(sequences(&image), [201, 206, 201, 206, 203, 203]);
    assert_eq!(
        sequences(&again),
        [52, 57, 52, 57, 54, 54],
        "behind all that the log has given out, in order"
    );
    assert_eq!((image.subscriptions.len(), again.subscriptions.len()), (1, 1));
    assert_eq!(again.subscriptions[0].policy, again.policies[0].id);
    let paths = |image: &DatabaseImage| image.files.iter().map(|f| f.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&image), paths(&again));
    // Back into an empty state: only identifiers differ.
    let back = again.renumbered(&State::default(), "y", Sequence(199)).expect("it is consistent");
    let back = State::default().with_changes(&back.changes).expect("they fit");
    assert_eq!(sequences(&DatabaseImage::of(&back, "y").expect("it was added")), sequences(&image));
}

#[test]
fn an_image_that_contradicts_itself_is_refused() {
    let source = state(&[database(0, "x", &[(0, "m")], 100)]);
    let image = DatabaseImage::of(&source, "x").expect("it is there");
    let check = |image: DatabaseImage, after: u64, reason: &str| {
        let refused = image.renumbered(&State::default(), "x", Sequence(after)).expect_err(reason);
        assert_eq!(refused.to_string(), format!("the description of the database is inconsistent: {reason}"));
    };
    check(DatabaseImage { tables: Vec::new(), ..image.clone() }, 0, "table 0 is missing");
    check(DatabaseImage { policies: Vec::new(), ..image.clone() }, 0, "retention policy 10 is missing");
    let twice = vec![image.tables[0].clone(); 2];
    check(DatabaseImage { tables: twice, ..image.clone() }, 0, "identifier 0 is given out twice");
    check(image, u64::MAX - 3, "no sequence is left");
}
