//! The checks of selectors of several points: `top`, `bottom` and `sample`, in InfluxDB 1.x's order.
//!
//! In: the arguments of one call, folded. Out: nothing, or InfluxDB 1.x's error. What a call means for the rest of the
//! statement is up to [`super::compile`].

use super::compile::check_arity;
use super::error::{Result, err};
use influxql::ast::Expr;

/// `top(f [, tag…], N)`. `limit` is the statement's LIMIT; 0 for none.
pub(super) fn check_top_bottom(name: &str, args: &[Expr], limit: u64) -> Result<()> {
    let [first, others @ .., last] = args else {
        let got = args.len();
        return err(format!("invalid number of arguments for {name}, expected at least 2, got {got}"));
    };
    let Expr::Integer(count) = *last else {
        return err(format!("expected integer as last argument in {name}(), found {last}"));
    };
    match u64::try_from(count) {
        Ok(count) if count > 0 => {
            if limit > 0 && count > limit {
                return err(format!(
                    "limit ({count}) in {name} function can not be larger than the LIMIT ({limit}) in the select statement"
                ));
            }
        }
        _ => return err(format!("limit ({count}) in {name} function must be at least 1")),
    }
    if !matches!(first, Expr::VarRef { .. }) {
        return err(format!("expected first argument to be a field in {name}(), found {first}"));
    }
    match others.iter().find(|other| !matches!(other, Expr::VarRef { .. })) {
        Some(other) => err(format!("only fields or tags are allowed in {name}(), found {other}")),
        None => Ok(()),
    }
}

/// `sample(f, N)`, without its field.
pub(super) fn check_sample(args: &[Expr]) -> Result<()> {
    check_arity("sample", 2, args.len())?;
    match args[1] {
        Expr::Integer(count) if count > 0 => Ok(()),
        Expr::Integer(count) => err(format!("sample window must be greater than 1, got {count}")),
        _ => err("expected integer argument in sample()"),
    }
}
