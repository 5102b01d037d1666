//! SHOW statements: what the catalog and the series of the data say, as a [`Listing`].
//!
//! | file | statements |
//! |---|---|
//! | `cardinality` | SERIES, MEASUREMENT, TAG KEY, TAG VALUES, FIELD KEY CARDINALITY |
//! | `catalog` | DATABASES, RETENTION POLICIES, FIELD KEYS |
//! | `continuous_queries` | CONTINUOUS QUERIES |
//! | `users` | USERS, GRANTS |
//! | `measurements` | MEASUREMENTS |
//! | `queries` | QUERIES |
//! | `series` | SERIES |
//! | `shards` | SHARDS, SHARD GROUPS |
//! | `subscriptions` | SUBSCRIPTIONS |
//! | `tags` | TAG KEYS, TAG VALUES |
//! | `scope` | which tables a statement is about, and their series |
//! | `listing` | rows in the making |
//!
//! As in InfluxDB 1.x all but FIELD KEYS and most cardinalities look at every retention policy of the database. Where a statement has a condition, or lists
//! series or tag values, the distinct series of each table are read by a plan that a [`SeriesSource`] runs.

mod cardinality;
mod catalog;
mod continuous_queries;
mod listing;
mod measurements;
mod queries;
mod scope;
mod series;
mod shards;
mod subscriptions;
mod tags;
mod users;

pub use cardinality::cardinality;
pub use catalog::{databases, field_keys, retention_policies};
pub use continuous_queries::continuous_queries;
pub use listing::Listing;
pub use measurements::measurements;
pub use queries::queries;
pub(in crate::query) use scope::tables_of;
pub use scope::{SeriesSource, TagValues};
pub use series::series;
pub use shards::{shard_groups, shards};
pub use subscriptions::subscriptions;
pub use tags::{tag_keys, tag_values};
pub use users::{grants, users};
