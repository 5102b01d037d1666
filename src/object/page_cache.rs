//! Reading what the system's page cache holds, without waiting for a disk and without another thread.
//!
//! `object_store` reads local files on threads made for blocking. To hand a read over and back takes several times as long
//! as copying some pages, and small queries consist of few such reads.

use bytes::Bytes;
use std::ops::Range;
use std::path::Path;

/// The bytes of each range, if all of them are in memory. `None` says nothing about why: whoever gets it reads in a way that
/// waits, and that reports errors.
#[cfg(target_os = "linux")]
pub(super) fn read_ranges(path: &Path, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
    let file = std::fs::File::open(path).ok()?;
    ranges.iter().map(|range| read_range(&file, range)).collect()
}

/// As above; other systems cannot tell what is in memory.
#[cfg(not(target_os = "linux"))]
pub(super) fn read_ranges(_: &Path, _: &[Range<u64>]) -> Option<Vec<Bytes>> {
    None
}

#[cfg(target_os = "linux")]
fn read_range(file: &std::fs::File, range: &Range<u64>) -> Option<Bytes> {
    use rustix::io::{ReadWriteFlags, preadv2};
    use std::io::IoSliceMut;
    let mut bytes = vec![0; usize::try_from(range.end.checked_sub(range.start)?).ok()?];
    let mut done = 0;
    while done < bytes.len() {
        let mut rest = [IoSliceMut::new(&mut bytes[done..])];
        let offset = range.start + done as u64;
        // Ends early at a page that is not in memory, and with an error when the first is not.
        match preadv2(file, &mut rest, offset, ReadWriteFlags::NOWAIT) {
            Ok(0) | Err(_) => return None,
            Ok(count) => done += count,
        }
    }
    Some(bytes.into())
}
