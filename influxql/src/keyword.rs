//! The reserved words.

macro_rules! keywords {
    ($($name:ident $text:literal)*) => {
        /// A reserved word. Case does not matter; used as a name it must be quoted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Keyword {
            $(#[doc = $text] $name,)*
        }

        impl Keyword {
            /// Every reserved word, in alphabetical order.
            pub const ALL: &[Keyword] = &[$(Keyword::$name),*];

            /// The word in upper case.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

keywords! {
    All "ALL"
    Alter "ALTER"
    Analyze "ANALYZE"
    And "AND"
    Any "ANY"
    As "AS"
    Asc "ASC"
    Begin "BEGIN"
    By "BY"
    Cardinality "CARDINALITY"
    Continuous "CONTINUOUS"
    Create "CREATE"
    Database "DATABASE"
    Databases "DATABASES"
    Default "DEFAULT"
    Delete "DELETE"
    Desc "DESC"
    Destinations "DESTINATIONS"
    Diagnostics "DIAGNOSTICS"
    Distinct "DISTINCT"
    Drop "DROP"
    Duration "DURATION"
    End "END"
    Every "EVERY"
    Exact "EXACT"
    Explain "EXPLAIN"
    False "FALSE"
    Field "FIELD"
    For "FOR"
    From "FROM"
    Future "FUTURE"
    Grant "GRANT"
    Grants "GRANTS"
    Group "GROUP"
    Groups "GROUPS"
    In "IN"
    Inf "INF"
    Insert "INSERT"
    Into "INTO"
    Key "KEY"
    Keys "KEYS"
    Kill "KILL"
    Limit "LIMIT"
    Measurement "MEASUREMENT"
    Measurements "MEASUREMENTS"
    Name "NAME"
    Offset "OFFSET"
    On "ON"
    Or "OR"
    Order "ORDER"
    Password "PASSWORD"
    Past "PAST"
    Policies "POLICIES"
    Policy "POLICY"
    Privileges "PRIVILEGES"
    Queries "QUERIES"
    Query "QUERY"
    Read "READ"
    Replication "REPLICATION"
    Resample "RESAMPLE"
    Retention "RETENTION"
    Revoke "REVOKE"
    Select "SELECT"
    Series "SERIES"
    Set "SET"
    Shard "SHARD"
    Shards "SHARDS"
    Show "SHOW"
    Slimit "SLIMIT"
    Soffset "SOFFSET"
    Stats "STATS"
    Subscription "SUBSCRIPTION"
    Subscriptions "SUBSCRIPTIONS"
    Tag "TAG"
    To "TO"
    True "TRUE"
    User "USER"
    Users "USERS"
    Values "VALUES"
    Verbose "VERBOSE"
    Where "WHERE"
    With "WITH"
    Write "WRITE"
}

/// The longest reserved word: `SUBSCRIPTIONS`, `MEASUREMENTS` is one shorter.
const LENGTH_MAX: usize = 13;

impl Keyword {
    /// The reserved word that a bare name is, if it is one.
    pub fn lookup(name: &str) -> Option<Self> {
        if name.len() > LENGTH_MAX {
            return None;
        }
        let upper = name.to_ascii_uppercase();
        Self::ALL.binary_search_by(|word| word.as_str().cmp(&upper)).ok().map(|i| Self::ALL[i])
    }
}
