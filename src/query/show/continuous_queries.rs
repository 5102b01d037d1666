//! SHOW CONTINUOUS QUERIES.

use super::listing::{Column, Listing};
use crate::model::state::State;
use crate::query::error::QueryError;
use std::sync::Arc;

/// `SHOW CONTINUOUS QUERIES`: a series for each database, both in the order of their creation. A database without any has
/// one row of nulls, which stands for its empty series.
///
/// # Errors
///
/// Never for a statement's fault.
pub fn continuous_queries(state: &State) -> Result<Listing, QueryError> {
    let (mut databases, mut names, mut texts): (Vec<Arc<str>>, _, _) = (Vec::new(), Vec::new(), Vec::new());
    for database in state.databases() {
        let before = names.len();
        for query in state.continuous_queries_of(database.id) {
            databases.push(Arc::clone(&database.name));
            names.push(Some(query.name.to_string()));
            texts.push(Some(query.statement.to_string()));
        }
        if names.len() == before {
            databases.push(Arc::clone(&database.name));
            names.push(None);
            texts.push(None);
        }
    }
    Listing::new(
        databases,
        vec![("name", Column::OptionalText(names)), ("query", Column::OptionalText(texts))],
    )
}
