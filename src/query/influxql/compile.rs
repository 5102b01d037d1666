//! The checks that need no schema, in InfluxDB 1.x's order, so that of several mistakes the same one is reported.
//!
//! In: a SELECT. Out: a [`Compiled`]: its fields folded, its time range apart, its GROUP BY read, and the same of its subqueries.

use super::check_selector::{check_sample, check_top_bottom};
use super::dimensions::Dimensions;
use super::error::{Result, err};
use super::fold::{Env, fold};
use super::function::{self, Kind};
use super::ir::Interval;
use super::time_range::{TimeBounds, refuse_values, split};
use super::window_function::{self, Surroundings};
use chrono_tz::Tz;
use influxql::ast::{Expr, Fill, Order, Select, Source};
use std::str::FromStr as _;

/// A SELECT whose form has been checked.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// The columns without `time`, folded.
    pub fields: Vec<CompiledField>,
    /// The name of the time column.
    pub time_name: String,
    /// WHERE without time.
    pub condition: Option<Expr>,
    /// The times of rows, as WHERE has them.
    pub bounds: TimeBounds,
    /// `now()` for a query with windows: they end there when `bounds` has no upper bound.
    pub upper_ns: Option<i64>,
    /// GROUP BY time; a subquery without it takes that of the query around it. `None` also for `time(0s)`, which groups
    /// nothing.
    pub interval: Option<Interval>,
    /// What fills empty windows.
    pub fill: Fill,
    /// The other entries of GROUP BY: names, wildcards and regexes.
    pub dimensions: Vec<Expr>,
    /// `tz()`.
    pub zone: Option<Tz>,
    /// What the choice of `sample` depends on.
    pub seed: u64,
    /// The subqueries of FROM, in order.
    pub subqueries: Vec<Compiled>,
    /// Whether it is one.
    pub is_subquery: bool,
}

/// What a subquery's checks need to know of the query around it.
#[derive(Clone, Copy, Debug)]
struct Outer {
    interval: Option<Interval>,
    is_descending: bool,
}

/// A column of SELECT.
#[derive(Clone, Debug)]
pub(super) struct CompiledField {
    /// What it computes, folded.
    pub expr: Expr,
    /// The name after AS.
    pub alias: Option<String>,
    /// Whether it is a tag among the arguments of the function before it, which a wildcard does not stand for.
    pub is_argument: bool,
}

/// Checks a statement. `now_ns` is what `now()` means.
pub(super) fn compile(select: &Select, now_ns: i64) -> Result<Compiled> {
    compile_within(select, now_ns, None)
}

fn compile_within(select: &Select, now_ns: i64, outer: Option<Outer>) -> Result<Compiled> {
    let zone = select.time_zone.as_deref().and_then(|name| Tz::from_str(name).ok());
    let env = Env { now_ns: Some(now_ns), zone: zone.unwrap_or(Tz::UTC), folds_math: false };
    let (condition, bounds) = split(select.condition.as_ref(), env)?;
    if let Some(condition) = &condition {
        // In a subquery, InfluxDB 1.x notices this only when it reads it.
        if outer.is_none() {
            refuse_values(condition)?;
        }
        check_condition(condition)?;
    }
    let Dimensions { interval, bad_offset, others: dimensions } =
        Dimensions::read(&select.dimensions, now_ns)?;
    let mut compiler = Compiler { limit: select.limit, interval, ..Compiler::default() };
    let is_descending = is_descending(select, outer)?;
    let has_interval = compiler.interval.is_some_and(|interval| interval.every_ns != 0);
    let mut fill = select.fill;
    if outer.is_some() && has_interval && fill == Fill::Null {
        fill = Fill::None;
    }
    if !has_interval && let Some(interval) = outer.and_then(|outer| outer.interval) {
        compiler.interval = Some(interval);
        compiler.is_interval_inherited = true;
    }
    let (time_name, fields) = compiler.fields(select)?;
    compiler.check(fields.len(), fill)?;
    if let Some(text) = bad_offset {
        return err(format!("invalid time dimension offset: {text}"));
    }
    let interval = compiler.interval.filter(|interval| interval.every_ns > 0);
    let as_outer = Outer { interval, is_descending };
    let subqueries = select.sources.iter().filter_map(|source| match source {
        Source::Subquery(subquery) => Some(compile_within(subquery, now_ns, Some(as_outer))),
        Source::Measurement(_) => None,
    });
    Ok(Compiled {
        fields,
        time_name,
        condition,
        bounds,
        upper_ns: has_interval.then_some(now_ns),
        interval,
        // A subquery or INTO hands no rows on for windows without points, not even a count of 0.
        fill: if (outer.is_some() || select.target.is_some()) && fill == Fill::Null {
            Fill::None
        } else {
            fill
        },
        dimensions,
        zone,
        seed: now_ns.cast_unsigned(),
        subqueries: subqueries.collect::<Result<_>>()?,
        is_subquery: outer.is_some(),
    })
}

