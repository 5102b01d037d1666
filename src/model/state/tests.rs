//! A state rebuilt from its checkpoint is the same state, whatever happened before; and what does not
//! fit is refused without a trace.

use super::{ApplyError, State};
use crate::model::change::Change;
use crate::model::continuous_query::ContinuousQueryInfo;
use crate::model::database::{DatabaseInfo, PolicyInfo, TableInfo};
use crate::model::file::FileMeta;
use crate::model::ids::{
    ContinuousQueryId, DatabaseId, LogId, PolicyId, Sequence, SubscriptionId, TableId, UserId,
};
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::subscription::{SubscriptionInfo, SubscriptionMode};
use crate::model::time::TimeRange;
use crate::model::tombstone::{SeriesFilter, Tombstone};
use crate::model::user::{Access, PasswordHash, UserInfo};
use crate::model::value::FieldType;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn database(id: u32, name: &str) -> Change {
    let default_policy = "autogen".into();
    Change::CreateDatabase(Arc::new(DatabaseInfo { id: DatabaseId(id), name: name.into(), default_policy }))
}

fn policy(id: u32, database: u32, name: &str) -> Change {
    Change::PutPolicy(Arc::new(PolicyInfo {
        id: PolicyId(id),
        database: DatabaseId(database),
        name: name.into(),
        duration_ns: 0,
        shard_duration_ns: 1,
        replica_n: 1,
        future_limit_ns: 0,
        past_limit_ns: 0,
    }))
}

fn schema(fields: &[&str]) -> Arc<TableSchema> {
    let columns = fields.iter().map(|name| (*name, ColumnKind::Field(FieldType::Float)));
    Arc::new(TableSchema::default().with_columns(columns).expect("no conflict").unwrap_or_default())
}

fn table(id: u32, (database, policy): (u32, u32), name: &str, fields: &[&str]) -> Change {
    Change::PutTable(Arc::new(TableInfo {
        id: TableId(id),
        database: DatabaseId(database),
        policy: PolicyId(policy),
        name: name.into(),
        schema: schema(fields),
    }))
}

fn file(table: u32, path: &str, window_start_ns: i64, sequence: u64) -> FileMeta {
    let window = TimeRange::new(window_start_ns, window_start_ns + 10);
    FileMeta {
        end: None,
        path: path.into(),
        table: TableId(table),
        window,
        time_range: window,
        series_min: "a".into(),
        series_max: "b".into(),
        series_count: 2,
        row_count: 3,
        size_bytes: 4,
        sequence_min: Sequence(sequence),
        sequence_max: Sequence(sequence),
        level: 0,
        created_ns: 0,
        purged: Vec::new(),
        columns: vec!["f".into()],
        tag_values: BTreeMap::new(),
    }
}

fn add(file: FileMeta) -> Change {
    Change::AddFile(Arc::new(file))
}

fn tombstone(table: u32, id: &str, times: (i64, i64), through: u64) -> Tombstone {
    Tombstone {
        id: id.into(),
        table: TableId(table),
        times: TimeRange::new(times.0, times.1),
        series: SeriesFilter::tag_in("h", ["a"]),
        through: Sequence(through),
    }
}

fn put(tombstone: Tombstone) -> Change {
    Change::PutTombstone(Arc::new(tombstone))
}

fn unput(table: u32, id: &str) -> Change {
    Change::RemoveTombstone { table: TableId(table), id: id.into() }
}

fn user(id: u32, name: &str, granted_on: &[u32]) -> Change {
    let user = UserInfo {
        id: UserId(id),
        name: name.into(),
        password_hash: PasswordHash::new("hash"),
        is_admin: false,
        grants: Vec::new(),
    };
    let user = granted_on.iter().fold(user, |user, id| user.with_access(DatabaseId(*id), Access::READ));
    Change::PutUser(Arc::new(user))
}

