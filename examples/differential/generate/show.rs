//! SHOW statements whose answers depend on the schema and on nothing else.

use super::names::quote_name;
use super::{Generator, Scope};
use crate::random::Choices;
use crate::schema::DATABASE;
use crate::statement::Statement;

impl Generator<'_> {
    /// A SHOW statement.
    pub(super) fn show(&mut self) -> Statement {
        let number = self.random.usize(..self.schema.tables.len());
        let scope = self.scope_of(number);
        let mut clauses = Vec::new();
        let on = if self.random.chance(20) { format!(" ON {DATABASE}") } else { String::new() };
        let head = match self.random.weighted(&[5, 6, 5, 10, 6, 1, 1, 8, 2]) {
            0 => {
                if self.random.chance(40) {
                    clauses.push(self.with_measurement(number));
                }
                self.where_tags(&scope, &mut clauses);
                self.limits(&mut clauses);
                format!("SHOW MEASUREMENTS{on}")
            }
            1 => {
                self.from(number, &mut clauses);
                self.where_tags(&scope, &mut clauses);
                self.limits(&mut clauses);
                format!("SHOW SERIES{on}")
            }
            2 => {
                self.from(number, &mut clauses);
                self.where_tags(&scope, &mut clauses);
                self.limits(&mut clauses);
                format!("SHOW TAG KEYS{on}")
            }
            3 => {
                let from = self.source_text(number);
                let key = self.with_key(&scope);
                self.where_tags(&scope, &mut clauses);
                self.limits(&mut clauses);
                format!("SHOW TAG VALUES{on}{from} {key}")
            }
            4 => {
                self.from(number, &mut clauses);
                self.limits(&mut clauses);
                format!("SHOW FIELD KEYS{on}")
            }
            5 => format!("SHOW RETENTION POLICIES{on}"),
            6 => "SHOW DATABASES".to_owned(),
            7 => self.cardinality(number, &scope, &on, &mut clauses),
            _ => ["SHOW CONTINUOUS QUERIES", "SHOW SUBSCRIPTIONS", "SHOW USERS"][self.random.usize(..3)]
                .to_owned(),
        };
        Statement::Other { head, clauses }
    }

    /// Only the exact forms: the others are estimates.
    fn cardinality(&mut self, number: usize, scope: &Scope, on: &str, clauses: &mut Vec<String>) -> String {
        let from = self.source_text(number);
        match self.random.usize(..5) {
            0 => {
                self.where_tags(scope, clauses);
                format!("SHOW SERIES EXACT CARDINALITY{on}{from}")
            }
            1 => {
                self.where_tags(scope, clauses);
                format!("SHOW MEASUREMENT EXACT CARDINALITY{on}{from}")
            }
            2 => {
                self.where_tags(scope, clauses);
                format!("SHOW TAG KEY EXACT CARDINALITY{on}{from}")
            }
            3 => {
                let key = self.with_key(scope);
                self.where_tags(scope, clauses);
                format!("SHOW TAG VALUES EXACT CARDINALITY{on}{from} {key}")
            }
            _ => {
                self.limits(clauses);
                format!("SHOW FIELD KEY EXACT CARDINALITY{on}{from}")
            }
        }
    }

    fn with_measurement(&mut self, number: usize) -> String {
        let name = self.schema.tables[number].measurement.clone();
        match self.random.chance(50) {
            true => format!("WITH MEASUREMENT = {}", quote_name(&name)),
            false => {
                let regex = self.regex(&[name]);
                format!("WITH MEASUREMENT =~ {regex}")
            }
        }
    }

    fn from(&mut self, number: usize, clauses: &mut Vec<String>) {
        let text = self.source_text(number);
        if !text.is_empty() {
            clauses.push(text.trim_start().to_owned());
        }
    }

    /// ` FROM …`, or nothing. Policies are left out: what they mean here changed between versions.
    fn source_text(&mut self, number: usize) -> String {
        let name = self.schema.tables[number].measurement.clone();
        match self.random.weighted(&[50, 35, 10, 5]) {
            1 => format!(" FROM {}", quote_name(&name)),
            2 => {
                let regex = self.regex(&[name]);
                format!(" FROM {regex}")
            }
            3 => format!(" FROM {}, nosuch", quote_name(&name)),
            _ => String::new(),
        }
    }

    fn with_key(&mut self, scope: &Scope) -> String {
        let names: Vec<String> = scope.tags.iter().map(|tag| tag.name.clone()).collect();
        let name = self.random.choice(&names).cloned().unwrap_or_else(|| "host".to_owned());
        match self.random.weighted(&[6, 2, 2, 2, 3]) {
            0 => format!("WITH KEY = {}", quote_name(&name)),
            1 => format!("WITH KEY != {}", quote_name(&name)),
            2 => format!("WITH KEY =~ {}", self.regex(&names)),
            3 => format!("WITH KEY !~ {}", self.regex(&names)),
            _ => {
                let mut quoted: Vec<String> = names.iter().map(|name| quote_name(name)).collect();
                quoted.push("nosuch".to_owned());
                format!("WITH KEY IN ({})", quoted.join(", "))
            }
        }
    }

    fn where_tags(&mut self, scope: &Scope, clauses: &mut Vec<String>) {
        if scope.tags.is_empty() || !self.random.chance(40) {
            return;
        }
        let first = match self.random.weighted(&[86, 5, 5, 4]) {
            0 => self.tag_comparison(scope),
            1 => self.tag_and_other_comparison(scope),
            2 => self.field_equality(scope),
            _ => self.tags_comparison(scope),
        };
        let text = match self.random.chance(25) {
            true => {
                let word = self.random.pick(&["AND", "OR"]);
                format!("WHERE {first} {word} {}", self.tag_comparison(scope))
            }
            false => format!("WHERE {first}"),
        };
        clauses.push(text);
    }

    /// A comparison of a field, which says nothing of series.
    fn field_equality(&mut self, scope: &Scope) -> String {
        let Some(field) = self.random.choice(&scope.fields).cloned() else {
            return self.tag_comparison(scope);
        };
        let operator = self.random.pick(&["=", "!="]);
        format!("{} {operator} {}", quote_name(&field.name), self.literal(&field))
    }

    /// A comparison of two tags.
    fn tags_comparison(&mut self, scope: &Scope) -> String {
        let operator = self.random.pick(&["=", "!="]);
        match (self.random.choice(&scope.tags), self.random.choice(&scope.tags)) {
            (Some(left), Some(right)) => {
                format!("{} {operator} {}", quote_name(&left.name), quote_name(&right.name))
            }
            _ => "true".to_owned(),
        }
    }

    fn limits(&mut self, clauses: &mut Vec<String>) {
        if self.random.chance(25) {
            clauses.push(format!("LIMIT {}", self.random.i64(1..=4)));
        }
        if self.random.chance(15) {
            clauses.push(format!("OFFSET {}", self.random.i64(1..=3)));
        }
    }
}
