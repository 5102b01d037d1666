//! Mistakes that InfluxDB 1.x notices only when it reads data: functions that do not take the types of their fields.
//!
//! In: resolved calls and names. Out: the error that InfluxDB 1.x gives when it creates iterators, and for which subqueries
//! it creates any.

use super::error::{Result, err};
use super::function::Function;
use super::ir::{Call, Ref, Subquery};
use super::names::Names;
use super::types::Type;
use super::window_function;
use std::sync::Arc;

/// Whether every function of a call takes the type it gets.
pub(super) fn takes(call: &Call) -> bool {
    let mut ty = call.argument.ty;
    let takes_own = call.function.takes(ty);
    ty = call.function.result_type(ty);
    takes_own
        && call.over.iter().all(|over| {
            let takes = window_function::takes(*over, ty);
            ty = window_function::result_type(*over, ty);
            takes
        })
}

/// The error of a function that does not take its field's type. With tags among its arguments, InfluxDB 1.x applies `max`
/// or `min` first, and the error names that one.
pub(super) fn check_type(call: &Call, point_tags: &[Arc<str>], names: &Names) -> Result<()> {
    // Where no table has such a field, InfluxDB 1.x creates no iterator, and so gives no error.
    if !call.has_values() || !names.has_field(&call.argument.name, call.argument.ty) {
        return Ok(());
    }
    let unsupported =
        |name: &str, ty: Type| err(format!("unsupported {name} iterator type: *query.{ty}InterruptIterator"));
    let (function, mut ty) = (call.function, call.argument.ty);
    if !function.takes(ty) {
        let name = function.name();
        return match (point_tags, ty, function) {
            ([], ..) => unsupported(name, ty),
            (_, Type::Boolean, _) => {
                err(format!("unsupported {name} iterator type: *query.booleanReduceBooleanIterator"))
            }
            (_, _, Function::Bottom(_)) => unsupported("min", ty),
            _ => unsupported("max", ty),
        };
    }
    ty = function.result_type(ty);
    for over in &call.over {
        if !window_function::takes(*over, ty) {
            let name = window_function::iterator_name(*over);
            return match (function, ty) {
                (Function::Distinct, _) => {
                    err(format!("unsupported {name} iterator type: *query.{ty}IntervalIterator"))
                }
                (Function::Sample { .. }, Type::Boolean) => {
                    err(format!("unsupported {name} iterator type: *query.booleanReduceBooleanIterator"))
                }
                (Function::Sample { .. }, _) => {
                    err(format!("unsupported {name} iterator type: *query.{ty}ReduceStringIterator"))
                }
                _ => unsupported(name, ty),
            };
        }
        ty = window_function::result_type(*over, ty);
    }
    Ok(())
}

/// Whether a query with these references and calls reads a subquery. A raw query reads every subquery, if any of its
/// references has a type; one with functions reads those that have the field of a function with a type.
pub(super) fn reads(subquery: &Subquery, refs: &[Ref], calls: &[Call]) -> bool {
    match calls {
        [] => refs.iter().any(|reference| reference.ty != Type::Unknown),
        calls => calls.iter().any(|call| {
            let name = &call.argument.name;
            let has_type = call.result_type(call.argument.ty) != Type::Unknown;
            has_type && (subquery.index_of(name).is_some() || subquery.has_tag(name))
        }),
    }
}