fn flushed(through: u64, log: Option<&str>) -> Change {
    Change::Flushed { through: Sequence(through), log: log.map(LogId::new) }
}

fn continuous_query(id: u32, database: u32, name: &str) -> Change {
    Change::CreateContinuousQuery(Arc::new(ContinuousQueryInfo {
        id: ContinuousQueryId(id),
        database: DatabaseId(database),
        name: name.into(),
        statement: "…".into(),
    }))
}

fn subscription(id: u32, policy: u32, name: &str) -> Change {
    Change::CreateSubscription(Arc::new(SubscriptionInfo {
        id: SubscriptionId(id),
        policy: PolicyId(policy),
        name: name.into(),
        mode: SubscriptionMode::Any,
        destinations: vec!["udp://h:1".into()],
    }))
}

/// Two databases with a policy each and a table `m` in both.
fn sample() -> State {
    let changes = [
        database(0, "d"),
        policy(0, 0, "autogen"),
        database(1, "e"),
        policy(1, 1, "autogen"),
        table(0, (0, 0), "m", &["f"]),
        table(1, (1, 1), "m", &["f"]),
        add(file(0, "x", 0, 1)),
        add(file(1, "y", 0, 2)),
    ];
    State::default().with_changes(&changes).expect("they fit")
}

/// `change` is refused with `text` and leaves no trace.
fn check_refused(state: &State, change: &Change, text: &str) {
    let mut after = state.clone();
    let refused = after.apply(change).expect_err("it does not fit");
    assert_eq!(refused.to_string(), text);
    assert_eq!(after, *state);
}

#[test]
fn what_does_not_fit_is_refused_without_a_trace() {
    let state = sample();
    check_refused(&state, &database(0, "new"), "database 0 exists already");
    check_refused(&state, &database(9, "d"), "database \"d\" exists already");
    check_refused(
        &state,
        &database(u32::MAX, "z"),
        "database 4294967295 is inconsistent: identifiers are used up",
    );
    check_refused(&state, &Change::DropDatabase(DatabaseId(9)), "database 9 does not exist");
    check_refused(&state, &policy(9, 9, "p"), "database 9 does not exist");
    check_refused(&state, &policy(9, 0, "autogen"), "retention policy \"autogen\" exists already");
    let moved = "retention policy 0 is inconsistent: its database or name differs";
    check_refused(&state, &policy(0, 1, "autogen"), moved);
    check_refused(&state, &policy(0, 0, "renamed"), moved);
    check_refused(&state, &Change::DropPolicy(PolicyId(9)), "retention policy 9 does not exist");
    let default = Change::SetDefaultPolicy { database: DatabaseId(9), name: "x".into() };
    check_refused(&state, &default, "database 9 does not exist");
    check_refused(&state, &table(9, (0, 9), "n", &[]), "retention policy 9 does not exist");
    check_refused(
        &state,
        &table(9, (1, 0), "n", &[]),
        "table 9 is inconsistent: its policy belongs to another database",
    );
    check_refused(&state, &table(9, (0, 0), "m", &[]), "table \"m\" exists already");
    check_refused(
        &state,
        &table(0, (0, 0), "n", &["f"]),
        "table 0 is inconsistent: its policy or name differs",
    );
    check_refused(
        &state,
        &table(0, (0, 0), "m", &["g"]),
        "table 0 is inconsistent: its schema contradicts the one it has",
    );
    let drop = Change::DropTable { table: TableId(9), through: Sequence(1) };
    check_refused(&state, &drop, "table 9 does not exist");
    check_refused(&state, &add(file(9, "z", 0, 1)), "table 9 does not exist");
    check_refused(&state, &add(file(0, "x", 0, 1)), "file \"x\" exists already");
    let broken = FileMeta { row_count: 0, ..file(0, "z", 0, 1) };
    check_refused(&state, &add(broken), "file \"z\" is inconsistent: it has no rows");
    let broken = FileMeta { time_range: TimeRange::new(5, 11), ..file(0, "z", 0, 1) };
    check_refused(&state, &add(broken), "file \"z\" is inconsistent: it has rows outside its window");
    let remove_file = Change::RemoveFile { table: TableId(0), path: "y".into() };
    check_refused(&state, &remove_file, "file \"y\" does not exist");
    check_refused(&state, &put(tombstone(9, "t", (0, 1), 1)), "table 9 does not exist");
    let nothing = "tombstone t is inconsistent: it deletes nothing";
    check_refused(&state, &put(tombstone(0, "t", (1, 1), 1)), nothing);
    let marked = state.with_changes(&[put(tombstone(0, "t", (0, 1), 1))]).expect("it fits");
    check_refused(&marked, &put(tombstone(0, "t", (0, 2), 2)), "tombstone t exists already");
    assert_eq!(marked.with_changes(&[unput(0, "u"), unput(9, "t")]), Ok(marked), "no harm");
    let later = state.with_changes(&[flushed(5, Some("a"))]).expect("it fits");
    check_refused(&later, &flushed(4, Some("b")), "flush 4 is inconsistent: a later one was recorded before");
}

