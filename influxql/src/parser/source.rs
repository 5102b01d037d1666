//! FROM and INTO.

use super::select::IntoRule;
use super::{Parser, Result, expected};
use crate::ast::{MeasurementName, Name, Source, Target, TargetName};
use crate::error::{ParseError, Position};
use crate::keyword::Keyword;
use crate::lexer::Kind;
use crate::print::quote_segments;

/// `a`, `a.b`, `a.b.c`: no name has more parts.
const SEGMENTS_MAX: usize = 3;

impl Parser<'_> {
    /// FROM and its list without subqueries, if it stands here.
    pub(super) fn optional_from(&mut self) -> Result<Vec<Source>> {
        if self.take_keyword(Keyword::From) { self.measurements() } else { Ok(Vec::new()) }
    }

    /// A list of measurements.
    pub(super) fn measurements(&mut self) -> Result<Vec<Source>> {
        self.list(|p| p.measurement().map(Source::Measurement))
    }

    /// A list of measurements and subqueries.
    pub(super) fn sources(&mut self) -> Result<Vec<Source>> {
        self.list(Self::source)
    }

    fn source(&mut self) -> Result<Source> {
        if let Some(pattern) = self.optional_regex()? {
            return Ok(Source::Measurement(MeasurementName {
                database: None,
                policy: None,
                name: Name::Regex(pattern),
            }));
        }
        if self.take(Kind::OpenParen) {
            return self.nested(Self::subquery);
        }
        self.qualified_measurement().map(Source::Measurement)
    }

    fn subquery(&mut self) -> Result<Source> {
        self.keywords(&[Keyword::Select])?;
        let select = self.select(IntoRule::Optional)?;
        self.token(Kind::CloseParen)?;
        Ok(Source::Subquery(Box::new(select)))
    }

    /// A measurement by name or pattern, with or without database and policy.
    pub(super) fn measurement(&mut self) -> Result<MeasurementName> {
        match self.optional_regex()? {
            Some(pattern) => Ok(MeasurementName { database: None, policy: None, name: Name::Regex(pattern) }),
            None => self.qualified_measurement(),
        }
    }

    fn qualified_measurement(&mut self) -> Result<MeasurementName> {
        let mut segments = self.segments()?;
        let name = match segments.len() {
            SEGMENTS_MAX => None,
            _ => self.optional_regex()?,
        };
        let name = match name {
            Some(pattern) => Name::Regex(pattern),
            None => Name::Name(segments.pop().unwrap_or_default()),
        };
        let policy = segments.pop().filter(|policy| !policy.is_empty());
        let database = segments.pop().filter(|database| !database.is_empty());
        Ok(MeasurementName { database, policy, name })
    }

    /// `a`, `a.b`, `a..b` and so on, up to where a regex or a colon takes over after a dot.
    pub(super) fn segments(&mut self) -> Result<Vec<String>> {
        let mut segments = vec![self.ident()?];
        loop {
            if self.scan().kind != Kind::Dot {
                self.unscan();
                break;
            }
            match self.lexer.peek_char() {
                '/' | ':' => break,
                '.' => segments.push(String::new()),
                _ => segments.push(self.ident()?),
            }
        }
        if segments.len() > SEGMENTS_MAX {
            // InfluxDB 1.x gives this error the place of the text's first character.
            return Err(ParseError::at(
                Position::default(),
                format!("too many segments in {}", quote_segments(&segments)),
            ));
        }
        Ok(segments)
    }

    /// INTO, if it stands here or must.
    pub(super) fn target(&mut self, rule: IntoRule) -> Result<Option<Target>> {
        let token = self.scan_word();
        if token.kind != Kind::Keyword(Keyword::Into) {
            if rule == IntoRule::Required {
                return Err(expected(&token, &["INTO"]));
            }
            self.unscan();
            return Ok(None);
        }
        let mut segments = self.segments()?;
        let name = if segments.len() < SEGMENTS_MAX && self.lexer.peek_char() == ':' {
            self.token(Kind::Colon)?;
            self.keywords(&[Keyword::Measurement])?;
            TargetName::SameAsSource
        } else {
            // The empty name means the source's, too.
            match segments.pop() {
                Some(name) if !name.is_empty() => TargetName::Name(name),
                _ => TargetName::SameAsSource,
            }
        };
        let policy = segments.pop().filter(|policy| !policy.is_empty());
        let database = segments.pop().filter(|database| !database.is_empty());
        Ok(Some(Target { database, policy, name }))
    }
}
