//! Statements that are wrong: the texts of errors are part of what clients see.

use super::Generator;
use super::names::quote_name;
use crate::random::Choices;
use crate::statement::Statement;

impl Generator<'_> {
    pub(super) fn mistake(&mut self) -> Statement {
        match self.random.weighted(&[4, 6]) {
            0 => self.broken_text(),
            _ => self.wrong_meaning(),
        }
    }

    /// A good statement with one word lost, doubled, exchanged or cut.
    fn broken_text(&mut self) -> Statement {
        let good = if self.random.chance(70) { Statement::Select(self.select(1).0) } else { self.show() };
        let text = good.to_string();
        let words: Vec<&str> = text.split(' ').collect();
        let place = self.random.usize(..words.len());
        let mut changed = words.clone();
        match self.random.usize(..4) {
            0 => {
                changed.remove(place);
            }
            1 => changed.insert(place, words[place]),
            2 => {
                changed[place] =
                    self.random.pick(&["SELECT", "1", "'x'", "/r/", "(", ")", ",", "time", "=", "1h", "-"])
            }
            _ => changed.truncate(place),
        }
        let text = changed.join(" ");
        match good {
            _ if text.trim().is_empty() => Statement::text("SELECT"),
            Statement::Select(select) => Statement::Broken { text, select: Box::new(select) },
            _ => Statement::text(text),
        }
    }

    /// A statement that parses and makes no sense.
    fn wrong_meaning(&mut self) -> Statement {
        let number = self.random.usize(..self.schema.tables.len());
        let scope = self.scope_of(number);
        let m = self.table_text(number);
        let field = |generator: &mut Self| {
            let column = generator.random.choice(&scope.fields).cloned();
            column.map_or_else(|| "f".to_owned(), |column| quote_name(&column.name))
        };
        let (f, g) = (field(self), field(self));
        let t = scope.tags.first().map_or_else(|| "host".to_owned(), |tag| quote_name(&tag.name));
        let forms = [
            format!("SELECT mean({f}), {g} FROM {m}"),
            format!("SELECT max({f}), min({f}), {g} FROM {m}"),
            format!("SELECT nosuch({f}) FROM {m}"),
            format!("SELECT mean({f}, 2) FROM {m}"),
            format!("SELECT mean() FROM {m}"),
            format!("SELECT percentile({f}) FROM {m}"),
            format!("SELECT percentile({f}, 'a') FROM {m}"),
            format!("SELECT top({f}, 0) FROM {m}"),
            format!("SELECT top({f}) FROM {m}"),
            format!("SELECT top({f}, 3) FROM {m} LIMIT 2"),
            format!("SELECT top({f}, 2), max({g}) FROM {m}"),
            format!("SELECT {f} FROM {m} GROUP BY time(1m)"),
            format!("SELECT {f} FROM {m} fill(none)"),
            format!("SELECT {f} FROM {m} fill(linear)"),
            format!("SELECT mean({f}) FROM {m} GROUP BY time(1m), time(2m)"),
            format!("SELECT mean({f}) FROM {m} GROUP BY time()"),
            format!("SELECT mean({f}) FROM {m} GROUP BY time({f})"),
            format!("SELECT mean({f}) FROM {m} GROUP BY foo(1m)"),
            format!("SELECT mean({f}) FROM {m} GROUP BY 1"),
            format!("SELECT time FROM {m}"),
            format!("SELECT 1 FROM {m}"),
            format!("SELECT {t} FROM {m}"),
            format!("SELECT {f} FROM {m} WHERE {f}"),
            format!("SELECT {f} FROM {m} WHERE mean({f}) > 1"),
            format!("SELECT {f} FROM {m} WHERE time != 0"),
            format!("SELECT {f} FROM {m} WHERE time > 'yesterday'"),
            format!("SELECT {f} FROM {m} WHERE time > '2500-01-01'"),
            format!("SELECT {f} FROM {m} WHERE time > {g}"),
            format!("SELECT {f} FROM nosuchpolicy.cpu"),
            format!("SELECT {f} FROM nosuchdb..cpu"),
            format!("SELECT {f} FROM {m} ORDER BY {f}"),
            format!("SELECT {f} FROM {m} tz('Nowhere/City')"),
            format!("SELECT mean({t}) FROM {m}"),
            format!("SELECT count({t}) FROM {m}"),
            format!("SELECT distinct({f}), {g} FROM {m}"),
            format!("SELECT distinct(*) FROM {m}"),
            format!("SELECT mean(mean({f})) FROM {m}"),
            format!("SELECT mean({f} + 1) FROM {m}"),
            format!("SELECT mean(*) + 1 FROM {m}"),
            format!("SELECT * + 1 FROM {m}"),
            format!("SELECT {f} = 1 FROM {m}"),
            format!("SELECT derivative(mean({f})) FROM {m}"),
            format!("SELECT derivative({f}, 0s) FROM {m}"),
            format!("SELECT derivative({f}) FROM {m} WHERE time < 10s GROUP BY time(1s)"),
            format!("SELECT derivative({f}), {g} FROM {m}"),
            format!("SELECT moving_average({f}, 1) FROM {m}"),
            format!("SELECT moving_average({f}) FROM {m}"),
            format!("SELECT elapsed({f}, 1) FROM {m}"),
            format!("SELECT cumulative_sum(mean({f})) FROM {m}"),
            format!("SELECT holt_winters({f}, 2, 0) FROM {m}"),
            format!("SELECT exponential_moving_average({f}, 0) FROM {m}"),
            format!("SELECT relative_strength_index({f}, 2, -2) FROM {m}"),
            format!("SELECT abs({f}, {g}) FROM {m}"),
            format!("SELECT pow({f}) FROM {m}"),
            format!("SELECT abs(1) FROM {m}"),
            format!("SELECT {f} + 'a' FROM {m}"),
            format!("SELECT {f} & 1.5 FROM {m}"),
            format!("SELECT integral({f}, 0s) FROM {m}"),
            format!("SELECT sample({f}, 0) FROM {m}"),
            format!("SELECT {f} FROM (SELECT {f} FROM {m} ORDER BY time DESC)"),
            format!("SELECT nosuch FROM (SELECT {f} FROM {m})"),
            format!("SELECT mean({f}) FROM {m} WHERE time >= 0 AND time < 10s GROUP BY time(1s, 'a')"),
            format!("SHOW TAG VALUES FROM {m}"),
            "SHOW MEASUREMENTS WHERE time > 0".to_owned(),
            format!("SHOW MEASUREMENTS WHERE {t} = 1"),
            "SHOW SERIES ON nosuchdb".to_owned(),
            "SHOW FIELD KEYS ON nosuchdb".to_owned(),
            "SHOW RETENTION POLICIES ON nosuchdb".to_owned(),
            "DROP SERIES".to_owned(),
            "DELETE".to_owned(),
            format!("DELETE FROM {t} WHERE time !~ /a/"),
            format!("DROP SERIES FROM {m} WHERE time > 0"),
            "SELECT".to_owned(),
            ";".to_owned(),
            format!("SELECT {f} FROM {m} LIMIT -1"),
            format!("SELECT {f}::int FROM {m}"),
            format!("SELECT {f} FROM {m} WHERE {f} = 1e3"),
            format!("SELECT {f} FROM {m} WHERE {t} =~ 'a'"),
            format!("SELECT {f} FROM {m} WHERE {t} =~ /(/"),
        ];
        let index = self.random.usize(..forms.len());
        Statement::text(forms[index].clone())
    }
}
