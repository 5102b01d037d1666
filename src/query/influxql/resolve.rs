//! From the syntax tree to the [`Query`]: sources found, wildcards expanded, types known, mistakes reported.
//!
//! In: a SELECT, the catalog, the request's defaults and the time. Out: the IR, or the error that InfluxDB 1.x gives. The order of the
//! checks is InfluxDB's: databases, form of the statement ([`super::compile`]), policies, wildcards, types.

use super::compile::{Compiled, CompiledField, compile};
use super::error::{Result, err};
use super::expand::{column_names, default_name, expand, has_wildcard};
use super::faults::{check_type, reads, takes};
use super::function::{Function, Kind, kind_of};
use super::ir::{Call, Limits, OutputColumn, Projection, Query, Ref, Scalar};
use super::names::Names;
use super::source::{self, Defaults};
use super::subquery;
use super::time_range::refuse_values;
use super::types::{Type, is_literal};
use super::window_function::{self, Surroundings};
use crate::model::state::State;
use crate::query::error::QueryError;
use crate::query::functions::scalar::arithmetic::{Clause, Operand, Operator, result_type};
use crate::query::functions::scalar::math::MathFunction;
use influxql::ast::{BinaryOp, CastType, Expr, Fill, Order, Select};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Resolves a SELECT against the catalog. `now_ns` is what `now()` means.
pub fn resolve(select: &Select, state: &State, defaults: Defaults<'_>, now_ns: i64) -> Result<Query> {
    subquery::check_depth(select)?;
    source::check_databases(state, &select.sources, defaults)?;
    let compiled = compile(select, now_ns)?;
    let Resolved { mut query, fault, .. } = resolve_compiled(select, &compiled, state, defaults)?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    query.bounds.max_ns = query.bounds.max_ns.or(compiled.upper_ns);
    Ok(query)
}

/// What the errors of expressions begin with whose types do not fit together.
const TYPE_ERROR: &str = "type error: ";

/// A query and the names of its columns before numbers made them distinct.
pub(super) struct Resolved {
    pub query: Query,
    pub names: Vec<Arc<str>>,
    /// Those that a wildcard stands for.
    pub listed: Vec<Arc<str>>,
    /// The error of reading the query: a function that does not take its field's type, or a condition that is none, here or in a
    /// subquery that is read. InfluxDB 1.x finds it only then, and so never where an outer query has no use for this one.
    pub fault: Option<QueryError>,
}

