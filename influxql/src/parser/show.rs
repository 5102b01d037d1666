//! SHOW.

use super::{Parser, Result, expected};
use crate::ast::{
    BinaryOp, CardinalityOf, MeasurementFilter, ScopePart, ShowCardinality, ShowFieldKeys, ShowMeasurements,
    ShowSeries, ShowTagKeys, ShowTagValues, Statement, TagKeyFilter,
};
use crate::keyword::Keyword;
use crate::lexer::Kind;

impl Parser<'_> {
    /// After SHOW.
    pub(super) fn show(&mut self) -> Result<Statement> {
        use Keyword as K;
        let what = self.one_of(&[
            K::Continuous,
            K::Databases,
            K::Diagnostics,
            K::Field,
            K::Grants,
            K::Measurement,
            K::Measurements,
            K::Queries,
            K::Retention,
            K::Series,
            K::Shard,
            K::Shards,
            K::Stats,
            K::Subscriptions,
            K::Tag,
            K::Users,
        ])?;
        match what {
            K::Continuous => {
                self.keywords(&[K::Queries])?;
                Ok(Statement::ShowContinuousQueries)
            }
            K::Databases => Ok(Statement::ShowDatabases),
            K::Diagnostics => Ok(Statement::ShowDiagnostics { module: self.optional_module()? }),
            K::Field => self.show_field(),
            K::Grants => {
                self.keywords(&[K::For])?;
                Ok(Statement::ShowGrants { user: self.ident()? })
            }
            K::Measurement => {
                let exact = self.one_of(&[K::Exact, K::Cardinality])? == K::Exact;
                if exact {
                    self.keywords(&[K::Cardinality])?;
                }
                self.cardinality(exact, |_| Ok(CardinalityOf::Measurement))
            }
            K::Measurements => self.show_measurements().map(Statement::ShowMeasurements),
            K::Queries => Ok(Statement::ShowQueries),
            K::Retention => {
                self.keywords(&[K::Policies])?;
                Ok(Statement::ShowRetentionPolicies { database: self.optional_database()? })
            }
            K::Series => self.show_series(),
            K::Shard => {
                self.keywords(&[K::Groups])?;
                Ok(Statement::ShowShardGroups)
            }
            K::Shards => Ok(Statement::ShowShards),
            K::Stats => Ok(Statement::ShowStats { module: self.optional_module()? }),
            K::Subscriptions => Ok(Statement::ShowSubscriptions),
            K::Tag => self.show_tag(),
            _ => Ok(Statement::ShowUsers),
        }
    }

    fn show_field(&mut self) -> Result<Statement> {
        if self.one_of(&[Keyword::Key, Keyword::Keys])? == Keyword::Key {
            let exact = self.exact_cardinality()?;
            return self.cardinality(exact, |_| Ok(CardinalityOf::FieldKey));
        }
        Ok(Statement::ShowFieldKeys(ShowFieldKeys {
            database: self.optional_database()?,
            sources: self.optional_from()?,
            order: self.optional_order()?,
            limit: self.optional_count(Keyword::Limit)?,
            offset: self.optional_count(Keyword::Offset)?,
        }))
    }

    fn show_tag(&mut self) -> Result<Statement> {
        match self.one_of(&[Keyword::Key, Keyword::Keys, Keyword::Values])? {
            Keyword::Key => {
                let exact = self.exact_cardinality()?;
                self.cardinality(exact, |_| Ok(CardinalityOf::TagKey))
            }
            Keyword::Keys => self.show_tag_keys().map(Statement::ShowTagKeys),
            _ => self.show_tag_values(),
        }
    }

    fn show_tag_keys(&mut self) -> Result<ShowTagKeys> {
        let database = self.optional_database()?;
        let sources = self.optional_from()?;
        let key = if self.take_keyword(Keyword::With) {
            self.unscan();
            Some(self.tag_key_filter()?)
        } else {
            None
        };
        Ok(ShowTagKeys {
            database,
            sources,
            key,
            condition: self.optional_condition()?,
            order: self.optional_order()?,
            limit: self.optional_count(Keyword::Limit)?,
            offset: self.optional_count(Keyword::Offset)?,
            slimit: self.optional_count(Keyword::Slimit)?,
            soffset: self.optional_count(Keyword::Soffset)?,
        })
    }

    fn show_tag_values(&mut self) -> Result<Statement> {
        if self.take_keyword(Keyword::Exact) {
            self.keywords(&[Keyword::Cardinality])?;
            return self.cardinality(true, |p| p.tag_key_filter().map(CardinalityOf::TagValues));
        }
        if self.take_keyword(Keyword::Cardinality) {
            return self.cardinality(false, |p| p.tag_key_filter().map(CardinalityOf::TagValues));
        }
        Ok(Statement::ShowTagValues(ShowTagValues {
            database: self.optional_database()?,
            sources: self.optional_from()?,
            key: self.tag_key_filter()?,
            condition: self.optional_condition()?,
            order: self.optional_order()?,
            limit: self.optional_count(Keyword::Limit)?,
            offset: self.optional_count(Keyword::Offset)?,
        }))
    }

    fn show_series(&mut self) -> Result<Statement> {
        // EXACT alone means nothing and is let pass, as in InfluxDB 1.x.
        let exact = self.take_keyword(Keyword::Exact);
        if self.take_keyword(Keyword::Cardinality) {
            return self.cardinality(exact, |_| Ok(CardinalityOf::Series));
        }
        Ok(Statement::ShowSeries(ShowSeries {
            database: self.optional_database()?,
            sources: self.optional_from()?,
            condition: self.optional_condition()?,
            order: self.optional_order()?,
            limit: self.optional_count(Keyword::Limit)?,
            offset: self.optional_count(Keyword::Offset)?,
        }))
    }

    fn show_measurements(&mut self) -> Result<ShowMeasurements> {
        let (mut database, mut policy) = (None, None);
        if self.take_keyword(Keyword::On) {
            database = Some(self.scope_part()?);
            if self.take(Kind::Dot) {
                policy = Some(self.scope_part()?);
            }
        }
        let filter = if self.take_keyword(Keyword::With) {
            self.keywords(&[Keyword::Measurement])?;
            let token = self.scan_word();
            match token.kind {
                Kind::Op(BinaryOp::Equal | BinaryOp::Matches) => {}
                _ => return Err(expected(&token, &["=", "=~"])),
            }
            Some(MeasurementFilter { measurement: self.measurement()? })
        } else {
            None
        };
        Ok(ShowMeasurements {
            database,
            policy,
            filter,
            condition: self.optional_condition()?,
            order: self.optional_order()?,
            limit: self.optional_count(Keyword::Limit)?,
            offset: self.optional_count(Keyword::Offset)?,
        })
    }

    fn scope_part(&mut self) -> Result<ScopePart> {
        let token = self.scan_word();
        match token.kind {
            Kind::Ident => Ok(ScopePart::Name(token.text().to_owned())),
            Kind::Op(BinaryOp::Multiply) => Ok(ScopePart::Any),
            _ => Err(expected(&token, &["identifier or *"])),
        }
    }

    /// `[EXACT] CARDINALITY`.
    fn exact_cardinality(&mut self) -> Result<bool> {
        let exact = self.take_keyword(Keyword::Exact);
        if exact {
            self.keywords(&[Keyword::Cardinality])?;
        } else {
            let token = self.scan_word();
            if token.kind != Kind::Keyword(Keyword::Cardinality) {
                return Err(expected(&token, &["EXACT", "CARDINALITY"]));
            }
        }
        Ok(exact)
    }

    /// After CARDINALITY; `read_of` reads what stands between FROM and WHERE.
    fn cardinality(
        &mut self,
        exact: bool,
        read_of: impl FnOnce(&mut Self) -> Result<CardinalityOf>,
    ) -> Result<Statement> {
        let database = self.optional_database()?;
        let sources = self.optional_from()?;
        let of = read_of(self)?;
        Ok(Statement::ShowCardinality(ShowCardinality {
            of,
            exact,
            database,
            sources,
            condition: self.optional_condition()?,
            dimensions: self.optional_dimensions()?,
            limit: self.optional_count(Keyword::Limit)?,
            offset: self.optional_count(Keyword::Offset)?,
        }))
    }

    fn tag_key_filter(&mut self) -> Result<TagKeyFilter> {
        self.keywords(&[Keyword::With, Keyword::Key])?;
        let token = self.scan_word();
        match token.kind {
            Kind::Keyword(Keyword::In) => {
                self.token(Kind::OpenParen)?;
                let keys = self.list(Self::ident)?;
                self.token(Kind::CloseParen)?;
                Ok(TagKeyFilter::In(keys))
            }
            Kind::Op(BinaryOp::Equal) => self.ident().map(TagKeyFilter::Equal),
            Kind::Op(BinaryOp::NotEqual) => self.ident().map(TagKeyFilter::NotEqual),
            Kind::Op(BinaryOp::Matches) => self.regex().map(TagKeyFilter::Matches),
            Kind::Op(BinaryOp::NotMatches) => self.regex().map(TagKeyFilter::NotMatches),
            _ => Err(expected(&token, &["IN", "=", "=~"])),
        }
    }

    /// `ON database`, if it stands here. An empty name is none.
    fn optional_database(&mut self) -> Result<Option<String>> {
        Ok(self.optional_on()?.filter(|database| !database.is_empty()))
    }

    /// `FOR 'module'`, if it stands here. An empty name is none.
    fn optional_module(&mut self) -> Result<Option<String>> {
        if !self.take_keyword(Keyword::For) {
            return Ok(None);
        }
        Ok(Some(self.string()?).filter(|module| !module.is_empty()))
    }
}
