//! Which of several points of one value and time is taken: two arguments at the end of a function's, `(…, aux…, series, order)`.
//!
//! `order` is a literal, an Int8. Its sign says which point is taken: below 0 that of the least series, above that of the greatest. Its
//! amount, less one, is how many of the first auxiliary arguments are compared before the series. These are texts.
//!
//! ```text
//! order  compared         taken
//! -1     series           the least
//! 2      aux_0, series    the greatest
//! ```
//!
//! A text that is missing is less than any other. `series` may be a null literal, where it tells nothing apart.

use super::grouping::{downcast, unexpected_type};
use arrow::array::{Array, ArrayRef, StringArray, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::physical_expr::expressions::Literal;
use std::cmp::Ordering;

/// What `order` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct TieOrder {
    aux_count: usize,
    takes_greatest: bool,
}

impl TieOrder {
    /// The last argument, where it is an order.
    pub(super) fn of(args: &AccumulatorArgs<'_>) -> Option<Self> {
        let literal = args.exprs.last().and_then(|expr| expr.downcast_ref::<Literal>()).map(Literal::value);
        match literal {
            Some(ScalarValue::Int8(Some(order))) => Some(Self {
                aux_count: usize::from(order.unsigned_abs()).saturating_sub(1),
                takes_greatest: *order > 0,
            }),
            _ => None,
        }
    }

    /// Whether it is the greatest of what is compared that is taken.
    pub(super) fn takes_greatest(self) -> bool {
        self.takes_greatest
    }

    /// How what is taken compares with the others.
    pub(super) fn taken(self) -> Ordering {
        if self.takes_greatest { Ordering::Greater } else { Ordering::Less }
    }

    /// What is compared of a point's columns: value, time, auxiliary ones, series.
    pub(super) fn compared(self, columns: &[ArrayRef]) -> impl Iterator<Item = &ArrayRef> {
        let others = columns.get(2..).unwrap_or_default();
        let (aux, series) = others.split_at(others.len().saturating_sub(1));
        aux.iter().take(self.aux_count).chain(series)
    }

    /// The same as bytes per row.
    pub(super) fn keys<'a>(self, columns: &'a [ArrayRef], function: &str) -> Result<TieKeys<'a>> {
        let texts = self.compared(columns).map(|column| Texts::of(column, function));
        Ok(TieKeys { texts: texts.collect::<Result<_>>()?, takes_greatest: self.takes_greatest })
    }
}

/// What is compared of rows, as bytes; the greatest are those of the point that is taken.
pub(super) struct TieKeys<'a> {
    texts: Vec<Texts<'a>>,
    takes_greatest: bool,
}

impl TieKeys<'_> {
    /// The bytes of a row. None are the beginning of another row's, since each text says where it ends:
    ///
    /// ```text
    /// no text   0
    /// a text    1 │ its bytes, 0 as 0 255 │ 0 0
    /// ```
    pub(super) fn key(&self, row: usize) -> Box<[u8]> {
        let texts = || self.texts.iter().map(move |texts| texts.value(row));
        let mut key = Vec::with_capacity(texts().map(|text| text.map_or(1, |text| text.len() + 3)).sum());
        for text in texts() {
            let Some(text) = text else {
                key.push(0);
                continue;
            };
            key.push(1);
            for (index, part) in text.as_bytes().split(|byte| *byte == 0).enumerate() {
                if index > 0 {
                    key.extend_from_slice(&[0, 255]);
                }
                key.extend_from_slice(part);
            }
            key.extend_from_slice(&[0, 0]);
        }
        if !self.takes_greatest {
            key.iter_mut().for_each(|byte| *byte = !*byte);
        }
        key.into_boxed_slice()
    }
}

/// A column of texts.
enum Texts<'a> {
    Utf8(&'a StringArray),
    Utf8View(&'a StringViewArray),
    /// None is there.
    Missing,
}

impl<'a> Texts<'a> {
    fn of(array: &'a ArrayRef, function: &str) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Utf8 => Self::Utf8(downcast(array, function)?),
            DataType::Utf8View => Self::Utf8View(downcast(array, function)?),
            DataType::Null => Self::Missing,
            other => return Err(unexpected_type(function, other)),
        })
    }

    fn value(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Utf8(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Utf8View(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Missing => None,
        }
    }
}

#[cfg(test)]
mod tests;
