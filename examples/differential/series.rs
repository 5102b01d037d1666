//! What two answers that differ have in common: series, rows, columns and cells.
//!
//! In: both responses. Out: what an explanation asks of them. Values are equal as [`compare`](crate::compare) has it.

use crate::compare::{Relation, value, values};
use crate::scenario::http::Response;
use crate::scenario::json::{Json, parse_documents};

/// The names of the columns in which two answers of the same shape differ; `None` when their shapes differ.
pub(crate) fn differing_columns(oracle: &Response, ours: &Response) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let has_same_shape = for_each_difference(oracle, ours, &mut |name, _, _| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    });
    has_same_shape.then_some(names)
}

/// Whether two answers of the same shape differ only in cells that `test` (InfluxDB's, ours) takes.
pub(crate) fn only_cells_differ(oracle: &Response, ours: &Response, test: fn(&Json, &Json) -> bool) -> bool {
    let mut is_taken = true;
    for_each_difference(oracle, ours, &mut |_, left, right| is_taken &= test(left, right)) && is_taken
}

/// Calls `found` with the column's name and both values of each cell that differs. Whether both answers have the same series
/// with the same number of rows.
fn for_each_difference(
    oracle: &Response,
    ours: &Response,
    found: &mut dyn FnMut(&str, &Json, &Json),
) -> bool {
    let (Some(left), Some(right)) = (series_of(oracle), series_of(ours)) else { return false };
    if left.len() != right.len() || left.is_empty() {
        return false;
    }
    for (left, right) in left.iter().zip(&right) {
        if !has_same_head(left, right) || left.get("columns") != right.get("columns") {
            return false;
        }
        let (columns, a, b) =
            (items(left.get("columns")), items(left.get("values")), items(right.get("values")));
        if a.len() != b.len() {
            return false;
        }
        for (a, b) in a.iter().zip(&b) {
            for (column, (a, b)) in columns.iter().zip(items(Some(a)).iter().zip(items(Some(b)))) {
                if let Json::String(name) = column
                    && value(a, &b) == Relation::Different
                {
                    found(name, a, &b);
                }
            }
        }
    }
    true
}

/// Whether every series that both answers have has the same rows in both, in any order.
pub(crate) fn shared_series_are_equal(oracle: &Response, ours: &Response) -> bool {
    let (Some(left), Some(right)) = (series_of(oracle), series_of(ours)) else { return false };
    let sorted = |series: &Json| {
        let mut rows = items(series.get("values"));
        rows.sort_by_cached_key(|row| format!("{row:?}"));
        rows
    };
    left.iter().all(|left| {
        let mut namesakes = right.iter().filter(|right| has_same_head(left, right));
        namesakes.all(|right| {
            left.get("columns") == right.get("columns")
                && values(&sorted(left), &sorted(right)) != Relation::Different
        })
    })
}

/// Whether two series are called alike and have the same tags, but for those that are empty in the second and absent in the first.
fn has_tags_of(part: &Json, whole: &Json) -> bool {
    let tags = |series: &Json| match series.get("tags") {
        Some(Json::Object(tags)) => {
            tags.iter().filter(|(_, value)| *value != Json::String(String::new())).cloned().collect()
        }
        _ => Vec::new(),
    };
    part.get("name") == whole.get("name") && tags(part) == tags(whole)
}

fn has_same_head(left: &Json, right: &Json) -> bool {
    left.get("name") == right.get("name") && left.get("tags") == right.get("tags")
}

/// Whether both answers hold the same rows of the same series, in any order.
pub(crate) fn has_same_rows(oracle: &Response, ours: &Response) -> bool {
    let sorted = |response: &Response| {
        let mut rows: Vec<(String, Json)> = Vec::new();
        for series in series_of(response)? {
            let head = format!("{:?} {:?}", series.get("name"), series.get("tags"));
            rows.extend(items(series.get("values")).into_iter().map(|row| (head.clone(), row)));
        }
        rows.sort_by_cached_key(|(head, row)| format!("{head} {row:?}"));
        Some(rows)
    };
    let (Some(left), Some(right)) = (sorted(oracle), sorted(ours)) else { return false };
    let is_same = |(left, right): (&(String, Json), &(String, Json))| {
        left.0 == right.0 && value(&left.1, &right.1) != Relation::Different
    };
    !left.is_empty() && left.len() == right.len() && left.iter().zip(&right).all(is_same)
}

