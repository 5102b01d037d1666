//! A disk for the write-ahead log that fails, fills up, and forgets in a power loss what was never synced.
//!
//! Bytes go to real files, so that recovery, which reads `std::fs`, finds them; but nothing is really synced.
//! Instead the disk remembers how much of each file was, and a power loss takes from the rest: it cuts the file at some
//! byte, or loses single sectors of it. Names and removals last when their folder was synced.

use fastrand::Rng;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tidegauge::wal::files::{LogFile, LogFiles};

/// What reaches a disk whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What operations meet from now on. All is well by default.
#[derive(Clone, Debug, Default)]
pub(super) struct DiskFaults {
    /// Most bytes that one write takes.
    pub(super) write_bytes_max: Option<usize>,
    /// Bytes that still fit on the disk.
    pub(super) room_bytes: Option<u64>,
    /// Whether the disk admits how little room it has, before a write fails.
    pub(super) room_is_told: bool,
    /// The next write fails after some of its bytes.
    pub(super) write_fails: bool,
    /// The next sync of a file fails.
    pub(super) sync_fails: bool,
    /// The next sync of a folder fails.
    pub(super) sync_directory_fails: bool,
    /// The next removal of a file fails.
    pub(super) remove_fails: bool,
    /// The process dies in the midst of the operation after so many.
    pub(super) dies_after: Option<u64>,
}

/// A disk that outlives the processes that write to it.
#[derive(Clone, Debug)]
pub(super) struct FaultyDisk(Arc<Mutex<Disk>>);

#[derive(Debug)]
struct Disk {
    /// The process that is alive, by number. Operations of others have no effect.
    process: u64,
    faults: DiskFaults,
    /// The files that the living process wrote.
    files: BTreeMap<PathBuf, Written>,
    /// Removed files whose folder was not synced since, with their bytes.
    removed: BTreeMap<PathBuf, Vec<u8>>,
    random: Rng,
}

#[derive(Debug, Default)]
struct Written {
    synced_bytes: u64,
    name_is_synced: bool,
}

/// How far an operation gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Lives,
    /// The process dies in its midst: it may take effect, and nobody will know.
    Dies,
}

fn dead() -> io::Error {
    io::Error::other("the process is dead")
}

fn broken() -> io::Error {
    io::Error::other("input/output error")
}

impl FaultyDisk {
    pub(super) fn new(random: Rng) -> Self {
        Self(Arc::new(Mutex::new(Disk {
            process: 0,
            faults: DiskFaults::default(),
            files: BTreeMap::new(),
            removed: BTreeMap::new(),
            random,
        })))
    }

    /// The disk as a new process sees it.
    pub(super) fn mount(&self) -> Arc<dyn LogFiles> {
        let mut disk = self.0.lock();
        disk.process += 1;
        Arc::new(Mounted { disk: self.clone(), process: disk.process })
    }

    pub(super) fn set(&self, faults: DiskFaults) {
        self.0.lock().faults = faults;
    }

    /// Ends the process: nothing that it still tries has an effect. With a power loss, what was not synced may be lost.
    pub(super) fn crash(&self, power_loss: bool) {
        let mut disk = self.0.lock();
        disk.process += 1;
        disk.faults = DiskFaults::default();
        let files = std::mem::take(&mut disk.files);
        let removed = std::mem::take(&mut disk.removed);
        if !power_loss {
            return;
        }
        for (path, written) in files {
            let Ok(bytes) = std::fs::read(&path) else { continue }; // it was removed
            if !written.name_is_synced && disk.random.bool() {
                std::fs::remove_file(&path).expect("the simulated disk can be written");
                continue;
            }
            let left = disk.lose(bytes, usize::try_from(written.synced_bytes).expect("a short file"));
            std::fs::write(&path, left).expect("the simulated disk can be written");
        }
        for (path, bytes) in removed {
            if !path.exists() && disk.random.bool() {
                std::fs::write(&path, bytes).expect("the simulated disk can be written");
            }
        }
    }
}

impl Disk {
    /// To be called by each operation first.
    fn begin(&mut self, process: u64) -> io::Result<Life> {
        if process != self.process {
            return Err(dead());
        }
        match &mut self.faults.dies_after {
            Some(0) => {
                // What it wrote stays known until the power is lost.
                self.process += 1;
                Ok(Life::Dies)
            }
            Some(count) => {
                *count -= 1;
                Ok(Life::Lives)
            }
            None => Ok(Life::Lives),
        }
    }

