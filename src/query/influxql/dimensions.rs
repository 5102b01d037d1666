//! GROUP BY as written: its windows, and names, wildcards and regexes.
//!
//! In: the entries of GROUP BY. Out: [`Dimensions`], or the error that InfluxDB 1.x gives. It knows no schema.

use super::error::{Result, err};
use super::fold::{Env, fold};
use super::ir::Interval;
use super::time_text;
use chrono_tz::Tz;
use influxql::ast::{Dimension, Expr};

/// What GROUP BY says.
#[derive(Debug, Default)]
pub(in crate::query) struct Dimensions {
    /// `time(…)`, also with a width that groups nothing.
    pub interval: Option<Interval>,
    /// An offset that InfluxDB 1.x refuses when it has checked everything else.
    pub bad_offset: Option<String>,
    /// The other entries, folded.
    pub others: Vec<Expr>,
}

impl Dimensions {
    /// Reads the entries. `now_ns` is what `now()` means.
    pub(in crate::query) fn read(dimensions: &[Dimension], now_ns: i64) -> Result<Self> {
        let mut read = Self::default();
        for dimension in dimensions {
            match fold(&dimension.expr, Env { now_ns: None, zone: Tz::UTC, folds_math: false }).into_expr() {
                Expr::Call { name, args } => read.time(&name, &args, now_ns)?,
                Expr::VarRef { name, .. } if name.eq_ignore_ascii_case("time") => {
                    return err("time() is a function and expects at least one argument");
                }
                expr @ (Expr::VarRef { .. } | Expr::Wildcard(_) | Expr::Regex(_)) => read.others.push(expr),
                _ => return err("only time and tag dimensions allowed"),
            }
        }
        Ok(read)
    }

    fn time(&mut self, name: &str, args: &[Expr], now_ns: i64) -> Result<()> {
        if name != "time" {
            return err("only time() calls allowed in dimensions");
        }
        if !matches!(args.len(), 1 | 2) {
            return err("time dimension expected 1 or 2 arguments");
        }
        let Expr::Duration(every_ns) = args[0] else {
            return err("time dimension must have duration argument");
        };
        if self.interval.is_some_and(|interval| interval.every_ns != 0) {
            return err("multiple time dimensions not allowed");
        }
        let offset_ns = match args.get(1) {
            None => 0,
            Some(Expr::Duration(offset_ns)) => *offset_ns,
            Some(Expr::Call { name, args }) => {
                if name != "now" {
                    return err("time dimension offset function must be now()");
                }
                if !args.is_empty() {
                    return err("time dimension offset now() function requires no arguments");
                }
                now_ns
            }
            // InfluxDB 1.x takes a date here, checks everything else, and then refuses it.
            Some(offset @ Expr::String(text)) if time_text::looks_like_time(text) => {
                if time_text::parse(text, Tz::UTC).is_none() {
                    return err("invalid timestamp string");
                }
                self.bad_offset = Some(offset.to_string());
                0
            }
            Some(_) => return err("time dimension offset must be duration or now()"),
        };
        self.interval = Some(Interval { every_ns, offset_ns: offset_ns.checked_rem(every_ns).unwrap_or(0) });
        Ok(())
    }
}
