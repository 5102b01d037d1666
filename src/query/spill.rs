//! How queries spill: the folder, and how much memory the merge of what was spilled may take.
//!
//! In: the options of queries. Out: what DataFusion is configured with. Who may hold how much memory before it has to spill is
//! decided in [`super::memory`].

use super::error::QueryError;
use super::session::QueryOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use std::io::ErrorKind;

/// Where and how queries spill.
///
/// # Errors
/// When the folder cannot be emptied or made.
pub(super) fn disk_manager(options: &QueryOptions) -> Result<DiskManagerBuilder, QueryError> {
    let disk = DiskManagerBuilder::default().with_mode(spill_mode(options)?);
    Ok(match merge_fan_in(options) {
        Some(fan_in) => disk.with_max_spill_merge_fan_in(fan_in),
        None => disk,
    })
}

/// Where queries spill to. What a crash left there is removed.
fn spill_mode(options: &QueryOptions) -> Result<DiskManagerMode, QueryError> {
    let Some(folder) = &options.spill_folder else { return Ok(DiskManagerMode::OsTmpDirectory) };
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(QueryError::Internal(error.into())),
        _ => {}
    }
    std::fs::create_dir_all(folder).map_err(|error| QueryError::Internal(error.into()))?;
    Ok(DiskManagerMode::Directories(vec![folder.clone()]))
}

/// Memory that each sort sets aside for merging what it has spilled. There is a sort for each thread, so it is a part of
/// what a query may take, and no more than DataFusion's default.
pub(super) fn merge_bytes(options: &QueryOptions) -> usize {
    (options.memory_per_query_bytes / options.threads.max(1) / 16).min(10 << 20)
}

/// How many spilled files a sort may merge at once. Without a bound, the first of several sorts would take all memory for
/// that and leave none to the next. `None` = no bound, where memory is too short for a useful one.
fn merge_fan_in(options: &QueryOptions) -> Option<usize> {
    /// Memory for each file that is merged: two batches of `BATCH_ROWS` rows of 128 bytes, in two copies.
    const FILE_BYTES: usize = 4 << 20;
    const FAN_IN_MIN: usize = 8;
    const FAN_IN_MAX: usize = 64;
    let fan_in = options.memory_per_query_bytes / options.threads.max(1) / FILE_BYTES;
    (fan_in >= FAN_IN_MIN).then_some(fan_in.min(FAN_IN_MAX))
}
