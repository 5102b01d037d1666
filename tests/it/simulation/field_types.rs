//! What the model knows of the types of fields.
//!
//! The first point that is stored with a field fixes its type in its table, until the table is dropped. Left open is whether a write that
//! failed has fixed types, and whether a field that no row has any more keeps its type over a restart: then any type will do that was
//! ever tried, as long as all points of a request are judged by it.
//!
//! ```text
//! m x=1i     stored      x is an integer
//! m x=1      refused     integer, as it must
//! DELETE, restart
//! m x=1      stored or refused; if it is refused, then as an integer
//! ```

use super::model::{Batch, Effect, TableName, Tables};
use super::points::Kind;
use super::request::Refusal;
use std::collections::{BTreeMap, BTreeSet};

type Field = (TableName, &'static str);

/// What is known of the types of all fields.
#[derive(Debug, Default)]
pub(super) struct FieldTypes {
    /// The types that are fixed for certain.
    fixed: BTreeMap<Field, Kind>,
    /// The types that somebody tried to write since the table was dropped.
    tried: BTreeMap<Field, BTreeSet<Kind>>,
    /// Whether rows may tell more than `fixed`.
    is_stale: bool,
}

impl FieldTypes {
    /// A request was sent.
    pub(super) fn sent(&mut self, batch: &Batch) {
        for (field, kind) in fields_of(batch) {
            self.tried.entry(field).or_default().insert(kind);
        }
    }

    /// The points of a request that was answered with success which are stored. Panics when others should have been refused, or for
    /// other reasons. Points before `oldest_ns` are too old.
    pub(super) fn judge(
        &mut self,
        batch: &Batch,
        refusals: &BTreeMap<usize, Refusal>,
        oldest_ns: i64,
    ) -> Batch {
        let mut stored = Batch { policy: batch.policy, points: Vec::new() };
        for (number, point) in batch.points.iter().enumerate() {
            let table = (batch.policy, point.measurement);
            let refusal = refusals.get(&number);
            assert_eq!(refusal == Some(&Refusal::TooOld), point.time_ns < oldest_ns, "too old: {point:?}");
            match refusal {
                None => {
                    for (field, value) in &point.fields {
                        self.fix((table, *field), value.kind());
                    }
                    stored.points.push(point.clone());
                }
                Some(Refusal::TooOld) => {}
                Some(Refusal::TypeConflict { field, written, existing }) => {
                    let (field, value) = point.fields.get_key_value(field.as_str()).expect("it was written");
                    assert_eq!(value.kind(), *written, "{field} of {point:?}");
                    assert_ne!(written, existing, "{field} of {point:?}");
                    assert!(self.may_be((table, *field), *existing), "{field} is no {existing:?}: {point:?}");
                }
            }
        }
        stored
    }

    /// The points of a request that failed after it was judged, in each way in which it may have been; none of them is too old.
    pub(super) fn ways_to_judge(&self, batch: &Batch) -> Vec<Batch> {
        // Of all others the request itself tells the type.
        let is_open = |field: &Field| !self.fixed.contains_key(field) && self.tried[field].len() > 1;
        let open: BTreeSet<Field> = fields_of(batch).map(|(field, _)| field).filter(is_open).collect();
        let mut assumptions: Vec<BTreeMap<Field, Kind>> = vec![BTreeMap::new()];
        for field in open {
            let kinds = &self.tried[&field];
            let with_each = |known: &BTreeMap<Field, Kind>| -> Vec<BTreeMap<Field, Kind>> {
                let with = |kind: &Kind| known.clone().into_iter().chain([(field, *kind)]).collect();
                kinds.iter().map(with).collect()
            };
            assumptions = assumptions.iter().flat_map(with_each).collect();
        }
        let mut ways: Vec<Batch> = Vec::new();
        for assumed in assumptions {
            let mut way = batch.clone();
            way.points.retain(|point| {
                point.fields.iter().all(|(name, value)| {
                    let field = ((batch.policy, point.measurement), *name);
                    let kind = self.fixed.get(&field).or_else(|| assumed.get(&field));
                    kind.is_none_or(|kind| *kind == value.kind())
                })
            });
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways
    }

    /// Whether the field may have this type, for all that is known.
    pub(super) fn may_be(&self, field: Field, kind: Kind) -> bool {
        match self.fixed.get(&field) {
            Some(known) => *known == kind,
            None => self.tried.get(&field).is_some_and(|tried| tried.contains(&kind)),
        }
    }

    /// An operation was answered with success.
    pub(super) fn succeeded(&mut self, effect: &Effect) {
        self.fixed.retain(|(table, _), _| !effect.drops(*table));
        self.tried.retain(|(table, _), _| !effect.drops(*table));
    }

    /// An operation failed, and may have taken effect nevertheless.
    pub(super) fn may_have_succeeded(&mut self, effect: &Effect) {
        self.fixed.retain(|(table, _), _| !effect.drops(*table));
        self.is_stale = true;
    }

    /// The engine was opened again.
    pub(super) fn restarted(&mut self) {
        self.fixed.clear();
        self.is_stale = true;
    }

    /// These are all rows, for certain: their fields have types.
    pub(super) fn learn(&mut self, tables: &Tables) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        for (table, rows) in tables {
            for (field, value) in rows.values().flatten() {
                self.fix((*table, *field), value.kind());
            }
        }
    }

    fn fix(&mut self, field: Field, kind: Kind) {
        assert!(self.may_be(field, kind), "{field:?} is no {kind:?}: {:?}", self.fixed.get(&field));
        self.fixed.insert(field, kind);
    }
}

/// The fields of a batch with the types of their values.
fn fields_of(batch: &Batch) -> impl Iterator<Item = (Field, Kind)> {
    batch.points.iter().flat_map(|point| {
        let table = (batch.policy, point.measurement);
        point.fields.iter().map(move |(field, value)| ((table, *field), value.kind()))
    })
}