/// Whether an answer lacks rows or values of another, and has nothing that is not there, but for windows that come twice, and cells
/// that `test` (the part's, the whole's) takes.
pub(crate) fn lacks_rows_of(part: &Response, whole: &Response, test: fn(&Json, &Json) -> bool) -> bool {
    let (Some(part), Some(whole)) = (series_of(part), series_of(whole)) else { return false };
    let is_same = |less: &Json, more: &Json| {
        *less == Json::Null || value(less, more) != Relation::Different || test(less, more)
    };
    let has = |whole: &Json, row: &Json| {
        let cells = items(Some(row));
        let others = items(whole.get("values"));
        others.iter().map(|other| items(Some(other))).any(|other| {
            other.first() == cells.first() && cells.iter().zip(&other).all(|(less, more)| is_same(less, more))
        })
    };
    part.iter().all(|part| {
        let namesake = whole.iter().find(|whole| has_same_head(part, whole));
        namesake.is_some_and(|whole| {
            let rows = items(part.get("values"));
            let time = |row: &Json| items(Some(row)).into_iter().next();
            let mut seen = Vec::new();
            part.get("columns") == whole.get("columns")
                && rows.iter().all(|row| {
                    let time = time(row);
                    let comes_twice = seen.contains(&time);
                    seen.push(time);
                    comes_twice || has(whole, row)
                })
        })
    })
}

/// Whether an answer has the rows of another, without the values of some columns, which are given by their places after the time: in
/// these it has what `is_nothing` takes. It may lack rows that have only what `is_empty` takes in the others.
pub(crate) fn has_rows_beside(
    part: &Response,
    whole: &Response,
    columns: &[usize],
    is_nothing: fn(&Json) -> bool,
    is_empty: &dyn Fn(&Json) -> bool,
) -> bool {
    let (Some(part), Some(whole)) = (series_of(part), series_of(whole)) else { return false };
    let is_of_columns = |place: usize| place > 0 && columns.contains(&(place - 1));
    let is_beside = |row: &Json, other: &Json| {
        let cells = items(Some(row)).into_iter().zip(items(Some(other))).enumerate();
        cells.into_iter().all(|(place, (cell, other))| match is_of_columns(place) {
            true => is_nothing(&cell),
            false => value(&cell, &other) != Relation::Different,
        })
    };
    let has_value_beside = |row: &Json| {
        let cells = items(Some(row)).into_iter().enumerate().skip(1);
        cells.into_iter().any(|(place, cell)| !is_of_columns(place) && !is_empty(&cell))
    };
    let is_known = |series: &Json| whole.iter().any(|whole| has_same_head(series, whole));
    part.iter().all(is_known)
        && whole.iter().all(|whole| {
            let part = part.iter().find(|part| has_same_head(part, whole));
            let mut rows = items(part.and_then(|part| part.get("values"))).into_iter().peekable();
            let has_same_columns = part.is_none_or(|part| part.get("columns") == whole.get("columns"));
            let is_there =
                |row: &Json| rows.next_if(|own| is_beside(own, row)).is_some() || !has_value_beside(row);
            has_same_columns && items(whole.get("values")).iter().all(is_there) && rows.peek().is_none()
        })
}

/// Whether every series of an answer is one of another's whose rows begin with the same values in columns that `test` takes. Each
/// series has to have such a column.
pub(crate) fn begins_alike(part: &Response, whole: &Response, test: fn(&str) -> bool) -> bool {
    let (Some(part), Some(whole)) = (series_of(part), series_of(whole)) else { return false };
    let is_taken = |column: &Json| matches!(column, Json::String(name) if test(name));
    let begins_as = |part: &Json, whole: &Json| {
        let columns = items(part.get("columns"));
        let (rows, others) = (items(part.get("values")), items(whole.get("values")));
        let is_same = |(row, other): (&Json, &Json)| {
            let cells = columns.iter().zip(items(Some(row)).into_iter().zip(items(Some(other))));
            cells
                .into_iter()
                .all(|(column, (a, b))| !is_taken(column) || value(&a, &b) != Relation::Different)
        };
        part.get("columns") == whole.get("columns")
            && columns.iter().any(is_taken)
            && rows.len() <= others.len()
            && rows.iter().zip(&others).all(is_same)
    };
    part.iter().all(|part| {
        let namesake = whole.iter().find(|whole| has_same_head(part, whole));
        namesake.is_some_and(|whole| begins_as(part, whole))
    })
}

/// The measurements of what an answer of SHOW has and another has not; `None` when rows do not tell theirs.
pub(crate) fn measurements_beyond(whole: &Response, part: &Response) -> Option<Vec<String>> {
    let (whole, part) = (series_of(whole)?, series_of(part)?);
    let mut names = Vec::new();
    for series in &whole {
        let known: Vec<Json> = part
            .iter()
            .filter(|part| has_same_head(series, part))
            .flat_map(|part| items(part.get("values")))
            .collect();
        for row in items(series.get("values")).iter().filter(|row| !known.contains(row)) {
            let first = items(Some(row)).into_iter().next();
            names.push(match (series.get("name"), first) {
                (Some(Json::String(name)), Some(Json::String(measurement))) if name == "measurements" => {
                    measurement
                }
                (Some(Json::String(name)), _) => name.clone(),
                // A series key.
                (None, Some(Json::String(key))) => measurement_of_key(&key),
                _ => return None,
            });
        }
    }
    Some(names)
}

