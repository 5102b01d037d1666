//! From the syntax tree to the [`Query`]: sources found, wildcards expanded, types known, mistakes reported.
//!
//! In: a SELECT, the catalog, the request's defaults and the time. Out: the IR, or the error that InfluxDB 1.x gives. The order of the
//! checks is InfluxDB's: databases, form of the statement ([`super::compile`]), policies, wildcards, types.

use super::compile::{Compiled, CompiledField, compile};
use super::error::{Result, err};
use super::expand::{column_names, default_name, expand, has_wildcard};
use super::function::Function;
use super::ir::{Call, Limits, OutputColumn, Projection, Query, Ref, Scalar};
use super::names::Names;
use super::source::{self, Defaults};
use super::subquery;
use super::types::{Type, is_literal};
use crate::model::state::State;
use crate::query::error::QueryError;
use crate::query::functions::scalar::arithmetic::{Operand, Operator, result_type};
use influxql::ast::{BinaryOp, CastType, Expr, Order, Select};
use std::sync::Arc;

/// Resolves a SELECT against the catalog. `now_ns` is what `now()` means.
pub fn resolve(select: &Select, state: &State, defaults: Defaults<'_>, now_ns: i64) -> Result<Query> {
    subquery::check_depth(select)?;
    source::check_databases(state, &select.sources, defaults)?;
    let compiled = compile(select, now_ns)?;
    let mut query = resolve_compiled(select, &compiled, state, defaults)?.query;
    query.bounds.max_ns = query.bounds.max_ns.or(compiled.upper_ns);
    Ok(query)
}

/// A query and the names of its columns before numbers made them distinct.
pub(super) struct Resolved {
    pub query: Query,
    pub names: Vec<Arc<str>>,
}

/// The same of a statement whose form has been checked, without the upper bound of windows.
pub(super) fn resolve_compiled(
    select: &Select,
    compiled: &Compiled,
    state: &State,
    defaults: Defaults<'_>,
) -> Result<Resolved> {
    let sources = subquery::sources(select, compiled, state, defaults)?;
    let names = Names::new(sources.tables()).with_subqueries(sources.subqueries);
    let names = if has_wildcard(compiled) { names.with_siblings(state) } else { names };
    let (fields, group_tags) = expand(compiled, &names)?;
    let mut scope = Scope { names: &names, refs: Vec::new(), calls: Vec::new() };
    let mut columns = Vec::with_capacity(fields.len());
    for (field, name) in fields.iter().zip(column_names(&fields)) {
        let (value, ty) = scope.scalar(&field.expr)?;
        columns.push(OutputColumn { name, value, ty });
    }
    let Scope { refs, calls, .. } = scope;
    let name = |field: &CompiledField| match &field.alias {
        Some(alias) => alias.as_str().into(),
        None => default_name(&field.expr).into(),
    };
    let query = Query {
        projection: projection(&fields, calls, &names)?,
        measurements: sources.measurements.into(),
        columns,
        time_name: compiled.time_name.clone(),
        refs,
        group_tags,
        interval: compiled.interval,
        bounds: compiled.bounds,
        condition: compiled.condition.clone(),
        fill: compiled.fill,
        is_descending: select.order == Order::Descending,
        limits: Limits {
            limit: select.limit,
            offset: select.offset,
            slimit: select.slimit.saturating_add(sources.slimit),
            soffset: select.soffset.saturating_add(sources.soffset),
        },
        zone: compiled.zone,
        names: Arc::new(names),
    };
    Ok(Resolved { query, names: fields.iter().map(name).collect() })
}

fn projection(fields: &[CompiledField], mut calls: Vec<Call>, names: &Names) -> Result<Projection> {
    for call in &calls {
        let argument = &call.argument;
        // Where no table has such a field, InfluxDB 1.x never gets to complain.
        if !call.function.takes(argument.ty) && names.has_field(&argument.name, argument.ty) {
            let name = call.function.name();
            return err(format!(
                "unsupported {name} iterator type: *query.{}InterruptIterator",
                call.argument.ty
            ));
        }
    }
    if calls.is_empty() {
        return Ok(Projection::Raw);
    }
    if calls.len() > 1 || fields.is_empty() {
        return Ok(Projection::Aggregate(calls));
    }
    let call = calls.remove(0);
    Ok(match call.function {
        Function::Distinct => Projection::Distinct(call.argument),
        function if function.is_selector() => Projection::Selector(call),
        _ => Projection::Aggregate(vec![call]),
    })
}

/// The names and calls of the columns read so far, each once.
struct Scope<'a> {
    names: &'a Names,
    refs: Vec<Ref>,
    calls: Vec<Call>,
}

