//! A configuration as TOML that explains itself, and can be read back.

use super::entry::{Described, Entry, Shown};
use super::{Config, variable_of};
use std::fmt::Write;

/// Every setting with its documentation, its environment variable, its value and its default. Secrets
/// are left out: a comment says that they are set.
#[must_use]
pub fn to_commented_toml(config: &Config) -> String {
    let mut out = String::new();
    for (setting, default) in described(config).iter().zip(described(&Config::default())) {
        write_setting(&mut out, setting, &default);
    }
    out
}

/// All settings, without the sections.
pub(super) fn settings_of(config: &Config) -> Vec<Described> {
    described(config).into_iter().filter(|entry| entry.value != Shown::Section).collect()
}

fn described(config: &Config) -> Vec<Described> {
    let mut out = Vec::new();
    config.describe("", &[], &mut out);
    out
}

fn write_setting(out: &mut String, setting: &Described, default: &Described) {
    if !out.is_empty() {
        out.push('\n');
    }
    for line in setting.about {
        let _ = writeln!(out, "#{line}");
    }
    let key = setting.name.rsplit('.').next().unwrap_or(&setting.name);
    if setting.value == Shown::Section {
        if setting.name.is_empty() {
            out.push_str("# Values here are overridden by the environment, and those by flags.\n");
        } else {
            let _ = writeln!(out, "[{}]", setting.name);
        }
        return;
    }
    let variable = variable_of(&setting.name);
    match &default.value {
        Shown::Value(text) => {
            let _ = writeln!(out, "# Default: {text}. Environment: {variable}");
        }
        _ => {
            let _ = writeln!(out, "# Not set by default. Environment: {variable}");
        }
    }
    let _ = match &setting.value {
        Shown::Value(text) => writeln!(out, "{key} = {text}"),
        Shown::Unset(example) => writeln!(out, "# {key} = {example}"),
        Shown::Hidden => writeln!(out, "# {key} is set and not shown"),
        Shown::Section => Ok(()),
    };
}
