//! What the result of a kind of statement looks like, besides its rows, and which statements change something.

use crate::encode::v1::{Split, StatementStyle};
use influxql::ast::Statement;

/// The form of a statement's result.
pub(super) fn style_of(statement: &Statement) -> StatementStyle {
    let split = match statement {
        Statement::Select(_)
        | Statement::ShowSeries(_)
        | Statement::ShowFieldKeys(_)
        | Statement::ShowCardinality(_) => Split::Rows,
        Statement::ShowTagKeys(_) | Statement::ShowTagValues(_) => Split::Series,
        _ => Split::Whole,
    };
    let empty_series = match statement {
        Statement::ShowDatabases => Some("databases"),
        Statement::ShowShardGroups => Some("shard groups"),
        Statement::ShowRetentionPolicies { .. }
        | Statement::ShowUsers
        | Statement::ShowGrants { .. }
        | Statement::ShowQueries => Some(""),
        _ => None,
    };
    let null_row_is_no_row = matches!(statement, Statement::ShowContinuousQueries);
    StatementStyle { split, empty_series, null_row_is_no_row }
}

/// The warning that a statement gets in a request whose method promises to change nothing. DELETE changes
/// something and gets none, in every version.
pub(super) fn read_only_warning(statement: &Statement) -> Option<String> {
    let is_change = match statement {
        Statement::Select(select) => select.target.is_some(),
        Statement::DropSeries(_)
        | Statement::DropMeasurement { .. }
        | Statement::DropShard { .. }
        | Statement::KillQuery { .. }
        | Statement::CreateDatabase(_)
        | Statement::DropDatabase { .. }
        | Statement::CreateRetentionPolicy(_)
        | Statement::AlterRetentionPolicy(_)
        | Statement::DropRetentionPolicy { .. }
        | Statement::CreateContinuousQuery(_)
        | Statement::DropContinuousQuery { .. }
        | Statement::CreateSubscription(_)
        | Statement::DropSubscription { .. }
        | Statement::CreateUser(_)
        | Statement::DropUser { .. }
        | Statement::SetPassword { .. }
        | Statement::Grant { .. }
        | Statement::GrantAdmin { .. }
        | Statement::Revoke { .. }
        | Statement::RevokeAdmin { .. } => true,
        _ => false,
    };
    is_change.then(|| warning_of(&statement.to_string()))
}

/// The warning that quotes a statement as `text`.
pub(super) fn warning_of(text: &str) -> String {
    format!("deprecated use of '{text}' in a read only context, please use a POST request instead")
}
