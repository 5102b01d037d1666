//! `GET /api/tidegauge/catalog`: databases, retention policies and tables, with as much as an export needs to know.
//!
//! ```text
//! {"databases":[{"name":"nyc","default_policy":"autogen","policies":[{"name":"autogen","duration_ns":0,…,
//!   "tables":[{"name":"weather","row_count":26115}]}]}]}
//! ```

use super::response;
use crate::engine::{Engine, EngineError};
use crate::model::database::PolicyInfo;
use crate::model::state::State as Catalog;
use crate::server::AppState;
use crate::server::error::{ErrorForm, HttpError};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

/// `GET /api/tidegauge/catalog`
pub(in crate::server) async fn serve(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    catalog(&state).await.unwrap_or_else(|error| error.into_response(ErrorForm::of(&headers, &uri)))
}

async fn catalog(state: &AppState) -> Result<Response, HttpError> {
    let visible = state.engine.visible_state().await?;
    let mut databases = Vec::new();
    for database in visible.databases() {
        let policies = visible.policies_of(database.id).into_iter();
        let policies = policies.map(|policy| describe(&state.engine, &visible, policy));
        databases.push(json!({
            "name": database.name,
            "default_policy": database.default_policy,
            "policies": policies.collect::<Result<Vec<_>, _>>()?,
        }));
    }
    Ok(response("application/json", json!({ "databases": databases }).to_string()))
}

fn describe(engine: &Engine, visible: &Catalog, policy: &PolicyInfo) -> Result<Value, EngineError> {
    let mut tables = Vec::new();
    for table in visible.tables_of(policy.id) {
        // `None` when it was dropped since.
        if let Some(view) = engine.read_view(table.id)? {
            tables.push(json!({ "name": table.name, "row_count": view.row_count_max() }));
        }
    }
    Ok(json!({
        "name": policy.name,
        "duration_ns": policy.duration_ns,
        "shard_duration_ns": policy.shard_duration_ns,
        "replica_n": policy.replica_n,
        "future_limit_ns": policy.future_limit_ns,
        "past_limit_ns": policy.past_limit_ns,
        "tables": tables,
    }))
}
