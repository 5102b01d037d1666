//! The functions of neighbouring points by name: their arguments checked and read, the types they take and yield.
//!
//! In: a call as folded, and what the statement says around it. Out: a [`WindowFunction`], or the error that InfluxDB 1.x
//! gives. The first argument, a field or a call, is not looked at.

use super::error::{Result, err};
use super::fold::Folded;
use super::function::{Kind, kind_of};
use super::ir::Interval;
use super::time_range::go_type;
use super::types::Type;
use crate::model::limits::{HOLT_WINTERS_INTERVALS_MAX, HOLT_WINTERS_SEASON_MAX};
use crate::query::functions::scalar::bucket::Buckets;
use crate::query::functions::window::{Smoothing, Warmup, WindowFunction};
use chrono_tz::Tz;
use influxql::ast::Expr;

/// The unit of rates and areas that name none.
const SECOND_NS: i64 = 1_000_000_000;

/// What a statement says around a call.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    interval: Option<Interval>,
    buckets: Option<Buckets>,
    lower_ns: Option<i64>,
}

impl Surroundings {
    /// GROUP BY time, the zone of its windows, and the lower bound of times.
    #[must_use]
    pub fn new(interval: Option<Interval>, zone: Option<Tz>, lower_ns: Option<i64>) -> Self {
        let buckets = interval.and_then(|i| Buckets::new(i.every_ns, i.offset_ns, zone));
        Self { interval, buckets, lower_ns }
    }

    fn every_ns(&self) -> Option<i64> {
        self.interval.map(|interval| interval.every_ns)
    }
}

/// Whether the function of this name is one of neighbouring points.
#[must_use]
pub fn is_name(name: &str) -> bool {
    kind_of(name) == Some(Kind::Window) || name == "integral"
}

/// Whether the function of this name is one of technical analysis.
#[must_use]
pub fn smooths(name: &str) -> bool {
    matches!(
        name,
        "exponential_moving_average"
            | "double_exponential_moving_average"
            | "triple_exponential_moving_average"
            | "triple_exponential_derivative"
            | "relative_strength_index"
            | "kaufmans_efficiency_ratio"
            | "kaufmans_adaptive_moving_average"
            | "chande_momentum_oscillator"
    )
}

/// The function of a call, for a name that [`is_name`] accepts.
pub fn window_function(name: &str, args: &[Expr], around: Surroundings) -> Result<WindowFunction> {
    match name {
        "derivative" | "non_negative_derivative" => {
            let unit_ns = unit(name, args)?.or(around.every_ns()).unwrap_or(SECOND_NS);
            Ok(WindowFunction::Derivative { unit_ns, non_negative: name != "derivative" })
        }
        "elapsed" => Ok(WindowFunction::Elapsed { unit_ns: unit(name, args)?.unwrap_or(1) }),
        "integral" => {
            let unit_ns = unit(name, args)?.unwrap_or(SECOND_NS);
            Ok(WindowFunction::Integral { unit_ns, buckets: around.buckets, lower_ns: around.lower_ns })
        }
        "difference" | "non_negative_difference" => {
            check_count(name, args, 1, 1)?;
            Ok(WindowFunction::Difference { non_negative: name != "difference" })
        }
        "cumulative_sum" => {
            check_count(name, args, 1, 1)?;
            Ok(WindowFunction::CumulativeSum)
        }
        "moving_average" => moving_average(args),
        "holt_winters" | "holt_winters_with_fit" => holt_winters(name, args, around),
        _ => smoothed(name, args),
    }
}

fn check_count(name: &str, args: &[Expr], least: usize, most: usize) -> Result<()> {
    let got = args.len();
    if (least..=most).contains(&got) {
        return Ok(());
    }
    let expected = match least == most {
        true => least.to_string(),
        false => format!("at least {least} but no more than {most}"),
    };
    err(format!("invalid number of arguments for {name}, expected {expected}, got {got}"))
}

