//! A look at the texts of series keys, which rules most of them out before they are decoded and a predicate is evaluated.

use super::columns::{Origin, ScanColumn};
use crate::model::limits::TAG_SUMMARY_VALUES_MAX;
use crate::model::series_key;
use crate::parquet_file::{FileError, ParquetFile};
use datafusion::logical_expr::expr::{BinaryExpr, InList};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Operator};
use memchr::memmem::Finder;
use std::collections::HashSet;
use std::sync::Arc;

/// Row groups below which none is looked up in an index: it is as fast to look into them.
const INDEXED_ROW_GROUPS_MIN: usize = 4;

/// What a conjunction wants of tags by `tag = 'text'` and `tag IN ('text', …)`. Its other parts are not looked at.
///
/// ```text
/// host IN ('a', 'b') AND dc ≠ 'x'      host␁a␁rack␁1␁   may match
///                                      host␁c␁rack␁1␁   does not
///                                      rack␁1␁          does not
/// ```
#[derive(Clone, Debug, Default)]
pub(super) struct KeyFilter {
    wanted: Vec<Wanted>,
}

/// One tag, and the values of which it must have one.
#[derive(Clone, Debug)]
struct Wanted {
    /// The tag, its column, and the values, sorted.
    name: Arc<str>,
    column: String,
    texts: Vec<String>,
    /// The tag as it stands in a series key, with the separator behind it.
    tag: Finder<'static>,
    /// The values as they stand in it, sorted.
    values: Vec<String>,
}

impl KeyFilter {
    /// What is wanted by all of `filters` together.
    pub(super) fn new(filters: &[Expr], columns: &[ScanColumn]) -> Self {
        let parts = filters.iter().flat_map(split_conjunction);
        Self { wanted: parts.filter_map(|part| Wanted::new(part, columns)).collect() }
    }

    /// Whether every key may match.
    pub(super) fn takes_all(&self) -> bool {
        self.wanted.is_empty()
    }

    /// False only when the key does not match.
    pub(super) fn may_match(&self, key: &str) -> bool {
        self.wanted.iter().all(|wanted| wanted.may_match(key.as_bytes()))
    }

    /// About how many of `row_count` rows match, when tags are had with so many values, by their columns. Of tags that are not
    /// known to have few it is as many as the manifest lists at most.
    pub(super) fn share_of(&self, row_count: usize, values: impl Fn(&str) -> Option<usize>) -> usize {
        self.wanted.iter().fold(row_count, |row_count, wanted| {
            let of = values(&wanted.column).unwrap_or(TAG_SUMMARY_VALUES_MAX).max(wanted.texts.len());
            row_count.saturating_mul(wanted.texts.len()).div_ceil(of.max(1))
        })
    }

    /// False only when no key matches whose tags lie within `bounds`, which gives the least and the greatest value of a tag, by its
    /// column, where they are known.
    pub(super) fn may_match_within<'a>(&self, bounds: impl Fn(&str) -> Option<(&'a str, &'a str)>) -> bool {
        self.wanted
            .iter()
            .all(|wanted| bounds(&wanted.column).is_none_or(|bounds| wanted.may_lie_within(bounds)))
    }
}

impl KeyFilter {
    /// Those of `row_groups` that have the values wanted, by the indexes of `file`. Where other bounds have ruled out most of the file
    /// none is made.
    pub(super) async fn row_groups(
        &self,
        file: &ParquetFile,
        mut row_groups: Vec<usize>,
    ) -> Result<Vec<usize>, FileError> {
        for wanted in &self.wanted {
            if row_groups.len() < INDEXED_ROW_GROUPS_MIN.max(file.row_group_count() / 2) {
                break;
            }
            if let Some(index) = file.tag_index(&wanted.name).await? {
                let with_value: HashSet<usize> =
                    wanted.texts.iter().flat_map(|text| index.row_groups(text)).collect();
                row_groups.retain(|group| with_value.contains(group));
            }
        }
        Ok(row_groups)
    }
}

