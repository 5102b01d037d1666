//! `/debug/vars`: the figures of SHOW STATS as one JSON object, as Go programs publish them.

use super::ping::json;
use crate::server::AppState;
use crate::server::monitor::{Section, Value, statistics, system};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::collections::BTreeMap;

/// A series of figures.
#[derive(Serialize)]
struct Statistic {
    name: &'static str,
    tags: BTreeMap<&'static str, String>,
    values: BTreeMap<&'static str, Value>,
}

/// A member of the object.
#[derive(Serialize)]
#[serde(untagged)]
enum Variable {
    Arguments(Vec<String>),
    Values(BTreeMap<&'static str, Value>),
    Statistic(Statistic),
}

/// `GET|HEAD /debug/vars`. The key of a series is its name and, where there are several of the name, the values of its tags.
pub(in crate::server) async fn serve(State(state): State<AppState>) -> Response {
    let mut variables: BTreeMap<String, Variable> = BTreeMap::new();
    let name = std::env::args().next().unwrap_or_default();
    variables.insert("cmdline".to_owned(), Variable::Arguments(vec![name]));
    variables.insert("system".to_owned(), Variable::Values(system(&state).values.into_iter().collect()));
    for Section { name, tags, values } in statistics(&state) {
        let key = tags.iter().fold(name.to_owned(), |key, (_, value)| format!("{key}:{value}"));
        let (tags, values) = (tags.into_iter().collect(), values.into_iter().collect());
        variables.insert(key, Variable::Statistic(Statistic { name, tags, values }));
    }
    let mut body = serde_json::to_vec(&variables).expect("texts and numbers are JSON");
    body.push(b'\n');
    json(StatusCode::OK, body)
}
