//! Databases, retention policies, continuous queries, subscriptions, deletion.

use super::select::IntoRule;
use super::{Parser, Result, expected};
use crate::ast::{
    AlterRetentionPolicy, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy, CreateSubscription,
    DatabasePolicy, Delete, DropSeries, Expr, Select, Source, SubscriptionMode,
};
use crate::error::{ParseError, Position};
use crate::keyword::Keyword;
use crate::lexer::Kind;
use crate::print::format_duration;

impl Parser<'_> {
    /// After CREATE DATABASE.
    pub(super) fn create_database(&mut self) -> Result<CreateDatabase> {
        let name = self.ident()?;
        if !self.take_keyword(Keyword::With) {
            return Ok(CreateDatabase { name, policy: None });
        }
        self.one_of(&[
            Keyword::Duration,
            Keyword::Name,
            Keyword::Replication,
            Keyword::Shard,
            Keyword::Future,
            Keyword::Past,
        ])?;
        self.unscan();
        let mut policy = DatabasePolicy::default();
        if self.take_keyword(Keyword::Duration) {
            policy.duration_ns = Some(self.duration_or_inf()?);
        }
        if self.take_keyword(Keyword::Replication) {
            policy.replication = Some(self.replication()?);
        }
        if self.take_keyword(Keyword::Shard) {
            self.keywords(&[Keyword::Duration])?;
            policy.shard_duration_ns = Some(self.duration_or_inf()?);
        }
        policy.future_limit_ns = self.optional_write_limit(Keyword::Future)?;
        policy.past_limit_ns = self.optional_write_limit(Keyword::Past)?;
        if self.take_keyword(Keyword::Name) {
            policy.name = Some(self.ident()?);
        }
        Ok(CreateDatabase { name, policy: Some(policy) })
    }

    /// After CREATE RETENTION POLICY.
    pub(super) fn create_retention_policy(&mut self) -> Result<CreateRetentionPolicy> {
        let name = self.ident()?;
        let database = self.on()?;
        self.keywords(&[Keyword::Duration])?;
        let duration_ns = self.duration_or_inf()?;
        self.keywords(&[Keyword::Replication])?;
        let replication = self.replication()?;
        let shard_duration_ns = match self.take_keyword(Keyword::Shard) {
            true => Some(self.shard_duration()?),
            false => None,
        };
        Ok(CreateRetentionPolicy {
            name,
            database,
            duration_ns,
            replication,
            shard_duration_ns,
            default: self.take_keyword(Keyword::Default),
            future_limit_ns: self.optional_write_limit(Keyword::Future)?,
            past_limit_ns: self.optional_write_limit(Keyword::Past)?,
        })
    }

    /// After ALTER RETENTION POLICY.
    pub(super) fn alter_retention_policy(&mut self) -> Result<AlterRetentionPolicy> {
        // Of all keywords this one needs no quotes here.
        let name = match self.take_keyword(Keyword::Default) {
            true => "default".to_owned(),
            false => self.ident()?,
        };
        let mut policy = AlterRetentionPolicy {
            name,
            database: self.on()?,
            duration_ns: None,
            replication: None,
            shard_duration_ns: None,
            default: false,
            future_limit_ns: None,
            past_limit_ns: None,
        };
        let mut seen: Vec<Keyword> = Vec::new();
        loop {
            let token = self.scan_word();
            let option = match token.kind {
                Kind::Keyword(word) => Some(word),
                _ => None,
            };
            if let Some(word) = option.filter(|word| seen.contains(word)) {
                let message = format!("found duplicate {} option", word.as_str());
                return Err(ParseError::at(token.at, message));
            }
            match option {
                Some(Keyword::Duration) => policy.duration_ns = Some(self.duration_or_inf()?),
                Some(Keyword::Replication) => policy.replication = Some(self.replication()?),
                Some(Keyword::Shard) => policy.shard_duration_ns = Some(self.shard_duration()?),
                Some(Keyword::Default) => policy.default = true,
                Some(Keyword::Future) => policy.future_limit_ns = Some(self.write_limit()?),
                Some(Keyword::Past) => policy.past_limit_ns = Some(self.write_limit()?),
                _ if seen.is_empty() => {
                    let options = ["DURATION", "REPLICATION", "SHARD", "DEFAULT", "FUTURE", "PAST"];
                    return Err(expected(&token, &options));
                }
                _ => {
                    self.unscan();
                    return Ok(policy);
                }
            }
            seen.extend(option);
        }
    }

    /// After SHARD: `DURATION d`, which cannot be infinite.
    fn shard_duration(&mut self) -> Result<i64> {
        self.keywords(&[Keyword::Duration])?;
        let token = self.scan_word();
        if token.kind == Kind::Keyword(Keyword::Inf) {
            return Err(ParseError::at(token.at, "invalid duration INF for shard duration"));
        }
        self.unscan();
        self.duration()
    }

    fn optional_write_limit(&mut self, word: Keyword) -> Result<Option<i64>> {
        if self.take_keyword(word) { self.write_limit().map(Some) } else { Ok(None) }
    }

    /// After FUTURE or PAST: `LIMIT d`.
    fn write_limit(&mut self) -> Result<i64> {
        self.keywords(&[Keyword::Limit])?;
        self.duration_or_inf()
    }

    /// After CREATE CONTINUOUS QUERY.
    pub(super) fn create_continuous_query(&mut self) -> Result<CreateContinuousQuery> {
        let name = self.ident()?;
        let database = self.on()?;
        let (every_ns, for_ns) = match self.take_keyword(Keyword::Resample) {
            true => self.resample()?,
            false => (None, None),
        };
        self.keywords(&[Keyword::Begin, Keyword::Select])?;
        let select = Box::new(self.select(IntoRule::Required)?);
        let interval_ns = group_by_interval(&select);
        let aggregates =
            select.fields.iter().any(|field| field.expr.any(|expr| matches!(expr, Expr::Call { .. })));
        if aggregates && !interval_ns.is_ok_and(|ns| ns != 0) {
            // Steps back over the token that was looked ahead at and the space before it, to the last word of the query:
            // the error is about that.
            self.unscan();
            self.unscan();
            let token = self.scan_word();
            let mut wanted = vec!["GROUP BY time(...)"];
            wanted.extend(interval_ns.err());
            return Err(expected(&token, &wanted));
        }
        self.keywords(&[Keyword::End])?;
        let mut interval_ns = interval_ns.map_err(ParseError::new)?;
        if let Some(for_ns) = for_ns {
            interval_ns = interval_ns.max(every_ns.unwrap_or(0));
            if interval_ns > for_ns {
                return Err(ParseError::new(format!(
                    "FOR duration must be >= GROUP BY time duration: \
                     must be a minimum of {}, got {}",
                    format_duration(interval_ns),
                    format_duration(for_ns),
                )));
            }
        }
        Ok(CreateContinuousQuery { name, database, every_ns, for_ns, select })
    }

    /// After RESAMPLE: EVERY, FOR or both; zero counts as not given.
    fn resample(&mut self) -> Result<(Option<i64>, Option<i64>)> {
        let mut durations_ns = [None, None];
        for (word, ns) in [Keyword::Every, Keyword::For].into_iter().zip(&mut durations_ns) {
            if self.take_keyword(word) {
                *ns = Some(self.duration()?).filter(|ns| *ns != 0);
            }
        }
        match durations_ns {
            [None, None] => Err(expected(&self.scan_word(), &["EVERY", "FOR"])),
            [every_ns, for_ns] => Ok((every_ns, for_ns)),
        }
    }

    /// After CREATE SUBSCRIPTION.
    pub(super) fn create_subscription(&mut self) -> Result<CreateSubscription> {
        let (name, database, policy) = self.subscription_name()?;
        self.keywords(&[Keyword::Destinations])?;
        let mode = match self.one_of(&[Keyword::All, Keyword::Any])? {
            Keyword::All => SubscriptionMode::All,
            _ => SubscriptionMode::Any,
        };
        let destinations = self.list(Self::string)?;
        Ok(CreateSubscription { name, database, policy, mode, destinations })
    }

    /// `name ON database.policy`.
    pub(super) fn subscription_name(&mut self) -> Result<(String, String, String)> {
        let name = self.ident()?;
        let database = self.on()?;
        let token = self.scan();
        if token.kind != Kind::Dot {
            return Err(expected(&token, &["."]));
        }
        Ok((name, database, self.ident()?))
    }

    /// After DELETE.
    pub(super) fn delete(&mut self) -> Result<Delete> {
        let (sources, condition) =
            self.deletion_scope(|database, _| database.then_some("database not supported"))?;
        Ok(Delete { sources, condition })
    }

    /// After DROP SERIES.
    pub(super) fn drop_series(&mut self) -> Result<DropSeries> {
        let (sources, condition) = self.deletion_scope(|database, policy| {
            let database = database.then_some("database not supported");
            policy.then_some("retention policy not supported").or(database)
        })?;
        Ok(DropSeries { sources, condition })
    }

    /// FROM, WHERE or both. `refuse` says what is wrong with a measurement that has a database or a
    /// policy; of several complaints the last counts.
    fn deletion_scope(
        &mut self,
        refuse: impl Fn(bool, bool) -> Option<&'static str>,
    ) -> Result<(Vec<Source>, Option<Expr>)> {
        let first = self.scan_word();
        self.unscan();
        let sources = self.optional_from()?;
        let complaint = sources.iter().rev().find_map(|source| match source {
            Source::Measurement(m) => refuse(m.database.is_some(), m.policy.is_some()),
            Source::Subquery(_) => None,
        });
        if let Some(message) = complaint {
            // InfluxDB 1.x gives these errors the place of the text's first character.
            return Err(ParseError::at(Position::default(), message));
        }
        let condition = self.optional_condition()?;
        if sources.is_empty() && condition.is_none() {
            return Err(expected(&first, &["FROM", "WHERE"]));
        }
        Ok((sources, condition))
    }
}

/// The interval of `GROUP BY time(interval)`; 0 without one.
fn group_by_interval(select: &Select) -> std::result::Result<i64, &'static str> {
    let time_args = select.dimensions.iter().find_map(|dimension| match &dimension.expr {
        Expr::Call { name, args } if name == "time" => Some(args.as_slice()),
        _ => None,
    });
    match time_args {
        None => Ok(0),
        Some([Expr::Duration(ns)] | [Expr::Duration(ns), _]) => Ok(*ns),
        Some([_] | [_, _]) => Err("time dimension must have duration argument"),
        Some(_) => Err("time dimension expected 1 or 2 arguments"),
    }
}
