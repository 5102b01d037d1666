//! What the catalog knows of continuous queries: their text. When they run is decided where text is understood.

use super::ids::{ContinuousQueryId, DatabaseId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A continuous query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContinuousQueryInfo {
    /// Its identifier.
    pub id: ContinuousQueryId,
    /// The database it belongs to and is dropped with.
    pub database: DatabaseId,
    /// Its name, unique within the database.
    pub name: Arc<str>,
    /// The whole statement `CREATE CONTINUOUS QUERY … END`, in which every measurement bears database and policy.
    pub statement: Arc<str>,
}
