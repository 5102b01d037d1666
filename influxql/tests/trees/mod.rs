//! Strategies for the trees that the parser can yield.
//!
//! Not every tree is one: operators bind by precedence, so an operand that binds looser stands in
//! parentheses; a regular expression stands only where the grammar has a place for one; passwords
//! are left out, since their statements do not print them.

mod clauses;
mod exprs;
mod statements;

pub(crate) use statements::statement;
