//! Tests of [`GroupAggregate`], against results computed value by value.

use super::group_aggregate::{GroupAggregate, GroupAggregateParts};
use super::group_aggregate_exec::GroupAggregateExec;
use super::run_aggregate_rule::{ROW_ORDER_KEY, ROW_ORDER_SERIES};
use super::tests::{SECOND_NS, rows_of, session};
use crate::query::functions::aggregate;
use crate::query::functions::scalar::bucket::bucket;
use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::datasource::MemTable;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, col, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::DataFrame;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use tokio::runtime::Runtime;

const INTERVAL_S: i64 = 10;

/// Where the partitions of a plan are executed.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Rows of (host, time in seconds, value).
type Row = (Option<&'static str>, i64, Option<i64>);

fn schema() -> SchemaRef {
    let fields = vec![
        Field::new("host", DataType::Utf8View, true),
        Field::new("time", DataType::Timestamp(TimeUnit::Nanosecond, None), false),
        Field::new("v", DataType::Int64, true),
    ];
    let order = (ROW_ORDER_KEY.to_owned(), ROW_ORDER_SERIES.to_owned());
    Arc::new(Schema::new(fields).with_metadata([order].into()))
}

fn batch_of(rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<StringViewArray>()),
        Arc::new(TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.1 * SECOND_NS))),
        Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// What a test asks for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    by_host: bool,
    by_time: bool,
    descending: bool,
    /// Whether it is known that there are few groups.
    few: bool,
}

impl Asked {
    /// `SELECT mean(v), count(v)` of groups with a value.
    fn parts(self) -> GroupAggregateParts {
        let bucketed =
            bucket().call(vec![col("time"), lit(INTERVAL_S * SECOND_NS), lit(0_i64)]).alias("window");
        let groups: Vec<Expr> = self
            .by_host
            .then(|| col("host").alias("host"))
            .into_iter()
            .chain(self.by_time.then_some(bucketed))
            .collect();
        let names = ["host", "window"].into_iter().zip([self.by_host, self.by_time]);
        let keys: Vec<Expr> = names.filter(|(_, is_asked)| *is_asked).map(|(name, _)| col(name)).collect();
        GroupAggregateParts {
            groups,
            aggregates: vec![
                aggregate::mean().call(vec![col("v")]).alias("mean"),
                count_udaf().call(vec![col("v")]).alias("count"),
            ],
            having: col("mean").is_not_null(),
            order: keys.iter().map(|key| key.clone().sort(!self.descending, !self.descending)).collect(),
            groups_max: self.few.then_some(100),
            columns: keys.into_iter().chain([col("mean"), col("count")]).collect(),
        }
    }

    /// The rows of the result, computed one value after the other.
    fn expected(self, rows: &[Row]) -> Vec<String> {
        let mut groups: BTreeMap<(Option<&str>, i64), Vec<i64>> = BTreeMap::new();
        for (host, time, value) in rows {
            let host = host.filter(|_| self.by_host);
            let window = if self.by_time { time.div_euclid(INTERVAL_S) } else { 0 };
            groups.entry((host, window)).or_default().extend(value);
        }
        let mut lines = Vec::new();
        for ((host, window), values) in groups.into_iter().filter(|(_, values)| !values.is_empty()) {
            let mean = values.iter().sum::<i64>() as f64 / values.len() as f64;
            let host = self.by_host.then(|| host.unwrap_or("-").to_owned());
            let window = self.by_time.then(|| (window * INTERVAL_S).to_string());
            let cells = host.into_iter().chain(window).chain([mean.to_string(), values.len().to_string()]);
            lines.push(cells.collect::<Vec<_>>().join(" "));
        }
        if self.descending {
            lines.reverse();
        }
        lines
    }

    /// The plan over partitions of rows, and what its own nodes make of them.
    fn plan(self, partitions: Vec<Vec<RecordBatch>>) -> Arc<dyn ExecutionPlan> {
        plan_of(schema(), partitions, self.parts())
    }
}

/// The plan of a [`GroupAggregate`] over partitions of rows.
fn plan_of(
    schema: SchemaRef,
    partitions: Vec<Vec<RecordBatch>>,
    parts: GroupAggregateParts,
) -> Arc<dyn ExecutionPlan> {
    let context = session(partitions.len());
    let table = MemTable::try_new(schema, partitions).unwrap();
    let (state, scan) = context.read_table(Arc::new(table)).unwrap().into_parts();
    let node = Arc::new(GroupAggregate::try_new(scan, parts).unwrap());
    let frame = DataFrame::new(state, LogicalPlan::Extension(Extension { node }));
    futures::executor::block_on(frame.create_physical_plan()).unwrap()
}

/// Whichever partition is done first.
#[test]
fn floats_are_added_in_the_order_of_partitions() {
    const LARGE: f64 = 1e16;
    let _entered = RUNTIME.enter();
    let fields = vec![Field::new("host", DataType::Utf8View, true), Field::new("v", DataType::Float64, true)];
    let order = (ROW_ORDER_KEY.to_owned(), ROW_ORDER_SERIES.to_owned());
    let schema = Arc::new(Schema::new(fields).with_metadata([order].into()));
    let batch = |value: f64| {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(StringViewArray::from(vec!["a"])), Arc::new(Float64Array::from(vec![value]))];
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    // The first has the most to do. In any other order the 1 is lost.
    let first = std::iter::once(batch(LARGE)).chain((0..2_000).map(|_| batch(0.0))).collect();
    let partitions = vec![first, vec![batch(-LARGE)], vec![batch(1.0)]];
    let parts = GroupAggregateParts {
        groups: vec![col("host").alias("host")],
        aggregates: vec![aggregate::sum().call(vec![col("v")]).alias("sum")],
        having: col("sum").is_not_null(),
        columns: vec![col("host"), col("sum")],
        order: Vec::new(),
        groups_max: Some(1),
    };
    for _ in 0..8 {
        let plan = plan_of(Arc::clone(&schema), partitions.clone(), parts.clone());
        assert!(plan.downcast_ref::<GroupAggregateExec>().is_some(), "it puts states together");
        assert_eq!(rows_of(plan).unwrap(), ["a 1"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn groups_are_those_of_a_plain_computation(
        rows in prop::collection::vec(
            (
                prop::option::of(prop::sample::select(vec!["a", "b", "a-name-longer-than-twelve"])),
                -40_i64..200,
                prop::option::of(-9_i64..9),
            ),
            0..80,
        ),
        (by_host, by_time, descending, few) in any::<(bool, bool, bool, bool)>(),
        batch_rows in 1_usize..20,
        partitions in 1_usize..4,
        groups_max in 0_usize..40,
    ) {
        let _entered = RUNTIME.enter();
        let asked = Asked { by_host, by_time, descending, few };
        let mut rows = rows;
        rows.sort();
        let mut dealt = vec![Vec::new(); partitions];
        for (number, rows) in rows.chunks(batch_rows).enumerate() {
            dealt[number % partitions].push(batch_of(rows));
        }
        let plan = asked.plan(dealt);
        let node = plan.downcast_ref::<GroupAggregateExec>().cloned();
        // Without groups there is nothing that runs could be of.
        prop_assert_eq!(node.is_some(), partitions == 1 || (few && (by_host || by_time)));
        prop_assert_eq!(rows_of(plan).unwrap(), asked.expected(&rows));
        if let Some(node) = node {
            // What does not fit is handed to DataFusion's nodes.
            let plan = Arc::new(node.with_groups_max(groups_max));
            prop_assert_eq!(rows_of(plan).unwrap(), asked.expected(&rows));
        }
    }
}
