//! Tests of the nodes. Expected rows of the fill tests were recorded from InfluxDB 1.6.7.

use super::fill::{FillMode, FillRange};
use super::gap_fill::{GapFill, GapFillExec};
use super::planner::InfluxQueryPlanner;
use super::run_aggregate::RunAggregateExec;
use super::run_aggregate_rule::{ROW_ORDER_KEY, ROW_ORDER_SERIES, RunAggregateRule};
use super::series_limit::{SeriesLimit, SeriesLimitExec, SeriesLimits};
use crate::query::functions::scalar::bucket::{Buckets, bucket};
use crate::query::functions::{aggregate, selector};
use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Column, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::datasource::MemTable;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::{AggregateUDF, Extension, LogicalPlan, col as expr_col, lit as expr_lit};
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::{col, lit};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use futures::executor::block_on;
use proptest::prelude::*;
use std::sync::Arc;

pub(super) const SECOND_NS: i64 = 1_000_000_000;

/// `host time sum mean` per line, times in seconds, `-` for null; cut into batches of `batch_rows`.
pub(super) fn table(text: &str, batch_rows: usize) -> Arc<dyn ExecutionPlan> {
    let rows: Vec<Vec<&str>> =
        text.lines().map(|l| l.split_whitespace().collect()).filter(|r: &Vec<_>| !r.is_empty()).collect();
    let number = |text: &str| (text != "-").then_some(text.to_owned());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|r| number(r[0])).collect::<StringViewArray>()),
        Arc::new(TimestampNanosecondArray::from_iter_values(
            rows.iter().map(|r| r[1].parse::<i64>().unwrap() * SECOND_NS),
        )),
        Arc::new(rows.iter().map(|r| number(r[2]).map(|v| v.parse().unwrap())).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|r| number(r[3]).map(|v| v.parse().unwrap())).collect::<Float64Array>()),
    ];
    let schema = Arc::new(Schema::new(vec![
        Field::new("host", DataType::Utf8View, true),
        Field::new("time", DataType::Timestamp(TimeUnit::Nanosecond, None), false),
        Field::new("sum", DataType::Int64, true),
        Field::new("mean", DataType::Float64, true),
    ]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let batches: Vec<_> = (0..batch.num_rows())
        .step_by(batch_rows)
        .map(|start| batch.slice(start, batch_rows.min(batch.num_rows() - start)))
        .collect();
    MemorySourceConfig::try_new_exec(&[batches], schema, None).unwrap()
}

/// The rows of a plan in the notation of [`table`].
pub(super) fn rows_of(plan: Arc<dyn ExecutionPlan>) -> datafusion::error::Result<Vec<String>> {
    let batches = block_on(collect(plan, Arc::new(TaskContext::default())))?;
    let mut out = Vec::new();
    for batch in batches {
        let columns: Vec<ArrayRef> = batch
            .columns()
            .iter()
            .map(|column| match column.data_type() {
                DataType::Timestamp(..) => {
                    let times: &TimestampNanosecondArray = column.as_any().downcast_ref().unwrap();
                    Arc::new(Int64Array::from_iter_values(times.values().iter().map(|t| t / SECOND_NS))) as _
                }
                _ => Arc::clone(column),
            })
            .collect();
        let options = FormatOptions::default().with_null("-");
        for row in 0..batch.num_rows() {
            let cell = |c: &ArrayRef| {
                let text = ArrayFormatter::try_new(c, &options).unwrap().value(row).to_string();
                text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
            };
            out.push(columns.iter().map(cell).collect::<Vec<_>>().join(" "));
        }
    }
    Ok(out)
}

fn range(lower_s: Option<i64>, upper_s: i64, offset_s: i64, descending: bool) -> FillRange {
    FillRange {
        buckets: Buckets::new(10 * SECOND_NS, offset_s * SECOND_NS, None).unwrap(),
        lower_ns: lower_s.map(|s| s * SECOND_NS),
        upper_ns: upper_s * SECOND_NS - 1,
        descending,
        buckets_max: 0,
    }
}

/// Checks a fill for every way to cut the input into batches.
fn check_fill(input: &str, fills: [FillMode; 2], range: FillRange, expected: &str) {
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    for batch_rows in 1..=4 {
        let [sum, mean] = fills.clone();
        let fills = vec![FillMode::Null, FillMode::Null, sum, mean];
        let plan = GapFillExec::try_new(table(input, batch_rows), vec![0], 1, fills, range).unwrap();
        assert_eq!(rows_of(Arc::new(plan)).unwrap(), expected, "{batch_rows} rows a batch");
    }
}

const FL: &str = "a 10 3 1.5\na 30 10 5\na 70 -5 2.25\nb 40 - 7";
const FL_DESC: &str = "b 40 - 7\na 70 -5 2.25\na 30 10 5\na 10 3 1.5";

#[test]
fn fill_linear_goes_from_the_own_first_bucket_without_a_lower_bound() {
    check_fill(
        FL,
        [FillMode::Linear, FillMode::Linear],
        range(None, 100, 0, false),
        "a 10 3 1.5\na 20 6 3.25\na 30 10 5\na 40 6 4.3125\na 50 2 3.625\na 60 -1 2.9375\na 70 -5 2.25
         a 80 - -\na 90 - -\nb 40 - 7\nb 50 - -\nb 60 - -\nb 70 - -\nb 80 - -\nb 90 - -",
    );
}

#[test]
fn fill_linear_descends_with_an_offset() {
    check_fill(
        "b 43 - 7\na 63 -5 2.25\na 33 10 5\na 3 3 1.5",
        [FillMode::Linear, FillMode::Linear],
        range(Some(5), 100, 3, true),
        "b 93 - -\nb 83 - -\nb 73 - -\nb 63 - -\nb 53 - -\nb 43 - 7\nb 33 - -\nb 23 - -\nb 13 - -\nb 3 - -
         a 93 - -\na 83 - -\na 73 - -\na 63 -5 2.25\na 53 0 3.1666666666666665\na 43 5 4.083333333333333
         a 33 10 5\na 23 7 3.833333333333333\na 13 5 2.6666666666666665\na 3 3 1.5",
    );
}

/// A search through all that waits, at each row, would take minutes.
#[test]
fn fill_linear_does_not_search_for_a_value_that_never_comes() {
    const ROWS: i64 = 200_000;
    let rows = (1..ROWS).map(|row| format!("\na {} 1 -", 10 * row));
    let input = table(&std::iter::once("a 0 1 1".to_owned()).chain(rows).collect::<String>(), 8_192);
    let fills = vec![FillMode::Null, FillMode::Null, FillMode::Linear, FillMode::Linear];
    let range = range(None, 10 * ROWS, 0, false);
    let plan = GapFillExec::try_new(input, vec![0], 1, fills, range).unwrap();
    let batches = block_on(collect(Arc::new(plan), Arc::new(TaskContext::default()))).unwrap();
    let nulls = |column: usize| batches.iter().map(|batch| batch.column(column).null_count()).sum::<usize>();
    assert_eq!((nulls(1), nulls(2), nulls(3)), (0, 0, 199_999));
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 200_000);
}

