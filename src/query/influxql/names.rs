//! The names of a statement's tables: what type each has, and what a wildcard stands for.
//!
//! A statement gives a name one type over all its tables, the greatest one ([`Type::or_greater`]), as InfluxDB 1.x does.

use super::types::Type;
use crate::model::database::TableInfo;
use crate::model::state::State;
use influxql::ast::CastType;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The columns of the tables that a statement reads.
#[derive(Clone, Debug, Default)]
pub struct Names {
    tables: Vec<Arc<TableInfo>>,
    /// Tables of the same names in other policies, whose tags a wildcard takes too: InfluxDB 1.x has one index
    /// of tags for a database.
    siblings: Vec<Arc<TableInfo>>,
}

impl Names {
    /// The names of these tables.
    #[must_use]
    pub fn new(tables: Vec<Arc<TableInfo>>) -> Self {
        Self { tables, siblings: Vec::new() }
    }

    /// The same with the tags of the tables' namesakes in other policies of their databases.
    #[must_use]
    pub fn with_siblings(mut self, state: &State) -> Self {
        for table in &self.tables {
            let policies =
                state.policies_of(table.database).into_iter().filter(|policy| policy.id != table.policy);
            self.siblings.extend(policies.filter_map(|policy| state.table(policy.id, &table.name)).cloned());
        }
        self
    }

    /// The type of `name::cast`.
    #[must_use]
    pub fn type_of(&self, name: &str, cast: Option<CastType>) -> Type {
        if let Some(ty) = cast.and_then(Type::of_cast) {
            return ty;
        }
        let of_table = |table: &Arc<TableInfo>| match table.schema.field(name).and_then(|c| c.field_type()) {
            Some(field_type) => field_type.into(),
            None if cast.is_none() && table.schema.tag(name).is_some() => Type::Tag,
            None => Type::Unknown,
        };
        self.tables.iter().map(of_table).fold(Type::Unknown, Type::or_greater)
    }

    /// Every field with its type.
    #[must_use]
    pub fn fields(&self) -> BTreeMap<Arc<str>, Type> {
        let mut fields = BTreeMap::new();
        for column in self.tables.iter().flat_map(|table| table.schema.fields()) {
            let ty = column.field_type().map_or(Type::Unknown, Type::from);
            let known = fields.entry(Arc::clone(&column.name)).or_insert(Type::Unknown);
            *known = known.or_greater(ty);
        }
        fields
    }

    /// Every tag.
    #[must_use]
    pub fn tags(&self) -> BTreeSet<Arc<str>> {
        let tables = self.tables.iter().chain(&self.siblings);
        tables.flat_map(|table| table.schema.tags()).map(|column| Arc::clone(&column.name)).collect()
    }
}