/// The same of a statement whose form has been checked, without the upper bound of windows. In a subquery a column of types that do
/// not fit together is one without values, and without a type unless the left side of a bitwise operator is a boolean.
pub(super) fn resolve_compiled(
    select: &Select,
    compiled: &Compiled,
    state: &State,
    defaults: Defaults<'_>,
) -> Result<Resolved> {
    let mut sources = subquery::sources(select, compiled, state, defaults)?;
    let faults = std::mem::take(&mut sources.faults);
    let names = Names::new(sources.tables()).with_subqueries(std::mem::take(&mut sources.subqueries));
    let names = if has_wildcard(compiled) { names.with_siblings(state) } else { names };
    let (fields, group_tags) = expand(compiled, &names)?;
    let is_written = select.target.is_some();
    let fields = if is_written { fields } else { with_argument_columns(fields) };
    let mut scope = Scope {
        names: &names,
        seed: compiled.seed,
        surroundings: Surroundings::new(compiled.interval, compiled.zone, compiled.bounds.min_ns),
        refs: Vec::new(),
        calls: Vec::new(),
        point_tags: Vec::new(),
    };
    let mut columns = Vec::with_capacity(fields.len());
    for (field, name) in fields.iter().zip(column_names(&fields)) {
        let (value, ty) = match scope.scalar(&field.expr) {
            Err(QueryError::Query(text)) if compiled.is_subquery && text.starts_with(TYPE_ERROR) => {
                scope.read_unfit(&field.expr);
                (Scalar::Null, scope.type_of_unfit(&field.expr))
            }
            scalar => scalar?,
        };
        columns.push(OutputColumn { name, value, ty });
    }
    let Scope { refs, mut calls, point_tags, .. } = scope;
    let name = |field: &CompiledField| match &field.alias {
        Some(alias) => alias.as_str().into(),
        None => default_name(&field.expr).into(),
    };
    let mut fault = compiled.condition.as_ref().and_then(|condition| refuse_values(condition).err());
    for (subquery, of_subquery) in faults {
        if reads(&subquery, &refs, &calls) {
            fault = fault.or(Some(of_subquery));
        } else {
            subquery::leave_out(&subquery, &mut sources.measurements);
        }
    }
    let fault = fault.or_else(|| calls.iter().find_map(|call| check_type(call, &point_tags, &names).err()));
    // What is wrong with these nobody has come to see: they have no values.
    for call in &mut calls {
        if call.has_values() && !takes(call) && check_type(call, &point_tags, &names).is_ok() {
            call.argument.ty = Type::Unknown;
        }
    }
    // Yet a query around this one takes them for what they would be.
    for column in columns.iter_mut().filter(|_| !compiled.is_subquery) {
        if matches!(column.value, Scalar::Call(index) if !calls[index].has_values()) {
            column.ty = Type::Unknown;
        }
    }
    // InfluxDB 1.x counts the rows of each call. They are not those of all where windows without points make none, or where those
    // of each call begin with its own first point.
    let is_limited = (select.limit, select.offset) != (0, 0);
    let begins_with_point = compiled.bounds.min_ns.is_none() && select.order != Order::Descending;
    let has_own_rows = compiled.fill == Fill::None || begins_with_point;
    let counts_own_rows = is_limited && compiled.interval.is_some() && has_own_rows;
    let mut projection = match projection(&fields, calls, point_tags) {
        Projection::Aggregate(calls) if counts_own_rows && calls.len() > 1 => Projection::Window(calls),
        projection => projection,
    };
    let mut group_tags = group_tags;
    if let (true, Projection::TopBottom { tags, grouped_by, .. }) = (is_written, &mut projection)
        && !tags.is_empty()
    {
        let all: BTreeSet<_> = group_tags.iter().chain(&*tags).cloned().collect();
        *grouped_by = Some(std::mem::replace(&mut group_tags, all.into_iter().collect()));
    }
    let query = Query {
        projection,
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
    let names = fields.iter().map(name).collect();
    let listed = fields.iter().filter(|field| !field.is_argument).map(name).collect();
    Ok(Resolved { query, names, listed, fault })
}

/// The columns of a statement, among them the tags of `top(f, tag, N)` after the function. (What INTO writes has them as tags.)
fn with_argument_columns(fields: Vec<CompiledField>) -> Vec<CompiledField> {
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let arguments = match &field.expr {
            Expr::Call { name, args } if kind_of(name) == Some(Kind::TopBottom) => {
                args[1..args.len() - 1].to_vec()
            }
            _ => Vec::new(),
        };
        columns.push(field);
        columns.extend(arguments.into_iter().map(|expr| CompiledField {
            expr,
            alias: None,
            is_argument: true,
        }));
    }
    columns
}

fn projection(fields: &[CompiledField], mut calls: Vec<Call>, point_tags: Vec<Arc<str>>) -> Projection {
    if calls.is_empty() {
        return Projection::Raw;
    }
    let has_points = calls.iter().any(|call| call.function.is_points());
    if calls.iter().any(|call| !call.over.is_empty()) || (has_points && calls.len() > 1) {
        return Projection::Window(calls);
    }
    if calls.len() > 1 || fields.is_empty() {
        return Projection::Aggregate(calls);
    }
    let call = calls.remove(0);
    match call.function {
        Function::Distinct => Projection::Distinct(call.argument),
        function if function.is_points() => {
            Projection::TopBottom { call, tags: point_tags, grouped_by: None }
        }
        function if function.is_selector() => Projection::Selector(call),
        _ => Projection::Aggregate(vec![call]),
    }
}

/// The names and calls of the columns read so far, each once.
struct Scope<'a> {
    names: &'a Names,
    /// What `sample` depends on.
    seed: u64,
    surroundings: Surroundings,
    refs: Vec<Ref>,
    calls: Vec<Call>,
    /// The names between the field and N of `top` or `bottom`, of which there is at most one.
    point_tags: Vec<Arc<str>>,
}

