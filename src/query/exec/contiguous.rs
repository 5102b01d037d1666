//! Groups that lie contiguously in a stream of batches.
//!
//! In: batches, and which columns say to what group a row belongs. Out: ranges of rows of one group, and whether
//! a range carries on the group of the one before.

use arrow::array::{Array, RecordBatch};
use arrow::compute::{SortOptions, partition};
use arrow::datatypes::Schema;
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use std::ops::Range;
use std::sync::Arc;

/// A row that outlives the batch it came in.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) batch: Arc<RecordBatch>,
    pub(super) row: usize,
}

/// Whether two rows agree in `columns`; null agrees with null.
pub(super) fn same_group(columns: &[usize], a: &Source, b: &Source) -> bool {
    columns.iter().all(|&column| {
        a.batch.column(column).slice(a.row, 1).to_data() == b.batch.column(column).slice(b.row, 1).to_data()
    })
}

/// The ranges of rows of `batch` that agree in `columns`. Each is as long as can be.
pub(super) fn group_ranges(columns: &[usize], batch: &RecordBatch) -> Result<Vec<Range<usize>>> {
    if batch.num_rows() == 0 {
        return Ok(Vec::new());
    }
    if columns.is_empty() {
        return Ok(std::iter::once(0..batch.num_rows()).collect());
    }
    let columns: Vec<_> = columns.iter().map(|&column| Arc::clone(batch.column(column))).collect();
    Ok(partition(&columns)?.ranges())
}

/// The order in which nodes of this folder take rows: by group columns, then by the others given, such as the time.
pub(super) fn series_order(
    schema: &Schema,
    group_columns: &[usize],
    other_columns: impl IntoIterator<Item = usize>,
    descending: bool,
) -> Option<LexOrdering> {
    let options = SortOptions { descending, nulls_first: !descending };
    let columns = group_columns.iter().copied().chain(other_columns);
    LexOrdering::new(columns.map(|index| {
        let column = Column::new(schema.field(index).name(), index);
        PhysicalSortExpr::new(Arc::new(column), options)
    }))
}
