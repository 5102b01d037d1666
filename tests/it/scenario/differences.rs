//! The page of deliberate differences from InfluxDB 1.6, made from the `differs:` lines of the scenarios.
//!
//! In: all scenarios. Out: the text of `docs/differences.md`. Reasons are grouped in the order of the files;
//! a step's two answers stand below each other. `cargo run --example golden` writes the page, a test fails
//! when it is stale.

use super::file::{Scenario, Step};

const INTRODUCTION: &str = "\
# Deliberate differences from InfluxDB 1.6

The scenarios under `testdata/scenarios` are recorded from a real InfluxDB 1.6.7. Where Tidegauge answers otherwise on purpose, the
scenario says why and holds both answers. This page is made from those marks by `make golden`; do not edit it.
";

/// The text of the page.
pub(crate) fn page(scenarios: &[&Scenario]) -> String {
    let marked =
        scenarios.iter().flat_map(|scenario| scenario.steps.iter().map(move |step| (*scenario, step)));
    let mut reasons: Vec<(&str, Vec<(&Scenario, &Step)>)> = Vec::new();
    for (scenario, step) in marked {
        let Some(reason) = step.differs.as_deref() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, steps)) => steps.push((scenario, step)),
            None => reasons.push((reason, vec![(scenario, step)])),
        }
    }
    let mut out = INTRODUCTION.to_owned();
    for (reason, steps) in reasons {
        out.push_str(&format!("\n## {reason}\n"));
        for (scenario, step) in steps {
            let recorded = step.oracle_answer().unwrap_or_default();
            let ours = step.expected().unwrap_or_default();
            out.push_str(&format!("\n`{}`\n\n", scenario.name));
            for (title, text) in [
                ("", step.action.summary().as_str()),
                ("InfluxDB 1.6.7:\n", recorded),
                ("Tidegauge:\n", ours),
            ] {
                out.push_str(&format!("{title}```text\n{text}\n```\n"));
            }
        }
    }
    out
}