#[test]
fn fill_previous_stays_within_the_range_and_the_series() {
    check_fill(
        FL,
        [FillMode::Previous, FillMode::Previous],
        range(Some(5), 100, 0, false),
        "a 0 - -\na 10 3 1.5\na 20 3 1.5\na 30 10 5\na 40 10 5\na 50 10 5\na 60 10 5\na 70 -5 2.25
         a 80 -5 2.25\na 90 -5 2.25\nb 0 - -\nb 10 - -\nb 20 - -\nb 30 - -\nb 40 - 7\nb 50 - 7\nb 60 - 7
         b 70 - 7\nb 80 - 7\nb 90 - 7",
    );
}

#[test]
fn fill_previous_copies_from_the_later_bucket_when_descending() {
    check_fill(
        FL_DESC,
        [FillMode::Previous, FillMode::Previous],
        range(Some(5), 100, 0, true),
        "b 90 - -\nb 80 - -\nb 70 - -\nb 60 - -\nb 50 - -\nb 40 - 7\nb 30 - 7\nb 20 - 7\nb 10 - 7\nb 0 - 7
         a 90 - -\na 80 - -\na 70 -5 2.25\na 60 -5 2.25\na 50 -5 2.25\na 40 -5 2.25\na 30 10 5\na 20 10 5
         a 10 3 1.5\na 0 3 1.5",
    );
}

