//! The functions of InfluxQL by name: which there are, what kind each is of, which types it takes and yields.
//!
//! Knows nothing of how a function is computed: `call` turns a [`Function`] into a DataFusion aggregate.

use super::types::Type;
use crate::query::functions::scalar::math::MathFunction;

/// A function that this version plans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// `count(f)`
    Count,
    /// `count(distinct(f))`
    CountDistinct,
    /// `distinct(f)`
    Distinct,
    /// `sum(f)`
    Sum,
    /// `mean(f)`
    Mean,
    /// `median(f)`
    Median,
    /// `mode(f)`
    Mode,
    /// `spread(f)`
    Spread,
    /// `stddev(f)`
    Stddev,
    /// `min(f)`
    Min,
    /// `max(f)`
    Max,
    /// `first(f)`
    First,
    /// `last(f)`
    Last,
    /// `percentile(f, N)`
    Percentile(f64),
    /// `top(f, N)`
    Top(u64),
    /// `bottom(f, N)`
    Bottom(u64),
    /// `sample(f, N)`
    Sample {
        /// N.
        count: u64,
        /// What chance depends on.
        seed: u64,
    },
    /// The points themselves, for a function of neighbouring ones.
    Points,
}

/// What a name in front of a parenthesis stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of the rows of a window or series.
    Selector,
    /// One value for a window or series.
    Aggregate,
    /// `distinct`
    Distinct,
    /// `top`, `bottom`: several rows of a window or series.
    TopBottom,
    /// `derivative` and its like: a value from neighbouring rows or windows.
    Window,
    /// `abs` and its like: a value from one row.
    Math,
}

/// The kind of the function of this name, or `None` when there is none.
#[must_use]
pub fn kind_of(name: &str) -> Option<Kind> {
    Some(match name {
        "min" | "max" | "first" | "last" | "percentile" | "sample" => Kind::Selector,
        "count" | "sum" | "mean" | "median" | "mode" | "spread" | "stddev" | "integral" => Kind::Aggregate,
        "distinct" => Kind::Distinct,
        "top" | "bottom" => Kind::TopBottom,
        "derivative"
        | "non_negative_derivative"
        | "difference"
        | "non_negative_difference"
        | "moving_average"
        | "cumulative_sum"
        | "elapsed"
        | "holt_winters"
        | "holt_winters_with_fit"
        | "exponential_moving_average"
        | "double_exponential_moving_average"
        | "triple_exponential_moving_average"
        | "triple_exponential_derivative"
        | "relative_strength_index"
        | "kaufmans_efficiency_ratio"
        | "kaufmans_adaptive_moving_average"
        | "chande_momentum_oscillator" => Kind::Window,
        name if MathFunction::from_name(name).is_some() => Kind::Math,
        _ => return None,
    })
}

/// How many arguments a function of [`Kind::Math`] takes.
#[must_use]
pub fn math_arity(name: &str) -> usize {
    MathFunction::from_name(name).map_or(1, MathFunction::argument_count)
}

/// Whether a wildcard inside this function expands to fields of that type.
#[must_use]
pub fn wildcard_takes(name: &str, ty: Type) -> bool {
    match ty {
        Type::Float | Type::Integer | Type::Unsigned => true,
        Type::Boolean => {
            matches!(
                name,
                "count" | "first" | "last" | "distinct" | "elapsed" | "mode" | "sample" | "min" | "max"
            )
        }
        Type::String => {
            matches!(name, "count" | "first" | "last" | "distinct" | "elapsed" | "mode" | "sample")
        }
        Type::Tag | Type::Unknown | Type::Duration => false,
    }
}

impl Function {
    /// The function of a checked call with one argument, where there is one.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "count" => Self::Count,
            "distinct" => Self::Distinct,
            "sum" => Self::Sum,
            "mean" => Self::Mean,
            "median" => Self::Median,
            "mode" => Self::Mode,
            "spread" => Self::Spread,
            "stddev" => Self::Stddev,
            "min" => Self::Min,
            "max" => Self::Max,
            "first" => Self::First,
            "last" => Self::Last,
            _ => return None,
        })
    }

    /// The name in texts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count | Self::CountDistinct => "count",
            Self::Distinct => "distinct",
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Mode => "mode",
            Self::Spread => "spread",
            Self::Stddev => "stddev",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
            Self::Percentile(_) => "percentile",
            Self::Top(_) => "top",
            Self::Bottom(_) => "bottom",
            Self::Sample { .. } => "sample",
            Self::Points => "points",
        }
    }

    /// Whether the result is one of the points, with a time of its own.
    #[must_use]
    pub fn is_selector(self) -> bool {
        matches!(self, Self::Min | Self::Max | Self::First | Self::Last | Self::Percentile(_))
    }

    /// Whether the result is several points, each a row with a time of its own.
    #[must_use]
    pub fn is_points(self) -> bool {
        matches!(self, Self::Top(_) | Self::Bottom(_) | Self::Sample { .. })
    }

    /// Whether fields of this type can be its argument.
    #[must_use]
    pub fn takes(self, ty: Type) -> bool {
        match self {
            Self::Count
            | Self::CountDistinct
            | Self::Distinct
            | Self::Mode
            | Self::First
            | Self::Last
            | Self::Sample { .. }
            | Self::Points => true,
            Self::Min | Self::Max => ty != Type::String,
            _ => ty.is_numeric(),
        }
    }

    /// The type of its result.
    #[must_use]
    pub fn result_type(self, argument: Type) -> Type {
        match self {
            Self::Count | Self::CountDistinct => Type::Integer,
            Self::Mean | Self::Median | Self::Stddev => Type::Float,
            _ => argument,
        }
    }
}