/// Whether rows come latest first. A subquery follows the query around it.
fn is_descending(select: &Select, outer: Option<Outer>) -> Result<bool> {
    let is_descending = select.order == Order::Descending;
    match outer {
        Some(outer) if is_descending && !outer.is_descending => {
            err("subqueries must be ordered in the same direction as the query itself")
        }
        Some(outer) => Ok(outer.is_descending),
        None => Ok(is_descending),
    }
}

/// `DISTINCT f` as `distinct(f)`, but not as the argument of a function of neighbouring rows.
fn with_distinct_calls(expr: &Expr) -> Expr {
    match expr {
        Expr::Distinct(name) => Expr::Call { name: "distinct".into(), args: vec![Expr::name(name.as_str())] },
        Expr::Call { name, args } => {
            let is_left = |arg: &Expr| matches!(arg, Expr::Distinct(_)) && window_function::is_name(name);
            let args =
                args.iter().map(|arg| if is_left(arg) { arg.clone() } else { with_distinct_calls(arg) });
            Expr::Call { name: name.clone(), args: args.collect() }
        }
        Expr::Paren(inner) => Expr::Paren(with_distinct_calls(inner).into()),
        // Of too many operators the check of the column will complain.
        Expr::Binary { op, left, right } if super::types::check_operators(expr).is_ok() => {
            Expr::binary(*op, with_distinct_calls(left), with_distinct_calls(right))
        }
        other => other.clone(),
    }
}

/// Only mathematics may stand in WHERE, and times, which are `now()` once folded: a comparison with one never holds.
fn check_condition(condition: &Expr) -> Result<()> {
    let mut outcome = Ok(());
    condition.walk(&mut |expr| {
        let Expr::Call { name, args } = expr else { return };
        if outcome.is_err() || (name == "now" && args.is_empty()) {
            return;
        }
        if function::kind_of(name) != Some(Kind::Math) {
            outcome = err(format!("invalid function call in condition: {expr}"));
            return;
        }
        // InfluxDB 1.x counts one argument for `log` here, so that a right call of it cannot be had.
        let arity = if name == "log" { 1 } else { function::math_arity(name) };
        outcome = check_arity(name, arity, args.len());
    });
    outcome
}

pub(super) fn check_arity(name: &str, expected: usize, got: usize) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    err(format!("invalid number of arguments for {name}, expected {expected}, got {got}"))
}

/// What the columns read so far amount to.
#[derive(Debug, Default)]
struct Compiler {
    interval: Option<Interval>,
    /// Whether the interval is the outer query's.
    is_interval_inherited: bool,
    /// LIMIT; 0 for none.
    limit: u64,
    call_count: usize,
    top_bottom: Option<String>,
    has_distinct: bool,
    has_names: bool,
    has_aggregates: bool,
    is_wildcard_allowed: bool,
}

impl Compiler {
    /// The name of the time column, and the other columns, folded and checked.
    fn fields(&mut self, select: &Select) -> Result<(String, Vec<CompiledField>)> {
        let mut time_name = "time".to_owned();
        let mut fields = Vec::new();
        for field in &select.fields {
            if matches!(&field.expr, Expr::VarRef { name, .. } if name == "time") {
                if let Some(alias) = &field.alias {
                    time_name.clone_from(alias);
                }
                continue;
            }
            let env = Env { now_ns: None, zone: Tz::UTC, folds_math: true };
            let expr = fold(&with_distinct_calls(&field.expr), env).into_expr();
            self.is_wildcard_allowed = true;
            self.field(&expr)?;
            fields.push(CompiledField { expr, alias: field.alias.clone(), is_argument: false });
        }
        Ok((time_name, fields))
    }

    fn field(&mut self, expr: &Expr) -> Result<()> {
        match expr {
            Expr::VarRef { .. } => self.has_names = true,
            Expr::Wildcard(_) => {
                self.has_names = true;
                if !self.is_wildcard_allowed {
                    return err("unable to use wildcard in a binary expression");
                }
            }
            Expr::Regex(_) => {
                if !self.is_wildcard_allowed {
                    return err("unable to use regex in a binary expression");
                }
                self.has_names = true;
            }
            Expr::Call { name, args } => return self.call(name, args),
            Expr::Binary { .. } => return self.binary(expr),
            Expr::Paren(inner) => return self.field(inner),
            _ => return err("field must contain at least one variable"),
        }
        Ok(())
    }

    /// A chain of operators, in a loop along its left side.
    fn binary(&mut self, expr: &Expr) -> Result<()> {
        self.is_wildcard_allowed = false;
        super::types::check_operators(expr)?;
        let mut operands = Vec::new();
        let mut node = expr;
        while let Expr::Binary { left, right, .. } = node {
            operands.push(&**right);
            node = left;
        }
        operands.push(node);
        // A chain begins with these two; no other operand of it has a literal on its left.
        if let [.., second, first] = operands[..]
            && super::types::is_literal(first)
            && super::types::is_literal(second)
        {
            return err("cannot perform a binary expression on two literals");
        }
        for operand in operands.into_iter().rev().filter(|operand| !super::types::is_literal(operand)) {
            self.field(operand)?;
        }
        Ok(())
    }

