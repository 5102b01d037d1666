//! One InfluxQL statement of any kind: planned, answered at once, or handed back as a [`Command`].
//!
//! In: a statement, the tables, what the request says. Out: [`Planned`]. Nothing here changes anything: a statement that does
//! becomes a command, which the server gives to the engine.

use super::command::{Command, UserCommand};
use super::continuous;
use super::deletion;
use super::error::QueryError;
use super::influxql::source::Defaults;
use super::influxql::{SelectPlan, plan_select};
use super::show::{self, Listing, SeriesSource};
use super::tables::Tables;
use crate::catalog::{PolicyChange, PolicySpec, SubscriptionSpec};
use crate::config::Secret;
use crate::engine::RightsChange;
use crate::model::subscription::SubscriptionMode;
use crate::model::user::Access;
use influxql::ast::{
    self, AlterRetentionPolicy, CreateDatabase, CreateRetentionPolicy, CreateSubscription, Password,
    Privilege, Statement,
};

/// What a request says besides its statements.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatementContext<'a> {
    /// Database and policy of names without.
    pub defaults: Defaults<'a>,
    /// What `now()` means, in nanoseconds.
    pub now_ns: i64,
}

/// What a statement comes to.
#[derive(Clone, Debug)]
pub enum Planned {
    /// Plans to be run one after the other.
    Select(SelectPlan),
    /// Rows known already.
    Listing(Listing),
    /// A change that the server hands to the engine.
    Command(Command),
}

/// Plans a statement. `series` runs the plans that SHOW statements need.
///
/// # Errors
///
/// When the statement is wrong, with InfluxDB 1.x's text, or not supported yet.
pub async fn plan_statement(
    statement: &Statement,
    tables: &dyn Tables,
    series: &dyn SeriesSource,
    context: StatementContext<'_>,
) -> Result<Planned, QueryError> {
    let state = tables.state();
    let listing = match statement {
        Statement::Select(select) => {
            return plan_select(select, tables, context.defaults, context.now_ns).map(Planned::Select);
        }
        Statement::ShowDatabases => show::databases(state)?,
        Statement::ShowRetentionPolicies { database } => {
            show::retention_policies(state, database.as_deref(), context.defaults)?
        }
        Statement::ShowMeasurements(show) => show::measurements(show, tables, series, context).await?,
        Statement::ShowSeries(show) => show::series(show, tables, series, context).await?,
        Statement::ShowTagKeys(show) => show::tag_keys(show, tables, series, context).await?,
        Statement::ShowTagValues(show) => show::tag_values(show, tables, series, context).await?,
        Statement::ShowShards => show::shards(state, series).await?,
        Statement::ShowShardGroups => show::shard_groups(state, series).await?,
        Statement::DropShard { id } => {
            return deletion::drop_shard(*id, state, series).await.map(Planned::Command);
        }
        Statement::ShowFieldKeys(show) => show::field_keys(show, state, context.defaults)?,
        Statement::ShowUsers => show::users(state)?,
        Statement::ShowGrants { user } => show::grants(state, user)?,
        Statement::ShowContinuousQueries => show::continuous_queries(state)?,
        Statement::ShowSubscriptions => show::subscriptions(state)?,
        Statement::ShowCardinality(show) => show::cardinality(show, tables, series, context).await?,
        other => return command(other, tables, context).map(Planned::Command),
    };
    Ok(Planned::Listing(listing))
}

fn command(
    statement: &Statement,
    tables: &dyn Tables,
    context: StatementContext<'_>,
) -> Result<Command, QueryError> {
    Ok(match statement {
        Statement::CreateDatabase(create) => create_database(create),
        Statement::DropDatabase { name } => Command::DropDatabase { name: name.clone() },
        Statement::CreateRetentionPolicy(create) => create_policy(create),
        Statement::AlterRetentionPolicy(alter) => alter_policy(alter),
        Statement::DropRetentionPolicy { name, database } => {
            Command::DropPolicy { database: database.clone(), name: name.clone() }
        }
        Statement::Delete(delete) => deletion::delete(delete, tables.state(), context)?,
        Statement::DropSeries(drop) => deletion::drop_series(drop, tables.state(), context)?,
        Statement::DropMeasurement { name } => {
            let database = context.defaults.database.unwrap_or_default();
            if tables.state().database(database).is_none() {
                return Err(QueryError::Query(format!("database not found: {database}")));
            }
            Command::DropMeasurement { database: database.to_owned(), name: name.clone() }
        }
        Statement::CreateContinuousQuery(create) => {
            let create = continuous::qualified(create, tables.state(), context.defaults)?;
            Command::CreateContinuousQuery {
                statement: create.to_string(),
                database: create.database,
                name: create.name,
            }
        }
        Statement::DropContinuousQuery { name, database } => {
            Command::DropContinuousQuery { database: database.clone(), name: name.clone() }
        }
        Statement::CreateSubscription(create) => create_subscription(create),
        Statement::DropSubscription { name, database, policy } => Command::DropSubscription {
            database: database.clone(),
            policy: policy.clone(),
            name: name.clone(),
        },
        other => Command::User(user_command(other)?),
    })
}

fn user_command(statement: &Statement) -> Result<UserCommand, QueryError> {
    let change_rights = |user: &str, change| UserCommand::ChangeRights { name: user.to_owned(), change };
    Ok(match statement {
        Statement::CreateUser(create) => UserCommand::Create {
            name: create.name.clone(),
            password: secret(&create.password),
            is_admin: create.admin,
        },
        Statement::DropUser { name } => UserCommand::Drop { name: name.clone() },
        Statement::SetPassword { user, password } => {
            UserCommand::SetPassword { name: user.clone(), password: secret(password) }
        }
        Statement::Grant { privilege, database, user } => {
            let (database, access) = (database.clone(), access(*privilege));
            change_rights(user, RightsChange::Grant { database, access })
        }
        Statement::Revoke { privilege, database, user } => {
            let (database, access) = (database.clone(), access(*privilege));
            change_rights(user, RightsChange::Revoke { database, access })
        }
        Statement::GrantAdmin { user } => change_rights(user, RightsChange::Admin(true)),
        Statement::RevokeAdmin { user } => change_rights(user, RightsChange::Admin(false)),
        other => return Err(QueryError::unsupported(kind_of(other))),
    })
}

