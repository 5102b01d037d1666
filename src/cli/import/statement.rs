//! Statements of a file: running one, and what its failure means.

use crate::cli::client::{Client, ClientError, cause_of};
use influxql::ast::{CreateRetentionPolicy, Statement};
use influxql::{Params, parse};
use reqwest::StatusCode;

/// What a server says when the database has other policies already.
const POLICY_CONFLICT: &str = "retention policy conflicts with an existing policy";

/// Runs a statement. Gives its own error, if it has one; fails when the server cannot be spoken to.
///
/// `influx_inspect export` writes `CREATE DATABASE db WITH NAME rp` for each policy of a database, of which a server takes only the
/// first. Of the others the policy is made.
pub(super) async fn run(client: &Client, text: &str) -> Result<Option<String>, ClientError> {
    match send(client, text).await? {
        Some(error) if error.contains(POLICY_CONFLICT) => match policy_of(text) {
            Some(create_policy) => send(client, &create_policy).await,
            None => Ok(Some(error)),
        },
        answer => Ok(answer),
    }
}

async fn send(client: &Client, text: &str) -> Result<Option<String>, ClientError> {
    match client.query(text, &[], "application/json").await {
        Ok(answer) => {
            let body = answer.text().await.map_err(|error| ClientError::Answer(cause_of(&error)))?;
            Ok(error_in(&body))
        }
        // It does not parse.
        Err(ClientError::Refused { status: StatusCode::BAD_REQUEST, message }) => Ok(Some(message)),
        Err(error) => Err(error),
    }
}

/// The error of the one statement that was sent.
fn error_in(body: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(body).ok()?;
    let error = answer.get("error").or_else(|| answer.pointer("/results/0/error"))?;
    error.as_str().map(ToOwned::to_owned)
}

/// The statement that makes the policy which a `CREATE DATABASE … WITH NAME …` names.
pub(super) fn policy_of(text: &str) -> Option<String> {
    let statements = parse(text, &Params::default()).ok()?;
    let [Statement::CreateDatabase(create)] = statements.as_slice() else { return None };
    let policy = create.policy.as_ref()?;
    let statement = Statement::CreateRetentionPolicy(CreateRetentionPolicy {
        name: policy.name.clone()?,
        database: create.name.clone(),
        duration_ns: policy.duration_ns.unwrap_or(0),
        replication: policy.replication.unwrap_or(1),
        shard_duration_ns: policy.shard_duration_ns,
        default: false,
        future_limit_ns: policy.future_limit_ns,
        past_limit_ns: policy.past_limit_ns,
    });
    Some(statement.to_string())
}
