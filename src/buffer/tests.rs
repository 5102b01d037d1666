//! What a reader finds in a buffer equals what was pushed, however pushes and reads alternate.

use super::TableBuffer;
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::ids::Sequence;
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::value::FieldType;
use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn rows(points: &[(u8, i64, i64)]) -> Arc<TableRows> {
    Arc::new(TableRows {
        table: "t".into(),
        series: (0..=u8::MAX).map(|s| format!("{s:03}").into()).collect(),
        series_index: points.iter().map(|p| u32::from(p.0)).collect(),
        times_ns: points.iter().map(|p| p.1).collect(),
        fields: vec![FieldColumn {
            name: "i".into(),
            values: Arc::new(points.iter().map(|p| p.2).collect::<Int64Array>()),
        }],
    })
}

fn schema() -> TableSchema {
    let field = ("i", ColumnKind::Field(FieldType::Integer));
    TableSchema::default().with_columns([field]).unwrap().unwrap()
}

proptest! {
    #[test]
    fn readers_find_the_newest_values(
        writes in prop::collection::vec(
            (prop::collection::vec((0..6_u8, 0..9_i64, 0..100_i64), 1..20), any::<bool>()), 1..20),
    ) {
        let mut buffer = TableBuffer::default();
        let mut model = BTreeMap::new();
        for (n, (points, read)) in writes.iter().enumerate() {
            buffer.push(Sequence(n as u64 + 1), rows(points));
            model.extend(points.iter().map(|(s, t, i)| ((format!("{s:03}"), *t), *i)));
            if !read {
                continue;
            }
            let mut found = BTreeMap::new();
            let chunks = buffer.chunks(&schema()).unwrap();
            prop_assert!(chunks.windows(2).all(|w| w[0].sequence_max < w[1].sequence_min));
            for chunk in chunks {
                chunk.rows().assert_sorted();
                let values = chunk.rows().fields[0].as_primitive::<Int64Type>();
                for run in 0..chunk.rows().runs.len() {
                    let key = chunk.rows().runs[run].key.to_string();
                    found.extend(chunk.rows().run_rows(run)
                        .map(|row| ((key.clone(), chunk.rows().times_ns[row]), values.value(row))));
                }
            }
            prop_assert_eq!(&found, &model);
        }
    }
}

#[test]
fn a_reader_after_every_write_leaves_few_chunks() {
    let mut buffer = TableBuffer::default();
    for n in 0..1_000 {
        buffer.push(Sequence(n as u64 + 1), rows(&[(0, n, n)]));
        buffer.chunks(&schema()).unwrap();
    }
    assert!(buffer.chunks(&schema()).unwrap().len() <= 11, "the sizes of chunks at least halve");
    assert!(!buffer.is_empty());
}