    fn call(&mut self, name: &str, args: &[Expr]) -> Result<()> {
        let kind = function::kind_of(name);
        if kind == Some(Kind::Math) {
            check_arity(name, function::math_arity(name), args.len())?;
            args.iter().try_for_each(super::types::check_operators)?;
            return args
                .iter()
                .filter(|arg| !super::types::is_literal(arg))
                .try_for_each(|arg| self.field(arg));
        }
        self.call_count += 1;
        match (kind, name) {
            (None, _) => err(format!("undefined function {name}()")),
            (Some(Kind::Distinct), _) => self.distinct(args, false),
            (Some(_), "percentile") => {
                check_arity(name, 2, args.len())?;
                if !matches!(args[1], Expr::Integer(_) | Expr::Float(_)) {
                    return err("expected float argument in percentile()");
                }
                self.symbol(name, &args[0])
            }
            (Some(_), "sample") => {
                check_sample(args)?;
                self.symbol(name, &args[0])
            }
            (Some(Kind::TopBottom), _) => {
                if let Some(other) = &self.top_bottom {
                    return err(format!(
                        "selector function {other}() cannot be combined with other functions"
                    ));
                }
                check_top_bottom(name, args, self.limit)?;
                // Names between the field and N become columns.
                self.has_names |= args.len() > 2;
                self.top_bottom = Some(name.to_owned());
                Ok(())
            }
            (Some(_), _) if window_function::is_name(name) => self.window_call(name, args),
            (Some(kind), _) => {
                self.has_aggregates |= kind == Kind::Aggregate;
                check_arity(name, 1, args.len())?;
                match &args[0] {
                    Expr::Call { name: inner, args } if name == "count" && inner == "distinct" => {
                        self.distinct(args, true)
                    }
                    argument => self.symbol(name, argument),
                }
            }
        }
    }

    /// A function of neighbouring points, over a field or, with windows, over a call.
    fn window_call(&mut self, name: &str, args: &[Expr]) -> Result<()> {
        let every_ns = self.interval.map_or(0, |interval| interval.every_ns);
        let surroundings = Surroundings::new(self.interval.filter(|i| i.every_ns > 0), None, None);
        window_function::window_function(name, args, surroundings)?;
        self.has_aggregates = true;
        let is_forecast = name.starts_with("holt_winters");
        match &args[0] {
            argument if name == "integral" => self.symbol(name, argument),
            Expr::Call { .. } if every_ns == 0 => {
                err(format!("{name} aggregate requires a GROUP BY interval"))
            }
            Expr::Call { name: inner, args } if inner == "distinct" && !window_function::smooths(name) => {
                self.distinct(args, true)
            }
            argument @ Expr::Call { .. } => self.field(argument),
            _ if is_forecast => err(format!("must use aggregate function with {name}")),
            _ if every_ns != 0 && !self.is_interval_inherited => {
                err(format!("aggregate function required inside the call to {name}"))
            }
            argument => self.symbol(name, argument),
        }
    }

    fn distinct(&mut self, args: &[Expr], is_nested: bool) -> Result<()> {
        match args {
            [] => err("distinct function requires at least one argument"),
            [Expr::VarRef { .. }] => {
                self.has_distinct |= !is_nested;
                self.has_aggregates = true;
                Ok(())
            }
            [_] => err("expected field argument in distinct()"),
            _ => err("distinct function can only have one argument"),
        }
    }

    fn symbol(&mut self, name: &str, argument: &Expr) -> Result<()> {
        match argument {
            Expr::VarRef { .. } => return Ok(()),
            Expr::Wildcard(_) if !self.is_wildcard_allowed => {
                return err(format!("unsupported expression with wildcard: {name}()"));
            }
            Expr::Regex(_) if !self.is_wildcard_allowed => {
                return err(format!("unsupported expression with regex field: {name}()"));
            }
            Expr::Wildcard(_) | Expr::Regex(_) => {}
            _ => return err(format!("expected field argument in {name}()")),
        }
        self.has_aggregates = true;
        Ok(())
    }

    fn check(&self, field_count: usize, fill: Fill) -> Result<()> {
        if field_count == 0 {
            return err("at least 1 non-time field must be queried");
        }
        match &self.top_bottom {
            Some(name) if self.call_count > 1 => {
                return err(format!("selector function {name}() cannot be combined with other functions"));
            }
            _ => {}
        }
        if self.call_count == 0 {
            match fill {
                Fill::None => return err("fill(none) must be used with a function"),
                Fill::Linear => return err("fill(linear) must be used with a function"),
                _ => {}
            }
            let has_interval = self.interval.is_some_and(|interval| interval.every_ns != 0);
            if has_interval && !self.is_interval_inherited {
                return err("GROUP BY requires at least one aggregate function");
            }
        }
        if self.has_distinct && (self.call_count != 1 || self.has_names) {
            return err("aggregate function distinct() cannot be combined with other functions or fields");
        }
        if self.has_names && self.has_aggregates {
            return err("mixing aggregate and non-aggregate queries is not supported");
        }
        if self.has_names && self.call_count > 1 {
            return err("mixing multiple selector functions with tags or fields is not supported");
        }
        Ok(())
    }
}