impl Scope<'_> {
    fn scalar(&mut self, expr: &Expr) -> Result<(Scalar, Type)> {
        Ok(match expr {
            Expr::VarRef { name, cast } => {
                let reference = self.reference(name, *cast);
                let ty = reference.ty;
                (Scalar::Ref(index_of(&mut self.refs, reference)), ty)
            }
            Expr::Call { name, args } if let Some(function) = MathFunction::from_name(name) => {
                return self.math(function, args);
            }
            Expr::Call { name, args } => {
                let call = self.call(name, args)?;
                // Of a name without type, some functions still have one; of a tag, without values, others have that of a tag.
                let ty = call.result_type(call.argument.ty);
                return Ok((Scalar::Call(index_of(&mut self.calls, call)), ty));
            }
            Expr::Paren(inner) => return self.scalar(inner),
            Expr::Binary { op, left, right } => return self.binary(expr, *op, left, right),
            Expr::Float(x) => (Scalar::Float(*x), Type::Float),
            Expr::Integer(n) => (Scalar::Integer(*n), Type::Integer),
            Expr::Unsigned(n) => (Scalar::Unsigned(*n), Type::Unsigned),
            Expr::Boolean(b) => (Scalar::Boolean(*b), Type::Boolean),
            Expr::String(_) => (Scalar::Null, Type::String),
            Expr::Duration(_) => (Scalar::Null, Type::Duration),
            // Only as a second argument of mathematics, where they stand for nothing.
            Expr::Wildcard(_) | Expr::Regex(_) => (Scalar::Null, Type::Unknown),
            other => return err(format!("unimplemented expression: {other}")),
        })
    }

    fn binary(&mut self, expr: &Expr, op: BinaryOp, left: &Expr, right: &Expr) -> Result<(Scalar, Type)> {
        let (l, l_type) = self.scalar(left)?;
        let (r, r_type) = self.scalar(right)?;
        let is_bitwise = matches!(op, BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor);
        let ty = match (l_type, r_type) {
            (Type::Duration, Type::Boolean) | (Type::Boolean, Type::Duration) if is_bitwise => Type::Boolean,
            (Type::Duration, _) | (_, Type::Duration) => return Ok((Scalar::Null, Type::Unknown)),
            (Type::Unknown, ty) | (ty, Type::Unknown) => ty,
            // A function of a tag has no value, and counts as false.
            (Type::Boolean, Type::Tag) if is_bitwise && matches!(r, Scalar::Call(_)) => {
                let (left, right) = (Box::new(l), Box::new(Scalar::Null));
                let ty = Type::Boolean;
                return Ok((Scalar::Binary { op, left, right, ty }, ty));
            }
            (Type::Tag, _) | (_, Type::Tag) => {
                return err(format!(
                    "{TYPE_ERROR}{}: incompatible types: {l_type} and {r_type}",
                    self.typed(expr)
                ));
            }
            _ => {
                let operator = operator(op).ok_or_else(|| QueryError::Query(format!("unexpected {op}")))?;
                let operand = |side: &Expr, ty: Type| Operand {
                    field_type: ty.field_type(),
                    literal: is_literal(side),
                };
                match result_type(operator, Clause::Select, operand(left, l_type), operand(right, r_type)) {
                    Ok(ty) => ty.map_or(Type::Unknown, Type::from),
                    Err(text) => return err(format!("{TYPE_ERROR}{}: {text}", self.typed(expr))),
                }
            }
        };
        // One side without a type is null, and so is the result, unless it counts as false beside a boolean.
        let counts = is_bitwise && ty == Type::Boolean;
        if !counts && (l_type == Type::Unknown || r_type == Type::Unknown) {
            // A number fills it, which goes with numbers only.
            let is_filled = |scalar: &Scalar, own: Type, other: Type| {
                let may_be = matches!(
                    scalar,
                    Scalar::Ref(_) | Scalar::Call(_) | Scalar::Binary { .. } | Scalar::Math { .. }
                );
                may_be && own == Type::Unknown && (other.is_numeric() || other == Type::Unknown)
            };
            if !is_filled(&l, l_type, r_type) && !is_filled(&r, r_type, l_type) {
                return Ok((Scalar::Null, ty));
            }
        }
        Ok((Scalar::Binary { op, left: Box::new(l), right: Box::new(r), ty }, ty))
    }

    /// A mathematical function: of text and booleans it has no value, but the type of its first argument.
    fn math(&mut self, function: MathFunction, args: &[Expr]) -> Result<(Scalar, Type)> {
        let args = args.iter().map(|arg| self.scalar(arg)).collect::<Result<Vec<_>>>()?;
        if args.iter().any(|(_, ty)| !ty.is_numeric() && *ty != Type::Unknown) {
            let first = args.first().map_or(Type::Float, |(_, ty)| *ty);
            return Ok((Scalar::Null, first));
        }
        let ty = match args.first() {
            Some((_, ty)) if function.keeps_type() => *ty,
            _ => Type::Float,
        };
        Ok((Scalar::Math { function, args: args.into_iter().map(|(arg, _)| arg).collect(), ty }, ty))
    }

    /// Reads the names and calls of an expression of types that do not fit together: a row with one of them is a row.
    fn read_unfit(&mut self, expr: &Expr) {
        match expr {
            Expr::VarRef { name, cast } => {
                let reference = self.reference(name, *cast);
                index_of(&mut self.refs, reference);
            }
            Expr::Paren(inner) => self.read_unfit(inner),
            Expr::Binary { left, right, .. } => {
                self.read_unfit(left);
                self.read_unfit(right);
            }
            Expr::Call { name, args } if MathFunction::from_name(name).is_some() => {
                args.iter().for_each(|arg| self.read_unfit(arg));
            }
            Expr::Call { name, args } => {
                if let Ok(call) = self.call(name, args) {
                    index_of(&mut self.calls, call);
                }
            }
            _ => {}
        }
    }

    /// The type of an expression of types that do not fit together, to a query around it.
    fn type_of_unfit(&mut self, expr: &Expr) -> Type {
        match expr {
            Expr::Paren(inner) => self.type_of_unfit(inner),
            Expr::Binary { op: BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor, left, .. } => {
                match self.scalar(left) {
                    Ok((_, Type::Boolean)) => Type::Boolean,
                    _ => Type::Unknown,
                }
            }
            _ => Type::Unknown,
        }
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

    fn call(&mut self, name: &str, args: &[Expr]) -> Result<Call> {
        if window_function::is_name(name) {
            return self.window_call(name, args);
        }
        let function = match (name, args) {
            ("percentile", [_, Expr::Integer(n)]) => Some(Function::Percentile(*n as f64)),
            ("percentile", [_, Expr::Float(x)]) => Some(Function::Percentile(*x)),
            ("count", [Expr::Call { .. }]) => Some(Function::CountDistinct),
            ("top", [_, tags @ .., Expr::Integer(n)]) => {
                self.point_tags = names_of(tags);
                Some(Function::Top(n.unsigned_abs()))
            }
            ("bottom", [_, tags @ .., Expr::Integer(n)]) => {
                self.point_tags = names_of(tags);
                Some(Function::Bottom(n.unsigned_abs()))
            }
            ("sample", [_, Expr::Integer(n)]) => {
                Some(Function::Sample { count: n.unsigned_abs(), seed: self.seed })
            }
            _ => Function::of_name(name),
        };
        let argument = match args.first() {
            Some(Expr::Call { args, .. }) => args.first(),
            argument => argument,
        };
        match (function, argument) {
            (Some(function), Some(Expr::VarRef { name, cast })) => {
                Ok(Call { function, argument: self.argument(name, *cast), over: Vec::new() })
            }
            // Mathematics below another function.
            _ => err(format!("unsupported call: {name}")),
        }
    }

    /// A function of neighbouring points, over a field or another call.
    fn window_call(&mut self, name: &str, args: &[Expr]) -> Result<Call> {
        let function = window_function::window_function(name, args, self.surroundings)?;
        let mut call = match args.first() {
            Some(Expr::VarRef { name, cast }) => {
                Call { function: Function::Points, argument: self.argument(name, *cast), over: Vec::new() }
            }
            Some(Expr::Call { name, args }) => self.call(name, args)?,
            _ => return err(format!("expected field argument in {name}()")),
        };
        call.over.push(function);
        Ok(call)
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

fn names_of(exprs: &[Expr]) -> Vec<Arc<str>> {
    let name = |expr: &Expr| match expr {
        Expr::VarRef { name, .. } => Some(name.as_str().into()),
        _ => None,
    };
    exprs.iter().filter_map(name).collect()
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
pub(super) fn operator(op: BinaryOp) -> Option<Operator> {
    Some(match op {
        BinaryOp::Add => Operator::Add,
        BinaryOp::Subtract => Operator::Subtract,
        BinaryOp::Multiply => Operator::Multiply,
        BinaryOp::Divide => Operator::Divide,
        BinaryOp::Modulo => Operator::Modulo,
        BinaryOp::BitAnd => Operator::BitAnd,
        BinaryOp::BitOr => Operator::BitOr,
        BinaryOp::BitXor => Operator::BitXor,
        _ => return None,
    })
}
