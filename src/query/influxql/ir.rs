//! The resolved query: what stands between the syntax tree and a plan.
//!
//! [`super::resolve`] makes a [`Query`] of a SELECT and the catalog; one file per [`Projection`] turns it into plans. In it every
//! name has a type, wildcards and regexes are expanded, the time range is apart from the rest of WHERE, and every rule
//! that InfluxDB 1.x checks before it reads data has been checked. It knows nothing of DataFusion.

use super::function::Function;
use super::time_range::TimeBounds;
use super::types::Type;
use super::window_function;
use crate::model::database::TableInfo;
use crate::query::functions::scalar::math::MathFunction;
use crate::query::functions::window::WindowFunction;
use chrono_tz::Tz;
use influxql::ast::{BinaryOp, Expr, Fill};
use std::sync::Arc;

/// A resolved SELECT.
#[derive(Clone, Debug)]
pub struct Query {
    /// Where rows come from: measurements sorted by name, each of which yields series of its own.
    pub measurements: Arc<[Measurement]>,
    /// The columns after the time, in order.
    pub columns: Vec<OutputColumn>,
    /// The name of the time column.
    pub time_name: String,
    /// The names that [`Scalar::Ref`] means: selected beside or without a function.
    pub refs: Vec<Ref>,
    /// What is computed of the rows.
    pub projection: Projection,
    /// The tags of GROUP BY, sorted and distinct.
    pub group_tags: Vec<Arc<str>>,
    /// GROUP BY time.
    pub interval: Option<Interval>,
    /// The times of rows. With an interval there always is an upper bound.
    pub bounds: TimeBounds,
    /// WHERE without time, folded.
    pub condition: Option<Expr>,
    /// What fills empty windows, and the nulls of rows.
    pub fill: Fill,
    /// ORDER BY time DESC.
    pub is_descending: bool,
    /// LIMIT, OFFSET, SLIMIT, SOFFSET.
    pub limits: Limits,
    /// `tz()`: decides the borders of windows and the form of printed times.
    pub zone: Option<Tz>,
    /// Whether `::field` and `::tag` aside, names of the condition have these types.
    pub names: Arc<super::names::Names>,
}

/// What FROM has under one name, in its order: one table, unless the statement names several policies or databases, one table twice,
/// or subqueries. A subquery's rows belong to the measurement that they were read from.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The name.
    pub name: Arc<str>,
    /// The tables and subqueries; never empty.
    pub parts: Vec<Part>,
}

/// Rows that a query reads.
#[derive(Clone, Debug)]
pub enum Part {
    /// Those of a table.
    Table(Arc<TableInfo>),
    /// Those that a subquery yields for `subquery.query.measurements[measurement]`.
    Subquery {
        /// The subquery.
        subquery: Arc<Subquery>,
        /// Which of its measurements.
        measurement: usize,
    },
}

/// `(SELECT …)` in FROM: a query whose rows are another one's. The module `subquery` says what it takes over from that.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// The query, as it stands.
    pub query: Query,
    /// The names of `query.columns` in order, as the outer query knows them. Of a name that stands twice the first counts.
    pub names: Vec<Arc<str>>,
    /// Those of them that a wildcard stands for.
    pub listed: Vec<Arc<str>>,
    /// The last time of its rows where neither it nor the outer query says one.
    pub upper_ns: Option<i64>,
    /// Which of its series, as the outer query groups them, that query reads. Rows are not limited here.
    pub limits: Limits,
}

/// A column of the result.
#[derive(Clone, Debug)]
pub struct OutputColumn {
    /// Its name in the response.
    pub name: String,
    /// What it holds.
    pub value: Scalar,
    /// Its type; `Unknown` for a column that is null everywhere.
    pub ty: Type,
}

/// A field or tag by the name that users know, with the type that the statement takes it for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ref {
    /// The name.
    pub name: Arc<str>,
    /// Its type; a table that has it with another type has no value, or casts between numbers.
    pub ty: Type,
}

