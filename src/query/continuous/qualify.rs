//! The normal form of a continuous query: every measurement bears its database and policy, so that it goes on meaning the same when
//! the default policy changes.
//!
//! ```text
//! BEGIN SELECT mean(f) INTO x FROM m GROUP BY time(1h) END
//! BEGIN SELECT mean(f) INTO db.autogen.x FROM db.autogen.m GROUP BY time(1h) END
//! ```

use crate::model::state::State;
use crate::query::error::QueryError;
use crate::query::influxql::source::{self, Defaults};
use influxql::ast::{CreateContinuousQuery, Select, Source};

/// Where a measurement is: its database and policy as written, to be filled in.
struct Place<'a> {
    database: &'a mut Option<String>,
    policy: &'a mut Option<String>,
}

/// The statement in its normal form. The database of a name without one is the request's, or else the one the continuous query
/// belongs to (in this order, as in InfluxDB 1.x).
///
/// # Errors
/// When a database or retention policy does not exist.
pub fn qualified(
    create: &CreateContinuousQuery,
    state: &State,
    defaults: Defaults<'_>,
) -> Result<CreateContinuousQuery, QueryError> {
    let mut create = create.clone();
    let database = defaults.database.filter(|name| !name.is_empty());
    let own = create.database.clone();
    let defaults = Defaults { database: Some(database.unwrap_or(&own)), ..defaults };
    let mut places = Vec::new();
    places_in(&mut create.select, &mut places);
    for place in &mut places {
        fill(place, state, defaults)?;
    }
    // InfluxDB 1.x looks for the policies when all names are complete.
    for place in &places {
        check(place, state)?;
    }
    Ok(create)
}

/// The target before the sources, which is the order in which mistakes are found.
fn places_in<'a>(select: &'a mut Select, places: &mut Vec<Place<'a>>) {
    if let Some(target) = &mut select.target {
        places.push(Place { database: &mut target.database, policy: &mut target.policy });
    }
    for source in &mut select.sources {
        match source {
            Source::Measurement(measurement) => {
                places.push(Place { database: &mut measurement.database, policy: &mut measurement.policy })
            }
            Source::Subquery(inner) => places_in(inner, places),
        }
    }
}

fn fill(place: &mut Place<'_>, state: &State, defaults: Defaults<'_>) -> Result<(), QueryError> {
    let database = source::database(state, place.database.as_deref(), defaults)?;
    if place.policy.is_none() {
        let policy = defaults.policy.filter(|name| !name.is_empty()).unwrap_or(&database.default_policy);
        if policy.is_empty() {
            let text = format!("default retention policy not set for: {:?}", database.name);
            return Err(QueryError::Query(text));
        }
        *place.policy = Some(policy.to_owned());
    }
    *place.database = Some(database.name.to_string());
    Ok(())
}

fn check(place: &Place<'_>, state: &State) -> Result<(), QueryError> {
    let (Some(database), Some(policy)) = (place.database.as_deref(), place.policy.as_deref()) else {
        return Ok(());
    };
    let found = state.database(database).and_then(|found| state.policy(found.id, policy));
    match found {
        Some(_) => Ok(()),
        None => Err(QueryError::Query(format!("retention policy not found: {database}.{policy}"))),
    }
}
