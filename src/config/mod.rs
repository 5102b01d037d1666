//! Layer 0: every setting of the server, with its default, its unit and its meaning.
//!
//! `settings` is the one place where a setting is declared; the TOML file, the environment, the flag
//! `--set` and the page that `tidegauge config` prints all follow from it. A setting has one name, such as
//! `buffer.flush_bytes`, from which the others derive:
//!
//! | where | how |
//! |---|---|
//! | TOML file | `flush_bytes = 1000` in the table `[buffer]` |
//! | environment | `TIDEGAUGE_BUFFER_FLUSH_BYTES=1000` |
//! | flag | `--set buffer.flush_bytes=1000`, and flags of their own for the few that are used most |
//!
//! The file is read first, then the environment, then the flags; the later wins. Which file to read and
//! what the settings do is decided elsewhere: nothing here opens a store or starts anything.

mod entry;
mod error;
mod machine;
mod print;
mod secret;
mod settings;
#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use machine::Machine;
pub use print::to_commented_toml;
pub use secret::Secret;
pub use settings::{
    BufferConfig, CompactionConfig, Config, ContinuousQueriesConfig, HttpConfig, LogConfig, LogFormat,
    ObjectStoreConfig, QueryConfig, ReadOnlyConfig, SubscriberConfig, WalConfig,
};

use entry::{AssignError, Entry};
use std::path::Path;

/// The longest time that a setting may have, ten years: it can be added to any point in time that occurs without overflow.
const SECONDS_MAX: u64 = 10 * 365 * 86_400;

/// The least memory that a server can be given. With less there is room for hardly anything; whoever sets it probably meant another unit.
const MEMORY_BYTES_MIN: u64 = 16 << 20;

/// What the names of environment variables start with.
pub const ENVIRONMENT_PREFIX: &str = "TIDEGAUGE_";