#[test]
fn fill_number_reaches_series_that_lack_the_column() {
    check_fill(
        FL_DESC,
        [FillMode::Value(ScalarValue::Int64(Some(3))), FillMode::Value(ScalarValue::Float64(Some(3.0)))],
        range(None, 100, 0, true),
        "b 90 3 3\nb 80 3 3\nb 70 3 3\nb 60 3 3\nb 50 3 3\nb 40 3 7
         a 90 3 3\na 80 3 3\na 70 -5 2.25\na 60 3 3\na 50 3 3\na 40 3 3\na 30 10 5\na 20 3 3\na 10 3 1.5",
    );
}

#[test]
fn count_is_zero_but_null_in_series_that_lack_the_column() {
    check_fill(
        "a 10 1 1.5\na 30 1 5\na 70 1 2.25\nb 40 - 7",
        [FillMode::ValueWhereAny(ScalarValue::Int64(Some(0))), FillMode::Null],
        range(Some(5), 100, 0, false),
        "a 0 0 -\na 10 1 1.5\na 20 0 -\na 30 1 5\na 40 0 -\na 50 0 -\na 60 0 -\na 70 1 2.25\na 80 0 -\na 90 0 -
         b 0 - -\nb 10 - -\nb 20 - -\nb 30 - -\nb 40 - 7\nb 50 - -\nb 60 - -\nb 70 - -\nb 80 - -\nb 90 - -",
    );
}

#[test]
fn count_without_a_lower_bound_is_null_before_the_columns_first_value() {
    let fills = || [FillMode::ValueWhereAny(ScalarValue::Int64(Some(0))), FillMode::Null];
    check_fill(
        "a 10 - 1.5\na 30 1 5\na 50 - 2.25\nb 40 - 7",
        fills(),
        range(None, 70, 0, false),
        "a 10 - 1.5\na 20 - -\na 30 1 5\na 40 0 -\na 50 0 2.25\na 60 0 -\nb 40 - 7\nb 50 - -\nb 60 - -",
    );
    check_fill(
        "b 40 - 7\na 50 - 2.25\na 30 1 5\na 10 - 1.5",
        fills(),
        range(None, 70, 0, true),
        "b 60 - -\nb 50 - -\nb 40 - 7\na 60 0 -\na 50 0 2.25\na 40 0 -\na 30 1 5\na 20 - -\na 10 - 1.5",
    );
}

#[test]
fn fill_none_makes_no_rows() {
    check_fill(FL, [FillMode::None, FillMode::None], range(Some(5), 100, 0, false), FL);
}

#[test]
fn fill_of_nothing_is_nothing() {
    check_fill("", [FillMode::Null, FillMode::Previous], range(Some(5), 100, 0, false), "");
}

#[test]
fn fill_linear_follows_days_through_a_change_of_the_clock() {
    let days = FillRange {
        buckets: Buckets::new(86_400 * SECOND_NS, 0, Some(chrono_tz::Europe::Berlin)).unwrap(),
        ..range(Some(1_616_734_800), 1_617_148_800, 0, false)
    };
    check_fill(
        "a 1616713200 65 1\na 1616886000 330 1\na 1616968800 525 1\na 1617055200 650 1",
        [FillMode::Linear, FillMode::None],
        days,
        "a 1616713200 65 1\na 1616799600 197 -\na 1616886000 330 1\na 1616968800 525 1\na 1617055200 650 1
         a 1617141600 - -",
    );
}

