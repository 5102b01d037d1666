//! The data files that the manifest names: whether they are there, whole, and what the manifest says they are.

use super::Findings;
use crate::cli::terminal::counted;
use crate::model::file::FileMeta;
use crate::model::state::State;
use crate::object::Store;
use bytes::Bytes;
use chrono::DateTime;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::sync::Arc;

/// Reads every file. `verify` reads the rows too, not only the footer.
pub(super) async fn inspect(store: &Store, state: &State, verify: bool, findings: &mut Findings) {
    findings.section("Data files");
    let files: Vec<_> = state.files().cloned().collect();
    let mut rows = Vec::new();
    let mut damage = Vec::new();
    for file in &files {
        let outcome = check(store, file, verify).await;
        let table = state.table_by_id(file.table).map(|table| table.name.to_string());
        rows.push(row(file, table.unwrap_or_default(), outcome.as_ref().copied().unwrap_or(0)));
        damage.extend(outcome.err().map(|reason| format!("{}: {reason}", file.path)));
    }
    findings.table(
        ["file", "table", "level", "rows", "bytes", "row groups", "series", "first time", "last time"],
        &[2, 3, 4, 5, 6],
        rows,
    );
    let depth = if verify { "every row was read" } else { "footers were read; --verify reads every row" };
    findings.line(&format!("{}; {depth}", counted(files.len(), "file")));
    for reason in damage {
        findings.damage(&reason);
    }
}

fn row(file: &FileMeta, table: String, row_groups: usize) -> [String; 9] {
    [
        file.path.to_string(),
        table,
        file.level.to_string(),
        file.row_count.to_string(),
        file.size_bytes.to_string(),
        row_groups.to_string(),
        file.series_count.to_string(),
        time(file.time_range.start_ns),
        time(file.time_range.end_ns - 1),
    ]
}

fn time(ns: i64) -> String {
    DateTime::from_timestamp_nanos(ns).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// The number of row groups of a file that is what the manifest says.
async fn check(store: &Store, file: &Arc<FileMeta>, verify: bool) -> Result<usize, String> {
    let bytes = store.get(&file.path).await.map_err(|error| error.to_string())?;
    if bytes.len() as u64 != file.size_bytes {
        let found = counted(bytes.len(), "byte");
        return Err(format!("it has {found}, the manifest says {}", file.size_bytes));
    }
    crate::parquet_file::check_bytes(file, &bytes).map_err(|error| error.to_string())?;
    let row_count = file.row_count;
    let read = tokio::task::spawn_blocking(move || check_rows(bytes, row_count, verify)).await;
    read.map_err(|panic| panic.to_string())?
}

fn check_rows(bytes: Bytes, row_count: u64, verify: bool) -> Result<usize, String> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| error.to_string())?;
    let metadata = builder.metadata().clone();
    let mut found = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    if verify {
        found = 0;
        for batch in builder.build().map_err(|error| error.to_string())? {
            found += batch.map_err(|error| error.to_string())?.num_rows() as u64;
        }
    }
    if found != row_count {
        return Err(format!("it has {}, the manifest says {row_count}", counted(found, "row")));
    }
    Ok(metadata.num_row_groups())
}
