//! Which tables are exported, and over which times.

use crate::cli::error::CliError;
use crate::cli::remote::Catalog;
use crate::model::time::TimeRange;
use chrono::DateTime;
use clap::Args;

/// What the arguments ask for.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Only this database
    #[arg(short, long, value_name = "NAME")]
    database: Option<String>,
    /// Only this retention policy
    #[arg(long = "rp", visible_alias = "retention", value_name = "NAME")]
    policy: Option<String>,
    /// Only this measurement (may be repeated)
    #[arg(short, long = "measurement", value_name = "NAME")]
    measurements: Vec<String>,
    /// Only points from this time on: RFC 3339 such as 2013-07-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time_ns)]
    start: Option<i64>,
    /// Only points before this time
    #[arg(long, value_name = "TIME", value_parser = time_ns)]
    end: Option<i64>,
}

/// A table that is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Selected<'a> {
    pub(super) database: &'a str,
    pub(super) policy: &'a str,
    pub(super) measurement: &'a str,
    /// Its rows at all times.
    pub(super) row_count: u64,
}

impl Selection {
    /// The times that are asked for.
    pub(super) fn times(&self) -> TimeRange {
        TimeRange::new(
            self.start.unwrap_or(TimeRange::ALL.start_ns),
            self.end.unwrap_or(TimeRange::ALL.end_ns),
        )
    }

    /// Whether points of this retention policy are asked for.
    pub(super) fn has_policy(&self, database: &str, policy: &str) -> bool {
        is_wanted(self.database.as_deref(), database) && is_wanted(self.policy.as_deref(), policy)
    }

    /// Whether points of this measurement are asked for.
    pub(super) fn has_measurement(&self, name: &str) -> bool {
        self.measurements.is_empty() || self.measurements.iter().any(|wanted| wanted == name)
    }

    /// The tables that are asked for, those of a policy together. It is an error to ask for what there is not.
    pub(super) fn choose<'a>(&self, catalog: &'a Catalog) -> Result<Vec<Selected<'a>>, CliError> {
        let mut selected = Vec::new();
        let (mut has_database, mut has_policy) = (self.database.is_none(), self.policy.is_none());
        for database in catalog.databases.iter().filter(|d| is_wanted(self.database.as_deref(), &d.name)) {
            has_database = true;
            for policy in database.policies.iter().filter(|p| is_wanted(self.policy.as_deref(), &p.name)) {
                has_policy = true;
                let tables = policy.tables.iter();
                let wanted = tables.filter(|t| self.has_measurement(&t.name));
                selected.extend(wanted.map(|table| Selected {
                    database: &database.name,
                    policy: &policy.name,
                    measurement: &table.name,
                    row_count: table.row_count,
                }));
            }
        }
        let missing = |kind: &str, name: &str| Err(CliError::failed(format!("there is no {kind} {name:?}")));
        if !has_database {
            return missing("database", self.database.as_deref().unwrap_or_default());
        }
        if !has_policy {
            return missing("retention policy", self.policy.as_deref().unwrap_or_default());
        }
        match self.measurements.iter().find(|name| !selected.iter().any(|s| s.measurement == **name)) {
            Some(name) => missing("measurement", name),
            None => Ok(selected),
        }
    }
}

fn is_wanted(wanted: Option<&str>, name: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == name)
}

fn time_ns(text: &str) -> Result<i64, String> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|error| error.to_string())?;
    time.timestamp_nanos_opt().ok_or_else(|| "it lies outside the years 1678 to 2261".to_owned())
}