#[test]
fn rows_are_those_of_buckets_through_a_change_of_the_clock() {
    // InfluxDB 1.6.7 has one more row at 1319936400, where the bucket of four hours has an hour to go.
    let buckets = Buckets::new(3 * 3_600 * SECOND_NS, 0, Some(chrono_tz::Europe::Berlin)).unwrap();
    let fills = [FillMode::Value(ScalarValue::Int64(Some(0))), FillMode::Previous];
    let hours =
        |descending| FillRange { buckets, ..range(Some(1_319_914_800), 1_319_958_000, 0, descending) };
    check_fill(
        "a 1319925600 7 1\na 1319940000 8 2",
        fills.clone(),
        hours(false),
        "a 1319914800 0 -\na 1319925600 7 1\na 1319940000 8 2\na 1319950800 0 2",
    );
    check_fill(
        "a 1319940000 8 2\na 1319925600 7 1",
        fills,
        hours(true),
        "a 1319950800 0 -\na 1319940000 8 2\na 1319925600 7 1\na 1319914800 0 1",
    );
}

#[test]
fn too_many_buckets_are_refused_in_influxdbs_words() {
    let limited = FillRange { buckets_max: 3, ..range(None, 100, 0, false) };
    let fills = vec![FillMode::Null; 4];
    let plan = GapFillExec::try_new(table(FL, 2), vec![0], 1, fills, limited).unwrap();
    let error = rows_of(Arc::new(plan)).unwrap_err().to_string();
    assert!(error.contains("max-select-buckets limit exceeded: (4/3)"), "{error}");
    assert!(FillRange { lower_ns: Some(0), ..limited }.check().is_err());
}

#[test]
fn huge_ranges_stream() {
    let wide = range(Some(0), 9_000_000_000, 0, false);
    let plan = GapFillExec::try_new(table(FL, 2), vec![0], 1, vec![FillMode::Previous; 4], wide).unwrap();
    let mut stream = plan.execute(0, Arc::new(TaskContext::default())).unwrap();
    let first = block_on(futures::StreamExt::next(&mut stream)).unwrap().unwrap();
    assert_eq!(first.num_rows(), 8192);
}

fn check_limit(limits: SeriesLimits, expected: &[&str]) {
    let input = "a 1 1 1\na 2 1 1\na 3 1 1\nb 1 1 1\nb 2 1 1\nc 1 1 1";
    for batch_rows in 1..=6 {
        let plan = SeriesLimitExec::try_new(table(input, batch_rows), vec![0], limits).unwrap();
        let rows = rows_of(Arc::new(plan)).unwrap();
        let keys: Vec<_> = rows.iter().map(|row| row.strip_suffix(" 1 1").unwrap()).collect();
        assert_eq!(keys, expected, "{batch_rows} rows a batch");
    }
}

#[test]
fn limits_count_within_each_series() {
    let all =
        SeriesLimits { limit: None, offset: 0, series_limit: None, series_offset: 0, descending: false };
    check_limit(all, &["a 1", "a 2", "a 3", "b 1", "b 2", "c 1"]);
    check_limit(SeriesLimits { limit: Some(2), ..all }, &["a 1", "a 2", "b 1", "b 2", "c 1"]);
    check_limit(SeriesLimits { limit: Some(1), offset: 1, ..all }, &["a 2", "b 2"]);
    check_limit(SeriesLimits { offset: 2, ..all }, &["a 3"]);
    check_limit(SeriesLimits { series_limit: Some(1), series_offset: 1, ..all }, &["b 1", "b 2"]);
    check_limit(SeriesLimits { limit: Some(1), series_limit: Some(2), ..all }, &["a 1", "b 1"]);
    check_limit(SeriesLimits { limit: Some(0), ..all }, &[]);
    check_limit(SeriesLimits { series_offset: 9, ..all }, &[]);
}

/// Rows of (host, region, time, value).
type Row = (Option<String>, String, i64, Option<i64>);

