//! What the machine, or the container, has to offer: defaults follow from it.

/// Memory and cores that this process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of memory: the container's limit where there is one, else the machine's.
    pub memory_bytes: u64,
    /// Cores.
    pub core_count: u64,
}

/// Assumed where the system tells nothing (it is not Linux).
const MEMORY_BYTES_UNKNOWN: u64 = 4 << 30;

impl Machine {
    /// Asks the system.
    #[must_use]
    pub fn detect() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let memory_bytes = [
            read("/proc/meminfo").as_deref().and_then(meminfo_total_bytes),
            read("/sys/fs/cgroup/memory.max").as_deref().and_then(limit_bytes),
            read("/sys/fs/cgroup/memory/memory.limit_in_bytes").as_deref().and_then(limit_bytes),
        ]
        .into_iter()
        .flatten()
        .min();
        Self {
            memory_bytes: memory_bytes.unwrap_or(MEMORY_BYTES_UNKNOWN),
            core_count: std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
        }
    }
}

/// `MemTotal:       24609420 kB`
pub(super) fn meminfo_total_bytes(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// A number, or `max` for no limit.
pub(super) fn limit_bytes(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|&bytes| bytes > 0)
}