#[test]
fn users_continuous_queries_and_subscriptions_that_do_not_fit_are_refused() {
    let added = [
        user(0, "u", &[0, 1]),
        user(1, "v", &[]),
        continuous_query(0, 0, "q"),
        subscription(0, 0, "s"),
        subscription(1, 1, "s"),
    ];
    let state = sample().with_changes(&added).expect("they fit");
    check_refused(&state, &user(9, "u", &[]), "user \"u\" exists already");
    check_refused(&state, &user(0, "v", &[]), "user 0 is inconsistent: its name differs");
    check_refused(&state, &user(0, "u", &[0, 9]), "database 9 does not exist");
    check_refused(
        &state,
        &user(u32::MAX, "w", &[]),
        "user 4294967295 is inconsistent: identifiers are used up",
    );
    check_refused(&state, &Change::DropUser(UserId(9)), "user 9 does not exist");
    check_refused(&state, &continuous_query(0, 1, "r"), "continuous query 0 exists already");
    check_refused(&state, &continuous_query(9, 0, "q"), "continuous query \"q\" exists already");
    check_refused(&state, &continuous_query(9, 9, "r"), "database 9 does not exist");
    let drop = Change::DropContinuousQuery(ContinuousQueryId(9));
    check_refused(&state, &drop, "continuous query 9 does not exist");
    check_refused(&state, &subscription(0, 1, "r"), "subscription 0 exists already");
    check_refused(&state, &subscription(9, 0, "s"), "subscription \"s\" exists already");
    check_refused(&state, &subscription(9, 9, "r"), "retention policy 9 does not exist");
    let drop = Change::DropSubscription(SubscriptionId(9));
    check_refused(&state, &drop, "subscription 9 does not exist");
}

#[test]
fn dropping_a_database_takes_grants_and_continuous_queries_along() {
    let changes = [
        user(0, "u", &[0, 1]),
        continuous_query(0, 0, "q"),
        continuous_query(1, 1, "q"),
        Change::DropDatabase(DatabaseId(0)),
    ];
    let state = sample().with_changes(&changes).expect("they fit");
    let granted = state.user("u").expect("it stays").grants.iter().map(|g| g.database).collect::<Vec<_>>();
    assert_eq!(granted, [DatabaseId(1)]);
    assert!(state.continuous_query(DatabaseId(0), "q").is_none());
    assert!(state.continuous_query(DatabaseId(1), "q").is_some());
}

