//! Whether both databases hold the same points after a change.
//!
//! In: the servers, the policies and the measurements. Out: a [`Relation`] of all points, and the statement that shows where they differ. What
//! InfluxDB's index remembers of names without values does not count: only points do.

use crate::compare::{Relation, points_of, relation_of_points};
use crate::generate::quote_name;
use crate::servers::{Form, Servers};
use crate::statement::{Select, Source, Statement};
use std::collections::BTreeSet;

/// Compares all points of both. Each measurement is asked for alone: together, a name would have one type in all of them.
pub(crate) fn compare_contents(
    servers: &Servers,
    policies: &[String],
    measurements: &BTreeSet<&str>,
) -> Result<(Relation, Statement), String> {
    let mut outcome = (Relation::Same, Statement::text(""));
    let tables = policies.iter().flat_map(|policy| measurements.iter().map(move |name| (policy, *name)));
    for (policy, measurement) in tables {
        let table = format!("{}.{}", quote_name(policy), quote_name(measurement));
        let statement = Statement::Select(Select {
            columns: vec!["*".to_owned()],
            sources: vec![Source::Table(table)],
            group: vec!["*".to_owned()],
            ..Select::default()
        });
        let pair = servers.query(&statement.to_string(), Form { epoch: "ns", chunk_size: 0 })?;
        match relation_of_points(&points_of(&pair.oracle)?, &points_of(&pair.ours)?) {
            Relation::Same => {}
            Relation::LastDigits => outcome = (Relation::LastDigits, statement),
            Relation::Different => return Ok((Relation::Different, statement)),
        }
    }
    Ok(outcome)
}
