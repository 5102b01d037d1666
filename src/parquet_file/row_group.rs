//! The pages of a row group, as the `parquet` crate decodes them.
//!
//! The crate's own readers make a compressor and a decompressor for every column of every row group that they read, which takes
//! longer than to decode the few pages of a small query. Here each thread has one decompressor and keeps it:
//!
//! ```text
//! selected rows ─ offset index ─▶ ranges of bytes ─ ObjectReader ─▶ ColumnBytes
//!     ─ SerializedPageReader, told that nothing is compressed ─▶ pages ─ inflated ─▶ the crate's column readers
//! ```

use super::object_reader::ObjectReader;
use bytes::{Buf, Bytes};
use parquet::arrow::arrow_reader::{RowGroups, RowSelection};
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;
use zstd::bulk::Decompressor;
use zstd::zstd_safe::get_frame_content_size;

/// When the stretches of selected and other rows have fewer rows than this on average, all pages are fetched: the crate may
/// then decode every row and drop those that are not selected, which needs the pages between, too. It does so below 32.
const STRETCH_ROWS_MIN: usize = 64;

/// A row group with the bytes of some of its columns.
pub(super) struct RowGroupPages {
    metadata: Arc<ParquetMetaData>,
    row_group: usize,
    /// By the number of the column in the file.
    columns: Vec<Option<Arc<ColumnBytes>>>,
}

impl RowGroupPages {
    /// Fetches what `selection` needs of `columns`; all of them without one.
    pub(super) async fn fetch(
        reader: &ObjectReader,
        metadata: Arc<ParquetMetaData>,
        row_group: usize,
        columns: &[usize],
        selection: Option<&RowSelection>,
    ) -> Result<Self> {
        let chunks = metadata.row_group(row_group).columns();
        let selection = selection.filter(|selection| !is_fragmented(selection));
        let of_column = |column: &usize| {
            let (start, length) = chunks[*column].byte_range();
            let pages = selection.zip(page_locations(&metadata, row_group, *column));
            match pages {
                Some((selection, pages)) => pages_of(selection, pages, start),
                None => std::iter::once(start..start + length).collect(),
            }
        };
        let ranges: Vec<Vec<Range<u64>>> = columns.iter().map(of_column).collect();
        let mut bytes = reader.read_checked(&ranges.concat()).await?.into_iter();
        let mut of_columns = vec![None; chunks.len()];
        for (column, ranges) in columns.iter().zip(ranges) {
            let parts = ranges.iter().map(|range| range.start).zip(bytes.by_ref().take(ranges.len()));
            let length = chunks[*column].byte_range().1;
            of_columns[*column] = Some(Arc::new(ColumnBytes { length, parts: parts.collect() }));
        }
        Ok(Self { metadata, row_group, columns: of_columns })
    }
}

/// Whether stretches of selected and of other rows are short.
fn is_fragmented(selection: &RowSelection) -> bool {
    let (mut rows, mut stretches) = (0, 0_usize);
    for selector in selection.iter() {
        rows += selector.row_count;
        stretches += 1;
    }
    rows < stretches.saturating_mul(STRETCH_ROWS_MIN)
}

/// Where the pages of a column lie, where the file tells.
fn page_locations(metadata: &ParquetMetaData, row_group: usize, column: usize) -> Option<&[PageLocation]> {
    let pages = metadata.offset_index()?.get(row_group)?.get(column)?.page_locations();
    (!pages.is_empty()).then_some(pages)
}

/// The bytes of the selected pages of a column that starts at `start`, and of its dictionary.
fn pages_of(selection: &RowSelection, pages: &[PageLocation], start: u64) -> Vec<Range<u64>> {
    let first = pages.first().and_then(|page| u64::try_from(page.offset).ok());
    let dictionary = first.filter(|first| *first > start).map(|first| start..first);
    dictionary.into_iter().chain(selection.scan_ranges(pages)).collect()
}

