//! `=~`: whether a text matches a regular expression in Go's syntax. Null where the text is null.
//!
//! In: `Utf8`, `LargeUtf8`, `Utf8View`, or a dictionary of those, which is matched once per distinct value. Out:
//! `Boolean`. The expression was compiled when the statement was read.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use influxql::Pattern;
use std::sync::Arc;

/// A function of one argument that tells whether `pattern` matches it, anywhere.
#[must_use]
pub fn regex_match(pattern: &Pattern) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(RegexMatch {
        pattern: pattern.clone(),
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RegexMatch {
    pattern: Pattern,
    signature: Signature,
}

const NAME: &str = "influx_regex_match";

impl ScalarUDFImpl for RegexMatch {
    fn name(&self) -> &str {
        NAME
    }

    /// Names the pattern, because two columns of one plan may differ only in it.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(format!("{NAME}({}, /{}/)", args.join(", "), self.pattern.source()))
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
        super::math::scalar_if(scalar, matches(&self.pattern, &text)?)
    }
}

fn matches(pattern: &Pattern, text: &ArrayRef) -> Result<ArrayRef> {
    let test = |value: Option<&str>| value.map(|value| pattern.is_match(value));
    let matched: BooleanArray = match text.data_type() {
        DataType::Utf8 => text.as_string::<i32>().iter().map(test).collect(),
        DataType::LargeUtf8 => text.as_string::<i64>().iter().map(test).collect(),
        DataType::Utf8View => text.as_string_view().iter().map(test).collect(),
        DataType::Dictionary(..) => {
            let dictionary = text.as_any_dictionary();
            let values = matches(pattern, dictionary.values())?;
            return Ok(take(&values, dictionary.keys(), None)?);
        }
        other => return Err(DataFusionError::Internal(format!("{NAME} over {other}"))),
    };
    Ok(Arc::new(matched))
}
