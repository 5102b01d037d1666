//! The write-ahead log, segment by segment.

use super::Findings;
use crate::cli::error::CliError;
use crate::cli::terminal::counted;
use crate::wal::inspect::{SegmentSummary, inspect as read_segments};
use crate::wal::salvage;
use std::path::Path;

pub(super) fn inspect(folder: &Path, findings: &mut Findings) -> Result<(), CliError> {
    findings.section(&format!("Write-ahead log in {}", folder.display()));
    if !folder.is_dir() {
        findings.line("there is none");
        return Ok(());
    }
    let segments = read_segments(folder).map_err(CliError::failed)?;
    findings.table(
        ["segment", "bytes", "records", "batches", "rows"],
        &[1, 3, 4],
        segments.iter().map(row).collect(),
    );
    let rows: u64 = segments.iter().map(|segment| segment.row_count).sum();
    findings.line(&format!("{}, {}", counted(segments.len(), "segment"), counted(rows, "row")));
    let last = segments.len().saturating_sub(1);
    for (index, segment) in segments.iter().enumerate() {
        report_damage(segment, index == last, findings);
    }
    mention_quarantine(folder, findings)
}

/// What a start has put aside is no damage of the log as it is now.
fn mention_quarantine(folder: &Path, findings: &mut Findings) -> Result<(), CliError> {
    let folder = salvage::quarantine_of(folder);
    if !folder.is_dir() {
        return Ok(());
    }
    let count = salvage::sources(&folder).map_err(CliError::failed)?.len();
    if count > 0 {
        findings.line(&format!(
            "{} put aside in {}; tidegauge export --quarantined writes their points",
            counted(count, "file"),
            folder.display()
        ));
    }
    Ok(())
}

fn row(segment: &SegmentSummary) -> [String; 5] {
    let name = segment.path.file_name().map(|name| name.to_string_lossy().into_owned());
    [
        name.unwrap_or_default(),
        segment.bytes.to_string(),
        segment.sequences.map_or("none".into(), |(first, last)| format!("{first} to {last}")),
        segment.batch_count.to_string(),
        segment.row_count.to_string(),
    ]
}

fn report_damage(segment: &SegmentSummary, is_last: bool, findings: &mut Findings) {
    let name = segment.path.display();
    for (first, last) in &segment.gaps {
        findings.line(&format!("{name}: records {first} to {last} were refused for lack of space"));
    }
    for (offset, length) in &segment.damaged {
        let is_tail = is_last && segment.header_is_readable && offset + length == segment.bytes;
        if is_tail {
            findings.line(&format!(
                "{name}: it ends in an unfinished record of {}, which was never acknowledged",
                counted(length, "byte")
            ));
        } else {
            let bytes = counted(length, "byte");
            findings.damage(&format!("{name}: no intact record in {bytes} at offset {offset}"));
        }
    }
    for sequence in &segment.malformed {
        findings.damage(&format!("{name}: record {sequence} is intact, but no batch"));
    }
}