    /// Whether the fault that `of` names strikes: once.
    fn strikes(&mut self, of: impl FnOnce(&mut DiskFaults) -> &mut bool) -> bool {
        std::mem::take(of(&mut self.faults))
    }

    /// What a power loss leaves of a file.
    fn lose(&mut self, mut bytes: Vec<u8>, synced: usize) -> Vec<u8> {
        match self.random.u8(..4) {
            0 => {}
            1 => bytes.truncate(synced),
            2 => {
                let left = self.random.usize(synced..=bytes.len());
                bytes.truncate(left);
            }
            _ => {
                for sector in (0..bytes.len()).step_by(SECTOR_BYTES) {
                    let end = (sector + SECTOR_BYTES).min(bytes.len());
                    if end > synced && self.random.bool() {
                        bytes[sector.max(synced)..end].fill(0);
                    }
                }
            }
        }
        bytes
    }
}

#[derive(Debug)]
struct Mounted {
    disk: FaultyDisk,
    process: u64,
}

impl LogFiles for Mounted {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        let mut disk = self.disk.0.lock();
        let life = disk.begin(self.process)?;
        if life == Life::Dies && disk.random.bool() {
            return Err(dead());
        }
        if disk.faults.room_bytes == Some(0) {
            return Err(ErrorKind::StorageFull.into());
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        disk.files.insert(path.to_owned(), Written::default());
        if life == Life::Dies {
            return Err(dead());
        }
        let (disk, path) = (self.disk.clone(), path.to_owned());
        Ok(Box::new(FaultyFile { disk, process: self.process, path, file, bytes: 0 }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.0.lock();
        let life = disk.begin(self.process)?;
        if disk.strikes(|f| &mut f.remove_fails) {
            return Err(broken());
        }
        if life == Life::Dies && disk.random.bool() {
            return Err(dead());
        }
        let bytes = std::fs::read(path)?;
        std::fs::remove_file(path)?;
        if let Some(room) = &mut disk.faults.room_bytes {
            *room += bytes.len() as u64;
        }
        disk.files.remove(path);
        disk.removed.insert(path.to_owned(), bytes);
        if life == Life::Dies { Err(dead()) } else { Ok(()) }
    }

    fn sync_directory(&self, _directory: &File) -> io::Result<()> {
        let mut disk = self.disk.0.lock();
        let life = disk.begin(self.process)?;
        if disk.strikes(|f| &mut f.sync_directory_fails) {
            return Err(broken());
        }
        if life == Life::Dies && disk.random.bool() {
            return Err(dead());
        }
        disk.files.values_mut().for_each(|written| written.name_is_synced = true);
        disk.removed.clear();
        if life == Life::Dies { Err(dead()) } else { Ok(()) }
    }

    fn free_bytes(&self, _directory: &Path) -> io::Result<u64> {
        let disk = self.disk.0.lock();
        let told = disk.faults.room_bytes.filter(|_| disk.faults.room_is_told);
        Ok(told.unwrap_or(u64::MAX))
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    process: u64,
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LogFile for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.disk.0.lock();
        let life = disk.begin(self.process)?;
        let room = usize::try_from(disk.faults.room_bytes.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        if room == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        let fails = disk.strikes(|f| &mut f.write_fails);
        let mut length = bytes.len().min(room).min(disk.faults.write_bytes_max.unwrap_or(usize::MAX));
        if fails || life == Life::Dies {
            length = disk.random.usize(..=length);
        }
        self.file.write_all(&bytes[..length])?;
        self.bytes += length as u64;
        if let Some(room) = &mut disk.faults.room_bytes {
            *room -= length as u64;
        }
        match life {
            Life::Dies => Err(dead()),
            Life::Lives if fails => Err(broken()),
            Life::Lives => Ok(length),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.disk.0.lock();
        let life = disk.begin(self.process)?;
        if disk.strikes(|f| &mut f.sync_fails) {
            return Err(broken());
        }
        if life == Life::Dies && disk.random.bool() {
            return Err(dead());
        }
        if let Some(written) = disk.files.get_mut(&self.path) {
            written.synced_bytes = self.bytes;
        }
        if life == Life::Dies { Err(dead()) } else { Ok(()) }
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut disk = self.disk.0.lock();
        let life = disk.begin(self.process)?;
        if life == Life::Dies && disk.random.bool() {
            return Err(dead());
        }
        LogFile::truncate(&mut self.file, length)?;
        if let Some(room) = &mut disk.faults.room_bytes {
            *room += self.bytes - length;
        }
        self.bytes = length;
        if life == Life::Dies { Err(dead()) } else { Ok(()) }
    }
}
