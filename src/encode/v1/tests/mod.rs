//! Tests of the v1 formats. Expected texts are InfluxDB 1.6.7's answers to the same data unless said.
//!
//! Here stands how rows become a response; the files are what is asked of it.

mod chunks;
mod csv;
mod errors;
mod json;
mod message_pack;
mod series;
mod times;
mod values;

use super::{Epoch, Options, ResponseEncoder, Split, StatementStyle};
use crate::model::result::ResultShape;
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringViewArray, TimestampNanosecondArray};
use std::sync::Arc;

/// A statement's rows: name and tag values of each series, then its rows of (time in seconds, value).
type Rows<'a> = &'a [(&'a str, &'a [&'a str], &'a [(i64, Option<f64>)])];

/// The rows as batches of `batch_rows` with the columns name, tags, time, v.
fn batches(tags: &[&str], rows: Rows<'_>, batch_rows: usize) -> (ResultShape, Vec<RecordBatch>) {
    let flat: Vec<_> = rows
        .iter()
        .flat_map(|(name, values, rows)| rows.iter().map(move |row| (*name, *values, *row)))
        .collect();
    let mut fields: Vec<(String, ArrayRef)> = Vec::new();
    let text = |values: Vec<&str>| Arc::new(StringViewArray::from(values)) as ArrayRef;
    fields.push(("name".into(), text(flat.iter().map(|(name, _, _)| *name).collect())));
    for (i, tag) in tags.iter().enumerate() {
        fields.push(((*tag).into(), text(flat.iter().map(|(_, values, _)| values[i]).collect())));
    }
    let times: Vec<i64> = flat.iter().map(|(_, _, (time, _))| time * 1_000_000_000).collect();
    fields.push(("time".into(), Arc::new(TimestampNanosecondArray::from(times))));
    let values: Vec<Option<f64>> = flat.iter().map(|(_, _, (_, value))| *value).collect();
    fields.push(("v".into(), Arc::new(Float64Array::from(values))));
    let batch = RecordBatch::try_from_iter(fields).expect("columns of one length");
    let shape = ResultShape {
        schema: batch.schema(),
        name: 0,
        group_tags: tags.iter().enumerate().map(|(i, tag)| (Arc::from(*tag), i + 1)).collect(),
        columns: vec![("time".into(), tags.len() + 1), ("v".into(), tags.len() + 2)],
        time_zone: None,
    };
    let starts = (0..batch.num_rows()).step_by(batch_rows.max(1));
    let slices = starts.map(|start| batch.slice(start, batch_rows.min(batch.num_rows() - start))).collect();
    (shape, slices)
}

fn epoch_s(options: Options) -> Options {
    Options { epoch: Some(Epoch::Seconds), ..options }
}

/// What statements with these rows look like, whatever the size of the batches.
fn encode(options: &Options, split: Split, tags: &[&str], statements: &[Rows<'_>]) -> Vec<u8> {
    let all: Vec<Vec<u8>> = [1, 2, 3, 1000]
        .into_iter()
        .map(|batch_rows| {
            let mut encoder = ResponseEncoder::new(options);
            let mut out = Vec::new();
            for (id, rows) in statements.iter().enumerate() {
                let (shape, batches) = batches(tags, rows, batch_rows);
                encoder.begin_statement(id, StatementStyle { split, ..StatementStyle::default() });
                encoder.rows(&shape);
                for batch in &batches {
                    encoder.batch(batch).expect("a batch of the shape");
                    out.extend(encoder.take());
                }
                encoder.end_statement();
            }
            encoder.finish();
            out.extend(encoder.take());
            out
        })
        .collect();
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "the size of batches shows");
    all.into_iter().next().expect("four runs")
}

fn check(options: Options, tags: &[&str], statements: &[Rows<'_>], expected: &str) {
    check_split(options, Split::Rows, tags, statements, expected);
}

fn check_split(options: Options, split: Split, tags: &[&str], statements: &[Rows<'_>], expected: &str) {
    let encoded = encode(&epoch_s(options), split, tags, statements);
    assert_eq!(String::from_utf8_lossy(&encoded), expected);
}

const A_AND_B: Rows<'_> =
    &[("m", &["a"], &[(0, Some(1.0)), (1, Some(2.0)), (2, Some(3.0))]), ("m", &["b"], &[(3, None)])];
