//! [`Statement`]: one statement of any kind.

use super::{
    AlterRetentionPolicy, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy, CreateSubscription,
    CreateUser, Delete, DropSeries, Explain, Password, Privilege, Select, ShowCardinality, ShowFieldKeys,
    ShowMeasurements, ShowSeries, ShowTagKeys, ShowTagValues,
};

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `SELECT`
    Select(Box<Select>),
    /// `EXPLAIN`
    Explain(Explain),
    /// `DELETE`
    Delete(Delete),
    /// `DROP SERIES`
    DropSeries(DropSeries),
    /// `DROP MEASUREMENT name`
    DropMeasurement {
        /// The measurement.
        name: String,
    },
    /// `DROP SHARD id`
    DropShard {
        /// The shard.
        id: u64,
    },

    /// `SHOW DATABASES`
    ShowDatabases,
    /// `SHOW MEASUREMENTS`
    ShowMeasurements(ShowMeasurements),
    /// `SHOW SERIES`
    ShowSeries(ShowSeries),
    /// `SHOW TAG KEYS`
    ShowTagKeys(ShowTagKeys),
    /// `SHOW TAG VALUES`
    ShowTagValues(ShowTagValues),
    /// `SHOW FIELD KEYS`
    ShowFieldKeys(ShowFieldKeys),
    /// `SHOW … CARDINALITY`
    ShowCardinality(ShowCardinality),
    /// `SHOW RETENTION POLICIES [ON database]`
    ShowRetentionPolicies {
        /// ON.
        database: Option<String>,
    },
    /// `SHOW CONTINUOUS QUERIES`
    ShowContinuousQueries,
    /// `SHOW SUBSCRIPTIONS`
    ShowSubscriptions,
    /// `SHOW USERS`
    ShowUsers,
    /// `SHOW GRANTS FOR user`
    ShowGrants {
        /// The user.
        user: String,
    },
    /// `SHOW SHARDS`
    ShowShards,
    /// `SHOW SHARD GROUPS`
    ShowShardGroups,
    /// `SHOW QUERIES`
    ShowQueries,
    /// `SHOW STATS [FOR 'module']`
    ShowStats {
        /// FOR.
        module: Option<String>,
    },
    /// `SHOW DIAGNOSTICS [FOR 'module']`
    ShowDiagnostics {
        /// FOR.
        module: Option<String>,
    },
    /// `KILL QUERY id [ON "host"]`
    KillQuery {
        /// The query.
        id: u64,
        /// The host after ON.
        host: Option<String>,
    },

    /// `CREATE DATABASE`
    CreateDatabase(CreateDatabase),
    /// `DROP DATABASE name`
    DropDatabase {
        /// The database.
        name: String,
    },
    /// `CREATE RETENTION POLICY`
    CreateRetentionPolicy(CreateRetentionPolicy),
    /// `ALTER RETENTION POLICY`
    AlterRetentionPolicy(AlterRetentionPolicy),
    /// `DROP RETENTION POLICY name ON database`
    DropRetentionPolicy {
        /// The policy.
        name: String,
        /// The database.
        database: String,
    },
    /// `CREATE CONTINUOUS QUERY`
    CreateContinuousQuery(CreateContinuousQuery),
    /// `DROP CONTINUOUS QUERY name ON database`
    DropContinuousQuery {
        /// The continuous query.
        name: String,
        /// Its database.
        database: String,
    },
    /// `CREATE SUBSCRIPTION`
    CreateSubscription(CreateSubscription),
    /// `DROP SUBSCRIPTION name ON database.policy`
    DropSubscription {
        /// The subscription.
        name: String,
        /// The database.
        database: String,
        /// The retention policy.
        policy: String,
    },

    /// `CREATE USER`
    CreateUser(CreateUser),
    /// `DROP USER name`
    DropUser {
        /// The user.
        name: String,
    },
    /// `SET PASSWORD FOR user = 'password'`
    SetPassword {
        /// The user.
        user: String,
        /// The password.
        password: Password,
    },
    /// `GRANT privilege ON database TO user`
    Grant {
        /// What is granted.
        privilege: Privilege,
        /// The database.
        database: String,
        /// The user.
        user: String,
    },
    /// `GRANT ALL TO user`
    GrantAdmin {
        /// The user.
        user: String,
    },
    /// `REVOKE privilege ON database FROM user`
    Revoke {
        /// What is revoked.
        privilege: Privilege,
        /// The database.
        database: String,
        /// The user.
        user: String,
    },
    /// `REVOKE ALL FROM user`
    RevokeAdmin {
        /// The user.
        user: String,
    },
}
