//! Answers as scenarios write them down.

use crate::scenario::answer::render;
use crate::scenario::http::Response;
use crate::scenario::request::{BodyView, View};

/// The answer below `----`.
pub(crate) fn scenario_answer(response: &Response) -> String {
    render(response, &View { usual_status: Some(200), ..View::of(BodyView::Table) }, "")
}
