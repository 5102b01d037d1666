//! The few file operations that appending needs, behind a trait so that tests can make each of them fail.
//!
//! Knows nothing of frames. Recovery and inspection read through `std::fs` directly: what they
//! find damaged can be put on a real disk.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// Where segments are created and removed.
pub trait LogFiles: Debug + Send + Sync {
    /// Creates an empty file for writing, or empties the one that is there.
    ///
    /// # Errors
    /// As the operating system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals in `directory` durable. It was opened with the log: a new segment may have
    /// taken the last descriptor that the process can have.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync_directory(&self, directory: &File) -> io::Result<()>;

    /// Bytes that may still be written to the disk that holds `directory`.
    ///
    /// # Errors
    /// As the operating system says.
    fn free_bytes(&self, directory: &Path) -> io::Result<u64>;
}

/// A segment being written.
pub trait LogFile: Debug + Send {
    /// Writes a non-empty part of `bytes` at the end and tells its length.
    ///
    /// # Errors
    /// As the operating system says.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Makes everything written durable.
    ///
    /// # Errors
    /// As the operating system says. What is on disk is unknown then.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to `length` bytes; the next write goes there.
    ///
    /// # Errors
    /// As the operating system says.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// The real file system.
#[derive(Debug, Default)]
pub struct DiskFiles;

impl LogFiles for DiskFiles {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(OpenOptions::new().write(true).create(true).truncate(true).open(path)?))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        directory.sync_all()
    }

    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(directory)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

impl LogFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}