#[test]
fn subscriptions_go_with_their_policy_and_not_before() {
    let added = [subscription(0, 0, "s"), subscription(1, 1, "s"), subscription(2, 0, "r")];
    let state = sample().with_changes(&added).expect("they fit");
    let names = |state: &State, policy| -> Vec<String> {
        state.subscriptions_of(PolicyId(policy)).map(|s| s.name.to_string()).collect()
    };
    assert_eq!(names(&state, 0), ["s", "r"]);
    let again = State::default().with_changes(&state.to_changes().collect::<Vec<_>>());
    assert_eq!(again.as_ref(), Ok(&state), "a checkpoint has them");
    let altered = state.with_changes(&[policy(0, 0, "autogen")]).expect("it fits");
    assert_eq!(names(&altered, 0), ["s", "r"]);
    let dropped = Change::DropSubscription(SubscriptionId(0));
    assert_eq!(names(&state.with_changes(&[dropped]).expect("it fits"), 0), ["r"]);
    for drop in [Change::DropPolicy(PolicyId(0)), Change::DropDatabase(DatabaseId(0))] {
        let after = state.with_changes(&[drop]).expect("it fits");
        assert_eq!((names(&after, 0), names(&after, 1)), (Vec::new(), vec!["s".to_owned()]));
    }
}

#[test]
fn schema_only_grows() {
    let mut state = sample();
    let fields = |state: &State| state.table_by_id(TableId(0)).expect("a table").schema.columns().len();
    state.apply(&table(0, (0, 0), "m", &["f", "g"])).expect("wider");
    assert_eq!(fields(&state), 2);
    state.apply(&table(0, (0, 0), "m", &["f"])).expect("an older one comes late");
    assert_eq!(fields(&state), 2);
}

#[test]
fn dropping_takes_everything_below_along() {
    for drop in [Change::DropDatabase(DatabaseId(0)), Change::DropPolicy(PolicyId(0))] {
        let marked = sample().with_changes(&[put(tombstone(0, "t", (0, 1), 1))]).expect("it fits");
        let state = marked.with_changes(&[drop]).expect("it fits");
        assert!(state.policy(DatabaseId(0), "autogen").is_none());
        assert!(state.default_policy(DatabaseId(0)).is_none());
        assert!(state.table(PolicyId(0), "m").is_none() && state.table_by_id(TableId(0)).is_none());
        assert!(state.files_of(TableId(0)).is_empty());
        assert_eq!(state.tables_with_deletions().count(), 0);
        let others: Vec<_> = state.files().map(|f| f.path.to_string()).collect();
        assert_eq!(others, ["y"]);
        assert_eq!(state.next_table_id(), TableId(2), "ids are not given out again");
    }
}

#[test]
fn dropped_name_is_remembered_until_it_was_flushed() {
    let name = |state: &State| state.dropped_through(PolicyId(0), "m");
    let drop = Change::DropTable { table: TableId(0), through: Sequence(7) };
    let state = sample().with_changes(&[drop]).expect("it fits");
    assert_eq!(name(&state), Sequence(7));
    assert_eq!(state.dropped_through(PolicyId(1), "m"), Sequence::ZERO);
    let again = [table(5, (0, 0), "m", &[]), flushed(6, None)];
    let state = state.with_changes(&again).expect("the name is free");
    assert_eq!(name(&state), Sequence(7));
    let state = state.with_changes(&[flushed(7, None)]).expect("it fits");
    assert_eq!(name(&state), Sequence::ZERO);
    let late = [Change::DropTable { table: TableId(5), through: Sequence(7) }];
    let state = state.with_changes(&late).expect("it fits");
    assert_eq!(name(&state), Sequence::ZERO, "its rows are in files, which go with it");
}

/// Sequences are places in the log of whoever flushed last; one that does not say which makes it unknown.
#[test]
fn a_flush_names_the_log_that_the_store_goes_on_from() {
    let after = |flushes: &[Change]| {
        let state = sample().with_changes(flushes).expect("they fit");
        (state.flushed_through(), state.flushed_log().map(ToString::to_string))
    };
    assert_eq!(after(&[]), (Sequence::ZERO, None));
    let a = flushed(5, Some("a"));
    assert_eq!(after(std::slice::from_ref(&a)), (Sequence(5), Some("a".to_owned())));
    assert_eq!(after(&[a.clone(), flushed(5, Some("b"))]), (Sequence(5), Some("b".to_owned())));
    assert_eq!(after(&[a, flushed(6, None)]), (Sequence(6), None));
}

