//! Whether both databases hold the same points after a change.
//!
//! In: the servers, the policies and the measurements. Out: a [`Relation`] of all points, and the statement that shows where they
//! differ. What InfluxDB's index remembers of names without values does not count: only points do.

use crate::compare::{Relation, error_of, value, worse};
use crate::generate::quote_name;
use crate::scenario::http::Response;
use crate::scenario::json::Json;
use crate::series::{items, series_of};
use crate::servers::{Form, Servers};
use crate::statement::{Select, Source, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// What was found.
pub(crate) struct Contents {
    pub(crate) relation: Relation,
    /// Shows the difference.
    pub(crate) statement: Statement,
    /// Whether two series of one measurement and policy have points of one time.
    pub(crate) has_ties: bool,
}

/// Compares all points of both. Each measurement is asked for alone: together, a name would have one type in all of them.
pub(crate) fn compare_contents(
    servers: &Servers,
    policies: &[String],
    measurements: &BTreeSet<&str>,
) -> Result<Contents, String> {
    let mut contents = Contents { relation: Relation::Same, statement: Statement::text(""), has_ties: false };
    let tables = policies.iter().flat_map(|policy| measurements.iter().map(move |name| (policy, *name)));
    for (policy, measurement) in tables {
        let table = format!("{}.{}", quote_name(policy), quote_name(measurement));
        let statement = Statement::Select(Select {
            columns: vec!["*".to_owned()],
            sources: vec![Source::Table(table)],
            group: vec!["*".to_owned()],
            ..Select::default()
        });
        let pair = servers.query(&statement.to_string(), Form { epoch: "ns", ..Form::default() })?;
        let points = points_of(&pair.oracle)?;
        contents.has_ties |= has_ties(&points);
        let relation = relation_of_points(&points, &points_of(&pair.ours)?);
        if relation != Relation::Same {
            (contents.relation, contents.statement) = (relation, statement);
        }
        if relation == Relation::Different {
            break;
        }
    }
    Ok(contents)
}

/// The points of an answer to `SELECT * … GROUP BY *`: series and time, and the values that are there.
type Points = BTreeMap<(String, String), Vec<(String, Json)>>;

/// Whether a time comes in more than one series.
fn has_ties(points: &Points) -> bool {
    let times: BTreeSet<&String> = points.keys().map(|(_, time)| time).collect();
    times.len() < points.len()
}

/// Reads them.
fn points_of(response: &Response) -> Result<Points, String> {
    if let Some(error) = error_of(response) {
        return Err(format!("the points cannot be read: {error}"));
    }
    let mut points = Points::new();
    for series in series_of(response).unwrap_or_default() {
        let tags = match series.get("tags") {
            Some(Json::Object(tags)) => tags.clone(),
            _ => Vec::new(),
        };
        let tags: Vec<_> =
            tags.into_iter().filter(|(_, value)| *value != Json::String(String::new())).collect();
        let columns = items(series.get("columns"));
        for row in items(series.get("values")) {
            let cells = items(Some(&row));
            let key = (format!("{:?} {tags:?}", series.get("name")), format!("{:?}", cells.first()));
            let fields = columns.iter().zip(cells).skip(1).filter(|(_, cell)| *cell != Json::Null);
            let fields = fields.map(|(column, cell)| (format!("{column:?}"), cell));
            points.insert(key, fields.collect());
        }
    }
    Ok(points)
}

/// Compares the points of both.
fn relation_of_points(oracle: &Points, ours: &Points) -> Relation {
    if oracle.len() != ours.len() {
        return Relation::Different;
    }
    oracle.iter().zip(ours).fold(Relation::Same, |so_far, ((left, left_fields), (right, right_fields))| {
        let has_same_names = left == right
            && left_fields.len() == right_fields.len()
            && left_fields.iter().zip(right_fields).all(|((left, _), (right, _))| left == right);
        if !has_same_names {
            return Relation::Different;
        }
        let fields = left_fields.iter().zip(right_fields);
        fields.fold(so_far, |so_far, ((_, left), (_, right))| worse(so_far, value(left, right)))
    })
}