fn secret(password: &Password) -> Secret {
    Secret::new(password.reveal())
}

/// What a privilege on a database allows.
pub(super) fn access(privilege: Privilege) -> Access {
    match privilege {
        Privilege::Read => Access::READ,
        Privilege::Write => Access::WRITE,
        Privilege::All => Access::ALL,
    }
}

fn create_database(create: &CreateDatabase) -> Command {
    let policy = create.policy.as_ref().map(|policy| PolicySpec {
        name: policy.name.clone(),
        duration_ns: policy.duration_ns,
        shard_duration_ns: policy.shard_duration_ns,
        replica_n: policy.replication,
        future_limit_ns: policy.future_limit_ns,
        past_limit_ns: policy.past_limit_ns,
    });
    Command::CreateDatabase { name: create.name.clone(), policy }
}

fn create_policy(create: &CreateRetentionPolicy) -> Command {
    Command::CreatePolicy {
        database: create.database.clone(),
        name: create.name.clone(),
        spec: PolicySpec {
            name: Some(create.name.clone()),
            duration_ns: Some(create.duration_ns),
            shard_duration_ns: create.shard_duration_ns,
            replica_n: Some(create.replication),
            future_limit_ns: create.future_limit_ns,
            past_limit_ns: create.past_limit_ns,
        },
        make_default: create.default,
    }
}

fn create_subscription(create: &CreateSubscription) -> Command {
    Command::CreateSubscription {
        database: create.database.clone(),
        policy: create.policy.clone(),
        spec: SubscriptionSpec {
            name: create.name.clone(),
            mode: match create.mode {
                ast::SubscriptionMode::All => SubscriptionMode::All,
                ast::SubscriptionMode::Any => SubscriptionMode::Any,
            },
            destinations: create.destinations.clone(),
        },
    }
}

fn alter_policy(alter: &AlterRetentionPolicy) -> Command {
    Command::AlterPolicy {
        database: alter.database.clone(),
        name: alter.name.clone(),
        change: PolicyChange {
            duration_ns: alter.duration_ns,
            shard_duration_ns: alter.shard_duration_ns,
            replica_n: alter.replication,
            future_limit_ns: alter.future_limit_ns,
            past_limit_ns: alter.past_limit_ns,
            make_default: alter.default,
        },
    }
}

/// What a statement is called in an error.
fn kind_of(statement: &Statement) -> &'static str {
    match statement {
        Statement::Select(_) => "SELECT",
        Statement::Explain(_) => "EXPLAIN",
        Statement::Delete(_) => "DELETE",
        Statement::DropSeries(_) => "DROP SERIES",
        Statement::DropMeasurement { .. } => "DROP MEASUREMENT",
        Statement::DropShard { .. } => "DROP SHARD",
        Statement::ShowDatabases => "SHOW DATABASES",
        Statement::ShowMeasurements(_) => "SHOW MEASUREMENTS",
        Statement::ShowSeries(_) => "SHOW SERIES",
        Statement::ShowTagKeys(_) => "SHOW TAG KEYS",
        Statement::ShowTagValues(_) => "SHOW TAG VALUES",
        Statement::ShowFieldKeys(_) => "SHOW FIELD KEYS",
        Statement::ShowCardinality(_) => "SHOW … CARDINALITY",
        Statement::ShowRetentionPolicies { .. } => "SHOW RETENTION POLICIES",
        Statement::ShowContinuousQueries => "SHOW CONTINUOUS QUERIES",
        Statement::ShowSubscriptions => "SHOW SUBSCRIPTIONS",
        Statement::ShowUsers => "SHOW USERS",
        Statement::ShowGrants { .. } => "SHOW GRANTS",
        Statement::ShowShards => "SHOW SHARDS",
        Statement::ShowShardGroups => "SHOW SHARD GROUPS",
        Statement::ShowQueries => "SHOW QUERIES",
        Statement::ShowStats { .. } => "SHOW STATS",
        Statement::ShowDiagnostics { .. } => "SHOW DIAGNOSTICS",
        Statement::KillQuery { .. } => "KILL QUERY",
        Statement::CreateDatabase(_) => "CREATE DATABASE",
        Statement::DropDatabase { .. } => "DROP DATABASE",
        Statement::CreateRetentionPolicy(_) => "CREATE RETENTION POLICY",
        Statement::AlterRetentionPolicy(_) => "ALTER RETENTION POLICY",
        Statement::DropRetentionPolicy { .. } => "DROP RETENTION POLICY",
        Statement::CreateContinuousQuery(_) => "CREATE CONTINUOUS QUERY",
        Statement::DropContinuousQuery { .. } => "DROP CONTINUOUS QUERY",
        Statement::CreateSubscription(_) => "CREATE SUBSCRIPTION",
        Statement::DropSubscription { .. } => "DROP SUBSCRIPTION",
        Statement::CreateUser(_) => "CREATE USER",
        Statement::DropUser { .. } => "DROP USER",
        Statement::SetPassword { .. } => "SET PASSWORD",
        Statement::Grant { .. } | Statement::GrantAdmin { .. } => "GRANT",
        Statement::Revoke { .. } | Statement::RevokeAdmin { .. } => "REVOKE",
    }
}
