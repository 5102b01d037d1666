//! The handlers of the InfluxDB 1.x API, one file per endpoint, and what operators need beside it.

pub(super) mod flush;
pub(super) mod health;
pub(super) mod metrics;
pub(super) mod ping;
pub(super) mod query;
pub(super) mod vars;
pub(super) mod write;
