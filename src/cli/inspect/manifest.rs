//! The manifest: its objects, and the databases, policies and tables they add up to.

use super::Findings;
use crate::cli::error::CliError;
use crate::cli::terminal::counted;
use crate::manifest::inspect::inspect as read_manifest;
use crate::model::state::State;
use crate::model::time::go_duration;
use crate::object::Store;

/// Reads all objects; prints them when `shown`. `None` when they do not add up to a state.
pub(super) async fn inspect(
    store: &Store,
    shown: bool,
    findings: &mut Findings,
) -> Result<Option<State>, CliError> {
    let inspection = read_manifest(store).await.map_err(CliError::failed)?;
    let mut told = Vec::new();
    if shown {
        findings.section(&format!("Manifest in {}", store.url()));
        findings.line(&format!(
            "{}, {}, opened for writing {}",
            counted(inspection.edits.len(), "edit"),
            counted(inspection.checkpoints.len(), "checkpoint"),
            counted(inspection.epochs.len(), "time")
        ));
        for object in inspection.checkpoints.iter().chain(&inspection.edits) {
            if let Err(error) = &object.content {
                let text = error.to_string();
                findings.damage(&text);
                told.push(text);
            }
        }
    }
    match inspection.state {
        Ok(state) => {
            if shown {
                show_databases(&state, findings);
                show_tables(&state, findings);
            }
            Ok(Some(state))
        }
        Err(error) => {
            let text = error.to_string();
            // It names one of the objects above as a rule, which is no second damage.
            if !told.contains(&text) {
                findings.damage(&text);
            }
            findings.line("a server does not start with this manifest");
            Ok(None)
        }
    }
}

fn show_databases(state: &State, findings: &mut Findings) {
    let mut rows = Vec::new();
    for database in state.databases() {
        for policy in state.policies_of(database.id) {
            let is_default = policy.name == database.default_policy;
            rows.push([
                database.name.to_string(),
                if is_default { format!("{} (default)", policy.name) } else { policy.name.to_string() },
                if policy.duration_ns == 0 { "for ever".into() } else { go_duration(policy.duration_ns) },
                go_duration(policy.shard_duration_ns),
                state.tables_of(policy.id).count().to_string(),
            ]);
        }
    }
    findings.section("Databases");
    if rows.is_empty() {
        findings.line("there are none");
    }
    findings.table(["database", "policy", "kept", "shard duration", "tables"], &[4], rows);
}

fn show_tables(state: &State, findings: &mut Findings) {
    let mut rows = Vec::new();
    for table in state.tables() {
        let files = state.files_of(table.id);
        let database = state.database_by_id(table.database).map(|database| database.name.clone());
        let policy = state.policy_by_id(table.policy).map(|policy| policy.name.clone());
        rows.push([
            database.unwrap_or_default().to_string(),
            policy.unwrap_or_default().to_string(),
            table.name.to_string(),
            table.schema.columns().len().to_string(),
            files.len().to_string(),
            files.iter().map(|file| file.row_count).sum::<u64>().to_string(),
            files.iter().map(|file| file.size_bytes).sum::<u64>().to_string(),
        ]);
    }
    if rows.is_empty() {
        return;
    }
    findings.section("Tables");
    findings.table(
        ["database", "policy", "table", "tags and fields", "files", "rows", "bytes"],
        &[3, 4, 5, 6],
        rows,
    );
}
