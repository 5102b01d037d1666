//! `=~`: whether a text matches a regular expression in Go's syntax. Null where the text is null.
//!
//! In: `Utf8`, `LargeUtf8`, `Utf8View`, or a dictionary of those, which is matched once per distinct value. Out:
//! `Boolean`. The expression is compiled once, when the function is made for a plan.

use super::go_regex;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use regex::bytes::Regex;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A function of one argument that tells whether it matches `pattern`, anywhere.
///
/// # Errors
///
/// When the pattern is no regular expression, or one too large.
pub fn regex_match(pattern: &str) -> std::result::Result<Arc<ScalarUDF>, regex::Error> {
    Ok(Arc::new(ScalarUDF::from(RegexMatch {
        pattern: pattern.to_owned(),
        regex: go_regex::compile(pattern)?,
        signature: Signature::user_defined(Volatility::Immutable),
    })))
}

/// Compiles a regular expression in Go's syntax, for matching names outside plans.
///
/// # Errors
///
/// When the pattern is no regular expression, or one too large.
pub fn compile(pattern: &str) -> std::result::Result<Regex, regex::Error> {
    go_regex::compile(pattern)
}

#[derive(Debug)]
struct RegexMatch {
    pattern: String,
    regex: Regex,
    signature: Signature,
}

impl PartialEq for RegexMatch {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for RegexMatch {}

impl Hash for RegexMatch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pattern.hash(state);
    }
}

const NAME: &str = "influx_regex_match";

impl ScalarUDFImpl for RegexMatch {
    fn name(&self) -> &str {
        NAME
    }

    /// Names the pattern, because two columns of one plan may differ only in it.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(format!("{NAME}({}, /{}/)", args.join(", "), self.pattern))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let wrong = || DataFusionError::Plan(format!("{NAME} takes one text"));
        let [given] = arg_types else { return Err(wrong()) };
        let value = match given {
            DataType::Dictionary(_, value) => value.as_ref(),
            given => given,
        };
        match value {
            DataType::Null => Ok(vec![DataType::Utf8]),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(vec![given.clone()]),
            _ => Err(wrong()),
        }
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = args.args.as_slice() else {
            return Err(DataFusionError::Internal(format!("{NAME} takes one text")));
        };
        let scalar = matches!(text, ColumnarValue::Scalar(_));
        let text = text.to_array(if scalar { 1 } else { args.number_rows })?;
        super::math::scalar_if(scalar, matches(&self.regex, &text)?)
    }
}

fn matches(regex: &Regex, text: &ArrayRef) -> Result<ArrayRef> {
    let test = |value: Option<&str>| value.map(|value| regex.is_match(value.as_bytes()));
    let matched: BooleanArray = match text.data_type() {
        DataType::Utf8 => text.as_string::<i32>().iter().map(test).collect(),
        DataType::LargeUtf8 => text.as_string::<i64>().iter().map(test).collect(),
        DataType::Utf8View => text.as_string_view().iter().map(test).collect(),
        DataType::Dictionary(..) => {
            let dictionary = text.as_any_dictionary();
            let values = matches(regex, dictionary.values())?;
            return Ok(take(&values, dictionary.keys(), None)?);
        }
        other => return Err(DataFusionError::Internal(format!("{NAME} over {other}"))),
    };
    Ok(Arc::new(matched))
}
