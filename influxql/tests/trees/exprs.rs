//! Expressions.

use influxql::Pattern;
use influxql::ast::{BinaryOp, CastType, Expr, WildcardKind};
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::{collection, option, sample};

/// A name: bare, reserved, or any characters but those that only a bind parameter can bring.
pub(super) fn name() -> BoxedStrategy<String> {
    prop_oneof![
        3 => "[a-zA-Z_][a-zA-Z0-9_]{0,6}",
        1 => sample::select(vec!["select", "INF", "time", "fill", "tz", "distinct", "field", "m.n"])
            .prop_map(str::to_owned),
        1 => text().prop_filter("not empty", |text| !text.is_empty()),
    ]
    .boxed()
}

/// A string literal's value.
pub(super) fn text() -> BoxedStrategy<String> {
    collection::vec(any::<char>(), 0..8)
        .prop_map(|chars| chars.into_iter().filter(|c| !matches!(c, '\0' | '\r')).collect())
        .boxed()
}

pub(super) fn pattern() -> BoxedStrategy<Pattern> {
    let sources = vec!["a", "^a$", "", "a/b", r"\d+\.", r"a\\/b", "(?i)x|[^/]", r"\/", "é{1,3}"];
    sample::select(sources).prop_map(|source| Pattern::new(source).expect("compiles")).boxed()
}

fn leaf() -> BoxedStrategy<Expr> {
    let casts = vec![
        CastType::Float,
        CastType::Integer,
        CastType::Unsigned,
        CastType::String,
        CastType::Boolean,
        CastType::Field,
        CastType::Tag,
    ];
    let wildcards = vec![WildcardKind::All, WildcardKind::Field, WildcardKind::Tag];
    prop_oneof![
        4 => (name(), option::of(sample::select(casts)))
            .prop_map(|(name, cast)| Expr::VarRef { name, cast }),
        1 => any::<i64>().prop_map(Expr::Integer),
        1 => sample::select(vec![0, 1, -1, i64::MIN, i64::MAX]).prop_map(Expr::Integer),
        1 => (u64::MAX / 2 + 1..).prop_map(Expr::Unsigned),
        1 => any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Expr::Float),
        1 => (-1000i32..1000).prop_map(|n| Expr::Float(f64::from(n) / 8.0)),
        1 => text().prop_map(Expr::String),
        1 => any::<bool>().prop_map(Expr::Boolean),
        1 => duration_ns().prop_map(Expr::Duration),
        1 => sample::select(wildcards).prop_map(Expr::Wildcard),
        1 => name().prop_map(Expr::Distinct),
    ]
    .boxed()
}

/// A duration that can be written: all but the smallest, whose digits are one too large.
pub(super) fn duration_ns() -> BoxedStrategy<i64> {
    prop_oneof![
        (i64::MIN + 1..=i64::MAX),
        (-100i64..100).prop_map(|minutes| minutes * 60_000_000_000),
        (-100i64..100).prop_map(|days| days * 86_400_000_000_000),
    ]
    .boxed()
}

const ARITHMETIC: &[BinaryOp] = &[
    BinaryOp::Add,
    BinaryOp::Subtract,
    BinaryOp::BitOr,
    BinaryOp::BitXor,
    BinaryOp::Multiply,
    BinaryOp::Divide,
    BinaryOp::Modulo,
    BinaryOp::BitAnd,
];

const CONDITIONS: &[BinaryOp] = &[
    BinaryOp::Or,
    BinaryOp::And,
    BinaryOp::Equal,
    BinaryOp::NotEqual,
    BinaryOp::Less,
    BinaryOp::LessEqual,
    BinaryOp::Greater,
    BinaryOp::GreaterEqual,
    BinaryOp::Add,
    BinaryOp::Multiply,
    BinaryOp::Subtract,
];

/// An expression without comparisons and connectives: what SELECT takes.
pub(super) fn arithmetic() -> BoxedStrategy<Expr> {
    expr(ARITHMETIC, false)
}

/// An expression of any kind: what WHERE takes.
pub(super) fn condition() -> BoxedStrategy<Expr> {
    expr(CONDITIONS, true)
}

fn expr(ops: &'static [BinaryOp], matches: bool) -> BoxedStrategy<Expr> {
    leaf()
        .prop_recursive(5, 24, 3, move |inner| {
            let arg = prop_oneof![4 => inner.clone(), 1 => pattern().prop_map(Expr::Regex)];
            let call = (name(), collection::vec(arg, 0..3))
                .prop_map(|(name, args)| Expr::Call { name: name.to_lowercase(), args });
            let binary = (sample::select(ops), inner.clone(), inner.clone())
                .prop_map(|(op, left, right)| Expr::binary(op, left_of(op, left), right_of(op, right)));
            let signed = (sample::select(vec![1, -1]), sample::select(ops), inner.clone(), name()).prop_map(
                |(sign, op, left, name)| {
                    let signed = Expr::binary(BinaryOp::Multiply, Expr::Integer(sign), Expr::name(name));
                    Expr::binary(op, left_of(op, left), signed)
                },
            );
            let matching = (inner.clone(), any::<bool>(), pattern()).prop_map(move |(left, is, re)| {
                let op = if is { BinaryOp::Matches } else { BinaryOp::NotMatches };
                match matches {
                    true => Expr::binary(op, left_of(op, left), Expr::Regex(re)),
                    false => left,
                }
            });
            prop_oneof![
                2 => call,
                3 => binary,
                1 => signed,
                1 => matching,
                2 => inner.prop_map(|inner| Expr::Paren(inner.into())),
            ]
        })
        .boxed()
}

/// The operand as it may stand left of an operator: one that binds looser is put in parentheses.
fn left_of(op: BinaryOp, operand: Expr) -> Expr {
    match &operand {
        Expr::Binary { op: below, .. } if below.precedence() < op.precedence() => Expr::Paren(operand.into()),
        _ => operand,
    }
}

/// The same for the right side, where one that binds equally would be taken apart.
fn right_of(op: BinaryOp, operand: Expr) -> Expr {
    match &operand {
        Expr::Binary { op: below, .. } if below.precedence() <= op.precedence() => {
            Expr::Paren(operand.into())
        }
        _ => operand,
    }
}

/// `time(interval)` or with an offset.
pub(super) fn time_call() -> BoxedStrategy<Expr> {
    let offset = prop_oneof![
        duration_ns().prop_map(Expr::Duration),
        Just(Expr::Call { name: "now".to_owned(), args: Vec::new() }),
    ];
    ((1..i64::MAX).prop_map(Expr::Duration), option::of(offset))
        .prop_map(|(interval, offset)| {
            let args = std::iter::once(interval).chain(offset).collect();
            Expr::Call { name: "time".to_owned(), args }
        })
        .boxed()
}