impl RowGroups for RowGroupPages {
    fn num_rows(&self) -> usize {
        usize::try_from(self.metadata.row_group(self.row_group).num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let not_fetched = || ParquetError::General(format!("column {column} was not fetched"));
        let bytes = self.columns.get(column).cloned().flatten().ok_or_else(not_fetched)?;
        let chunk = self.metadata.row_group(self.row_group).column(column);
        let pages = page_locations(&self.metadata, self.row_group, column).map(<[_]>::to_vec);
        let reader: Box<dyn PageReader> = match chunk.compression() {
            Compression::ZSTD(_) => Box::new(InflatedPages::new(bytes, chunk, self.num_rows(), pages)?),
            _ => Box::new(SerializedPageReader::new(bytes, chunk, self.num_rows(), pages)?),
        };
        Ok(Box::new(OneChunk(Some(reader))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.row_group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The column of the one row group.
struct OneChunk(Option<Box<dyn PageReader>>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for OneChunk {}

/// Parts of a column chunk by their place in the file, ascending.
#[derive(Debug)]
struct ColumnBytes {
    /// Of the whole chunk.
    length: u64,
    parts: Vec<(u64, Bytes)>,
}

impl ColumnBytes {
    /// The bytes from `start` to the end of the part that has it.
    fn from(&self, start: u64) -> Result<Bytes> {
        let not_fetched = || ParquetError::General(format!("the page at byte {start} was not fetched"));
        let part = self.parts.partition_point(|(offset, _)| *offset <= start);
        let (offset, bytes) =
            part.checked_sub(1).and_then(|part| self.parts.get(part)).ok_or_else(not_fetched)?;
        let skipped = usize::try_from(start - offset).ok().filter(|skipped| *skipped < bytes.len());
        Ok(bytes.slice(skipped.ok_or_else(not_fetched)?..))
    }
}

impl Length for ColumnBytes {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for ColumnBytes {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        let short = || ParquetError::EOF(format!("the page at byte {start} has less than {length} bytes"));
        (length <= bytes.len()).then(|| bytes.slice(..length)).ok_or_else(short)
    }
}

/// The pages of a chunk compressed with zstd.
struct InflatedPages {
    pages: SerializedPageReader<ColumnBytes>,
    /// Bytes that a page has at most.
    size_max: u64,
}

impl InflatedPages {
    fn new(
        bytes: Arc<ColumnBytes>,
        chunk: &ColumnChunkMetaData,
        row_count: usize,
        pages: Option<Vec<PageLocation>>,
    ) -> Result<Self> {
        let size_max = u64::try_from(chunk.uncompressed_size()).unwrap_or(0);
        let as_it_is = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        Ok(Self { pages: SerializedPageReader::new(bytes, &as_it_is, row_count, pages)?, size_max })
    }

    fn inflated(&self, mut page: Page) -> Result<Page> {
        let (bytes, levels) = match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => (buf, 0),
            Page::DataPageV2 { is_compressed: false, .. } => return Ok(page),
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
                (buf, *def_levels_byte_len as usize + *rep_levels_byte_len as usize)
            }
        };
        let levels = bytes.split_to(levels.min(bytes.len()));
        let values = inflate(bytes, self.size_max)?;
        *bytes = if levels.is_empty() { values.into() } else { [&levels, values.as_slice()].concat().into() };
        Ok(page)
    }
}

impl Iterator for InflatedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for InflatedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        page.map(|page| self.inflated(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// What a frame of zstd holds: at most `size_max` bytes. Nothing is no frame and holds nothing.
fn inflate(frame: &[u8], size_max: u64) -> Result<Vec<u8>> {
    if frame.is_empty() {
        return Ok(Vec::new());
    }
    let damaged = |reason: &str| ParquetError::General(format!("a page cannot be decompressed: {reason}"));
    let size = get_frame_content_size(frame).map_err(|_| damaged("it is no frame of zstd"))?;
    let size = size.filter(|size| *size <= size_max).and_then(|size| usize::try_from(size).ok());
    let size = size.ok_or_else(|| damaged("it does not say a size that fits its column"))?;
    let mut bytes = Vec::with_capacity(size);
    DECOMPRESSOR
        .with_borrow_mut(|kept| {
            let mut decompressor = match kept.take() {
                Some(decompressor) => decompressor,
                None => Decompressor::new()?,
            };
            decompressor.decompress_to_buffer(frame, &mut bytes)?; // after an error it is not used again
            *kept = Some(decompressor);
            Ok(())
        })
        .map_err(|error: std::io::Error| damaged(&error.to_string()))?;
    if bytes.len() != size {
        return Err(damaged("it has fewer bytes than it says"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::arrow::arrow_reader::RowSelector;

    #[test]
    fn a_frame_gives_its_bytes_and_no_more_than_its_column_has() {
        let text = b"again and again and again and again".to_vec();
        let frame = zstd::bulk::compress(&text, 1).unwrap();
        assert_eq!(inflate(&frame, text.len() as u64).unwrap(), text);
        assert_eq!(inflate(b"", 10).unwrap(), b"");
        let error = |frame: &[u8], size_max| inflate(frame, size_max).unwrap_err().to_string();
        assert!(error(&frame, text.len() as u64 - 1).contains("a size that fits"));
        assert!(error(&frame[..frame.len() - 4], 1_000).contains("cannot be decompressed"));
        assert!(error(b"no frame at all", 1_000).contains("no frame of zstd"));
        assert_eq!(inflate(&frame, 1_000).unwrap(), text, "errors leave nothing behind");
    }

    #[test]
    fn bytes_are_found_in_the_part_that_has_them() {
        let parts = vec![(10, Bytes::from_static(b"0123")), (20, Bytes::from_static(b"abcd"))];
        let column = ColumnBytes { length: 14, parts };
        assert_eq!(column.get_bytes(11, 2).unwrap(), "12");
        assert_eq!(column.get_bytes(20, 4).unwrap(), "abcd");
        for (start, length) in [(9, 1), (14, 1), (24, 1), (22, 3)] {
            assert!(column.get_bytes(start, length).is_err(), "{start} {length}");
        }
    }

    #[test]
    fn a_selection_in_short_stretches_is_fragmented() {
        let selection = |stretch: usize| -> RowSelection {
            let pair = [RowSelector::skip(stretch), RowSelector::select(stretch)];
            std::iter::repeat_n(pair, 10).flatten().collect::<Vec<_>>().into()
        };
        assert!(is_fragmented(&selection(STRETCH_ROWS_MIN - 1)));
        assert!(!is_fragmented(&selection(STRETCH_ROWS_MIN)));
    }
}