#[test]
fn files_are_sorted_by_window_and_age() {
    let changes = [
        table(0, (0, 0), "m", &[]),
        add(file(0, "late", 10, 9)),
        add(file(0, "newer", -10, 3)),
        add(file(0, "older", -10, 2)),
        Change::RemoveFile { table: TableId(0), path: "x".into() },
    ];
    let state = sample().with_changes(&changes).expect("they fit");
    let paths: Vec<_> = state.files_of(TableId(0)).iter().map(|f| f.path.to_string()).collect();
    assert_eq!(paths, ["older", "newer", "late"]);
}

#[test]
fn tables_are_found_among_many_and_sorted_by_name() {
    let mut state = sample();
    for id in 2..5_000_u32 {
        let reversed = 10_000 - id;
        state.apply(&table(id, (id % 2, id % 2), &format!("t{reversed}"), &[])).expect("it fits");
    }
    let names: Vec<_> = state.tables_of(PolicyId(1)).map(|t| t.name.to_string()).collect();
    assert!(names.is_sorted());
    assert_eq!(names.len(), 2_500);
    assert_eq!(state.table(PolicyId(1), "t9997").map(|t| t.id), Some(TableId(3)));
    assert!(state.table(PolicyId(0), "t9997").is_none());
    assert_eq!(state.tables_of(PolicyId(7)).count(), 0);
}

#[test]
fn databases_and_policies_come_in_the_order_of_creation() {
    let changes = [database(2, "a"), policy(2, 0, "a"), policy(3, 0, "Z")];
    let state = sample().with_changes(&changes).expect("they fit");
    let databases: Vec<_> = state.databases().map(|d| d.name.to_string()).collect();
    assert_eq!(databases, ["d", "e", "a"]);
    let policies: Vec<_> = state.policies_of(DatabaseId(0)).iter().map(|p| p.name.to_string()).collect();
    assert_eq!(policies, ["autogen", "a", "Z"]);
}

/// Changes of a small world, so that many of them fit.
fn changes() -> impl Strategy<Value = Change> {
    let name = || prop::sample::select(vec!["a", "b", "c"]);
    let id = || 0_u32..4;
    prop_oneof![
        2 => (id(), name()).prop_map(|(id, name)| database(id, name)),
        1 => id().prop_map(|id| Change::DropDatabase(DatabaseId(id))),
        4 => (0_u32..6, id(), name()).prop_map(|(id, d, name)| policy(id, d, name)),
        1 => (0_u32..6).prop_map(|id| Change::DropPolicy(PolicyId(id))),
        1 => (id(), name())
            .prop_map(|(id, name)| Change::SetDefaultPolicy { database: DatabaseId(id), name: name.into() }),
        6 => (0_u32..8, id(), 0_u32..6, name(), prop::sample::subsequence(vec!["f", "g"], 0..=2))
            .prop_map(|(id, d, p, name, fields)| table(id, (d, p), name, &fields)),
        1 => (0_u32..8, 0_u64..9)
            .prop_map(|(id, s)| Change::DropTable { table: TableId(id), through: Sequence(s) }),
        6 => (0_u32..8, "[x-z]", -3_i64..3, 0_u64..5).prop_map(|(t, path, w, s)| add(file(t, &path, w * 10, s))),
        1 => (0_u32..8, "[x-z]")
            .prop_map(|(t, path)| Change::RemoveFile { table: TableId(t), path: path.into() }),
        2 => (0_u32..8, "[x-z]", 0_i64..3, 0_u64..9)
            .prop_map(|(t, id, width, s)| put(tombstone(t, &id, (0, width), s))),
        1 => (0_u32..8, "[x-z]").prop_map(|(t, id)| unput(t, &id)),
        1 => (0_u32..8).prop_map(|t| Change::HadTombstones(TableId(t))),
        1 => (0_u64..9, prop::sample::select(vec![None, Some("a"), Some("b")]))
            .prop_map(|(s, log)| flushed(s, log)),
        3 => (id(), name(), prop::sample::subsequence(vec![0, 1, 2], 0..=2))
            .prop_map(|(id, name, granted_on)| user(id, name, &granted_on)),
        1 => id().prop_map(|id| Change::DropUser(UserId(id))),
        3 => (0_u32..6, id(), name()).prop_map(|(id, d, name)| continuous_query(id, d, name)),
        1 => (0_u32..6).prop_map(|id| Change::DropContinuousQuery(ContinuousQueryId(id))),
    ]
}

