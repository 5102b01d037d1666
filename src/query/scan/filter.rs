//! Which rows a scan must read: times, and a predicate over the tags of a series.

use super::columns::{Origin, ScanColumn};
use super::key_filter::KeyFilter;
use super::layout::{SELECTED_ONE_IN, share_within};
use crate::merge::{SeriesRun, series_column, tag_values};
use crate::model::file::FileMeta;
use crate::model::schema::TIME_COLUMN;
use crate::model::time::TimeRange;
use crate::parquet_file::{FileError, ParquetFile};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::Schema;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::BinaryExpr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::physical_plan::PhysicalExpr;
use std::sync::Arc;

/// How a scan can use a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FilterKind {
    /// It bounds the time: exactly this range.
    Time(TimeRange),
    /// It looks at series key and tags only.
    Series,
    /// It looks at the values of a row.
    Row,
    /// It cannot be evaluated here: the plan must apply it.
    Other,
}

/// Sorts a filter.
pub(super) fn classify(filter: &Expr, columns: &[ScanColumn]) -> FilterKind {
    if let Some(times) = time_bound(filter) {
        return FilterKind::Time(times);
    }
    let of_series = |name: &str| {
        let origin = columns.iter().find(|c| c.field.name() == name).map(|c| &c.origin);
        matches!(origin, Some(Origin::Series | Origin::Tag(_)))
    };
    let used = filter.column_refs();
    if used.is_empty() || filter.is_volatile() || has_subquery(filter) {
        return FilterKind::Other;
    }
    if used.iter().all(|c| of_series(&c.name)) { FilterKind::Series } else { FilterKind::Row }
}

/// Whether the plan of something else is part of the filter.
fn has_subquery(filter: &Expr) -> bool {
    let is_subquery = |expr: &Expr| {
        Ok(matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        ))
    };
    filter.exists(is_subquery).unwrap_or(true)
}

/// The range that `time <op> literal` or `literal <op> time` means.
fn time_bound(filter: &Expr) -> Option<TimeRange> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    let (op, literal) = match (&**left, &**right) {
        (Expr::Column(c), literal) if c.name == TIME_COLUMN => (*op, literal),
        (literal, Expr::Column(c)) if c.name == TIME_COLUMN => (op.swap()?, literal),
        _ => return None,
    };
    let Expr::Literal(ScalarValue::TimestampNanosecond(Some(time_ns), _), _) = literal else { return None };
    let (time_ns, all) = (*time_ns, TimeRange::ALL);
    let range = match op {
        Operator::Eq => TimeRange::new(time_ns, time_ns.checked_add(1)?),
        Operator::Gt => TimeRange::new(time_ns.checked_add(1)?, all.end_ns),
        Operator::GtEq => TimeRange::new(time_ns, all.end_ns),
        Operator::Lt => TimeRange::new(all.start_ns, time_ns),
        Operator::LtEq => TimeRange::new(all.start_ns, time_ns.checked_add(1)?),
        _ => return None,
    };
    Some(range)
}

/// What a scan reads.
#[derive(Clone, Debug)]
pub(super) struct ScanFilter {
    pub(super) times: TimeRange,
    series: Option<SeriesPredicate>,
    /// What is to be evaluated on the rows that are left.
    pub(super) rows: Option<Predicate>,
}

/// A predicate over series key and tags.
#[derive(Clone, Debug)]
struct SeriesPredicate {
    whole: Predicate,
    /// Rules out most keys.
    keys: KeyFilter,
    /// The parts of the conjunction that look at one tag: its stored name and the part.
    single: Vec<(Arc<str>, Predicate)>,
}

/// An expression over just the columns that it uses.
#[derive(Clone, Debug)]
pub(super) struct Predicate {
    expr: Arc<dyn PhysicalExpr>,
    schema: Arc<Schema>,
    columns: Vec<ScanColumn>,
}

