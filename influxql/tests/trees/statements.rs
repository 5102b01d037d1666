//! Statements.

use influxql::ast::{
    AlterRetentionPolicy, CardinalityOf, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy,
    CreateSubscription, DatabasePolicy, Delete, Dimension, DropSeries, Explain, MeasurementFilter, Privilege,
    ScopePart, ShowCardinality, ShowFieldKeys, ShowMeasurements, ShowSeries, ShowTagKeys, ShowTagValues,
    Source, Statement, SubscriptionMode, TagKeyFilter,
};
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::{collection, option, sample};

use super::clauses::{count, dimensions, measurement, measurements, order, select, target, where_clause};
use super::exprs::{name, pattern, text, time_call};

/// Any statement but those that carry a password.
pub(crate) fn statement() -> BoxedStrategy<Statement> {
    prop_oneof![
        6 => select().prop_map(|select| Statement::Select(Box::new(select))),
        1 => (any::<bool>(), any::<bool>(), select()).prop_map(|(analyze, verbose, select)| {
            Statement::Explain(Explain { analyze, verbose, select: Box::new(select) })
        }),
        4 => show(),
        3 => ddl(),
        1 => continuous_query(),
        1 => deletion(),
        2 => users(),
        1 => simple(),
    ]
    .boxed()
}

fn on() -> BoxedStrategy<Option<String>> {
    option::of(name()).boxed()
}

fn tag_key() -> BoxedStrategy<TagKeyFilter> {
    prop_oneof![
        name().prop_map(TagKeyFilter::Equal),
        name().prop_map(TagKeyFilter::NotEqual),
        pattern().prop_map(TagKeyFilter::Matches),
        pattern().prop_map(TagKeyFilter::NotMatches),
        collection::vec(name(), 1..4).prop_map(TagKeyFilter::In),
    ]
    .boxed()
}

fn show() -> BoxedStrategy<Statement> {
    let part = || prop_oneof![3 => name().prop_map(ScopePart::Name), 1 => Just(ScopePart::Any)];
    let measurements_statement = (
        option::of((part(), option::of(part()))),
        option::of(measurement().prop_map(|measurement| MeasurementFilter { measurement })),
        where_clause(),
        order(),
        count(),
        count(),
    )
        .prop_map(|(scope, filter, condition, order, limit, offset)| {
            let (database, policy) = match scope {
                Some((database, policy)) => (Some(database), policy),
                None => (None, None),
            };
            Statement::ShowMeasurements(ShowMeasurements {
                database,
                policy,
                filter,
                condition,
                order,
                limit,
                offset,
            })
        });
    let series = (on(), measurements(), where_clause(), order(), count(), count()).prop_map(
        |(database, sources, condition, order, limit, offset)| {
            Statement::ShowSeries(ShowSeries { database, sources, condition, order, limit, offset })
        },
    );
    let tag_keys = (
        (on(), measurements(), option::of(tag_key()), where_clause(), order()),
        (count(), count(), count(), count()),
    )
        .prop_map(|((database, sources, key, condition, order), counts)| {
            let (limit, offset, slimit, soffset) = counts;
            Statement::ShowTagKeys(ShowTagKeys {
                database,
                sources,
                key,
                condition,
                order,
                limit,
                offset,
                slimit,
                soffset,
            })
        });
    let tag_values = (on(), measurements(), tag_key(), where_clause(), order(), count(), count()).prop_map(
        |(database, sources, key, condition, order, limit, offset)| {
            Statement::ShowTagValues(ShowTagValues {
                database,
                sources,
                key,
                condition,
                order,
                limit,
                offset,
            })
        },
    );
    let field_keys = (on(), measurements(), order(), count(), count()).prop_map(
        |(database, sources, order, limit, offset)| {
            Statement::ShowFieldKeys(ShowFieldKeys { database, sources, order, limit, offset })
        },
    );
    prop_oneof![measurements_statement, series, tag_keys, tag_values, field_keys, cardinality()].boxed()
}

fn cardinality() -> BoxedStrategy<Statement> {
    let of = prop_oneof![
        Just(CardinalityOf::Series),
        Just(CardinalityOf::Measurement),
        Just(CardinalityOf::TagKey),
        tag_key().prop_map(CardinalityOf::TagValues),
        Just(CardinalityOf::FieldKey),
    ];
    ((of, any::<bool>(), on(), measurements()), (where_clause(), dimensions(), count(), count()))
        .prop_map(|((of, exact, database, sources), rest)| {
            let (condition, dimensions, limit, offset) = rest;
            Statement::ShowCardinality(ShowCardinality {
                of,
                exact,
                database,
                sources,
                condition,
                dimensions,
                limit,
                offset,
            })
        })
        .boxed()
}

fn policy_ns() -> BoxedStrategy<i64> {
    prop_oneof![Just(0), (0..1000i64).prop_map(|hours| hours * 3_600_000_000_000), 0..=i64::MAX].boxed()
}

