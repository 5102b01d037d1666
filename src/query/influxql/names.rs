//! The names of what a statement reads: what type each has, and what a wildcard stands for.
//!
//! A statement gives a name one type over all its tables and subqueries, the greatest one ([`Type::or_greater`]), as InfluxDB 1.x does.

use super::ir::Subquery;
use super::types::Type;
use crate::model::database::TableInfo;
use crate::model::state::State;
use influxql::ast::CastType;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The columns of the tables and subqueries that a statement reads.
#[derive(Clone, Debug, Default)]
pub struct Names {
    tables: Vec<Arc<TableInfo>>,
    /// Tables of the same names in other policies. A wildcard stands for their tags too, because InfluxDB 1.x has one index
    /// of tags for a database.
    siblings: Vec<Arc<TableInfo>>,
    subqueries: Vec<Arc<Subquery>>,
}

impl Names {
    /// The names of these tables.
    #[must_use]
    pub fn new(tables: Vec<Arc<TableInfo>>) -> Self {
        Self { tables, siblings: Vec::new(), subqueries: Vec::new() }
    }

    /// The same with the columns and tags of these subqueries.
    #[must_use]
    pub fn with_subqueries(mut self, subqueries: Vec<Arc<Subquery>>) -> Self {
        self.subqueries = subqueries;
        self
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
        let of_subquery = |subquery: &Arc<Subquery>| match subquery.type_of(name) {
            Type::Tag if cast.is_some() => Type::Unknown,
            ty => ty,
        };
        let types = self.tables.iter().map(of_table).chain(self.subqueries.iter().map(of_subquery));
        types.fold(Type::Unknown, Type::or_greater)
    }

    /// Whether a table has a field of this name and type, or a subquery a column or tag of this name. The latter may have
    /// any type, since it is cast.
    #[must_use]
    pub fn has_field(&self, name: &str, ty: Type) -> bool {
        let field = |table: &Arc<TableInfo>| table.schema.field(name).and_then(|column| column.field_type());
        self.tables.iter().any(|table| field(table).is_some_and(|field_type| Type::from(field_type) == ty))
            || self
                .subqueries
                .iter()
                .any(|subquery| subquery.index_of(name).is_some() || subquery.has_tag(name))
    }

    /// Whether a subquery has a column or a tag of this name.
    #[must_use]
    pub fn is_of_subquery(&self, name: &str) -> bool {
        self.subqueries.iter().any(|subquery| subquery.type_of(name) != Type::Unknown)
    }

    /// Whether a subquery has a column of this name, also one without values.
    #[must_use]
    pub fn is_selected(&self, name: &str) -> bool {
        self.subqueries.iter().any(|subquery| subquery.index_of(name).is_some())
    }

    /// Every field with its type, and every column of a subquery: one of these may be a tag.
    #[must_use]
    pub fn fields(&self) -> BTreeMap<Arc<str>, Type> {
        let mut fields = BTreeMap::new();
        for column in self.tables.iter().flat_map(|table| table.schema.fields()) {
            let ty = column.field_type().map_or(Type::Unknown, Type::from);
            let known = fields.entry(Arc::clone(&column.name)).or_insert(Type::Unknown);
            *known = known.or_greater(ty);
        }
        for subquery in &self.subqueries {
            for (name, ty) in subquery.columns() {
                let known = fields.entry(Arc::clone(name)).or_insert(Type::Unknown);
                *known = known.or_greater(ty);
            }
        }
        fields
    }

    /// Every tag.
    #[must_use]
    pub fn tags(&self) -> BTreeSet<Arc<str>> {
        let tables = self.tables.iter().chain(&self.siblings);
        let of_tables = tables.flat_map(|table| table.schema.tags()).map(|column| &column.name);
        let of_subqueries = self.subqueries.iter().flat_map(|subquery| &subquery.query.group_tags);
        of_tables.chain(of_subqueries).map(Arc::clone).collect()
    }
}