fn raw(rows: &[Row], batch_rows: usize) -> Arc<dyn ExecutionPlan> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|r| r.0.clone()).collect::<StringViewArray>()),
        Arc::new(rows.iter().map(|r| Some(r.1.clone())).collect::<StringArray>()),
        Arc::new(TimestampNanosecondArray::from_iter_values(rows.iter().map(|r| r.2))),
        Arc::new(rows.iter().map(|r| r.3).collect::<Int64Array>()),
    ];
    let schema = Arc::new(Schema::new(vec![
        Field::new("host", DataType::Utf8View, true),
        Field::new("region", DataType::Utf8, true),
        Field::new("time", DataType::Timestamp(TimeUnit::Nanosecond, None), false),
        Field::new("v", DataType::Int64, true),
    ]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let batches: Vec<_> = (0..batch.num_rows())
        .step_by(batch_rows)
        .map(|start| batch.slice(start, batch_rows.min(batch.num_rows() - start)))
        .collect();
    MemorySourceConfig::try_new_exec(&[batches], schema, None).unwrap()
}

/// The final aggregation over `partial`, sorted as text.
fn finish(partial: Arc<dyn ExecutionPlan>, of: &AggregateExec) -> Vec<String> {
    let plan = AggregateExec::try_new(
        AggregateMode::Final,
        of.group_expr().as_final(),
        of.aggr_expr().to_vec(),
        vec![None; of.aggr_expr().len()],
        partial,
        of.input_schema(),
    );
    let batches = block_on(collect(Arc::new(plan.unwrap()), Arc::new(TaskContext::default()))).unwrap();
    let options = FormatOptions::default().with_null("-");
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cell = |c: &ArrayRef| ArrayFormatter::try_new(c, &options).unwrap().value(row).to_string();
            rows.push(batch.columns().iter().map(cell).collect::<Vec<_>>().join(" "));
        }
    }
    rows.sort();
    rows
}

fn check_run_aggregate(rows: &[Row], batch_rows: usize, groups_max: usize) {
    let input = raw(rows, batch_rows);
    let schema = input.schema();
    let column = |name: &str| col(name, &schema).unwrap();
    let bucketed: Arc<dyn PhysicalExpr> = Arc::new(
        ScalarFunctionExpr::try_new(
            bucket(),
            vec![column("time"), lit(10_i64), lit(0_i64)],
            &schema,
            Arc::new(ConfigOptions::default()),
        )
        .unwrap(),
    );
    let groups = PhysicalGroupBy::new_single(vec![
        (column("host"), "host".into()),
        (column("region"), "region".into()),
        (bucketed, "bucket".into()),
    ]);
    let build = |function: Arc<AggregateUDF>, args: Vec<Arc<dyn PhysicalExpr>>, name: &str| {
        let builder = AggregateExprBuilder::new(function, args).schema(Arc::clone(&schema)).alias(name);
        Arc::new(builder.build().unwrap())
    };
    let aggregates = vec![
        build(aggregate::mean(), vec![column("v")], "mean"),
        build(aggregate::median(), vec![column("v")], "median"),
        build(selector::last(), vec![column("v"), column("time"), column("region")], "last"),
        build(count_udaf(), vec![column("v")], "count"),
    ];
    let filters = vec![None; aggregates.len()];
    let partial = AggregateMode::Partial;
    let hash =
        AggregateExec::try_new(partial, groups, aggregates, filters, input, Arc::clone(&schema)).unwrap();
    let run = RunAggregateExec::replacing(&hash).unwrap().with_groups_max(groups_max);
    assert_eq!(run.schema(), hash.schema());
    assert_eq!(finish(Arc::new(run), &hash), finish(Arc::new(hash.clone()), &hash));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn run_aggregate_equals_hash_aggregate(
        rows in prop::collection::vec(
            (prop::option::of("[ab]|a-name-longer-than-twelve"), "[xy]", -40_i64..40, prop::option::of(-9_i64..9)),
            0..60,
        ),
        sorted: bool,
        batch_rows in 1_usize..20,
        groups_max in 1_usize..12,
    ) {
        let mut rows = rows;
        if sorted {
            rows.sort();
        }
        check_run_aggregate(&rows, batch_rows, groups_max);
    }
}

/// A session with this module's functions, nodes and rule.
pub(super) fn session(target_partitions: usize) -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(SessionConfig::new().with_target_partitions(target_partitions))
        .with_query_planner(Arc::new(InfluxQueryPlanner))
        .with_physical_optimizer_rule(Arc::new(RunAggregateRule))
        .build();
    let context = SessionContext::new_with_state(state);
    crate::query::functions::register(&mut context.state()).unwrap();
    context
}

