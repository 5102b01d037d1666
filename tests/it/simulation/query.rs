//! Queries as users ask them: InfluxQL, planned and run by the query engine.

use super::model::{Filter, Rows, Selection, TableName, Tables};
use super::points::{Fields, Series, TAGS, Value, field_named};
use super::reader::{DATABASE, value_at};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegauge::engine::Engine;
use tidegauge::model::result::ResultShape;
use tidegauge::query::{QueryContext, QueryEngine, QueryError, QueryOptions, StatementOutcome};

/// What is asked of the rows of a selection.
#[derive(Clone, Debug)]
pub(super) enum Question {
    /// All that is in them.
    Rows,
    /// These fields, and all tags.
    Fields(Vec<&'static str>),
    /// How many values each field has.
    Counts,
}

/// What is answered, table by table.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Rows(Tables),
    /// Without fields that have no values.
    Counts(BTreeMap<TableName, BTreeMap<&'static str, i64>>),
}

/// The rows of a statement, and how to read them.
pub(super) type StatementRows = (ResultShape, Vec<RecordBatch>);

/// Runs statements.
pub(super) struct Queries {
    queries: QueryEngine,
    context: QueryContext,
}

impl Queries {
    pub(super) fn new(engine: &Arc<Engine>, now_ns: i64) -> Result<Self, QueryError> {
        let options = QueryOptions { threads: 1, ..QueryOptions::default() };
        let context = QueryContext { database: Some(DATABASE.to_owned()), now_ns, ..QueryContext::default() };
        Ok(Self { queries: QueryEngine::new(engine.clone(), options)?, context })
    }

    /// The answer to a statement that has rows.
    pub(super) async fn run(&self, text: &str) -> Result<StatementRows, QueryError> {
        let statements = influxql::parse(text, &influxql::Params::new()).expect(text);
        let StatementOutcome::Rows(answer) = self.queries.influxql(&statements[0], &self.context).await?
        else {
            panic!("{text} has rows");
        };
        Ok((answer.shape, answer.batches.try_collect().await?))
    }

    /// The answer to a question about a selection.
    pub(super) async fn ask(&self, selection: &Selection, question: &Question) -> Result<Answer, QueryError> {
        Ok(match question {
            Question::Rows => Answer::Rows(self.rows(selection, "*").await?),
            Question::Fields(names) => {
                let columns = [&names[..], &TAGS].concat().join(", ");
                Answer::Rows(self.rows(selection, &columns).await?)
            }
            Question::Counts => {
                let mut counts = BTreeMap::new();
                for name in &selection.tables {
                    let answer = self.run(&statement("count(*)", *name, selection)).await?;
                    let of_table = counts_of(&answer);
                    if !of_table.is_empty() {
                        counts.insert(*name, of_table);
                    }
                }
                Answer::Counts(counts)
            }
        })
    }

    async fn rows(&self, selection: &Selection, columns: &str) -> Result<Tables, QueryError> {
        let mut tables = Tables::new();
        for name in &selection.tables {
            let rows = rows_of(&self.run(&statement(columns, *name, selection)).await?);
            if !rows.is_empty() {
                tables.insert(*name, rows);
            }
        }
        Ok(tables)
    }
}

/// The rows of a selection, table by table.
pub(super) async fn select(
    engine: &Arc<Engine>,
    selection: &Selection,
    now_ns: i64,
) -> Result<Tables, QueryError> {
    Queries::new(engine, now_ns)?.rows(selection, "*").await
}

/// What a question should be answered with.
pub(super) fn expected_answer(tables: &Tables, selection: &Selection, question: &Question) -> Answer {
    let mut selected = expected(tables, selection);
    match question {
        Question::Rows => Answer::Rows(selected),
        Question::Fields(names) => {
            for rows in selected.values_mut() {
                rows.values_mut().for_each(|fields| fields.retain(|name, _| names.contains(name)));
                rows.retain(|_, fields| !fields.is_empty());
            }
            selected.retain(|_, rows| !rows.is_empty());
            Answer::Rows(selected)
        }
        Question::Counts => {
            let mut counts: BTreeMap<TableName, BTreeMap<&'static str, i64>> = BTreeMap::new();
            for (name, rows) in &selected {
                for field in rows.values().flat_map(Fields::keys) {
                    *counts.entry(*name).or_default().entry(*field).or_default() += 1;
                }
            }
            Answer::Counts(counts)
        }
    }
}

/// The rows that a selection should have.
pub(super) fn expected(tables: &Tables, selection: &Selection) -> Tables {
    let mut selected = tables.clone();
    selected.retain(|name, _| selection.tables.contains(name));
    for rows in selected.values_mut() {
        rows.retain(|(series, time_ns), _| {
            selection.filter.has(series) && selection.times.contains(*time_ns)
        });
    }
    selected.retain(|_, rows| !rows.is_empty());
    selected
}

fn statement(columns: &str, (policy, measurement): TableName, selection: &Selection) -> String {
    format!(
        "SELECT {columns} FROM {}.{measurement} WHERE time >= {} AND time < {}{}",
        policy.name(),
        selection.times.start_ns,
        selection.times.end_ns,
        condition(selection.filter),
    )
}

fn condition(filter: Filter) -> String {
    match filter {
        Filter::All => String::new(),
        Filter::Equal(tag, value) => format!(" AND {tag} = '{value}'"),
        Filter::NotEqual(tag, value) => format!(" AND {tag} != '{value}'"),
        Filter::Missing(tag) => format!(" AND {tag} = ''"),
    }
}

fn rows_of((shape, batches): &StatementRows) -> Rows {
    let mut rows = Rows::new();
    for batch in batches {
        let mut read = vec![(Series::default(), 0, Fields::new()); batch.num_rows()];
        for (name, at) in &shape.columns {
            let column = batch.column(*at);
            if &**name == "time" {
                let times = column.as_primitive_opt::<TimestampNanosecondType>().map(|times| times.values());
                let times = times.unwrap_or_else(|| column.as_primitive::<Int64Type>().values());
                read.iter_mut().zip(times.iter()).for_each(|((_, time_ns, _), time)| *time_ns = *time);
                continue;
            }
            for (row, (series, _, fields)) in read.iter_mut().enumerate() {
                match value_at(column, row) {
                    None => {}
                    Some(Value::Text(text)) if TAGS.contains(&&**name) => *series = series.with(name, &text),
                    Some(value) => {
                        fields.insert(field_named(name), value);
                    }
                }
            }
        }
        for (series, time_ns, fields) in read {
            let doubled = rows.insert((series, time_ns), fields);
            assert!(doubled.is_none(), "a point is answered once");
        }
    }
    rows
}

fn counts_of((shape, batches): &StatementRows) -> BTreeMap<&'static str, i64> {
    let mut counts = BTreeMap::new();
    for batch in batches {
        for (name, at) in shape.columns.iter().filter(|(name, _)| &**name != "time") {
            let field = field_named(name.strip_prefix("count_").expect("every column counts a field"));
            for row in 0..batch.num_rows() {
                match value_at(batch.column(*at), row) {
                    None | Some(Value::Integer(0)) => {}
                    Some(Value::Integer(count)) => {
                        assert!(counts.insert(field, count).is_none(), "{field} is counted once");
                    }
                    Some(other) => panic!("{field} is counted as {other:?}"),
                }
            }
        }
    }
    counts
}
