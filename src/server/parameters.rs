//! Query strings and forms, read as Go's `net/url` reads them.
//!
//! A pair that is not well formed (a bad percent escape, a semicolon) is left out and the others count. Bytes that are
//! no UTF-8 become U+FFFD. Of values with the same name the first counts.

use std::borrow::Cow;

/// The parameters that some endpoint knows. Others are dropped: kept, a form of many short pairs would take many times its
/// size.
const NAMES: [&str; 19] = [
    "async",
    "chunk_size",
    "chunked",
    "consistency",
    "db",
    "end_ns",
    "epoch",
    "measurement",
    "name",
    "params",
    "path",
    "precision",
    "pretty",
    "q",
    "rp",
    "start_ns",
    "time_format",
    "verbose",
    "window_start_ns",
];

/// Names and values in order of precedence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// The parameters of a query string or of an urlencoded form.
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut parameters = Self::default();
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty() && !pair.contains(&b';'))
        {
            let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            let Some(name) = decode(&pair[..at]).and_then(|name| parameters.wanted(&name)) else { continue };
            if let Some(value) = decode(pair.get(at + 1..).unwrap_or_default()) {
                parameters.0.push((name, value.into_owned()));
            }
        }
        parameters
    }

    /// The name as a known one, unless it has a value already.
    fn wanted(&self, name: &str) -> Option<&'static str> {
        let known = NAMES.into_iter().find(|known| *known == name)?;
        self.0.iter().all(|(other, _)| *other != known).then_some(known)
    }

    /// The parameters of a URL.
    pub(super) fn of_uri(uri: &axum::http::Uri) -> Self {
        uri.query().map(|query| Self::parse(query.as_bytes())).unwrap_or_default()
    }

    /// The value of a parameter; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        debug_assert!(NAMES.contains(&name), "{name:?} is no known parameter");
        self.0.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value)
    }

    /// The value of a parameter, `None` when it is missing or empty.
    pub(super) fn get_some(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// Adds a parameter behind all others.
    pub(super) fn push(&mut self, name: &str, value: String) {
        if let Some(name) = self.wanted(name) {
            self.0.push((name, value));
        }
    }

    /// These parameters, and behind them those of `other`.
    pub(super) fn followed_by(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// Decodes `+` and percent escapes, or `None` when an escape is broken.
fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if memchr::memchr2(b'+', b'%', bytes).is_none() {
        return Some(String::from_utf8_lossy(bytes));
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (digits, tail) = rest.split_at_checked(2)?;
                rest = tail;
                hex(digits[0])? << 4 | hex(digits[1])?
            }
            byte => *byte,
        });
    }
    let text =
        String::from_utf8(out).unwrap_or_else(|wrong| String::from_utf8_lossy(wrong.as_bytes()).into_owned());
    Some(Cow::Owned(text))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::Parameters;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let parameters = Parameters::parse(text.as_bytes());
        let pairs: Vec<_> = parameters.0.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(pairs, expected, "{text}");
    }

    #[test]
    fn pairs_are_read_as_go_reads_them() {
        check("", &[]);
        check("q=show+databases&db=my%20db", &[("q", "show databases"), ("db", "my db")]);
        check("db=a&db=b", &[("db", "a")]);
        check("db=%zz&db=b", &[("db", "b")]);
        check("%64b=a", &[("db", "a")]);
        check("q=%zz&db=t", &[("db", "t")]);
        check("q=%2&db=t", &[("db", "t")]);
        check("db=t;q=x", &[]);
        check("pretty&=v&&rp==b", &[("pretty", ""), ("rp", "=b")]);
        check("q=%ff%fe", &[("q", "\u{fffd}\u{fffd}")]);
        check("epoch=%C2%B5", &[("epoch", "µ")]);
        assert_eq!(Parameters::parse(b"db=a&db=b").get("db"), "a");
        assert_eq!(Parameters::parse(b"db=").get_some("db"), None);
    }

    #[test]
    fn what_no_request_has_is_not_kept() {
        let pairs: String = (0..1_000).map(|number| format!("a&a{number}=x&q={number}&")).collect();
        check(&format!("{pairs}db=t"), &[("q", "0"), ("db", "t")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(text in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b"&=;%+2fFq".to_vec())], 0..40,
        )) {
            let parameters = Parameters::parse(&text);
            let most = text.split(|byte| *byte == b'&').count();
            prop_assert!(parameters.0.len() <= most.min(super::NAMES.len()));
        }
    }
}
