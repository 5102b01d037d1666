//! From the numbers in a record to names, as the manifest of a store has them.

use super::Ids;
use crate::cli::remote::{Catalog, Database, Policy};
use crate::model::database::{DatabaseInfo, PolicyInfo};
use crate::model::ids::PolicyId;
use crate::model::state::State;

/// What gives numbers names.
pub(super) struct Names {
    /// What the store knows; `None` when no store is asked.
    state: Option<State>,
    /// The database for what is not known.
    unknown_database: String,
}

/// Where points go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) database: String,
    pub(super) policy: String,
    /// Whether these are the names that the store has for the numbers.
    pub(super) is_known: bool,
}

impl Names {
    pub(super) fn new(state: Option<State>, unknown_database: &str) -> Self {
        Self { state, unknown_database: unknown_database.to_owned() }
    }

    /// Whether a store was asked.
    pub(super) fn have_store(&self) -> bool {
        self.state.is_some()
    }

    /// Where the points of these numbers go. What the store does not know goes to retention policies of one database, each to its
    /// own, so that points of different origin do not mix.
    pub(super) fn target(&self, (database, policy): Ids) -> Target {
        let known = self.state.as_ref().and_then(|state| {
            // A policy of another database says that these numbers are another store's.
            let policy = state.policy_by_id(policy).filter(|policy| policy.database == database)?;
            Some((state.database_by_id(database)?, policy))
        });
        match known {
            Some((database, policy)) => Target {
                database: database.name.to_string(),
                policy: policy.name.to_string(),
                is_known: true,
            },
            None => Target {
                database: self.unknown_database.clone(),
                policy: format!("database_{database}_policy_{policy}"),
                is_known: false,
            },
        }
    }

    /// Whether the store has a measurement of this name in a policy.
    pub(super) fn know_table(&self, policy: PolicyId, name: &str) -> bool {
        self.state.as_ref().is_some_and(|state| state.table(policy, name).is_some())
    }

    /// The databases of the store and those that targets have beyond.
    pub(super) fn catalog<'a>(&self, targets: impl Iterator<Item = &'a Target>) -> Catalog {
        let state = self.state.iter();
        let known = state.flat_map(|state| state.databases().map(move |database| describe(state, database)));
        let mut databases: Vec<Database> = known.collect();
        for target in targets.filter(|target| !target.is_known) {
            let policy = unlimited_policy(&target.policy);
            match databases.iter_mut().find(|database| database.name == target.database) {
                Some(database) if database.policies.iter().any(|known| known.name == policy.name) => {}
                Some(database) => database.policies.push(policy),
                None => databases.push(Database {
                    name: target.database.clone(),
                    default_policy: policy.name.clone(),
                    policies: vec![policy],
                }),
            }
        }
        Catalog { databases }
    }
}

fn describe(state: &State, database: &DatabaseInfo) -> Database {
    let policies = state.policies_of(database.id).into_iter().map(|policy| Policy {
        name: policy.name.to_string(),
        duration_ns: policy.duration_ns,
        shard_duration_ns: policy.shard_duration_ns,
        replica_n: policy.replica_n,
        future_limit_ns: policy.future_limit_ns,
        past_limit_ns: policy.past_limit_ns,
        tables: Vec::new(),
    });
    Database {
        name: database.name.to_string(),
        default_policy: database.default_policy.to_string(),
        policies: policies.collect(),
    }
}

/// A policy that takes points of any age.
fn unlimited_policy(name: &str) -> Policy {
    Policy {
        name: name.to_owned(),
        duration_ns: 0,
        shard_duration_ns: PolicyInfo::default_shard_duration_ns(0),
        replica_n: 1,
        future_limit_ns: 0,
        past_limit_ns: 0,
        tables: Vec::new(),
    }
}
