//! Users and privileges.

use super::{Parser, Result, expected};
use crate::ast::{CreateUser, Password, Privilege, Statement};
use crate::keyword::Keyword;
use crate::lexer::Kind;

impl Parser<'_> {
    /// After CREATE USER.
    pub(super) fn create_user(&mut self) -> Result<CreateUser> {
        let name = self.ident()?;
        self.keywords(&[Keyword::With, Keyword::Password])?;
        let password = Password::new(self.string()?);
        let admin = self.take_keyword(Keyword::With);
        if admin {
            self.keywords(&[Keyword::All, Keyword::Privileges])?;
        }
        Ok(CreateUser { name, password, admin })
    }

    /// After SET PASSWORD FOR.
    pub(super) fn set_password(&mut self) -> Result<Statement> {
        let user = self.ident()?;
        self.token(Kind::Op(crate::ast::BinaryOp::Equal))?;
        Ok(Statement::SetPassword { user, password: Password::new(self.string()?) })
    }

    /// After GRANT.
    pub(super) fn grant(&mut self) -> Result<Statement> {
        let privilege = self.privilege()?;
        if self.on_or(Keyword::To, privilege)? == Keyword::On {
            let database = self.ident()?;
            self.keywords(&[Keyword::To])?;
            return Ok(Statement::Grant { privilege, database, user: self.ident()? });
        }
        Ok(Statement::GrantAdmin { user: self.ident()? })
    }

    /// After REVOKE.
    pub(super) fn revoke(&mut self) -> Result<Statement> {
        let privilege = self.privilege()?;
        if self.on_or(Keyword::From, privilege)? == Keyword::On {
            let database = self.ident()?;
            self.keywords(&[Keyword::From])?;
            return Ok(Statement::Revoke { privilege, database, user: self.ident()? });
        }
        Ok(Statement::RevokeAdmin { user: self.ident()? })
    }

    /// ON, or for all privileges also `other`, which makes or unmakes an admin.
    fn on_or(&mut self, other: Keyword, privilege: Privilege) -> Result<Keyword> {
        if privilege == Privilege::All {
            self.one_of(&[Keyword::On, other])
        } else {
            self.one_of(&[Keyword::On])
        }
    }

    fn privilege(&mut self) -> Result<Privilege> {
        let token = self.scan_word();
        match token.kind {
            Kind::Keyword(Keyword::Read) => Ok(Privilege::Read),
            Kind::Keyword(Keyword::Write) => Ok(Privilege::Write),
            Kind::Keyword(Keyword::All) => {
                self.take_keyword(Keyword::Privileges);
                Ok(Privilege::All)
            }
            _ => Err(expected(&token, &["READ", "WRITE", "ALL [PRIVILEGES]"])),
        }
    }
}