/// Whether an answer has rows, and none of them a value.
pub(crate) fn has_only_nulls(response: &Response) -> bool {
    let rows: Vec<Json> = series_of(response)
        .unwrap_or_default()
        .iter()
        .flat_map(|series| items(series.get("values")))
        .collect();
    !rows.is_empty() && rows.iter().all(|row| items(Some(row)).iter().skip(1).all(|cell| *cell == Json::Null))
}

/// How many rows an answer has in all.
pub(crate) fn row_count(response: &Response) -> usize {
    let series = series_of(response).unwrap_or_default();
    series.iter().map(|series| items(series.get("values")).len()).sum()
}

fn measurement_of_key(key: &str) -> String {
    let mut name = String::new();
    let mut chars = key.chars();
    while let Some(c) = chars.next().filter(|c| *c != ',') {
        name.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    name
}

/// Whether an answer of SHOW is a part of another: every row is in both, or counts less.
pub(crate) fn is_part_of(part: &Response, whole: &Response) -> bool {
    let (Some(part), Some(whole)) = (series_of(part), series_of(whole)) else { return false };
    let is_less =
        |less: &Json, more: &Json| match (items(Some(less)).as_slice(), items(Some(more)).as_slice()) {
            ([Json::Number(less)], [Json::Number(more)]) => {
                less.parse::<u64>().ok() < more.parse::<u64>().ok()
            }
            _ => false,
        };
    part.iter().all(|part| {
        let namesakes: Vec<_> = whole.iter().filter(|whole| has_same_head(part, whole)).collect();
        items(part.get("values")).iter().all(|row| {
            let rows = namesakes.iter().flat_map(|whole| items(whole.get("values")));
            rows.into_iter().any(|other| *row == other || is_less(row, &other))
        })
    })
}

/// Whether an answer has the series of another, with some of their columns and the same values in these, or values that `test` (the
/// whole's, the part's) takes.
pub(crate) fn has_columns_of(part: &Response, whole: &Response, test: &dyn Fn(&Json, &Json) -> bool) -> bool {
    let (Some(part), Some(whole)) = (series_of(part), series_of(whole)) else { return false };
    let has = |(part, whole): (&Json, &Json)| {
        let (names, all) = (items(part.get("columns")), items(whole.get("columns")));
        let places: Option<Vec<usize>> =
            names.iter().map(|name| all.iter().position(|other| other == name)).collect();
        let (rows, others) = (items(part.get("values")), items(whole.get("values")));
        let Some(places) = places else { return false };
        has_tags_of(part, whole)
            && rows.len() == others.len()
            && rows.iter().zip(&others).all(|(row, other)| {
                let other = items(Some(other));
                let cells = items(Some(row));
                cells.iter().zip(&places).all(|(cell, place)| {
                    let is_same =
                        |other: &Json| value(other, cell) != Relation::Different || test(other, cell);
                    other.get(*place).is_some_and(is_same)
                })
            })
    };
    part.len() == whole.len() && part.iter().zip(&whole).all(has)
}

/// Every series of every result, in order.
pub(crate) fn series_of(response: &Response) -> Option<Vec<Json>> {
    let documents = parse_documents(&String::from_utf8_lossy(&response.body)).ok()?;
    let results = documents.iter().flat_map(|document| items(document.get("results")));
    let mut all: Vec<Json> = Vec::new();
    for piece in results.flat_map(|result| items(result.get("series"))) {
        // A chunked answer breaks series into pieces.
        match all.last_mut() {
            Some(last) if has_same_head(last, &piece) => append(last, &piece),
            _ => all.push(piece),
        }
    }
    Some(all)
}

/// Adds the rows of `piece` to those of `series`.
fn append(series: &mut Json, piece: &Json) {
    if let Json::Object(members) = series {
        for (_, value) in members.iter_mut().filter(|(name, _)| name == "values") {
            if let Json::Array(rows) = value {
                rows.extend(items(piece.get("values")));
            }
        }
        members.retain(|(name, _)| name != "partial");
    }
}

/// The items of an array; none of anything else.
pub(crate) fn items(value: Option<&Json>) -> Vec<Json> {
    match value {
        Some(Json::Array(items)) => items.clone(),
        _ => Vec::new(),
    }
}
