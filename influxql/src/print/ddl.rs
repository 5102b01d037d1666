//! Statements about databases, policies, continuous queries, subscriptions and deletion as text.

use std::fmt;

use super::quote::{format_duration, quote_ident, quote_string};
use super::select::{comma_separated, condition, sources};
use crate::ast::{
    AlterRetentionPolicy, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy, CreateSubscription,
    DatabasePolicy, Delete, DropSeries, SubscriptionMode,
};

impl fmt::Display for CreateDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE DATABASE {}", quote_ident(&self.name))?;
        match &self.policy {
            Some(policy) => policy.fmt(f),
            None => Ok(()),
        }
    }
}

impl fmt::Display for DatabasePolicy {
    /// With a space in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(" WITH")?;
        duration(f, "DURATION", self.duration_ns)?;
        replication(f, self.replication)?;
        duration(f, "SHARD DURATION", self.shard_duration_ns)?;
        duration(f, "FUTURE LIMIT", self.future_limit_ns)?;
        duration(f, "PAST LIMIT", self.past_limit_ns)?;
        match &self.name {
            Some(name) => write!(f, " NAME {}", quote_ident(name)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for CreateRetentionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, database) = (quote_ident(&self.name), quote_ident(&self.database));
        write!(f, "CREATE RETENTION POLICY {name} ON {database}")?;
        duration(f, "DURATION", Some(self.duration_ns))?;
        replication(f, Some(self.replication))?;
        duration(f, "SHARD DURATION", self.shard_duration_ns)?;
        default(f, self.default)?;
        duration(f, "FUTURE LIMIT", self.future_limit_ns)?;
        duration(f, "PAST LIMIT", self.past_limit_ns)
    }
}

impl fmt::Display for AlterRetentionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, database) = (quote_ident(&self.name), quote_ident(&self.database));
        write!(f, "ALTER RETENTION POLICY {name} ON {database}")?;
        duration(f, "DURATION", self.duration_ns)?;
        replication(f, self.replication)?;
        duration(f, "SHARD DURATION", self.shard_duration_ns)?;
        default(f, self.default)?;
        duration(f, "FUTURE LIMIT", self.future_limit_ns)?;
        duration(f, "PAST LIMIT", self.past_limit_ns)
    }
}

impl fmt::Display for CreateContinuousQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, database) = (quote_ident(&self.name), quote_ident(&self.database));
        write!(f, "CREATE CONTINUOUS QUERY {name} ON {database}")?;
        if self.every_ns.is_some() || self.for_ns.is_some() {
            f.write_str(" RESAMPLE")?;
        }
        duration(f, "EVERY", self.every_ns)?;
        duration(f, "FOR", self.for_ns)?;
        write!(f, " BEGIN {} END", self.select)
    }
}

impl fmt::Display for CreateSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            SubscriptionMode::All => "ALL",
            SubscriptionMode::Any => "ANY",
        };
        let destinations: Vec<String> = self.destinations.iter().map(|url| quote_string(url)).collect();
        write!(
            f,
            "CREATE SUBSCRIPTION {} ON {}.{} DESTINATIONS {mode} ",
            quote_ident(&self.name),
            quote_ident(&self.database),
            quote_ident(&self.policy),
        )?;
        comma_separated(f, &destinations)
    }
}

impl fmt::Display for Delete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DELETE")?;
        sources(f, &self.sources)?;
        condition(f, self.condition.as_ref())
    }
}

impl fmt::Display for DropSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DROP SERIES")?;
        sources(f, &self.sources)?;
        condition(f, self.condition.as_ref())
    }
}

fn duration(f: &mut fmt::Formatter<'_>, words: &str, ns: Option<i64>) -> fmt::Result {
    match ns {
        Some(ns) => write!(f, " {words} {}", format_duration(ns)),
        None => Ok(()),
    }
}

fn replication(f: &mut fmt::Formatter<'_>, n: Option<u32>) -> fmt::Result {
    match n {
        Some(n) => write!(f, " REPLICATION {n}"),
        None => Ok(()),
    }
}

fn default(f: &mut fmt::Formatter<'_>, default: bool) -> fmt::Result {
    if default { f.write_str(" DEFAULT") } else { Ok(()) }
}