/// The unit of time that a call names as its second argument.
fn unit(name: &str, args: &[Expr]) -> Result<Option<i64>> {
    check_count(name, args, 1, 2)?;
    match args.get(1) {
        None => Ok(None),
        Some(Expr::Duration(ns)) if *ns > 0 => Ok(Some(*ns)),
        Some(duration @ Expr::Duration(_)) => {
            err(format!("duration argument must be positive, got {duration}"))
        }
        Some(_) if name == "integral" => err("second argument must be a duration"),
        Some(other) => err(format!("second argument to {name} must be a duration, got {}", type_of(other))),
    }
}

fn type_of(expr: &Expr) -> &'static str {
    go_type(&Folded::Expr(expr.clone()))
}

fn moving_average(args: &[Expr]) -> Result<WindowFunction> {
    check_count("moving_average", args, 2, 2)?;
    match &args[1] {
        Expr::Integer(n) if *n > 1 => Ok(WindowFunction::MovingAverage { count: to_usize(*n) }),
        Expr::Integer(n) => err(format!("moving_average window must be greater than 1, got {n}")),
        other => {
            let ty = type_of(other);
            err(format!("second argument for moving_average must be an integer, got {ty}"))
        }
    }
}

fn holt_winters(name: &str, args: &[Expr], around: Surroundings) -> Result<WindowFunction> {
    check_count(name, args, 3, 3)?;
    let count = match args[1] {
        Expr::Integer(n) if n > 0 => to_usize(n),
        Expr::Integer(n) => return err(format!("second arg to {name} must be greater than 0, got {n}")),
        _ => return err(format!("expected integer argument as second arg in {name}")),
    };
    let season = match args[2] {
        Expr::Integer(n) if n >= 0 => to_usize(n),
        Expr::Integer(n) => return err(format!("third arg to {name} cannot be negative, got {n}")),
        _ => return err(format!("expected integer argument as third arg in {name}")),
    };
    // InfluxDB 1.x has no bounds here, and does not come back.
    if count > HOLT_WINTERS_INTERVALS_MAX {
        return err(format!(
            "second arg to {name} must be at most {HOLT_WINTERS_INTERVALS_MAX}, got {count}"
        ));
    }
    if season > HOLT_WINTERS_SEASON_MAX {
        return err(format!("third arg to {name} must be at most {HOLT_WINTERS_SEASON_MAX}, got {season}"));
    }
    Ok(WindowFunction::HoltWinters {
        count,
        season,
        with_fit: name != "holt_winters",
        interval_ns: around.every_ns().unwrap_or(1),
    })
}

