//! How a declared setting is read from text and described: the machinery behind [`super::settings`].

use super::secret::Secret;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A setting or a section of settings.
pub(super) trait Entry {
    /// Appends a description of this entry, or of all entries below it.
    fn describe(&self, name: &str, about: &'static [&'static str], out: &mut Vec<Described>);

    /// Sets the entry `path` names; empty = this one.
    fn assign(&mut self, path: &str, text: &str) -> Result<(), AssignError>;
}

/// Why a text was not taken over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AssignError {
    /// There is no such setting.
    Unknown,
    /// The text does not fit; what was expected.
    Value(String),
}

/// One setting, or the beginning of a section, as it is printed.
#[derive(Debug)]
pub(super) struct Described {
    /// The full name, such as `buffer.flush_bytes`.
    pub(super) name: String,
    /// The lines of its documentation.
    pub(super) about: &'static [&'static str],
    /// What stands for the value.
    pub(super) value: Shown,
}

/// A value as it is printed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The beginning of a section.
    Section,
    /// The value as TOML.
    Value(String),
    /// Not set; an example as TOML.
    Unset(&'static str),
    /// Set, but not to be shown.
    Hidden,
}

/// The name below a section; the root has none.
pub(super) fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// Declares a section: the struct with its defaults, how TOML is read into it, how single settings are
/// set by name, and how it is printed. The doc comments are what users read.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident: $kind:ty = $default:expr; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $kind, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::config::entry::Entry for $name {
            fn describe(
                &self,
                name: &str,
                _: &'static [&'static str],
                out: &mut Vec<$crate::config::entry::Described>,
            ) {
                use $crate::config::entry::{Described, Shown, join};
                out.push(Described { name: name.to_owned(), about: &[$($about),+], value: Shown::Section });
                $( self.$field.describe(&join(name, stringify!($field)), &[$($doc),+], out); )+
            }

            fn assign(
                &mut self,
                path: &str,
                text: &str,
            ) -> Result<(), $crate::config::entry::AssignError> {
                let (first, rest) = path.split_once('.').unwrap_or((path, ""));
                match first {
                    $( stringify!($field) => self.$field.assign(rest, text), )+
                    _ => Err($crate::config::entry::AssignError::Unknown),
                }
            }
        }
    };
}
pub(super) use section;

/// A setting without parts: what it expects, how it reads text and how it prints.
pub(super) trait Leaf {
    /// Completes "expected …".
    const EXPECTED: &'static str;
    /// Reads what a variable or a flag holds.
    fn read(text: &str) -> Option<Self>
    where
        Self: Sized;
    /// What is printed.
    fn show(&self) -> Shown;
}

impl<T: Leaf> Entry for T {
    fn describe(&self, name: &str, about: &'static [&'static str], out: &mut Vec<Described>) {
        out.push(Described { name: name.to_owned(), about, value: self.show() });
    }

    fn assign(&mut self, path: &str, text: &str) -> Result<(), AssignError> {
        if !path.is_empty() {
            return Err(AssignError::Unknown);
        }
        *self = T::read(text).ok_or_else(|| AssignError::Value(format!("expected {}", T::EXPECTED)))?;
        Ok(())
    }
}

impl Leaf for u64 {
    const EXPECTED: &'static str = "a whole number, such as 10 or 25_000_000";
    fn read(text: &str) -> Option<Self> {
        text.trim().replace('_', "").parse().ok()
    }
    fn show(&self) -> Shown {
        Shown::Value(self.to_string())
    }
}

impl Leaf for bool {
    const EXPECTED: &'static str = "true or false";
    fn read(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
    fn show(&self) -> Shown {
        Shown::Value(self.to_string())
    }
}

impl Leaf for Option<bool> {
    const EXPECTED: &'static str = "true or false";
    fn read(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { bool::read(text).map(Some) }
    }
    fn show(&self) -> Shown {
        self.as_ref().map_or(Shown::Unset("true"), Leaf::show)
    }
}

impl Leaf for String {
    const EXPECTED: &'static str = "a text";
    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn show(&self) -> Shown {
        Shown::Value(quoted(self))
    }
}

impl Leaf for PathBuf {
    const EXPECTED: &'static str = "a path";
    fn read(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }
    fn show(&self) -> Shown {
        Shown::Value(quoted(&self.to_string_lossy()))
    }
}

impl Leaf for Option<String> {
    const EXPECTED: &'static str = "a text";
    fn read(text: &str) -> Option<Self> {
        Some(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }
    fn show(&self) -> Shown {
        self.as_ref().map_or(Shown::Unset("\"…\""), |text| Shown::Value(quoted(text)))
    }
}

impl Leaf for Option<Secret> {
    const EXPECTED: &'static str = "a text";
    fn read(text: &str) -> Option<Self> {
        Some(Some(Secret::new(text)).filter(|secret| !secret.reveal().is_empty()))
    }
    fn show(&self) -> Shown {
        if self.is_some() { Shown::Hidden } else { Shown::Unset("\"…\"") }
    }
}

/// Options by name: each is a setting of its own and may be secret.
impl Entry for BTreeMap<String, Secret> {
    fn describe(&self, name: &str, about: &'static [&'static str], out: &mut Vec<Described>) {
        let value = if self.is_empty() { Shown::Unset("{ name = \"value\" }") } else { Shown::Hidden };
        out.push(Described { name: name.to_owned(), about, value });
    }

    fn assign(&mut self, path: &str, text: &str) -> Result<(), AssignError> {
        if path.is_empty() {
            return Err(AssignError::Unknown);
        }
        self.insert(path.to_owned(), Secret::new(text));
        Ok(())
    }
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
