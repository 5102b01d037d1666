//! The page of deliberate differences from InfluxDB 1.6, made from the `differs:` lines of the scenarios.
//!
//! In: all scenarios. Out: the text of `docs/differences.md`: the reasons by topic, with links, then the answers of each. Reasons are
//! grouped in the order of the files; a step's two answers stand below each other. `cargo run --example golden` writes the page, a
//! test fails when it is stale.

use super::file::{Scenario, Step};

const INTRODUCTION: &str = "\
# Deliberate differences from InfluxDB 1.6

The scenarios under `testdata/scenarios` are recorded from a real InfluxDB 1.6.7. Where Tidegauge answers otherwise on purpose, the
scenario says why and holds both answers. This page is made from those marks by `make golden`; do not edit it.
";

/// A reason, and the steps that it explains.
type Explained<'a> = (&'a str, Vec<(&'a Scenario, &'a Step)>);

/// The text of the page.
pub(crate) fn page(scenarios: &[&Scenario]) -> String {
    let marked =
        scenarios.iter().flat_map(|scenario| scenario.steps.iter().map(move |step| (*scenario, step)));
    let mut reasons: Vec<Explained<'_>> = Vec::new();
    for (scenario, step) in marked {
        let Some(reason) = step.differs.as_deref() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, steps)) => steps.push((scenario, step)),
            None => reasons.push((reason, vec![(scenario, step)])),
        }
    }
    let mut out = INTRODUCTION.to_owned();
    out.push_str(&contents(&reasons));
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

/// The reasons by topic, which is the folder of their first scenario, with links and the number of their answers.
fn contents(reasons: &[Explained<'_>]) -> String {
    let answer_count: usize = reasons.iter().map(|(_, steps)| steps.len()).sum();
    let mut out = format!(
        "\nThere are {} reasons, for {answer_count} answers. Behind each reason stands how many of them it is for.\n",
        reasons.len()
    );
    let mut topic = "";
    for (reason, steps) in reasons {
        let of_reason = steps.first().map_or("", |(scenario, _)| topic_of(scenario));
        if of_reason != topic {
            topic = of_reason;
            out.push_str(&format!("\n**{}**\n\n", topic.replace('_', " ")));
        }
        out.push_str(&format!("- [{reason}](#{}) ({})\n", anchor(reason), steps.len()));
    }
    out
}

fn topic_of(scenario: &Scenario) -> &str {
    scenario.name.split('/').next().unwrap_or_default()
}

/// What GitHub calls a heading in links: letters, digits, `-` and `_` of it in lower case, and `-` for each blank.
fn anchor(heading: &str) -> String {
    let of_char = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
        _ => None,
    };
    heading.to_lowercase().chars().filter_map(of_char).collect()
}
