//! Which point a selector takes when several of a group agree in value and time. InfluxDB 1.x takes the one that it reads
//! first, and it reads the points of a group in this order:
//!
//! | function | order |
//! |---|---|
//! | `first`, `last`, `min`, `max` | series after series |
//! | `top(f, N)`, `bottom(f, N)`, `percentile(f, N)` | by time; then by the columns beside the point in the order of their names, up to the first that is no text; then by series |
//! | `top(f, tag, N)`, `bottom(f, tag, N)` | the points that `max` or `min` takes for each combination of the tags' values, by these values |
//!
//! ```text
//! time h r i f
//! 0    a y 1 5        top(f, 1), r        0 5 x       r decides
//! 0    b x 2 5        top(f, 1), h, r     0 5 a y     h decides
//!                     top(f, 1), i        0 5 1       the series decides, for i is no text
//!                     top(f, r, 1), h     0 5 x b     the value of r decides
//! ```
//!
//! ORDER BY time DESC reverses all of these orders, with three exceptions. The values of the tags in `top(f, tag, N)`, and
//! the series of a subquery that aggregates, are read in ascending order always. `top` and `bottom` still take the earliest
//! of several points of one value. And without windows, `first` reads the series from the least on and `last` from the
//! greatest, whatever the order of the statement. Columns beside the point decide only over tables, not over subqueries.
//!
//! Some choices of InfluxDB are accidents of a heap or of an unstable sort: the order of series where no text decides,
//! which points a better one pushes out of `top`, how points of one value and time stand in its result, and `percentile` of
//! more than 12 points. Here the order above decides these too.

use super::function::Function;
use super::ir::{Measurement, Part, Ref};
use super::types::Type;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

/// Which of several points of one value and time is taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ties<'a> {
    /// The series key; `None` where the answer would be the same whichever series is taken.
    pub series: Option<&'a Expr>,
    /// How many of the auxiliary arguments, from the first on, are compared before the series.
    pub text_count: usize,
    /// Whether points are read in the reverse order.
    pub is_descending: bool,
}

impl Ties<'_> {
    /// The arguments that say so.
    #[must_use]
    pub(super) fn arguments(self) -> [Expr; 2] {
        let series = self.series.cloned().unwrap_or(Expr::Literal(ScalarValue::Null, None));
        let amount = i8::try_from(self.text_count + 1).unwrap_or(i8::MAX);
        let order = if self.is_descending { amount } else { -amount };
        [series, Expr::Literal(ScalarValue::Int8(Some(order)), None)]
    }
}

/// Whether a function's aggregate can be told which of several points is taken.
#[must_use]
pub(super) fn takes_ties(function: Function) -> bool {
    function.is_selector() || matches!(function, Function::Top(_) | Function::Bottom(_))
}

/// The columns beside a point, in the order in which they are arguments.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    /// The place of each among the query's references.
    places: Vec<usize>,
    /// How many of the first are compared where points agree in value and time.
    text_count: usize,
}

impl Beside {
    /// As they stand in the statement, none of which is compared.
    #[must_use]
    pub(super) fn as_selected(refs: &[Ref]) -> Self {
        Self { places: (0..refs.len()).collect(), text_count: 0 }
    }

    /// As the function compares them.
    #[must_use]
    pub(super) fn of(function: Function, refs: &[Ref], measurement: &Measurement) -> Self {
        let is_read_by_time =
            matches!(function, Function::Percentile(_) | Function::Top(_) | Function::Bottom(_));
        let is_of_tables = measurement.parts.iter().all(|part| matches!(part, Part::Table(_)));
        let mut beside = Self::as_selected(refs);
        if is_read_by_time && is_of_tables {
            beside.places.sort_by(|a, b| refs[*a].name.cmp(&refs[*b].name));
            let is_text = |place: &&usize| matches!(refs[**place].ty, Type::Tag | Type::String);
            beside.text_count = beside.places.iter().take_while(is_text).count();
        }
        beside
    }

    /// The columns, which are given in the order of the query's references, as arguments.
    #[must_use]
    pub(super) fn arguments(&self, columns: &[Expr]) -> Vec<Expr> {
        self.places.iter().map(|place| columns[*place].clone()).collect()
    }

    /// The place among the arguments of the query's reference at `place`.
    #[must_use]
    pub(super) fn argument_of(&self, place: usize) -> usize {
        self.places.iter().position(|own| *own == place).unwrap_or(place)
    }

    /// The places of those that are compared.
    #[must_use]
    pub(super) fn texts(&self) -> &[usize] {
        &self.places[..self.text_count]
    }
}

/// Whether the series must be compared: points of one group may still differ in it when all else that is compared is equal,
/// and the answer shows which of them was taken. `agree` tells whether all rows of a group have the same value of a tag.
#[must_use]
pub(super) fn needs_series(
    refs: &[Ref],
    beside: &Beside,
    measurement: &Measurement,
    agree: impl Fn(&str) -> bool,
) -> bool {
    let is_settled = |(place, reference): (usize, &Ref)| {
        beside.texts().contains(&place) || (reference.ty == Type::Tag && agree(&reference.name))
    };
    if refs.iter().enumerate().all(is_settled) {
        return false;
    }
    let is_compared = |tag: &str| {
        let mut texts = beside.texts().iter().map(|place| &refs[*place]);
        texts.any(|reference| reference.ty == Type::Tag && *reference.name == *tag)
    };
    match measurement.parts.as_slice() {
        // One table has one point of a series and time.
        [Part::Table(table)] => !table.schema.tags().all(|tag| agree(&tag.name) || is_compared(&tag.name)),
        _ => true,
    }
}