fn ddl() -> BoxedStrategy<Statement> {
    let options = || {
        (
            option::of(policy_ns()),
            option::of(1..=i32::MAX.unsigned_abs()),
            option::of(policy_ns()),
            option::of(policy_ns()),
            option::of(policy_ns()),
        )
    };
    let database = (name(), option::of((options(), option::of(name())))).prop_map(|(name, with)| {
        let policy = with.map(|((duration, replication, shard, future, past), name)| DatabasePolicy {
            duration_ns: duration,
            replication,
            shard_duration_ns: shard,
            future_limit_ns: future,
            past_limit_ns: past,
            name,
        });
        let policy = policy.filter(|policy| *policy != DatabasePolicy::default());
        Statement::CreateDatabase(CreateDatabase { name, policy })
    });
    let create = (name(), name(), options(), any::<bool>()).prop_map(
        |(name, database, (duration, replication, shard, future, past), default)| {
            Statement::CreateRetentionPolicy(CreateRetentionPolicy {
                name,
                database,
                duration_ns: duration.unwrap_or(0),
                replication: replication.unwrap_or(1),
                shard_duration_ns: shard,
                default,
                future_limit_ns: future,
                past_limit_ns: past,
            })
        },
    );
    let alter = (name(), name(), options(), any::<bool>()).prop_map(
        |(name, database, (duration, replication, shard, future, past), default)| {
            Statement::AlterRetentionPolicy(AlterRetentionPolicy {
                name,
                database,
                duration_ns: duration,
                replication: Some(replication.unwrap_or(1)),
                shard_duration_ns: shard,
                default,
                future_limit_ns: future,
                past_limit_ns: past,
            })
        },
    );
    let modes = vec![SubscriptionMode::All, SubscriptionMode::Any];
    let subscription = (name(), name(), name(), sample::select(modes), collection::vec(text(), 1..3))
        .prop_map(|(name, database, policy, mode, destinations)| {
            Statement::CreateSubscription(CreateSubscription { name, database, policy, mode, destinations })
        });
    prop_oneof![database, create, alter, subscription].boxed()
}

/// With an interval, and FOR no shorter than it.
fn continuous_query() -> BoxedStrategy<Statement> {
    let every = option::of(1..i64::MAX);
    (name(), name(), every, any::<bool>(), select(), target(), time_call())
        .prop_map(|(name, database, every_ns, has_for, mut select, target, time)| {
            select.target = Some(target);
            select.dimensions.insert(0, Dimension { expr: time });
            let for_ns = has_for.then_some(i64::MAX);
            let select = Box::new(select);
            let create = CreateContinuousQuery { name, database, every_ns, for_ns, select };
            Statement::CreateContinuousQuery(create)
        })
        .boxed()
}

fn deletion() -> BoxedStrategy<Statement> {
    (any::<bool>(), measurements(), where_clause(), name())
        .prop_map(|(series, mut sources, mut condition, name)| {
            for source in &mut sources {
                if let Source::Measurement(measurement) = source {
                    measurement.database = None;
                    if series {
                        measurement.policy = None;
                    }
                }
            }
            if sources.is_empty() && condition.is_none() {
                condition = Some(influxql::ast::Expr::name(name));
            }
            match series {
                true => Statement::DropSeries(DropSeries { sources, condition }),
                false => Statement::Delete(Delete { sources, condition }),
            }
        })
        .boxed()
}

fn users() -> BoxedStrategy<Statement> {
    let privilege = sample::select(vec![Privilege::Read, Privilege::Write, Privilege::All]);
    prop_oneof![
        (privilege.clone(), name(), name())
            .prop_map(|(privilege, database, user)| { Statement::Grant { privilege, database, user } }),
        (privilege, name(), name()).prop_map(|(privilege, database, user)| Statement::Revoke {
            privilege,
            database,
            user
        }),
        name().prop_map(|user| Statement::GrantAdmin { user }),
        name().prop_map(|user| Statement::RevokeAdmin { user }),
        name().prop_map(|user| Statement::ShowGrants { user }),
        name().prop_map(|name| Statement::DropUser { name }),
    ]
    .boxed()
}

fn simple() -> BoxedStrategy<Statement> {
    let module = || option::of(text().prop_filter("not empty", |text| !text.is_empty()));
    prop_oneof![
        sample::select(vec![
            Statement::ShowDatabases,
            Statement::ShowContinuousQueries,
            Statement::ShowSubscriptions,
            Statement::ShowUsers,
            Statement::ShowShards,
            Statement::ShowShardGroups,
            Statement::ShowQueries,
        ]),
        on().prop_map(|database| Statement::ShowRetentionPolicies { database }),
        module().prop_map(|module| Statement::ShowStats { module }),
        module().prop_map(|module| Statement::ShowDiagnostics { module }),
        (any::<u64>(), on()).prop_map(|(id, host)| Statement::KillQuery { id, host }),
        any::<u64>().prop_map(|id| Statement::DropShard { id }),
        name().prop_map(|name| Statement::DropMeasurement { name }),
        name().prop_map(|name| Statement::DropDatabase { name }),
        (name(), name()).prop_map(|(name, database)| Statement::DropRetentionPolicy { name, database }),
        (name(), name()).prop_map(|(name, database)| Statement::DropContinuousQuery { name, database }),
        (name(), name(), name())
            .prop_map(|(name, database, policy)| { Statement::DropSubscription { name, database, policy } }),
    ]
    .boxed()
}