/// Plans and runs `SELECT mean(v) … GROUP BY time(10ns), host fill(linear) LIMIT 3` over two files' worth of rows.
async fn grouped_and_filled(target_partitions: usize) -> (String, Vec<RecordBatch>) {
    let schema = Arc::new(
        Schema::new(vec![
            Field::new("__series", DataType::Utf8, false),
            Field::new("time", DataType::Timestamp(TimeUnit::Nanosecond, None), false),
            Field::new("host", DataType::Utf8View, true),
            Field::new("v", DataType::Int64, true),
        ])
        .with_metadata([(ROW_ORDER_KEY.to_owned(), ROW_ORDER_SERIES.to_owned())].into()),
    );
    let part = |host: &str, points: &[(i64, i64)]| {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![host; points.len()])),
            Arc::new(TimestampNanosecondArray::from_iter_values(points.iter().map(|p| p.0))),
            Arc::new(StringViewArray::from(vec![host; points.len()])),
            Arc::new(Int64Array::from_iter_values(points.iter().map(|p| p.1))),
        ];
        vec![RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()]
    };
    let parts = vec![part("a", &[(1, 1), (2, 3), (35, 8)]), part("b", &[(11, 5), (12, 6), (13, 7)])];
    let order = vec![expr_col("__series").sort(true, true), expr_col("time").sort(true, true)];
    let source = MemTable::try_new(schema, parts).unwrap().with_sort_order(vec![order]);
    let context = session(target_partitions);
    let frame = context.read_table(Arc::new(source)).unwrap();
    let bucketed = bucket().call(vec![expr_col("time"), expr_lit(10_i64), expr_lit(0_i64)]).alias("bucket");
    let mean = aggregate::mean().call(vec![expr_col("v")]).alias("mean");
    let frame = frame.aggregate(vec![expr_col("host"), bucketed], vec![mean]).unwrap();
    let (state, plan) = frame.into_parts();
    let fills = FillRange {
        buckets: Buckets::new(10, 0, None).unwrap(),
        lower_ns: Some(0),
        upper_ns: 49,
        descending: false,
        buckets_max: 0,
    };
    let groups = vec![Column::from_name("host")];
    let mean_fill = vec![(Column::from_name("mean"), FillMode::Linear)];
    let plan = GapFill::try_new(plan, groups.clone(), Column::from_name("bucket"), mean_fill, fills).unwrap();
    let plan = LogicalPlan::Extension(Extension { node: Arc::new(plan) });
    let limits =
        SeriesLimits { limit: Some(3), offset: 0, series_limit: None, series_offset: 0, descending: false };
    let plan = SeriesLimit::try_new(plan, groups, limits).unwrap();
    let plan = LogicalPlan::Extension(Extension { node: Arc::new(plan) });
    let physical = DataFrame::new(state, plan).create_physical_plan().await.unwrap();
    let text = displayable(physical.as_ref()).indent(false).to_string();
    (text, collect(physical, context.task_ctx()).await.unwrap())
}

#[tokio::test]
async fn a_whole_plan_uses_every_node() {
    for target_partitions in [1, 2, 4] {
        let (plan, batches) = grouped_and_filled(target_partitions).await;
        for node in ["SeriesLimitExec", "GapFillExec"] {
            assert!(plan.contains(node), "{plan}");
        }
        // Although the query does not read `__series`.
        assert!(plan.contains("RunAggregateExec"), "{plan}");
        let expected = [
            "+------+-------------------------------+------+",
            "| host | bucket                        | mean |",
            "+------+-------------------------------+------+",
            "| a    | 1970-01-01T00:00:00           | 2.0  |",
            "| a    | 1970-01-01T00:00:00.000000010 | 4.0  |",
            "| a    | 1970-01-01T00:00:00.000000020 | 6.0  |",
            "| b    | 1970-01-01T00:00:00           |      |",
            "| b    | 1970-01-01T00:00:00.000000010 | 6.0  |",
            "| b    | 1970-01-01T00:00:00.000000020 |      |",
            "+------+-------------------------------+------+",
        ];
        datafusion::assert_batches_eq!(expected, &batches);
    }
}
