//! The first words of a statement decide which it is.

use super::{Parser, Result, expected};
use crate::ast::Statement;
use crate::keyword::Keyword;
use crate::lexer::Kind;
use crate::parser::select::IntoRule;

impl Parser<'_> {
    /// One of these keywords.
    pub(super) fn one_of(&mut self, words: &[Keyword]) -> Result<Keyword> {
        let token = self.scan_word();
        match token.kind {
            Kind::Keyword(word) if words.contains(&word) => Ok(word),
            _ => {
                let names: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
                Err(expected(&token, &names))
            }
        }
    }

    pub(super) fn statement(&mut self) -> Result<Statement> {
        use Keyword as K;
        let first = self.one_of(&[
            K::Select,
            K::Delete,
            K::Show,
            K::Create,
            K::Drop,
            K::Explain,
            K::Grant,
            K::Revoke,
            K::Alter,
            K::Set,
            K::Kill,
        ])?;
        match first {
            K::Select => {
                let select = self.select(IntoRule::Optional)?;
                Ok(Statement::Select(Box::new(select)))
            }
            K::Delete => self.delete().map(Statement::Delete),
            K::Show => self.show(),
            K::Create => self.create(),
            K::Drop => self.drop_statement(),
            K::Explain => self.explain().map(Statement::Explain),
            K::Grant => self.grant(),
            K::Revoke => self.revoke(),
            K::Alter => {
                self.keywords(&[K::Retention, K::Policy])?;
                self.alter_retention_policy().map(Statement::AlterRetentionPolicy)
            }
            K::Set => {
                self.keywords(&[K::Password, K::For])?;
                self.set_password()
            }
            _ => {
                self.keywords(&[K::Query])?;
                self.kill_query()
            }
        }
    }

    fn create(&mut self) -> Result<Statement> {
        use Keyword as K;
        match self.one_of(&[K::Continuous, K::Database, K::User, K::Retention, K::Subscription])? {
            K::Continuous => {
                self.keywords(&[K::Query])?;
                self.create_continuous_query().map(Statement::CreateContinuousQuery)
            }
            K::Database => self.create_database().map(Statement::CreateDatabase),
            K::User => self.create_user().map(Statement::CreateUser),
            K::Retention => {
                self.keywords(&[K::Policy])?;
                self.create_retention_policy().map(Statement::CreateRetentionPolicy)
            }
            _ => self.create_subscription().map(Statement::CreateSubscription),
        }
    }

    fn drop_statement(&mut self) -> Result<Statement> {
        use Keyword as K;
        let what = self.one_of(&[
            K::Continuous,
            K::Database,
            K::Measurement,
            K::Retention,
            K::Series,
            K::Shard,
            K::Subscription,
            K::User,
        ])?;
        match what {
            K::Continuous => {
                self.keywords(&[K::Query])?;
                let name = self.ident()?;
                Ok(Statement::DropContinuousQuery { name, database: self.on()? })
            }
            K::Database => Ok(Statement::DropDatabase { name: self.ident()? }),
            K::Measurement => Ok(Statement::DropMeasurement { name: self.ident()? }),
            K::Retention => {
                self.keywords(&[K::Policy])?;
                let name = self.ident()?;
                Ok(Statement::DropRetentionPolicy { name, database: self.on()? })
            }
            K::Series => self.drop_series().map(Statement::DropSeries),
            K::Shard => Ok(Statement::DropShard { id: self.id()? }),
            K::Subscription => {
                let (name, database, policy) = self.subscription_name()?;
                Ok(Statement::DropSubscription { name, database, policy })
            }
            _ => Ok(Statement::DropUser { name: self.ident()? }),
        }
    }

    fn kill_query(&mut self) -> Result<Statement> {
        let id = self.id()?;
        // An empty host is none.
        let host = self.optional_on()?.filter(|host| !host.is_empty());
        Ok(Statement::KillQuery { id, host })
    }
}
