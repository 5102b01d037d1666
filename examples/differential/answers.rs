//! Answers as scenarios write them down.

use crate::scenario::answer::render;
use crate::scenario::http::Response;
use crate::scenario::request::{BodyView, View};
use crate::scenario::run::difference;
use crate::servers::Pair;

/// The answer below `----`.
pub(crate) fn scenario_answer(response: &Response) -> String {
    render(response, &View { usual_status: Some(200), ..View::of(BodyView::Table) }, "")
}

/// More lines than anyone reads.
const LINES_MAX: usize = 200;

/// Both answers in one text: `-` InfluxDB only, `+` Tidegauge only.
pub(crate) fn both_answers(pair: &Pair) -> String {
    let cut = |response: &Response| {
        let text = scenario_answer(response);
        let lines: Vec<&str> = text.lines().take(LINES_MAX).collect();
        lines.join("\n")
    };
    difference(&cut(&pair.oracle), &cut(&pair.ours))
}
