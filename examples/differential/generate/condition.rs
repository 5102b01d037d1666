//! WHERE: comparisons of tags, fields and times, joined in every way.

use super::names::quote_name;
use super::{Generator, Scope};
use crate::random::Choices;
use crate::schema::Kind;
use crate::statement::Condition;

impl Generator<'_> {
    /// A condition on tags and fields.
    pub(super) fn condition(&mut self, scope: &Scope, depth: usize) -> Condition {
        if depth < 3 && self.random.chance(22) {
            let left = Box::new(self.condition(scope, depth + 1));
            let right = Box::new(self.condition(scope, depth + 1));
            let word = if self.random.chance(50) { "AND" } else { "OR" };
            let both = Condition::Both(left, word, right);
            return if self.random.chance(40) { Condition::Paren(Box::new(both)) } else { both };
        }
        let text = match self.random.weighted(&[36, 40, 7, 3, 4, 3, 4, 3, 1, 3]) {
            0 => self.tag_comparison(scope),
            1 => self.field_comparison(scope),
            2 => self.computed_comparison(scope),
            3 => self.column_comparison(scope),
            4 => self.time_comparison(),
            5 => ["true", "false", "1 = 1", "1 = 2", "'a' = 'a'"][self.random.usize(..5)].to_owned(),
            6 => {
                let (field, _) = self.field(scope, Kind::is_numeric);
                let call = self.math_call(&field).0;
                format!("{call} > {}", self.random.i64(-2..=5))
            }
            7 => self.tag_and_text_comparison(scope),
            8 => self.tag_and_other_comparison(scope),
            _ => ["nosuch = ''", "nosuch != 'a'", "nosuch = 'a'", "nosuch > 1", "nosuch !~ /a/"]
                [self.random.usize(..5)]
            .to_owned(),
        };
        Condition::Leaf(text)
    }

    fn time_comparison(&mut self) -> String {
        if self.random.chance(10) {
            // Whether a point meets them does not depend on when they are asked. A first time would stand in rows, and so tell.
            let of_now = [
                "time < now()",
                "time <= now() - -1h",
                "time <= 90s + now()",
                "time < now() + 90s - 1h",
                "now() >= time",
            ];
            return self.random.pick(&of_now).to_owned();
        }
        let time_ns = self.time_near();
        let literal = self.time_literal(time_ns);
        match self.random.chance(15) {
            true => format!("{literal} {} time", self.random.pick(&["<", ">=", ">", "<="])),
            false => format!("time {} {literal}", self.random.pick(&["<", ">=", ">", "<=", "="])),
        }
    }

    /// A tag and the text of a field.
    fn tag_and_text_comparison(&mut self, scope: &Scope) -> String {
        let texts: Vec<_> = scope.fields.iter().filter(|field| field.kind == Kind::String).cloned().collect();
        let (Some(tag), Some(text)) =
            (self.random.choice(&scope.tags).cloned(), self.random.choice(&texts).cloned())
        else {
            return self.tag_comparison(scope);
        };
        let operator = self.random.pick(&["=", "!=", "<>"]);
        let (tag, text) = (quote_name(&tag.name), quote_name(&text.name));
        match self.random.chance(50) {
            true => format!("{tag} {operator} {text}"),
            false => format!("{text} {operator} {tag}"),
        }
    }

    /// A tag and what is neither text nor a tag.
    pub(super) fn tag_and_other_comparison(&mut self, scope: &Scope) -> String {
        let Some(tag) = self.random.choice(&scope.tags).cloned() else {
            return self.field_comparison(scope);
        };
        let operator = self.random.pick(&["=", "!="]);
        let other = self.random.pick(&["1", "-1", "1.5", "true", "false", "10s"]);
        format!("{} {operator} {other}", quote_name(&tag.name))
    }

    pub(super) fn tag_comparison(&mut self, scope: &Scope) -> String {
        let Some(tag) = self.random.choice(&scope.tags).cloned() else {
            return self.field_comparison(scope);
        };
        let name = self.reference(&tag, true);
        match self.random.weighted(&[6, 5, 3, 3, 2]) {
            0 => format!("{name} = {}", self.literal(&tag)),
            1 => format!("{name} != {}", self.literal(&tag)),
            2 => {
                let regex = self.value_regex(&tag);
                format!("{name} =~ {regex}")
            }
            3 => {
                let regex = self.value_regex(&tag);
                format!("{name} !~ {regex}")
            }
            _ => {
                let operator = self.random.pick(&["=", "!="]);
                format!("{name} {operator} ''")
            }
        }
    }

    fn value_regex(&mut self, column: &super::Column) -> String {
        let values: Vec<String> =
            column.literals.iter().map(|literal| literal.trim_matches('\'').replace("\\'", "'")).collect();
        self.regex(&values)
    }

    fn field_comparison(&mut self, scope: &Scope) -> String {
        let Some(field) = self.random.choice(&scope.fields).cloned() else {
            return "f > 0".to_owned();
        };
        // InfluxDB 1.6 takes a name that a condition has with two types for one of them.
        let name = quote_name(&field.name);
        let literal = self.literal(&field);
        if self.random.chance(3) {
            // A value of another type.
            let other = ["'a'", "1", "true", "1.5", "/a/"][self.random.usize(..5)];
            return format!("{name} = {other}");
        }
        match field.kind {
            Kind::String if self.random.chance(30) => {
                let operator = self.random.pick(&["=~", "!~"]);
                let regex = self.value_regex(&field);
                format!("{name} {operator} {regex}")
            }
            Kind::String | Kind::Boolean => {
                let operator = self.random.pick(&["=", "!=", "<>"]);
                format!("{name} {operator} {literal}")
            }
            _ => {
                let operator =
                    self.random.pick(&["<", "<=", ">", ">=", "=", "!=", ">", "<", ">=", "<=", "!="]);
                match self.random.chance(8) {
                    true => format!("{literal} {operator} {name}"),
                    false => format!("{name} {operator} {literal}"),
                }
            }
        }
    }

    fn computed_comparison(&mut self, scope: &Scope) -> String {
        let (text, _) = self.arithmetic(scope, 1);
        let operator = self.random.pick(&["<", ">", ">=", "=", "!="]);
        format!("{text} {operator} {}", self.random.i64(-3..=12))
    }

    fn column_comparison(&mut self, scope: &Scope) -> String {
        let columns = if self.random.chance(50) { &scope.tags } else { &scope.fields };
        let operator = self.random.pick(&["=", "!="]);
        match (self.random.choice(columns), self.random.choice(columns)) {
            (Some(left), Some(right)) => {
                format!("{} {operator} {}", quote_name(&left.name), quote_name(&right.name))
            }
            _ => "true".to_owned(),
        }
    }

    /// Time comparisons. With `needs_both`, both ends are given and lie near the points: empty windows are rows.
    pub(super) fn bounds(&mut self, needs_both: bool) -> Vec<String> {
        let (start, end) = (self.schema.start_ns, self.schema.end_ns);
        let span = end - start;
        let (mut low, mut high) = match self.random.usize(..6) {
            0 => (self.time_near(), self.time_near()),
            1 => (start + span / 4, end - span / 4),
            2 => (start - self.schema.step_ns, end + self.schema.step_ns),
            _ => (start, end),
        };
        if low > high {
            (low, high) = (high, low);
        }
        low = low.clamp(start - span / 4, end);
        high = high.clamp(start, end + span / 4);
        let mut bounds = Vec::new();
        if needs_both || self.random.chance(75) {
            let operator = self.random.pick(&[">=", ">", ">="]);
            bounds.push(format!("time {operator} {}", self.time_literal(low)));
        }
        if needs_both || bounds.is_empty() || self.random.chance(70) {
            let operator = self.random.pick(&["<", "<=", "<"]);
            bounds.push(format!("time {operator} {}", self.time_literal(high)));
        }
        bounds
    }
}