impl Scope<'_> {
    fn scalar(&mut self, expr: &Expr) -> Result<(Scalar, Type)> {
        Ok(match expr {
            Expr::VarRef { name, cast } => {
                let reference = self.reference(name, *cast);
                let ty = reference.ty;
                (Scalar::Ref(index_of(&mut self.refs, reference)), ty)
            }
            Expr::Call { name, args } => {
                let call = self.call(name, args)?;
                let ty = match call.ty() {
                    // Of a name without type, some functions still have one.
                    Type::Unknown => call.function.result_type(Type::Unknown),
                    ty => ty,
                };
                let shown = if call.has_values() { ty } else { Type::Unknown };
                let scalar = Scalar::Call(index_of(&mut self.calls, call));
                return Ok((scalar, shown));
            }
            Expr::Paren(inner) => return self.scalar(inner),
            Expr::Binary { op, left, right } => return self.binary(expr, *op, left, right),
            Expr::Float(x) => (Scalar::Float(*x), Type::Float),
            Expr::Integer(n) => (Scalar::Integer(*n), Type::Integer),
            Expr::Unsigned(n) => (Scalar::Unsigned(*n), Type::Unsigned),
            Expr::Boolean(b) => (Scalar::Boolean(*b), Type::Boolean),
            Expr::String(_) => (Scalar::Null, Type::String),
            Expr::Duration(_) => (Scalar::Null, Type::Duration),
            other => return err(format!("unimplemented expression: {other}")),
        })
    }

    fn binary(&mut self, expr: &Expr, op: BinaryOp, left: &Expr, right: &Expr) -> Result<(Scalar, Type)> {
        let (l, l_type) = self.scalar(left)?;
        let (r, r_type) = self.scalar(right)?;
        let ty = match (l_type, r_type) {
            (Type::Duration, _) | (_, Type::Duration) => return Ok((Scalar::Null, Type::Unknown)),
            (Type::Unknown, ty) | (ty, Type::Unknown) => ty,
            (Type::Tag, _) | (_, Type::Tag) => {
                return err(format!(
                    "type error: {}: incompatible types: {l_type} and {r_type}",
                    self.typed(expr)
                ));
            }
            _ => {
                let operator =
                    operator(op, true).ok_or_else(|| QueryError::Query(format!("unexpected {op}")))?;
                let operand = |side: &Expr, ty: Type| Operand {
                    field_type: ty.field_type(),
                    literal: is_literal(side),
                };
                match result_type(operator, operand(left, l_type), operand(right, r_type)) {
                    Ok(ty) => ty.map_or(Type::Unknown, Type::from),
                    Err(text) => return err(format!("type error: {}: {text}", self.typed(expr))),
                }
            }
        };
        // One side without a type is null, and so is the result.
        if l_type == Type::Unknown || r_type == Type::Unknown {
            let is_filled = |scalar: &Scalar| matches!(scalar, Scalar::Call(_) | Scalar::Binary { .. });
            if !is_filled(&l) && !is_filled(&r) {
                return Ok((Scalar::Null, ty));
            }
        }
        Ok((Scalar::Binary { op, left: Box::new(l), right: Box::new(r), ty }, ty))
    }

    fn reference(&self, name: &str, cast: Option<CastType>) -> Ref {
        let ty = if name == "time" { Type::Unknown } else { self.names.type_of(name, cast) };
        Ref { name: name.into(), ty }
    }

    /// What a function is computed of. It has no values of a tag, unless that comes from a subquery, where it is text.
    fn argument(&self, name: &str, cast: Option<CastType>) -> Ref {
        let reference = self.reference(name, cast);
        let ty = match reference.ty {
            Type::Tag if self.names.is_of_subquery(name) => Type::String,
            ty => ty,
        };
        Ref { ty, ..reference }
    }

    fn call(&self, name: &str, args: &[Expr]) -> Result<Call> {
        let function = match (name, args) {
            ("percentile", [_, Expr::Integer(n)]) => Some(Function::Percentile(*n as f64)),
            ("percentile", [_, Expr::Float(x)]) => Some(Function::Percentile(*x)),
            ("count", [Expr::Call { .. }]) => Some(Function::CountDistinct),
            _ => Function::of_name(name),
        };
        let argument = match args.first() {
            Some(Expr::Call { args, .. }) => args.first(),
            argument => argument,
        };
        match (function, argument) {
            (Some(function), Some(Expr::VarRef { name, cast })) => {
                Ok(Call { function, argument: self.argument(name, *cast) })
            }
            _ => Err(QueryError::unsupported(format_args!("{name}()"))),
        }
    }

    /// The expression's text with the type of each name, as type errors show it.
    fn typed(&self, expr: &Expr) -> Expr {
        match expr {
            Expr::VarRef { name, cast } => {
                let ty = if name == "time" { Type::Unknown } else { self.names.type_of(name, *cast) };
                Expr::VarRef { name: name.clone(), cast: ty.to_cast() }
            }
            Expr::Call { name, args } => {
                Expr::Call { name: name.clone(), args: args.iter().map(|arg| self.typed(arg)).collect() }
            }
            Expr::Paren(inner) => Expr::Paren(self.typed(inner).into()),
            Expr::Binary { op, left, right } => Expr::binary(*op, self.typed(left), self.typed(right)),
            other => other.clone(),
        }
    }
}

/// The place of `value` in `all`, where it is put if need be.
fn index_of<T: PartialEq>(all: &mut Vec<T>, value: T) -> usize {
    all.iter().position(|known| *known == value).unwrap_or_else(|| {
        all.push(value);
        all.len() - 1
    })
}

/// The function of an arithmetic operator. `divides_exactly`: whether integers divide to a float.
#[must_use]
pub(super) fn operator(op: BinaryOp, divides_exactly: bool) -> Option<Operator> {
    Some(match op {
        BinaryOp::Add => Operator::Add,
        BinaryOp::Subtract => Operator::Subtract,
        BinaryOp::Multiply => Operator::Multiply,
        BinaryOp::Divide if divides_exactly => Operator::Divide,
        BinaryOp::Divide => Operator::DivideIntegers,
        BinaryOp::Modulo => Operator::Modulo,
        BinaryOp::BitAnd => Operator::BitAnd,
        BinaryOp::BitOr => Operator::BitOr,
        BinaryOp::BitXor => Operator::BitXor,
        _ => return None,
    })
}
