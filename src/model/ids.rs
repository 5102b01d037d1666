//! Identifiers: small numbers that are given out once and never reused.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A database. Assigned by the catalog when the database is created.
    DatabaseId(u32)
}
id! {
    /// A retention policy, unique over all databases.
    PolicyId(u32)
}
id! {
    /// A table, which is a measurement within one retention policy; unique over all databases.
    TableId(u32)
}
id! {
    /// A user. Ascends in the order of creation; that of the last user may come again after it was dropped.
    UserId(u32)
}
id! {
    /// A continuous query, unique over all databases. Ascends as [`UserId`] does.
    ContinuousQueryId(u32)
}
id! {
    /// A subscription, unique over all databases. Ascends as [`UserId`] does.
    SubscriptionId(u32)
}
id! {
    /// The position of a record in the write-ahead log. Starts at 1 and only grows; a row with a
    /// greater sequence is newer.
    Sequence(u64)
}

/// A write-ahead log: what a [`Sequence`] is a position in. A random text that is given to a log when it is made, and anew
/// when it takes over from another one. So a log that others have taken over from is known when it comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(Arc<str>);

impl LogId {
    /// The log that is called so.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Sequence {
    /// The position before the first record.
    pub const ZERO: Self = Self(0);

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
