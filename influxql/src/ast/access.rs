//! What a statement touches: the database it names, and the privileges it needs. Data only; the server decides.

use super::{Privilege, ScopePart, Select, Source, Statement};

/// One privilege a statement needs. A statement that needs none may be run by any user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RequiredPrivilege {
    /// To be an admin.
    Admin,
    /// This privilege on a database.
    On {
        /// The database; `None` is the one of the request.
        database: Option<String>,
        /// READ or WRITE.
        privilege: Privilege,
    },
}

impl RequiredPrivilege {
    fn read(database: Option<&str>) -> Self {
        Self::On { database: database.map(str::to_owned), privilege: Privilege::Read }
    }

    fn write(database: Option<&str>) -> Self {
        Self::On { database: database.map(str::to_owned), privilege: Privilege::Write }
    }
}

impl Statement {
    /// The privileges needed to run the statement, all of them.
    ///
    /// They are those of InfluxDB 1.x but for the exact cardinalities, which it lets anyone run
    /// without FROM and checks against the wrong database with ON.
    pub fn required_privileges(&self) -> Vec<RequiredPrivilege> {
        match self {
            Self::Select(select) => of_select(select),
            Self::Explain(explain) => of_select(&explain.select),
            Self::ShowDatabases => Vec::new(),
            Self::ShowMeasurements(show) => {
                vec![match &show.database {
                    Some(ScopePart::Name(name)) => RequiredPrivilege::read(Some(name)),
                    // All databases at once: there is no privilege for that but to be an admin.
                    Some(ScopePart::Any) => RequiredPrivilege::Admin,
                    None => RequiredPrivilege::read(None),
                }]
            }
            Self::ShowCardinality(show) => {
                let mut needed = of_sources(&show.sources);
                if needed.is_empty() || show.database.is_some() {
                    needed.insert(0, RequiredPrivilege::read(show.database.as_deref()));
                }
                needed
            }
            Self::ShowSeries(_)
            | Self::ShowTagKeys(_)
            | Self::ShowTagValues(_)
            | Self::ShowFieldKeys(_)
            | Self::ShowRetentionPolicies { .. }
            | Self::ShowContinuousQueries
            | Self::ShowQueries => vec![RequiredPrivilege::read(self.default_database())],
            Self::Delete(_)
            | Self::DropSeries(_)
            | Self::DropRetentionPolicy { .. }
            | Self::DropContinuousQuery { .. } => {
                vec![RequiredPrivilege::write(self.default_database())]
            }
            Self::CreateContinuousQuery(create) => {
                let mut needed = vec![RequiredPrivilege::read(Some(&create.database))];
                if let Some(target) = &create.select.target
                    && let Some(database) = &target.database
                {
                    needed.push(RequiredPrivilege::write(Some(database)));
                }
                needed
            }
            Self::DropMeasurement { .. }
            | Self::DropShard { .. }
            | Self::ShowSubscriptions
            | Self::ShowUsers
            | Self::ShowGrants { .. }
            | Self::ShowShards
            | Self::ShowShardGroups
            | Self::ShowStats { .. }
            | Self::ShowDiagnostics { .. }
            | Self::KillQuery { .. }
            | Self::CreateDatabase(_)
            | Self::DropDatabase { .. }
            | Self::CreateRetentionPolicy(_)
            | Self::AlterRetentionPolicy(_)
            | Self::CreateSubscription(_)
            | Self::DropSubscription { .. }
            | Self::CreateUser(_)
            | Self::DropUser { .. }
            | Self::SetPassword { .. }
            | Self::Grant { .. }
            | Self::GrantAdmin { .. }
            | Self::Revoke { .. }
            | Self::RevokeAdmin { .. } => vec![RequiredPrivilege::Admin],
        }
    }

    /// The database the statement names for itself (`ON db`), which goes before the one of the
    /// request.
    pub fn default_database(&self) -> Option<&str> {
        match self {
            Self::ShowMeasurements(show) => match &show.database {
                Some(ScopePart::Name(name)) => Some(name),
                _ => None,
            },
            Self::ShowSeries(show) => show.database.as_deref(),
            Self::ShowTagKeys(show) => show.database.as_deref(),
            Self::ShowTagValues(show) => show.database.as_deref(),
            Self::ShowFieldKeys(show) => show.database.as_deref(),
            Self::ShowCardinality(show) => show.database.as_deref(),
            Self::ShowRetentionPolicies { database } => database.as_deref(),
            Self::CreateRetentionPolicy(create) => Some(&create.database),
            Self::AlterRetentionPolicy(alter) => Some(&alter.database),
            Self::CreateContinuousQuery(create) => Some(&create.database),
            Self::CreateSubscription(create) => Some(&create.database),
            Self::DropRetentionPolicy { database, .. }
            | Self::DropContinuousQuery { database, .. }
            | Self::DropSubscription { database, .. }
            | Self::Grant { database, .. }
            | Self::Revoke { database, .. } => Some(database),
            _ => None,
        }
    }
}

fn of_select(select: &Select) -> Vec<RequiredPrivilege> {
    let mut needed = of_sources(&select.sources);
    if let Some(target) = &select.target {
        needed.push(RequiredPrivilege::write(target.database.as_deref()));
    }
    needed
}

/// One for each source, also when several name the same database.
fn of_sources(sources: &[Source]) -> Vec<RequiredPrivilege> {
    let mut needed = Vec::with_capacity(sources.len());
    for source in sources {
        match source {
            Source::Measurement(m) => needed.push(RequiredPrivilege::read(m.database.as_deref())),
            Source::Subquery(select) => needed.extend(of_select(select)),
        }
    }
    needed
}