impl ScanFilter {
    /// The joint meaning of those `filters` that [`classify`] does not leave to the plan.
    pub(super) fn new(filters: &[Expr], columns: &[ScanColumn], session: &dyn Session) -> Result<Self> {
        let mut times = TimeRange::ALL;
        let (mut of_series, mut of_rows) = (Vec::new(), Vec::new());
        for filter in filters {
            match classify(filter, columns) {
                FilterKind::Time(range) => times = times.intersect(&range),
                FilterKind::Series => of_series.push(unqualified(filter)?),
                FilterKind::Row => of_rows.push(unqualified(filter)?),
                FilterKind::Other => {}
            }
        }
        let rows =
            conjunction(of_rows).map(|filter| Predicate::new(&filter, columns, session)).transpose()?;
        Ok(Self { times, series: SeriesPredicate::new(of_series, columns, session)?, rows })
    }

    /// Whether every series matches.
    pub(super) fn takes_all_series(&self) -> bool {
        self.series.is_none()
    }

    /// Per run, whether its series matches.
    pub(super) fn matches(&self, runs: &[SeriesRun]) -> Result<Vec<bool>> {
        let Some(SeriesPredicate { whole: predicate, keys, .. }) = &self.series else {
            return Ok(vec![true; runs.len()]);
        };
        if keys.takes_all() {
            let all: Vec<&SeriesRun> = runs.iter().collect();
            return predicate.of_series(&all);
        }
        let (places, candidates): (Vec<usize>, Vec<&SeriesRun>) =
            runs.iter().enumerate().filter(|(_, run)| keys.may_match(&run.key)).unzip();
        let mut matches = vec![false; runs.len()];
        if !candidates.is_empty() {
            for (place, is_match) in places.into_iter().zip(predicate.of_series(&candidates)?) {
                matches[place] = is_match;
            }
        }
        Ok(matches)
    }

    /// The row groups of a file that may hold a matching row, ascending, by what its footer and its indexes know of them.
    pub(super) async fn row_groups(&self, file: &ParquetFile) -> Result<Vec<usize>, FileError> {
        let row_groups =
            (0..file.row_group_count()).filter(|group| self.may_match_in(file, *group)).collect();
        match &self.series {
            Some(series) => series.keys.row_groups(file, row_groups).await,
            None => Ok(row_groups),
        }
    }

    /// Whether a row group may hold a matching row, by what its footer knows of it.
    fn may_match_in(&self, file: &ParquetFile, row_group: usize) -> bool {
        let times = file.time_bounds(row_group);
        times.is_none_or(|times| times.overlaps(&self.times))
            && (self.series.as_ref())
                .is_none_or(|series| series.keys.may_match_within(|tag| file.text_bounds(row_group, tag)))
    }

    /// About how many rows of a file match, by what the manifest knows of it.
    pub(super) fn rows_expected(&self, file: &FileMeta) -> usize {
        let row_count = usize::try_from(file.row_count).unwrap_or(usize::MAX);
        let within = share_within(row_count, &file.time_range, &self.times);
        match &self.series {
            None => within,
            Some(series) if series.keys.takes_all() => within / SELECTED_ONE_IN,
            Some(series) => {
                series.keys.share_of(within, |tag| file.tag_values.get(tag).map(|values| values.len()))
            }
        }
    }

