//! Aggregates, selectors, `top`, and mathematical functions.

use super::columns::{Columns, IntervalUse};
use super::names::quote_name;
use super::{Generator, Scope};
use crate::random::Choices;
use crate::schema::Kind;

fn any(_: Kind) -> bool {
    true
}

fn has_order(kind: Kind) -> bool {
    kind != Kind::String
}

impl Generator<'_> {
    /// A call of an aggregate or a selector, as an operand or below a transformation.
    pub(super) fn aggregate_call(&mut self, scope: &Scope) -> (String, String, Kind) {
        let names =
            ["mean", "count", "sum", "max", "min", "median", "spread", "stddev", "first", "last", "mode"];
        let name = names[self.random.weighted(&[6, 4, 5, 4, 4, 3, 2, 2, 3, 3, 2])];
        let accepts = match name {
            "count" | "first" | "last" | "mode" => any,
            "max" | "min" => has_order,
            _ => Kind::is_numeric,
        };
        if self.random.chance(5) {
            let (field, kind) = self.field(scope, Kind::is_numeric);
            let share = ["50", "95", "99.9", "10", "100", "0"][self.random.usize(..6)];
            return (format!("percentile({field}, {share})"), "percentile".to_owned(), kind);
        }
        let (field, kind) = self.field(scope, accepts);
        if name == "count" && self.random.chance(20) {
            let inner = if self.random.chance(50) {
                format!("distinct({field})")
            } else {
                format!("DISTINCT {field}")
            };
            return (format!("count({inner})"), "count".to_owned(), Kind::Integer);
        }
        let result = match name {
            "count" => Kind::Integer,
            "mean" | "median" | "stddev" => Kind::Float,
            _ => kind,
        };
        let spelled = if self.random.chance(4) { name.to_uppercase() } else { name.to_owned() };
        (format!("{spelled}({field})"), name.to_owned(), result)
    }

    /// The same over a number, for arithmetic and for functions that only take numbers.
    pub(super) fn numeric_call(&mut self, scope: &Scope) -> (String, String, Kind) {
        for _ in 0..4 {
            let call = self.aggregate_call(scope);
            if call.2.is_numeric() {
                return call;
            }
        }
        let (field, _) = self.field(scope, any);
        (format!("count({field})"), "count".to_owned(), Kind::Integer)
    }

    pub(super) fn aggregate_columns(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        let mut columns = Columns::new("aggregate", IntervalUse::Maybe);
        for _ in 0..1 + self.random.weighted(&[5, 3, 2, 1]) {
            match self.random.weighted(&[60, 10, 10, 20]) {
                0 => {
                    let (text, name, kind) = self.aggregate_call(scope);
                    self.named(&mut columns, text, &name, kind, wants_names);
                }
                1 => {
                    let name =
                        self.random.pick(&["mean", "count", "sum", "max", "min", "first", "last", "mode"]);
                    columns.texts.push(format!("{name}(*)"));
                    let visible = scope.fields.iter().filter(|field| field.kind.is_numeric());
                    let visible: Vec<String> =
                        visible.map(|field| format!("{name}_{}", field.name)).collect();
                    for output in visible {
                        columns.outputs.push(super::Column {
                            name: output,
                            kind: Kind::Float,
                            literals: Vec::new(),
                        });
                    }
                }
                2 => {
                    let name =
                        self.random.pick(&["mean", "count", "sum", "max", "min", "last", "spread", "stddev"]);
                    let names: Vec<String> = scope.fields.iter().map(|field| field.name.clone()).collect();
                    let regex = self.regex(&names);
                    columns.texts.push(format!("{name}({regex})"));
                }
                _ => {
                    let (left, _, _) = self.numeric_call(scope);
                    let operator = self.random.pick(&["+", "-", "*", "/"]);
                    let right = match self.random.usize(..3) {
                        0 => self.random.i64(1..=5).to_string(),
                        1 => "0.5".to_owned(),
                        _ => self.numeric_call(scope).0,
                    };
                    self.named(
                        &mut columns,
                        format!("{left} {operator} {right}"),
                        "?",
                        Kind::Float,
                        wants_names,
                    );
                }
            }
        }
        columns
    }

    pub(super) fn selector_columns(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        let mut columns = Columns::new("selector", IntervalUse::Maybe);
        let name = self.random.pick(&["first", "last", "max", "min", "percentile"]);
        let accepts = match name {
            "first" | "last" => any,
            "percentile" => Kind::is_numeric,
            _ => has_order,
        };
        let (field, kind) = self.field(scope, accepts);
        let text = match name {
            "percentile" => {
                let share = ["50", "90", "99.9", "5", "100", "0", "33.3"][self.random.usize(..7)];
                format!("percentile({field}, {share})")
            }
            _ => format!("{name}({field})"),
        };
        self.named(&mut columns, text, name, kind, wants_names);
        for _ in 0..self.random.weighted(&[4, 4, 2, 1]) {
            self.auxiliary(&mut columns, scope, wants_names);
        }
        if self.random.chance(10) {
            let last = columns.texts.len() - 1;
            columns.texts.swap(0, last);
        }
        columns
    }

    fn auxiliary(&mut self, columns: &mut Columns, scope: &Scope, wants_names: bool) {
        if self.random.chance(8) {
            columns.texts.push("*".to_owned());
        } else if self.random.chance(40) {
            let text = self.tag_name(scope);
            let name = text.split("::").next().unwrap_or_default().trim_matches('"').to_owned();
            self.named(columns, text, &name, Kind::String, wants_names);
        } else if self.random.chance(15) {
            let (text, kind) = self.arithmetic(scope, 1);
            self.named(columns, text, "?", kind, wants_names);
        } else {
            let (text, kind) = self.field(scope, any);
            let name = text.split("::").next().unwrap_or_default().trim_matches('"').to_owned();
            self.named(columns, text, &name, kind, wants_names);
        }
    }

    pub(super) fn distinct_column(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        let mut columns = Columns::new("distinct", IntervalUse::Maybe);
        let (field, kind) = self.field(scope, any);
        let text =
            if self.random.chance(50) { format!("distinct({field})") } else { format!("DISTINCT {field}") };
        self.named(&mut columns, text, "distinct", kind, wants_names);
        columns
    }

    pub(super) fn top_columns(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        let mut columns = Columns::new("top/bottom", IntervalUse::Maybe);
        let name = self.random.pick(&["top", "bottom"]);
        let (field, kind) = self.field(scope, Kind::is_numeric);
        let mut args = vec![field];
        if self.random.chance(40) {
            for tag in self.random.some_of(&scope.tags, 50) {
                args.push(quote_name(&tag.name));
                columns.outputs.push(super::Column {
                    name: tag.name,
                    kind: Kind::String,
                    literals: Vec::new(),
                });
            }
        }
        args.push(self.random.i64(1..=4).to_string());
        self.named(&mut columns, format!("{name}({})", args.join(", ")), name, kind, wants_names);
        for _ in 0..self.random.weighted(&[6, 3, 1]) {
            self.auxiliary(&mut columns, scope, wants_names);
        }
        columns
    }

    pub(super) fn math_columns(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        let is_raw = self.random.chance(60);
        let interval = if is_raw { IntervalUse::Never } else { IntervalUse::Maybe };
        let mut columns = Columns { is_raw, ..Columns::new("math", interval) };
        for _ in 0..1 + self.random.weighted(&[6, 3, 1]) {
            let input =
                if is_raw { self.field(scope, Kind::is_numeric).0 } else { self.numeric_call(scope).0 };
            let (text, name) = self.math_call(&input);
            let text = if self.random.chance(20) { format!("{text} + 1") } else { text };
            self.named(&mut columns, text, &name, Kind::Float, wants_names);
        }
        if is_raw && self.random.chance(40) {
            let (text, kind) = self.field(scope, any);
            let name = text.trim_matches('"').to_owned();
            self.named(&mut columns, text, &name, kind, wants_names);
        }
        columns
    }

    /// A mathematical function of `input`.
    pub(super) fn math_call(&mut self, input: &str) -> (String, String) {
        let one = [
            "abs", "ceil", "floor", "round", "sin", "cos", "tan", "asin", "acos", "atan", "exp", "ln",
            "log2", "log10", "sqrt",
        ];
        let name = match self.random.usize(..6) {
            0 => self.random.pick(&["pow", "log", "atan2"]),
            _ => one[self.random.usize(..one.len())],
        };
        let text = match name {
            "pow" | "log" | "atan2" => format!("{name}({input}, {})", self.random.i64(2..=4)),
            // Keeps the result finite, which JSON needs.
            "exp" => format!("exp({input} / 10)"),
            "ln" | "log2" | "log10" => format!("{name}({input} + 100)"),
            "asin" | "acos" => format!("{name}({input} / 100)"),
            _ => format!("{name}({input})"),
        };
        (text, name.to_owned())
    }
}