impl Wanted {
    fn new(part: &Expr, columns: &[ScanColumn]) -> Option<Self> {
        let (column, texts) = match part {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                (left.as_ref(), vec![text_of(right)?])
            }
            Expr::InList(InList { expr, list, negated: false }) => {
                (expr.as_ref(), list.iter().map(text_of).collect::<Option<_>>()?)
            }
            _ => return None,
        };
        let Expr::Column(column) = column else { return None };
        let column = columns.iter().find(|known| *known.field.name() == column.name)?;
        let Origin::Tag(tag) = &column.origin else { return None };
        let name_of_tag = tag.clone();
        let mut values: Vec<String> = texts.iter().copied().map(series_key::escape).collect();
        values.sort_unstable();
        let mut texts: Vec<String> = texts.into_iter().map(str::to_owned).collect();
        texts.sort_unstable();
        let mut name = series_key::escape(tag);
        name.push(series_key::SEPARATOR as char);
        let (column, tag) = (column.field.name().clone(), Finder::new(name.as_bytes()).into_owned());
        Some(Self { name: name_of_tag, column, texts, tag, values })
    }

    fn may_lie_within(&self, (min, max): (&str, &str)) -> bool {
        let next = self.texts.partition_point(|text| text.as_str() < min);
        self.texts.get(next).is_some_and(|text| text.as_str() <= max)
    }

    /// A value that reads like the tag is taken for the tag, too: so this may be true without reason, and never false without.
    fn may_match(&self, key: &[u8]) -> bool {
        let name = self.tag.needle();
        let mut places = self.tag.find_iter(key);
        places.any(|place| {
            let is_whole = place == 0 || key[place - 1] == series_key::SEPARATOR;
            let value = &key[place + name.len()..];
            let end = memchr::memchr(series_key::SEPARATOR, value).unwrap_or(value.len());
            is_whole && self.values.binary_search_by(|known| known.as_bytes().cmp(&value[..end])).is_ok()
        })
    }
}

fn text_of(expr: &Expr) -> Option<&str> {
    let Expr::Literal(value, _) = expr else { return None };
    value.try_as_str().flatten()
}

#[cfg(test)]
mod tests {
    use super::super::columns::scan_columns;
    use super::*;
    use crate::model::schema::{ColumnKind, TableSchema};
    use datafusion::prelude::{col, lit};

    fn filter(of: Expr) -> KeyFilter {
        let tags = ["host", "rack", "a\u{1}b"].map(|tag| (tag, ColumnKind::Tag));
        let schema = TableSchema::default().with_columns(tags).unwrap().unwrap();
        KeyFilter::new(&[of], &scan_columns(&schema, true))
    }

    fn key(tags: &[(&str, &str)]) -> String {
        series_key::encode(tags.iter().copied())
    }

    #[test]
    fn a_key_must_have_one_of_the_values_of_each_tag() {
        let wanted =
            filter(col("host").in_list(vec![lit("a"), lit("b")], false).and(col("rack").eq(lit("1"))));
        assert!(wanted.may_match(&key(&[("host", "b"), ("rack", "1")])));
        assert!(!wanted.may_match(&key(&[("host", "b"), ("rack", "2")])));
        assert!(!wanted.may_match(&key(&[("host", "c"), ("rack", "1")])));
        assert!(!wanted.may_match(&key(&[("rack", "1")])));
        assert!(!wanted.may_match(&key(&[("ghost", "b"), ("rack", "1")])), "another tag with the same end");
        assert!(
            !wanted.may_match(&key(&[("host", "ba"), ("rack", "1")])),
            "another value with the same start"
        );
        assert!(!wanted.may_match(""));
    }

    #[test]
    fn of_many_values_few_rows_are_expected() {
        let wanted =
            filter(col("host").in_list(vec![lit("a"), lit("b")], false).and(col("rack").eq(lit("1"))));
        let values = |column: &str| (column == "host").then_some(100);
        assert_eq!(wanted.share_of(1_000 * TAG_SUMMARY_VALUES_MAX, values), 20);
        assert_eq!(wanted.share_of(1_000, |_| Some(1)), 1_000, "all there are");
        assert_eq!(wanted.share_of(0, values), 0);
    }

    #[test]
    fn one_of_the_values_must_lie_within_the_bounds_of_each_tag() {
        let wanted =
            filter(col("host").in_list(vec![lit("d"), lit("b")], false).and(col("rack").eq(lit("1"))));
        let within = |host, rack| {
            wanted.may_match_within(|column| match column {
                "host" => Some(host),
                _ => rack,
            })
        };
        assert!(within(("a", "b"), Some(("1", "1"))));
        assert!(within(("c", "d"), None), "nothing is known of rack");
        assert!(!within(("c", "c"), None));
        assert!(!within(("e", "z"), None));
        assert!(!within(("a", "z"), Some(("2", "9"))));
    }

    #[test]
    fn values_that_read_like_the_tag_hide_nothing() {
        let wanted = filter(col("host").eq(lit("a")));
        assert!(wanted.may_match(&key(&[("b", "host"), ("host", "a")])));
        assert!(wanted.may_match(&key(&[("host", "a"), ("z", "host")])));
    }

    #[test]
    fn names_and_values_are_compared_as_they_are_escaped() {
        let wanted = filter(col("a\u{1}b").eq(lit("\u{2}")));
        assert!(wanted.may_match(&key(&[("a\u{1}b", "\u{2}")])));
        assert!(!wanted.may_match(&key(&[("a\u{1}b", "\u{1}")])));
    }

    #[test]
    fn other_conditions_are_left_to_the_predicate() {
        for other in [
            col("host").not_eq(lit("a")),
            col("host").in_list(vec![lit("a")], true),
            col("host").eq(col("rack")),
            col("host").eq(lit("a")).or(col("rack").eq(lit("1"))),
        ] {
            assert!(filter(other).takes_all());
        }
    }
}