    /// Whether a file may hold a matching row, by what the manifest knows of it.
    pub(super) fn may_match(&self, file: &FileMeta) -> Result<bool> {
        if !file.time_range.overlaps(&self.times) {
            return Ok(false);
        }
        for (tag, part) in self.series.iter().flat_map(|p| &p.single) {
            let Some(values) = file.tag_values.get(tag) else { continue };
            let values: StringViewArray =
                values.iter().map(|v| (!v.is_empty()).then_some(v.as_ref())).collect();
            let batch = RecordBatch::try_new(part.schema.clone(), vec![Arc::new(values)])?;
            if !part.evaluate(&batch)?.contains(&true) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl SeriesPredicate {
    fn new(parts: Vec<Expr>, columns: &[ScanColumn], session: &dyn Session) -> Result<Option<Self>> {
        let keys = KeyFilter::new(&parts, columns);
        let Some(whole) = conjunction(parts.clone()) else { return Ok(None) };
        let whole = Predicate::new(&whole, columns, session)?;
        let mut single = Vec::new();
        for part in &parts {
            let part = if parts.len() == 1 { whole.clone() } else { Predicate::new(part, columns, session)? };
            if let [ScanColumn { field, origin: Origin::Tag(_) }] = &part.columns[..] {
                single.push((field.name().as_str().into(), part));
            }
        }
        Ok(Some(Self { whole, keys, single }))
    }
}

impl Predicate {
    fn new(expr: &Expr, columns: &[ScanColumn], session: &dyn Session) -> Result<Self> {
        let refs = expr.column_refs();
        let is_used = |c: &&ScanColumn| refs.iter().any(|r| r.name == *c.field.name());
        let columns: Vec<ScanColumn> = columns.iter().filter(is_used).cloned().collect();
        let schema = Arc::new(Schema::new(columns.iter().map(|c| c.field.clone()).collect::<Vec<_>>()));
        let expr = session.create_physical_expr(expr.clone(), &DFSchema::try_from(schema.clone())?)?;
        Ok(Self { expr, schema, columns })
    }

    /// Per run whether its series matches, for a predicate over series key and tags.
    fn of_series(&self, runs: &[&SeriesRun]) -> Result<Vec<bool>> {
        let tags: Vec<&str> = self.columns.iter().filter_map(|c| tag_name(&c.origin)).collect();
        // A run here stands for a series: one row each.
        let mut tags = tag_values(runs.iter().copied(), &tags).into_iter();
        let columns = self.columns.iter().filter_map(|c| match c.origin {
            Origin::Series => Some(Arc::new(series_column(&one_row_each(runs))) as ArrayRef),
            _ => tags.next().map(|t| Arc::new(t) as ArrayRef),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(runs.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns.collect(), &options)?;
        self.evaluate(&batch)
    }

    /// The columns that it uses.
    pub(super) fn columns(&self) -> &[ScanColumn] {
        &self.columns
    }

    /// Per row of `batch`, which has the predicate's columns, whether it is true.
    pub(super) fn mask(&self, batch: &RecordBatch) -> Result<BooleanBuffer> {
        let result = self.expr.evaluate(batch)?.into_array(batch.num_rows())?;
        let result = result.as_boolean_opt().ok_or_else(|| {
            datafusion::error::DataFusionError::Internal(format!("filter {} is not boolean", self.expr))
        })?;
        Ok(match result.nulls() {
            Some(nulls) => result.values() & nulls.inner(),
            None => result.values().clone(),
        })
    }

    /// The same as booleans.
    fn evaluate(&self, batch: &RecordBatch) -> Result<Vec<bool>> {
        Ok(self.mask(batch)?.iter().collect())
    }
}

fn tag_name(origin: &Origin) -> Option<&str> {
    if let Origin::Tag(name) = origin { Some(name) } else { None }
}

fn one_row_each(runs: &[&SeriesRun]) -> Vec<SeriesRun> {
    let single = |(run, end_row): (&&SeriesRun, u32)| SeriesRun { key: run.key.clone(), end_row };
    runs.iter().zip(1..).map(single).collect()
}

/// The expression with columns named by their name alone.
fn unqualified(expr: &Expr) -> Result<Expr> {
    use datafusion::common::tree_node::Transformed;
    let strip = |e: Expr| {
        Ok(match e {
            Expr::Column(c) => {
                Transformed::yes(Expr::Column(datafusion::common::Column::new_unqualified(c.name)))
            }
            other => Transformed::no(other),
        })
    };
    Ok(expr.clone().transform(strip)?.data)
}
