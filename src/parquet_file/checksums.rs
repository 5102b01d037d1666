//! Checksums of the bytes of a file. Parquet's own (a CRC per page) are not written by the `parquet` crate, and do not
//! cover the headers of pages.
//!
//! ```text
//! ┌──────┬─────────────────────────┬──────────────┬────────┬────────┬──────┐
//! │ PAR1 │ column chunks           │ page indexes │ footer │ length │ PAR1 │
//! └──────┴─────────────────────────┴──────────────┴────────┴────────┴──────┘
//!  body: a CRC-32C for each block   end: one CRC-32C; it stands with the
//!  of 16 KiB, the last is shorter;  end's length in the file's entry in
//!  they stand in the footer         the manifest
//! ```
//!
//! The footer's key-value metadata has `tidegauge.checksums` = `crc32c 16384 ` and 8 hexadecimal digits for each block:
//! other programs pass over it. So every byte of the object is covered, the manifest grows by one number a file, and a reader of
//! some pages reads at most a block more at either side of them.

use crate::model::file::{FileEnd, FileMeta};
use std::fmt::Write as _;
use std::ops::{Range, RangeInclusive};

/// The name of the block checksums in the footer.
pub(super) const METADATA_KEY: &str = "tidegauge.checksums";

/// Bytes of a block of files that are written. Smaller ones make the footer longer, larger ones make readers of single pages read
/// more.
pub(super) const BLOCK_BYTES: u64 = 16_384;

/// Bytes of a block of files that are read.
const BLOCK_BYTES_READ: RangeInclusive<u64> = 4_096..=1 << 20;

/// The checksums of a file's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BodyChecksums {
    /// Bytes of a block, above 0.
    block_bytes: u64,
    blocks: Vec<u32>,
    body_bytes: u64,
}

impl Default for BodyChecksums {
    fn default() -> Self {
        Self { block_bytes: BLOCK_BYTES, blocks: Vec::new(), body_bytes: 0 }
    }
}

impl BodyChecksums {
    /// Takes in the next bytes of the body.
    pub(super) fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let filled = self.body_bytes % self.block_bytes;
            let part = &bytes[..bytes.len().min((self.block_bytes - filled) as usize)];
            match self.blocks.last_mut().filter(|_| filled > 0) {
                Some(block) => *block = crc32c::crc32c_append(*block, part),
                None => self.blocks.push(crc32c::crc32c(part)),
            }
            self.body_bytes += part.len() as u64;
            bytes = &bytes[part.len()..];
        }
    }

    /// The text in the footer.
    pub(super) fn encode(&self) -> String {
        let mut text = format!("crc32c {} ", self.block_bytes);
        for block in &self.blocks {
            // Writing to a string cannot fail.
            let _ = write!(text, "{block:08x}");
        }
        text
    }

    /// The checksums that `text` gives for a body of `body_bytes`; `None` when it does not.
    pub(super) fn decode(text: &str, body_bytes: u64) -> Option<Self> {
        let (block_bytes, digits) = text.strip_prefix("crc32c ")?.split_once(' ')?;
        let block_bytes = block_bytes.parse().ok().filter(|bytes| BLOCK_BYTES_READ.contains(bytes))?;
        let block = |at: usize| u32::from_str_radix(digits.get(at..at + 8)?, 16).ok();
        let blocks: Vec<u32> = (0..digits.len()).step_by(8).map(block).collect::<Option<_>>()?;
        (blocks.len() as u64 == body_bytes.div_ceil(block_bytes)).then_some(Self {
            block_bytes,
            blocks,
            body_bytes,
        })
    }

    /// The whole blocks that hold `range`, which is not beyond the body's end.
    pub(super) fn blocks_around(&self, range: &Range<u64>) -> Range<u64> {
        let end = range.end.next_multiple_of(self.block_bytes);
        range.start - range.start % self.block_bytes..end.min(self.body_bytes)
    }

    /// Whether the body holds `range`.
    pub(super) fn covers(&self, range: &Range<u64>) -> bool {
        range.start <= range.end && range.end <= self.body_bytes
    }

    /// Checks whole blocks, of which the first starts at `start`.
    ///
    /// # Errors
    /// Which block is not what was written.
    pub(super) fn check(&self, start: u64, bytes: &[u8]) -> Result<(), String> {
        let first = start / self.block_bytes;
        for (number, block) in (first..).zip(bytes.chunks(self.block_bytes as usize)) {
            let found = crc32c::crc32c(block);
            let expected = usize::try_from(number).ok().and_then(|number| self.blocks.get(number));
            if expected != Some(&found) {
                return Err(wrong(number * self.block_bytes, block.len() as u64));
            }
        }
        Ok(())
    }
}

/// The checksum of what comes after the body.
pub(super) fn end_of(end: &[u8]) -> FileEnd {
    FileEnd { bytes: end.len() as u64, crc32c: crc32c::crc32c(end) }
}

/// Where the end of a file begins.
///
/// # Errors
/// When the manifest says that it is longer than the file.
pub(super) fn body_bytes(meta: &FileMeta, end: FileEnd) -> Result<u64, String> {
    let too_long = || format!("its end has {} bytes, and all of it {}", end.bytes, meta.size_bytes);
    meta.size_bytes.checked_sub(end.bytes).ok_or_else(too_long)
}

/// Checks the end of a file, which starts at `start`.
///
/// # Errors
/// When it is not what was written.
pub(super) fn check_end(end: FileEnd, start: u64, bytes: &[u8]) -> Result<(), String> {
    if end_of(bytes) == end { Ok(()) } else { Err(wrong(start, end.bytes)) }
}

fn wrong(start: u64, bytes: u64) -> String {
    format!("the {bytes} bytes from byte {start} on are not what was written: their checksum is another")
}
