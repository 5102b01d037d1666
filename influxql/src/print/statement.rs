//! [`Statement`] as text. Passwords are never shown, so the statements that carry one are the only
//! ones whose text does not parse again.

use std::fmt;

use super::quote::{quote_ident, quote_string};
use super::show::on;
use crate::ast::{CreateUser, Password, Privilege, Statement};

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(select) => select.fmt(f),
            Self::Explain(explain) => explain.fmt(f),
            Self::Delete(delete) => delete.fmt(f),
            Self::DropSeries(drop) => drop.fmt(f),
            Self::ShowMeasurements(show) => show.fmt(f),
            Self::ShowSeries(show) => show.fmt(f),
            Self::ShowTagKeys(show) => show.fmt(f),
            Self::ShowTagValues(show) => show.fmt(f),
            Self::ShowFieldKeys(show) => show.fmt(f),
            Self::ShowCardinality(show) => show.fmt(f),
            Self::CreateDatabase(create) => create.fmt(f),
            Self::CreateRetentionPolicy(create) => create.fmt(f),
            Self::AlterRetentionPolicy(alter) => alter.fmt(f),
            Self::CreateContinuousQuery(create) => create.fmt(f),
            Self::CreateSubscription(create) => create.fmt(f),
            Self::CreateUser(create) => create.fmt(f),
            Self::ShowDatabases => f.write_str("SHOW DATABASES"),
            Self::ShowContinuousQueries => f.write_str("SHOW CONTINUOUS QUERIES"),
            Self::ShowSubscriptions => f.write_str("SHOW SUBSCRIPTIONS"),
            Self::ShowUsers => f.write_str("SHOW USERS"),
            Self::ShowShards => f.write_str("SHOW SHARDS"),
            Self::ShowShardGroups => f.write_str("SHOW SHARD GROUPS"),
            Self::ShowQueries => f.write_str("SHOW QUERIES"),
            Self::ShowRetentionPolicies { database } => {
                f.write_str("SHOW RETENTION POLICIES")?;
                on(f, database.as_deref())
            }
            Self::ShowGrants { user } => write!(f, "SHOW GRANTS FOR {}", quote_ident(user)),
            Self::ShowStats { module } => module_of(f, "SHOW STATS", module.as_deref()),
            Self::ShowDiagnostics { module } => module_of(f, "SHOW DIAGNOSTICS", module.as_deref()),
            Self::KillQuery { id, host } => {
                write!(f, "KILL QUERY {id}")?;
                on(f, host.as_deref())
            }
            Self::DropMeasurement { name } => write!(f, "DROP MEASUREMENT {}", quote_ident(name)),
            Self::DropShard { id } => write!(f, "DROP SHARD {id}"),
            Self::DropDatabase { name } => write!(f, "DROP DATABASE {}", quote_ident(name)),
            Self::DropRetentionPolicy { name, database } => {
                let (name, database) = (quote_ident(name), quote_ident(database));
                write!(f, "DROP RETENTION POLICY {name} ON {database}")
            }
            Self::DropContinuousQuery { name, database } => {
                let (name, database) = (quote_ident(name), quote_ident(database));
                write!(f, "DROP CONTINUOUS QUERY {name} ON {database}")
            }
            Self::DropSubscription { name, database, policy } => {
                let (name, database) = (quote_ident(name), quote_ident(database));
                write!(f, "DROP SUBSCRIPTION {name} ON {database}.{}", quote_ident(policy))
            }
            Self::DropUser { name } => write!(f, "DROP USER {}", quote_ident(name)),
            Self::SetPassword { user, password } => {
                write!(f, "SET PASSWORD FOR {} = {password}", quote_ident(user))
            }
            Self::Grant { privilege, database, user } => {
                let (database, user) = (quote_ident(database), quote_ident(user));
                write!(f, "GRANT {privilege} ON {database} TO {user}")
            }
            Self::GrantAdmin { user } => {
                write!(f, "GRANT {} TO {}", Privilege::All, quote_ident(user))
            }
            Self::Revoke { privilege, database, user } => {
                let (database, user) = (quote_ident(database), quote_ident(user));
                write!(f, "REVOKE {privilege} ON {database} FROM {user}")
            }
            Self::RevokeAdmin { user } => {
                write!(f, "REVOKE {} FROM {}", Privilege::All, quote_ident(user))
            }
        }
    }
}

impl fmt::Display for CreateUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE USER {} WITH PASSWORD {}", quote_ident(&self.name), self.password)?;
        if self.admin { f.write_str(" WITH ALL PRIVILEGES") } else { Ok(()) }
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::All => "ALL PRIVILEGES",
        })
    }
}

fn module_of(f: &mut fmt::Formatter<'_>, words: &str, module: Option<&str>) -> fmt::Result {
    f.write_str(words)?;
    match module {
        Some(module) => write!(f, " FOR {}", quote_string(module)),
        None => Ok(()),
    }
}
