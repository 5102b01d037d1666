//! SELECT and the clauses it shares with other statements.

use influxql::ast::{
    Dimension, Expr, Field, Fill, MeasurementName, Name, Order, Select, Source, Target, TargetName,
};
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::{collection, option, sample};

use super::exprs::{arithmetic, condition, name, pattern, text, time_call};

pub(super) fn measurement() -> BoxedStrategy<MeasurementName> {
    let named = prop_oneof![
        4 => name().prop_map(Name::Name),
        1 => text().prop_map(Name::Name),
        1 => pattern().prop_map(Name::Regex),
    ];
    (option::of(name()), option::of(name()), named)
        .prop_map(|(database, policy, name)| MeasurementName { database, policy, name })
        .boxed()
}

/// FROM without subqueries; may be empty.
pub(super) fn measurements() -> BoxedStrategy<Vec<Source>> {
    collection::vec(measurement().prop_map(Source::Measurement), 0..3).boxed()
}

pub(super) fn count() -> BoxedStrategy<u64> {
    prop_oneof![Just(0), 0..=i64::MAX.unsigned_abs()].boxed()
}

pub(super) fn order() -> BoxedStrategy<Order> {
    sample::select(vec![Order::Ascending, Order::Descending]).boxed()
}

pub(super) fn where_clause() -> BoxedStrategy<Option<Expr>> {
    option::of(condition()).boxed()
}

pub(super) fn dimensions() -> BoxedStrategy<Vec<Dimension>> {
    let expr = prop_oneof![
        2 => condition(),
        2 => time_call(),
        1 => pattern().prop_map(Expr::Regex),
    ];
    collection::vec(expr.prop_map(|expr| Dimension { expr }), 0..3).boxed()
}

pub(super) fn target() -> BoxedStrategy<Target> {
    let named = prop_oneof![name().prop_map(TargetName::Name), Just(TargetName::SameAsSource)];
    (option::of(name()), option::of(name()), named)
        .prop_map(|(database, policy, name)| Target { database, policy, name })
        .boxed()
}

fn fields() -> BoxedStrategy<Vec<Field>> {
    let expr = prop_oneof![4 => arithmetic(), 1 => pattern().prop_map(Expr::Regex)];
    let field = (expr, option::of(name())).prop_map(|(expr, alias)| Field { expr, alias });
    collection::vec(field, 1..4).boxed()
}

fn fill() -> BoxedStrategy<Fill> {
    prop_oneof![
        Just(Fill::Null),
        Just(Fill::None),
        Just(Fill::Previous),
        Just(Fill::Linear),
        any::<i64>().prop_map(Fill::Integer),
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Fill::Float),
        (-9i32..9).prop_map(|n| Fill::Float(f64::from(n))),
    ]
    .boxed()
}

pub(super) fn select() -> BoxedStrategy<Select> {
    let plain = select_from(collection::vec(measurement().prop_map(Source::Measurement), 1..3).boxed());
    plain
        .prop_recursive(2, 4, 2, |inner| {
            let source = prop_oneof![
                measurement().prop_map(Source::Measurement),
                inner.prop_map(|select| Source::Subquery(Box::new(select))),
            ];
            select_from(collection::vec(source, 1..3).boxed())
        })
        .boxed()
}

fn select_from(sources: BoxedStrategy<Vec<Source>>) -> BoxedStrategy<Select> {
    let zones = vec!["UTC", "Europe/Berlin", "America/New_York", "Etc/GMT+5"];
    let zone = option::of(sample::select(zones).prop_map(str::to_owned));
    (
        (fields(), option::of(target()), sources, where_clause(), dimensions()),
        (fill(), order(), count(), count(), count(), count(), zone),
    )
        .prop_map(|((fields, target, sources, condition, dimensions), rest)| {
            let (fill, order, limit, offset, slimit, soffset, time_zone) = rest;
            Select {
                fields,
                target,
                sources,
                condition,
                dimensions,
                fill,
                order,
                limit,
                offset,
                slimit,
                soffset,
                time_zone,
            }
        })
        .boxed()
}
