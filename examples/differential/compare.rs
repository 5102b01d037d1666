//! Whether two answers are the same.
//!
//! In: both responses. Out: a [`Relation`]. Everything has to be equal (status, documents, order of series and rows, members,
//! strings, integers) except for the last digits of floats, which are a class of their own.

use crate::scenario::http::Response;
use crate::scenario::json::{Json, parse_documents};

/// How two answers relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Same,
    /// Equal but for the last digits of some floats.
    LastDigits,
    Different,
}

/// What is worth counting of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Rows,
    Empty,
    Error,
}

/// Floats differ in their last digits up to this share of their size …
const RELATIVE: f64 = 1e-12;
/// … or, near zero, where sums have cancelled each other, up to this.
const ABSOLUTE: f64 = 1e-11;

/// A few steps from one float to the next, as a share of it.
const ULPS: f64 = 1e-15;

/// Compares what both servers answered.
pub(crate) fn compare(oracle: &Response, ours: &Response) -> Relation {
    if oracle.status != ours.status {
        return Relation::Different;
    }
    let (left, right) = (String::from_utf8_lossy(&oracle.body), String::from_utf8_lossy(&ours.body));
    if left == right {
        return Relation::Same;
    }
    match (parse_documents(&left), parse_documents(&right)) {
        (Ok(left), Ok(right)) => values(&left, &right),
        _ => Relation::Different,
    }
}

/// Relates values that have to be equal one by one.
pub(crate) fn values(left: &[Json], right: &[Json]) -> Relation {
    if left.len() != right.len() {
        return Relation::Different;
    }
    left.iter().zip(right).fold(Relation::Same, |so_far, (left, right)| worse(so_far, value(left, right)))
}

/// Relates two values.
pub(crate) fn value(left: &Json, right: &Json) -> Relation {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => number(left, right),
        (Json::Array(left), Json::Array(right)) => values(left, right),
        (Json::Object(left), Json::Object(right)) => {
            if left.len() != right.len()
                || left.iter().zip(right).any(|((left, _), (right, _))| left != right)
            {
                return Relation::Different;
            }
            let pairs = left.iter().zip(right);
            pairs.fold(Relation::Same, |so_far, ((_, left), (_, right))| worse(so_far, value(left, right)))
        }
        _ if left == right => Relation::Same,
        _ => Relation::Different,
    }
}

fn number(left: &str, right: &str) -> Relation {
    if left == right {
        return Relation::Same;
    }
    let is_float = |text: &str| text.contains(['.', 'e', 'E']);
    let (Ok(a), Ok(b)) = (left.parse::<f64>(), right.parse::<f64>()) else { return Relation::Different };
    // The sign of a zero.
    if a == 0.0 && b == 0.0 {
        return Relation::LastDigits;
    }
    // Floats without a fraction are written like integers.
    if !is_float(left) && !is_float(right) && a.abs().max(b.abs()) < 1e15 {
        return Relation::Different;
    }
    let distance = (a - b).abs();
    // Great floats end with zeros, for they have 17 digits.
    let may_be_floats = is_float(left) || is_float(right) || (left.ends_with('0') && right.ends_with('0'));
    // So great that floats a few steps apart may both be whole numbers.
    if distance <= ULPS * a.abs() {
        return Relation::LastDigits;
    }
    if (may_be_floats && distance <= RELATIVE * a.abs().max(b.abs())) || distance <= ABSOLUTE {
        Relation::LastDigits
    } else {
        Relation::Different
    }
}

/// The relation of a whole to which these two parts belong.
pub(crate) fn worse(left: Relation, right: Relation) -> Relation {
    match (left, right) {
        (Relation::Different, _) | (_, Relation::Different) => Relation::Different,
        (Relation::LastDigits, _) | (_, Relation::LastDigits) => Relation::LastDigits,
        _ => Relation::Same,
    }
}

/// The error of an answer: of the request, or of its first statement that has one.
pub(crate) fn error_of(response: &Response) -> Option<String> {
    let text = String::from_utf8_lossy(&response.body);
    let Ok(documents) = parse_documents(&text) else { return Some(text.into_owned()) };
    documents.iter().find_map(|document| {
        let of_request = document.get("error");
        let Some(Json::Array(results)) = document.get("results") else { return message(of_request) };
        message(of_request.or_else(|| results.iter().find_map(|result| result.get("error"))))
    })
}

fn message(error: Option<&Json>) -> Option<String> {
    match error {
        Some(Json::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Whether the statement is one that Tidegauge does not answer yet.
pub(crate) fn is_unsupported(response: &Response) -> bool {
    error_of(response).is_some_and(|error| error.ends_with("is not supported yet"))
}

/// What an answer holds.
pub(crate) fn content_of(response: &Response) -> Content {
    if error_of(response).is_some() {
        return Content::Error;
    }
    let has_series = String::from_utf8_lossy(&response.body).contains("\"series\"");
    if has_series { Content::Rows } else { Content::Empty }
}