impl Config {
    /// Reads a TOML file. Settings that it lacks keep their defaults; a name that does not exist is an
    /// error that shows the line.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is no TOML, names an unknown setting or holds a value of a wrong type.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::from_toml(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })
    }

    /// Reads the text of a TOML file.
    ///
    /// # Errors
    ///
    /// As [`Config::from_file`].
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Takes over the variables that name a setting. Returns the names that start with the prefix and
    /// name none: they may be mistyped, but also somebody else's (Kubernetes sets
    /// `TIDEGAUGE_SERVICE_HOST` for a service of this name), so they are no error.
    ///
    /// # Errors
    ///
    /// When a value does not fit its setting.
    pub fn apply_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<String>, ConfigError> {
        let mut unknown = Vec::new();
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
            match setting_of_variable(name) {
                Some(setting) => self.assign_from(&setting, &text, &variable)?,
                None => unknown.push(variable),
            }
        }
        unknown.sort();
        Ok(unknown)
    }

    /// Sets one setting by its name, as `--set NAME=VALUE` does.
    ///
    /// # Errors
    ///
    /// When the name does not exist or the value does not fit it.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        self.assign_from(name, text, &format!("--set {name}"))
    }

    fn assign_from(&mut self, name: &str, text: &str, origin: &str) -> Result<(), ConfigError> {
        self.assign(name, text).map_err(|error| match error {
            AssignError::Unknown => ConfigError::Unknown { name: name.to_owned() },
            AssignError::Value(reason) => ConfigError::Value { origin: origin.to_owned(), reason },
        })
    }

    /// Replaces every 0 that means "by the machine" with a number for this machine, and checks that the
    /// settings fit each other.
    ///
    /// # Errors
    ///
    /// When two settings contradict each other or one is out of range.
    pub fn fitted_to(mut self, machine: &Machine) -> Result<Self, ConfigError> {
        let budget_is_set = self.memory_bytes > 0;
        if budget_is_set && self.memory_bytes < MEMORY_BYTES_MIN {
            return Err(ConfigError::Range {
                name: "memory_bytes",
                reason: "it is a number of bytes, and a server needs 16777216 at least",
            });
        }
        let fill = |setting: &mut u64, value: u64| {
            if *setting == 0 {
                *setting = value.max(1);
            }
        };
        fill(&mut self.memory_bytes, machine.memory_bytes);
        let memory_bytes = self.memory_bytes;
        fill(&mut self.buffer.flush_bytes, (memory_bytes / 16).min(256 << 20));
        let flush_bytes = self.buffer.flush_bytes;
        fill(&mut self.buffer.bytes_max, (memory_bytes / 8).min(4 << 30).max(flush_bytes.saturating_mul(3)));
        fill(&mut self.object_store.cache_bytes, (memory_bytes / 8).min(4 << 30));
        fill(&mut self.compaction.jobs, machine.core_count / 4);
        fill(&mut self.query.memory_bytes, memory_bytes / 4);
        let query_bytes = self.query.memory_bytes;
        fill(&mut self.query.memory_per_query_bytes, query_bytes / 2);
        fill(&mut self.query.threads, machine.core_count);
        fill(&mut self.query.cache_bytes, (memory_bytes / 16).min(1 << 30));
        fill(&mut self.http.body_decompressed_bytes_max, (memory_bytes / 4).min(250_000_000));
        let unpacked_bytes = self.http.body_decompressed_bytes_max;
        fill(&mut self.http.bodies_bytes_max, (memory_bytes / 8).min(1 << 30).max(unpacked_bytes));
        fill(&mut self.subscriber.total_buffer_bytes, (memory_bytes / 32).min(256 << 20));
        if budget_is_set {
            self.check_budget()?;
        }
        self.check()?;
        Ok(self)
    }

    /// Whether the parts fit into the memory that they are to share.
    fn check_budget(&self) -> Result<(), ConfigError> {
        let parts = [
            self.buffer.bytes_max,
            self.object_store.cache_bytes,
            self.query.memory_bytes,
            self.query.cache_bytes,
            self.http.bodies_bytes_max,
            self.subscriber.total_buffer_bytes,
        ];
        let taken_bytes = parts.into_iter().fold(0, u64::saturating_add);
        if taken_bytes > self.memory_bytes {
            return Err(ConfigError::Range {
                name: "memory_bytes",
                reason: "buffer.bytes_max, object_store.cache_bytes, query.memory_bytes, query.cache_bytes, \
                         http.bodies_bytes_max and subscriber.total_buffer_bytes together exceed it",
            });
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |name: &'static str, reason: &'static str| Err(ConfigError::Range { name, reason });
        if self.buffer.bytes_max < self.buffer.flush_bytes {
            return out_of_range("buffer.bytes_max", "it must not be less than buffer.flush_bytes");
        }
        if self.query.memory_per_query_bytes > self.query.memory_bytes {
            return out_of_range("query.memory_per_query_bytes", "it must not exceed query.memory_bytes");
        }
        if self.read_only.interval_ms == 0 {
            return out_of_range("read_only.interval_ms", "without a pause nothing else would be done");
        }
        let is_in_memory = self.object_store.url.as_deref().is_some_and(|url| url.starts_with("memory:"));
        if self.read_only.enabled && is_in_memory {
            return out_of_range("read_only.enabled", "no other server can write to the memory of this one");
        }
        if self.compaction.interval_s == 0 {
            return out_of_range("compaction.interval_s", "without a pause nothing else would be done");
        }
        if self.compaction.file_bytes < 1 << 20 {
            return out_of_range(
                "compaction.file_bytes",
                "files of less than 1048576 bytes are not worth it",
            );
        }
        if !(1..=100).contains(&self.compaction.work_percent) {
            return out_of_range("compaction.work_percent", "it is a share of 1 to 100");
        }
        if self.query.threads > 4096 {
            return out_of_range("query.threads", "more than 4096 threads make no sense");
        }
        if self.wal.segment_bytes < 1 << 16 {
            return out_of_range("wal.segment_bytes", "a segment has at least 65536 bytes");
        }
        if self.http.body_bytes_max == 0 {
            return out_of_range("http.body_bytes_max", "a body of 0 bytes writes nothing");
        }
        if self.subscriber.http_timeout_s == 0 {
            return out_of_range("subscriber.http_timeout_s", "a destination needs some time to answer");
        }
        if !(1..=10_000).contains(&self.subscriber.write_concurrency) {
            return out_of_range("subscriber.write_concurrency", "it is a number from 1 to 10000");
        }
        if !(1..=10_000_000).contains(&self.subscriber.write_buffer_size) {
            return out_of_range("subscriber.write_buffer_size", "it is a number from 1 to 10000000");
        }
        if self.http.bodies_bytes_max < self.http.body_decompressed_bytes_max {
            return out_of_range("http.bodies_bytes_max", "it must not be less than one unpacked body");
        }
        self.check_times()
    }

    /// Whether every time is one that can be waited for.
    fn check_times(&self) -> Result<(), ConfigError> {
        let times = [
            ("buffer.flush_age_s", self.buffer.flush_age_s),
            ("buffer.retry_after_s", self.buffer.retry_after_s),
            ("read_only.interval_ms", self.read_only.interval_ms / 1000),
            ("compaction.interval_s", self.compaction.interval_s),
            ("compaction.quiet_s", self.compaction.quiet_s),
            ("compaction.delete_after_s", self.compaction.delete_after_s),
            ("compaction.orphans_after_s", self.compaction.orphans_after_s),
            ("query.timeout_s", self.query.timeout_s),
            ("query.log_after_s", self.query.log_after_s),
            ("continuous_queries.run_interval_s", self.continuous_queries.run_interval_s),
            ("subscriber.http_timeout_s", self.subscriber.http_timeout_s),
            ("http.head_timeout_s", self.http.head_timeout_s),
            ("http.idle_timeout_s", self.http.idle_timeout_s),
            ("http.body_timeout_s", self.http.body_timeout_s),
            ("http.drain_timeout_s", self.http.drain_timeout_s),
        ];
        match times.into_iter().find(|(_, seconds)| *seconds > SECONDS_MAX) {
            Some((name, _)) => {
                Err(ConfigError::Range { name, reason: "it must not be longer than ten years" })
            }
            None => Ok(()),
        }
    }

    /// The folder of the write-ahead log.
    #[must_use]
    pub fn wal_folder(&self) -> std::path::PathBuf {
        self.data.join("wal")
    }

    /// The folder of the disk tier of the cache of data files.
    #[must_use]
    pub fn cache_folder(&self) -> std::path::PathBuf {
        self.object_store.cache_disk_path.as_ref().map_or_else(|| self.data.join("cache"), Into::into)
    }

    /// The folder of the local object store, which is used when no URL is given.
    #[must_use]
    pub fn store_folder(&self) -> std::path::PathBuf {
        self.data.join("store")
    }
}

/// The environment variable of a setting.
#[must_use]
pub fn variable_of(setting: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", setting.replace('.', "_").to_uppercase())
}

/// The setting of a variable whose name stands without its prefix. Only the names of
/// `object_store.options` are free; they are lower case.
fn setting_of_variable(name: &str) -> Option<String> {
    const OPTIONS: &str = "OBJECT_STORE_OPTIONS_";
    if let Some(option) = name.strip_prefix(OPTIONS).filter(|option| !option.is_empty()) {
        return Some(format!("object_store.options.{}", option.to_lowercase()));
    }
    let variable = format!("{ENVIRONMENT_PREFIX}{name}");
    print::settings_of(&Config::default())
        .into_iter()
        .map(|setting| setting.name)
        .find(|setting| variable_of(setting) == variable)
}
