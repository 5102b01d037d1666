//! Continuous queries within the state.

use super::{ApplyError, State, id_after, missing, taken};
use crate::model::continuous_query::ContinuousQueryInfo;
use crate::model::ids::{ContinuousQueryId, DatabaseId};
use std::sync::Arc;

impl State {
    /// Every continuous query, in the order in which they were created.
    pub fn continuous_queries(&self) -> impl Iterator<Item = &Arc<ContinuousQueryInfo>> {
        self.continuous_queries.iter().map(|(_, query)| query)
    }

    /// The continuous queries of a database, in the order in which they were created.
    pub fn continuous_queries_of(
        &self,
        database: DatabaseId,
    ) -> impl Iterator<Item = &Arc<ContinuousQueryInfo>> {
        self.continuous_queries().filter(move |query| query.database == database)
    }

    /// The continuous query of this name in a database.
    #[must_use]
    pub fn continuous_query(&self, database: DatabaseId, name: &str) -> Option<&Arc<ContinuousQueryInfo>> {
        self.continuous_queries_of(database).find(|query| query.name.as_ref() == name)
    }

    /// The id that the next new continuous query should have: greater than those of all others. `None` when there is none.
    #[must_use]
    pub fn next_continuous_query_id(&self) -> Option<ContinuousQueryId> {
        let last = self.continuous_queries.iter().last().map(|(id, _)| id.0);
        last.map_or(Some(0), |id| id.checked_add(1)).map(ContinuousQueryId)
    }

    pub(super) fn create_continuous_query(
        &mut self,
        info: &Arc<ContinuousQueryInfo>,
    ) -> Result<(), ApplyError> {
        if self.databases.get(&info.database).is_none() {
            return Err(missing("database", info.database));
        }
        if self.continuous_queries.get(&info.id).is_some() {
            return Err(taken("continuous query", info.id));
        }
        if self.continuous_query(info.database, &info.name).is_some() {
            return Err(taken("continuous query", format_args!("{:?}", info.name)));
        }
        id_after("continuous query", info.id.0)?;
        self.continuous_queries.insert(info.id, info.clone());
        Ok(())
    }

    pub(super) fn drop_continuous_query(&mut self, id: ContinuousQueryId) -> Result<(), ApplyError> {
        self.continuous_queries.remove(&id).map(|_| ()).ok_or_else(|| missing("continuous query", id))
    }

    pub(super) fn drop_continuous_queries_of(&mut self, database: DatabaseId) {
        let gone: Vec<_> = self.continuous_queries_of(database).map(|query| query.id).collect();
        for id in gone {
            self.continuous_queries.remove(&id);
        }
    }
}
