//! Scalar functions: one row in, one value out, where InfluxQL differs from SQL.
//!
//! | file | what |
//! |---|---|
//! | [`mod@arithmetic`] | `+ - * / % & \| ^` with InfluxQL's types, its zero results of division, its nulls |
//! | [`math`] | `abs` … `log` with InfluxQL's types and domains |
//! | `elementary` | sines, powers and logarithms to InfluxDB's last digit |
//! | [`bucket`] | the start of the `GROUP BY time` bucket that a time lies in |
//! | [`regex_match`] | `=~` with Go's syntax |
//!
//! A result that is not a number is null.

pub mod arithmetic;
pub mod bucket;
mod elementary;
pub mod math;
pub mod regex_match;

use arithmetic::{Clause, Operator, arithmetic};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// Every scalar function that has no parameters of its own.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let mut functions = vec![bucket::bucket()];
    for clause in [Clause::Select, Clause::Where] {
        functions.extend(Operator::ALL.map(|operator| arithmetic(operator, clause)));
    }
    functions.extend(math::MathFunction::ALL.map(math::math));
    functions
}