proptest! {
    #[test]
    fn checkpoint_rebuilds_the_state(changes in prop::collection::vec(changes(), 0..120)) {
        let mut state = State::default();
        for change in &changes {
            let before = state.clone();
            if let Err(refused) = state.apply(change) {
                prop_assert_eq!(&state, &before, "{:?}: {}", change, refused);
            }
        }
        let checkpoint: Vec<_> = state.to_changes().collect();
        let rebuilt = State::default().with_changes(&checkpoint);
        prop_assert_eq!(rebuilt.as_ref(), Ok(&state));
        let json = serde_json::to_string(&checkpoint).expect("changes have string keys");
        let back: Vec<Change> = serde_json::from_str(&json).expect("own text");
        prop_assert_eq!(back, checkpoint);
        for table in state.tables() {
            prop_assert_eq!(state.table(table.policy, &table.name), Some(table));
            prop_assert!(state.policy_by_id(table.policy).is_some_and(|p| p.database == table.database));
        }
        for user in state.users() {
            prop_assert_eq!(state.user(&user.name), Some(user));
            prop_assert!(user.grants.iter().all(|g| state.database_by_id(g.database).is_some()));
        }
        for query in state.continuous_queries() {
            prop_assert_eq!(state.continuous_query(query.database, &query.name), Some(query));
            prop_assert!(state.database_by_id(query.database).is_some());
        }
        for file in state.files() {
            prop_assert!(state.table_by_id(file.table).is_some());
        }
    }
}

#[test]
fn errors_tell_a_race_from_a_bug() {
    let state = sample();
    let error = |change: &Change| state.clone().apply(change).expect_err("it does not fit");
    assert!(matches!(error(&Change::DropPolicy(PolicyId(9))), ApplyError::Missing { .. }));
    assert!(matches!(error(&database(0, "d")), ApplyError::Taken { .. }));
    assert!(matches!(error(&policy(0, 0, "x")), ApplyError::Inconsistent { .. }));
}

#[test]
fn that_rows_were_deleted_is_remembered_without_a_tombstone() {
    let changes = [put(tombstone(0, "t", (0, 1), 1)), unput(0, "t")];
    let state = sample().with_changes(&changes).expect("they fit");
    assert!(state.tombstones_of(TableId(0)).is_empty());
    assert_eq!(state.tables_with_deletions().map(|(table, _)| table).collect::<Vec<_>>(), [TableId(0)]);
}

#[test]
fn tombstones_concern_older_files_of_their_times() {
    let file = file(0, "x", 0, 5);
    let tombstone = |times, through| {
        let tombstone = tombstone(0, "t", times, through);
        let of_all = Tombstone { series: SeriesFilter::all(), ..tombstone.clone() };
        (tombstone.concerns(&file), tombstone.covers(&file), of_all.covers(&file))
    };
    assert_eq!(tombstone((0, 10), 4), (false, false, false), "the file has rows from after it");
    assert_eq!(tombstone((10, 20), 5), (false, false, false));
    assert_eq!(tombstone((9, 20), 5), (true, false, false));
    assert_eq!(tombstone((0, 10), 5), (true, false, true));
}
