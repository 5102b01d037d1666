//! The syntax tree: plain owned values that say what a text said, nothing more.
//!
//! In: the parser builds these. Out: the planner and the server read them, and `Display` (in
//! `print`) turns them back into canonical InfluxQL. The tree knows no schema: whether a name is a
//! tag or a field, whether a function exists and whether its arguments suit it is decided later.
//!
//! One file per area of the language:
//!
//! | file          | what it holds |
//! |---------------|---------------|
//! | `expr`        | expressions and everything in them |
//! | `spine`       | [`Operand`], the box that keeps long chains off the stack |
//! | `source`      | what stands after FROM and INTO |
//! | `select`      | SELECT and its clauses |
//! | `show`        | the SHOW statements that take clauses |
//! | `ddl`         | databases, retention policies, continuous queries, subscriptions, deletion |
//! | `user`        | users and privileges |
//! | `statement`   | [`Statement`], the sum of all |
//! | `access`      | which database and privileges a statement needs |

mod access;
mod ddl;
mod expr;
mod select;
mod show;
mod source;
mod spine;
mod statement;
mod user;

pub use access::RequiredPrivilege;
pub use ddl::{
    AlterRetentionPolicy, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy, CreateSubscription,
    DatabasePolicy, Delete, DropSeries, SubscriptionMode,
};
pub use expr::{BinaryOp, CastType, Expr, WildcardKind};
pub use select::{Dimension, Explain, Field, Fill, Order, Select};
pub use show::{
    CardinalityOf, MeasurementFilter, ScopePart, ShowCardinality, ShowFieldKeys, ShowMeasurements,
    ShowSeries, ShowTagKeys, ShowTagValues, TagKeyFilter,
};
pub use source::{MeasurementName, Name, Source, Target, TargetName};
pub use spine::Operand;
pub use statement::Statement;
pub use user::{CreateUser, Password, Privilege};
