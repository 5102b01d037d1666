//! Functions of neighbouring rows: transformations, technical analysis, `integral`, `holt_winters`.

use super::columns::{Columns, IntervalUse};
use super::{Generator, Scope};
use crate::random::Choices;
use crate::schema::Kind;

const UNITS: &[&str] = &["1s", "10s", "1m", "500ms", "1h", "1u"];

impl Generator<'_> {
    /// A field, or a call over windows; and what the projection then asks of GROUP BY time.
    fn input(&mut self, scope: &Scope, accepts: fn(Kind) -> bool) -> (String, Kind, IntervalUse) {
        if self.random.chance(50) {
            let (field, kind) = self.field(scope, accepts);
            return (field, kind, IntervalUse::Never);
        }
        let (text, _, kind) = self.numeric_call(scope);
        (text, kind, IntervalUse::Always)
    }

    pub(super) fn transformation_columns(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        let (first, _, interval) = self.input(scope, Kind::is_numeric);
        let mut columns = Columns::new("transformation", interval);
        let count = 1 + self.random.weighted(&[8, 2, 1]);
        for number in 0..count {
            let (input, kind) = match (number, interval) {
                (0, IntervalUse::Always) => (first.clone(), Kind::Float),
                (_, IntervalUse::Always) => {
                    let (text, _, kind) = self.numeric_call(scope);
                    (text, kind)
                }
                _ => self.field(scope, Kind::is_numeric),
            };
            let names = [
                "derivative",
                "non_negative_derivative",
                "difference",
                "non_negative_difference",
                "moving_average",
                "cumulative_sum",
                "elapsed",
            ];
            let name = names[self.random.usize(..names.len())];
            let (text, kind) = match name {
                "moving_average" => (format!("{name}({input}, {})", self.random.i64(2..=5)), Kind::Float),
                "derivative" | "non_negative_derivative" if self.random.chance(50) => {
                    (format!("{name}({input}, {})", self.random.pick(UNITS)), Kind::Float)
                }
                "elapsed" if self.random.chance(60) => {
                    (format!("{name}({input}, {})", self.random.pick(UNITS)), Kind::Integer)
                }
                "elapsed" => (format!("{name}({input})"), Kind::Integer),
                "derivative" | "non_negative_derivative" => (format!("{name}({input})"), Kind::Float),
                _ => (format!("{name}({input})"), kind),
            };
            let text = if self.random.chance(10) { format!("{text} * 2") } else { text };
            self.named(&mut columns, text, name, kind, wants_names);
        }
        columns
    }

    pub(super) fn analysis_columns(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        let (input, _, interval) = self.input(scope, Kind::is_numeric);
        let mut columns = Columns::new("technical analysis", interval);
        let names = [
            "exponential_moving_average",
            "double_exponential_moving_average",
            "triple_exponential_moving_average",
            "triple_exponential_derivative",
            "relative_strength_index",
            "kaufmans_efficiency_ratio",
            "kaufmans_adaptive_moving_average",
            "chande_momentum_oscillator",
        ];
        let name = names[self.random.usize(..names.len())];
        let mut args = vec![input, self.random.i64(2..=5).to_string()];
        if self.random.chance(50) {
            args.push(self.random.i64(-1..=6).to_string());
            let has_warmup = !name.starts_with("kaufmans");
            if has_warmup && self.random.chance(60) {
                args.push(self.random.pick(&["'exponential'", "'simple'"]).to_owned());
            }
        }
        self.named(&mut columns, format!("{name}({})", args.join(", ")), name, Kind::Float, wants_names);
        columns
    }

    pub(super) fn integral_columns(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        let mut columns = Columns::new("integral", IntervalUse::Maybe);
        let (field, _) = self.field(scope, Kind::is_numeric);
        let text = match self.random.chance(50) {
            true => format!("integral({field}, {})", self.random.pick(UNITS)),
            false => format!("integral({field})"),
        };
        self.named(&mut columns, text, "integral", Kind::Float, wants_names);
        if self.random.chance(20) {
            let (text, name, kind) = self.aggregate_call(scope);
            self.named(&mut columns, text, &name, kind, wants_names);
        }
        columns
    }

    pub(super) fn forecast_column(&mut self, scope: &Scope) -> Columns {
        let mut columns = Columns::new("holt_winters", IntervalUse::Always);
        let (input, _, _) = self.numeric_call(scope);
        let name = self.random.pick(&["holt_winters", "holt_winters_with_fit"]);
        let season = ["0", "2", "4"][self.random.usize(..3)];
        columns.texts.push(format!("{name}({input}, {}, {season})", self.random.i64(1..=4)));
        columns
    }
}