/// A value computed from one row, or from the calls of one window or series.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// `refs[i]` of the query.
    Ref(usize),
    /// `calls[i]` of the projection.
    Call(usize),
    /// A float.
    Float(f64),
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// True or false.
    Boolean(bool),
    /// Null everywhere, such as an operation on a duration.
    Null,
    /// `left op right` with its result's type.
    Binary {
        /// An arithmetic or bitwise operator.
        op: BinaryOp,
        /// The left side.
        left: Box<Scalar>,
        /// The right side.
        right: Box<Scalar>,
        /// The result's type.
        ty: Type,
    },
    /// `abs(x)`, `pow(x, y)`: of numbers, or of what has no type.
    Math {
        /// The function.
        function: MathFunction,
        /// As many arguments as it takes.
        args: Vec<Scalar>,
        /// The result's type.
        ty: Type,
    },
}

/// What is computed of the rows.
#[derive(Clone, Debug)]
pub enum Projection {
    /// Every row: `SELECT f, g`.
    Raw,
    /// Each value once: `SELECT distinct(f)`.
    Distinct(Ref),
    /// One row per series, or per series and window: `SELECT mean(f), max(g)`.
    Aggregate(Vec<Call>),
    /// One point per series, or per series and window, with its time and the columns beside it: `SELECT max(f), g`.
    Selector(Call),
    /// Several points per series, or per series and window: `top`, `bottom`, `sample`.
    TopBottom {
        /// The function and its field.
        call: Call,
        /// The names between the field and N. If there are any, only the best point of each combination of these tags'
        /// values counts.
        tags: Vec<Arc<str>>,
        /// What rows are grouped by, where those tags are group tags of the result besides: in SELECT … INTO.
        grouped_by: Option<Vec<Arc<str>>>,
    },
    /// Values from neighbouring points or windows, `derivative(f)` and `derivative(mean(f))`, and aggregates beside
    /// them; and aggregates each of which has rows of its own.
    Window(Vec<Call>),
}

impl Projection {
    /// Whether a call, by the number that [`Scalar::Call`] bears, can have a value.
    #[must_use]
    pub fn has_values(&self, call: usize) -> bool {
        match self {
            Self::Raw => false,
            Self::Distinct(argument) => argument.ty.is_field(),
            Self::Selector(call) | Self::TopBottom { call, .. } => call.has_values(),
            Self::Aggregate(calls) | Self::Window(calls) => calls.get(call).is_some_and(Call::has_values),
        }
    }

    /// Whether each row comes from a point, rather than from the points of a series or a window.
    #[must_use]
    pub fn is_of_points(&self) -> bool {
        match self {
            Self::Raw => true,
            Self::Window(calls) => calls.iter().all(|call| call.function == Function::Points),
            _ => false,
        }
    }
}

/// A call of a function on a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub function: Function,
    /// The field.
    pub argument: Ref,
    /// Functions of neighbouring points around that, innermost first.
    pub over: Vec<WindowFunction>,
}

impl Call {
    /// Whether the call can have a value at all: its argument is a field.
    #[must_use]
    pub fn has_values(&self) -> bool {
        self.argument.ty.is_field()
    }

    /// The type of the result; `Unknown` when it has none.
    #[must_use]
    pub fn ty(&self) -> Type {
        if self.has_values() { self.result_type(self.argument.ty) } else { Type::Unknown }
    }

    /// The type of the result over values of this type. Some functions have one whatever the values are.
    #[must_use]
    pub fn result_type(&self, argument: Type) -> Type {
        let own = self.function.result_type(argument);
        self.over.iter().fold(own, |ty, function| window_function::result_type(*function, ty))
    }

    /// How many windows before its first one the call looks at.
    #[must_use]
    pub fn look_back(&self) -> usize {
        self.over.iter().filter(|function| function.looks_back()).count()
    }
}

/// GROUP BY time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Width of a window in nanoseconds, > 0.
    pub every_ns: i64,
    /// Shift of the borders in nanoseconds, less than the width in absolute value.
    pub offset_ns: i64,
}

/// How much of the result is wanted; 0 = no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Rows per series.
    pub limit: u64,
    /// Rows skipped per series.
    pub offset: u64,
    /// Series per measurement.
    pub slimit: u64,
    /// Series skipped per measurement.
    pub soffset: u64,
}
