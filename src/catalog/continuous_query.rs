//! CREATE and DROP CONTINUOUS QUERY. Their text is not understood here: whoever asks has checked it.

use super::CatalogError;
use super::policy::find_database;
use crate::model::change::Change;
use crate::model::continuous_query::ContinuousQueryInfo;
use crate::model::state::State;
use std::sync::Arc;

/// The changes for `CREATE CONTINUOUS QUERY name ON database …`, whose whole normalised text is `statement`; none when one of
/// this text, upper and lower case aside, is there already.
///
/// # Errors
/// When there is no such database, or a continuous query of this name with another text.
pub fn create_continuous_query(
    state: &State,
    database: &str,
    name: &str,
    statement: &str,
) -> Result<Vec<Change>, CatalogError> {
    let database = find_database(state, database)?;
    if let Some(existing) = state.continuous_query(database.id, name) {
        let is_same = existing.statement.to_lowercase() == statement.to_lowercase();
        return if is_same { Ok(Vec::new()) } else { Err(CatalogError::CONTINUOUS_QUERY_EXISTS) };
    }
    let id = state.next_continuous_query_id().filter(|id| id.0 < u32::MAX);
    let id = id.ok_or(CatalogError::CONTINUOUS_QUERIES_USED_UP)?;
    let info =
        ContinuousQueryInfo { id, database: database.id, name: name.into(), statement: statement.into() };
    Ok(vec![Change::CreateContinuousQuery(Arc::new(info))])
}

/// The changes for `DROP CONTINUOUS QUERY name ON database`; none when there is no such query or database.
#[must_use]
pub fn drop_continuous_query(state: &State, database: &str, name: &str) -> Vec<Change> {
    let query = state.database(database).and_then(|database| state.continuous_query(database.id, name));
    query.map(|query| Change::DropContinuousQuery(query.id)).into_iter().collect()
}
