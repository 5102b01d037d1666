//! The bytes that stand for rows have the order of the rows.

use super::TieOrder;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use std::sync::Arc;

#[test]
fn keys_are_in_the_order_of_any_texts() {
    let texts = [
        None,
        Some(""),
        Some("\0"),
        Some("\0\0"),
        Some("\0\u{1}"),
        Some("\0\u{1}\0"),
        Some("\0\u{7ff}"),
        Some("\u{1}"),
        Some("\u{1}\0"),
        Some("a"),
        Some("a\0"),
        Some("a\0\u{1}b"),
        Some("a\u{1}"),
        Some("ab"),
        Some("é"),
        Some("\u{10ffff}"),
    ];
    let rows: Vec<(Option<&str>, Option<&str>)> =
        texts.iter().flat_map(|aux| texts.iter().map(move |series| (*aux, *series))).collect();
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![0; rows.len()]));
    let aux: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>());
    let series: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
    let columns = [numbers.clone(), numbers, aux, series];
    for takes_greatest in [false, true] {
        let keys = TieOrder { aux_count: 1, takes_greatest }.keys(&columns, "top").unwrap();
        for (a, row_a) in rows.iter().enumerate() {
            for (b, row_b) in rows.iter().enumerate() {
                let expected = if takes_greatest { row_a.cmp(row_b) } else { row_b.cmp(row_a) };
                assert_eq!(keys.key(a).cmp(&keys.key(b)), expected, "{row_a:?} and {row_b:?}");
            }
        }
    }
}