/// The functions of technical analysis: a period, a hold and a kind of warmup.
fn smoothed(name: &str, args: &[Expr]) -> Result<WindowFunction> {
    let is_kaufmans = name.starts_with("kaufmans_");
    let is_chande = name == "chande_momentum_oscillator";
    check_count(name, args, 2, if is_kaufmans { 3 } else { 4 })?;
    let period = match args[1] {
        Expr::Integer(n) if n >= 1 => to_usize(n),
        Expr::Integer(_) => return err(format!("{name} period must be greater than or equal to 1")),
        _ => return err(format!("{name} period must be an integer")),
    };
    let least_hold = if name == "triple_exponential_derivative" { 1 } else { 0 };
    let hold = match args.get(2) {
        None | Some(Expr::Integer(-1)) => None,
        Some(Expr::Integer(n)) if *n >= least_hold => Some(to_usize(*n)),
        Some(Expr::Integer(_)) => {
            return err(format!("{name} hold period must be greater than or equal to {least_hold}"));
        }
        Some(_) => return err(format!("{name} hold period must be an integer")),
    };
    let warmup = match args.get(3) {
        None if is_chande => None,
        None => Some(Warmup::Exponential),
        Some(Expr::String(text)) => match text.as_str() {
            "exponential" => Some(Warmup::Exponential),
            "simple" => Some(Warmup::Simple),
            "none" if is_chande => None,
            _ => {
                let none = if is_chande { "'none' " } else { "" };
                return err(format!("{name} warmup type must be one of: {none}'exponential' 'simple'"));
            }
        },
        Some(_) => return err(format!("{name} warmup type must be a string")),
    };
    let Some(warmup) = warmup else {
        // InfluxDB 1.x panics.
        if period < 2 {
            return err(format!("{name} period must be greater than or equal to 2 without a warmup"));
        }
        return Ok(WindowFunction::ChandeMomentumOscillator { period, hold });
    };
    let smoothing = Smoothing { period, hold, warmup };
    Ok(match name {
        "kaufmans_efficiency_ratio" => WindowFunction::KaufmansEfficiencyRatio { period, hold },
        "kaufmans_adaptive_moving_average" => WindowFunction::KaufmansAdaptiveMovingAverage { period, hold },
        "chande_momentum_oscillator" => WindowFunction::ChandeMomentumOscillatorSmoothed(smoothing),
        "relative_strength_index" => WindowFunction::RelativeStrengthIndex(smoothing),
        "triple_exponential_derivative" => WindowFunction::TripleExponentialDerivative(smoothing),
        "double_exponential_moving_average" => {
            WindowFunction::ExponentialMovingAverage { order: 2, smoothing }
        }
        "triple_exponential_moving_average" => {
            WindowFunction::ExponentialMovingAverage { order: 3, smoothing }
        }
        _ => WindowFunction::ExponentialMovingAverage { order: 1, smoothing },
    })
}

fn to_usize(n: i64) -> usize {
    usize::try_from(n).unwrap_or_default()
}

/// Whether values of this type can be its argument.
#[must_use]
pub fn takes(function: WindowFunction, argument: Type) -> bool {
    argument.field_type().is_some_and(|ty| function.takes(ty))
}

/// The type of its values; `Unknown` where it has that of an argument without one.
#[must_use]
pub fn result_type(function: WindowFunction, argument: Type) -> Type {
    match (argument.field_type(), function) {
        (Some(argument), _) => function.result_type(argument).into(),
        (None, WindowFunction::Difference { .. } | WindowFunction::CumulativeSum) => argument,
        (None, WindowFunction::Elapsed { .. }) => Type::Integer,
        (None, _) => Type::Float,
    }
}

/// What InfluxDB 1.x's error calls a function that does not take a type.
#[must_use]
pub fn iterator_name(function: WindowFunction) -> &'static str {
    match function {
        WindowFunction::Derivative { .. } => "derivative",
        WindowFunction::Difference { .. } => "difference",
        WindowFunction::MovingAverage { .. } => "moving average",
        WindowFunction::CumulativeSum => "cumulative sum",
        // Its own name there is that of another.
        WindowFunction::Elapsed { .. } | WindowFunction::HoltWinters { .. } => "elapsed",
        WindowFunction::ExponentialMovingAverage { order: 1, .. } => "exponential moving average",
        WindowFunction::ExponentialMovingAverage { order: 2, .. } => "double exponential moving average",
        WindowFunction::ExponentialMovingAverage { .. } => "triple exponential moving average",
        WindowFunction::TripleExponentialDerivative(_) => "triple exponential derivative",
        WindowFunction::RelativeStrengthIndex(_) => "relative strength index",
        WindowFunction::ChandeMomentumOscillator { .. }
        | WindowFunction::ChandeMomentumOscillatorSmoothed(_) => "chande momentum oscillator",
        WindowFunction::KaufmansEfficiencyRatio { .. } => "kaufmans efficiency ratio",
        WindowFunction::KaufmansAdaptiveMovingAverage { .. } => "kaufmans adaptive moving average",
        WindowFunction::Integral { .. } => "integral",
    }
}
