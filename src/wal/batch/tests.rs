//! What goes in comes out; what is anything else is refused, whatever it is.

use super::{BatchError, decode, encode};
use crate::model::batch::{FieldColumn, TableRows, WriteBatch};
use crate::model::ids::{DatabaseId, PolicyId};
use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, UInt64Array};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::sync::Arc;

fn check_round_trip(batch: &WriteBatch) -> Vec<u8> {
    let bytes = encode(batch);
    let back = decode(&bytes).expect("own bytes are a batch");
    assert_eq!(&back, batch);
    for (table, original) in back.tables.iter().zip(&batch.tables) {
        for (field, was) in table.fields.iter().zip(&original.fields) {
            assert_eq!(field.values.data_type(), was.values.data_type());
            assert_bits_equal(&field.values, &was.values);
        }
    }
    bytes
}

/// Arrow's equality is by value; the sign of a zero and the payload of a NaN must survive too.
fn assert_bits_equal(a: &ArrayRef, b: &ArrayRef) {
    let bits = |array: &ArrayRef| -> Option<Vec<Option<u64>>> {
        let floats = array.as_any().downcast_ref::<Float64Array>()?;
        Some(floats.iter().map(|v| v.map(f64::to_bits)).collect())
    };
    assert_eq!(bits(a), bits(b));
}

fn one_table(
    series: &[&str],
    series_index: Vec<u32>,
    times_ns: Vec<i64>,
    fields: Vec<FieldColumn>,
) -> WriteBatch {
    let series = series.iter().map(|&s| s.into()).collect();
    let table = TableRows { table: "cpu".into(), series, series_index, times_ns, fields };
    WriteBatch { database: DatabaseId(3), policy: PolicyId(7), tables: vec![table] }
}

fn one_field(values: impl Array + 'static) -> WriteBatch {
    let rows = values.len();
    let field = FieldColumn { name: "v".into(), values: Arc::new(values) };
    one_table(&["host\u{1}a\u{1}"], vec![0; rows], (0..rows as i64).collect(), vec![field])
}

#[test]
fn extremes_survive() {
    check_round_trip(&one_field(Int64Array::from(vec![i64::MIN, i64::MAX, 0, -1])));
    check_round_trip(&one_field(UInt64Array::from(vec![0, u64::MAX, 1 << 63])));
    check_round_trip(&one_field(Float64Array::from(vec![0.0, -0.0])));
    check_round_trip(&one_field(Float64Array::from(vec![f64::NAN, f64::INFINITY, f64::MIN_POSITIVE])));
    check_round_trip(&one_field(Float64Array::from(vec![i64::MAX as f64, i64::MIN as f64, 1e300])));
    check_round_trip(&one_field(Float64Array::from(vec![1.0, 2.0, 9_007_199_254_740_993.0])));
    check_round_trip(&one_field(StringArray::from(vec!["", "ü", "\0", &"long ".repeat(100)])));
    check_round_trip(&one_field(Int64Array::from(vec![None, Some(5), None])));
    check_round_trip(&one_field(StringArray::from(vec![None, Some("x"), None])));
    check_round_trip(&one_field(BooleanArray::from(vec![None, Some(true), Some(false)])));
    check_round_trip(&one_field(Float64Array::from(vec![None::<f64>, None])));
    let times = vec![i64::MIN, i64::MAX, 0];
    check_round_trip(&one_table(&["a", "b"], vec![0, 1, 0], times, vec![]));
    check_round_trip(&WriteBatch { database: DatabaseId(0), policy: PolicyId(u32::MAX), tables: vec![] });
}

#[test]
fn slices_of_larger_arrays_survive() {
    let integers = Int64Array::from_iter((0..40).map(|i| (i % 3 != 0).then_some(i)));
    check_round_trip(&one_field(integers.slice(5, 13)));
    let booleans = BooleanArray::from_iter((0..40).map(|i| (i % 5 != 0).then_some(i % 2 == 0)));
    check_round_trip(&one_field(booleans.slice(3, 17)));
    let strings = StringArray::from_iter((0..40).map(|i| (i % 4 != 0).then(|| i.to_string())));
    check_round_trip(&one_field(strings.slice(7, 20)));
}

#[test]
fn small_integers_take_one_byte_each() {
    let empty = check_round_trip(&one_field(Int64Array::from(vec![0]))).len();
    let full = check_round_trip(&one_field(Int64Array::from_iter_values(0..100))).len();
    // Per row: series index, time, value.
    assert_eq!(full - empty, 99 * 3 + 1);
}

#[test]
fn times_in_seconds_take_few_bytes() {
    let times = |unit: i64| (0..100).map(|i| 1_700_000_000_000_000_000 + i * unit).collect::<Vec<i64>>();
    let bytes = |unit| check_round_trip(&one_table(&["a"], vec![0; 100], times(unit), vec![])).len();
    let (equal, ten_seconds, odd) = (bytes(0), bytes(10_000_000_000), bytes(10_000_000_001));
    // Two bytes hold 990 seconds; nanoseconds that are no multiple of anything take all eight.
    assert_eq!((ten_seconds - equal, odd - equal), (200, 800));
}

#[test]
fn a_batch_of_another_version_is_named() {
    assert_eq!(decode(&[9, 1, 2, 3]), Err(BatchError::UnsupportedVersion(9)));
}

#[test]
fn no_prefix_of_a_batch_is_a_batch() {
    let batch = one_field(StringArray::from(vec![Some("a"), None, Some("bc")]));
    let bytes = encode(&batch);
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(decode(&longer).is_err());
}

#[test]
fn counts_beyond_the_bytes_are_refused_without_allocating() {
    let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([0xff; 9]);
    bytes.push(1);
    assert!(matches!(decode(&bytes), Err(BatchError::Malformed { .. })));
    // One table, named "t", with 2^40 rows.
    let bytes = [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, b't', 0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
    assert!(matches!(decode(&bytes), Err(BatchError::Malformed { .. })));
}

fn field_values(rows: usize) -> BoxedStrategy<ArrayRef> {
    let array = |a: ArrayRef| a;
    prop_oneof![
        vec(any::<i64>(), rows).prop_map(move |v| array(Arc::new(Int64Array::from(v)))),
        vec(option::of(-200i64..200), rows).prop_map(move |v| array(Arc::new(Int64Array::from(v)))),
        vec(option::of(any::<u64>()), rows).prop_map(move |v| array(Arc::new(UInt64Array::from(v)))),
        vec(any::<f64>(), rows).prop_map(move |v| array(Arc::new(Float64Array::from(v)))),
        vec(option::of((-1000i32..1000).prop_map(f64::from)), rows)
            .prop_map(move |v| array(Arc::new(Float64Array::from(v)))),
        vec(option::of(any::<bool>()), rows).prop_map(move |v| array(Arc::new(BooleanArray::from(v)))),
        vec(option::of(".{0,12}"), rows).prop_map(move |v| array(Arc::new(StringArray::from(v)))),
    ]
    .boxed()
}

prop_compose! {
    // More than 256 series need indices of two bytes; their keys need not be random for that.
    fn table_rows(name: Arc<str>)(rows in 1usize..40, series_count in prop_oneof![1u32..6, 250u32..260])(
        series in vec(".{0,20}", series_count.min(6) as usize),
        series_count in Just(series_count),
        series_index in vec(0..series_count, rows),
        times_ns in prop_oneof![vec(any::<i64>(), rows), vec((-50i64..50).prop_map(|s| s * 1_000_000_000), rows)],
        values in vec(field_values(rows), 0..6),
    ) -> TableRows {
        let fields = values.into_iter().enumerate();
        let fields = fields.map(|(i, values)| FieldColumn { name: format!("f{i}").into(), values }).collect();
        let numbered = (series.len()..series_count as usize).map(|i| i.to_string());
        let series = series.into_iter().chain(numbered).map(Into::into).collect();
        TableRows { table: Arc::clone(&name), series, series_index, times_ns, fields }
    }
}

fn write_batch() -> impl Strategy<Value = WriteBatch> {
    // A table may come in parts.
    let name = (0usize..3).prop_map(|i| Arc::<str>::from(format!("t{i}")));
    let tables = vec(name.prop_flat_map(table_rows), 0..4);
    (any::<u32>(), any::<u32>(), tables).prop_map(|(database, policy, tables)| WriteBatch {
        database: DatabaseId(database),
        policy: PolicyId(policy),
        tables,
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(batch in write_batch()) {
        check_round_trip(&batch);
    }

    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
        let _ = decode(&[&[1u8], bytes.as_slice()].concat());
    }

    #[test]
    fn flipped_bytes_never_panic(batch in write_batch(), at in any::<prop::sample::Index>(), mask in 1u8..) {
        let mut bytes = encode(&batch);
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        if let Ok(other) = decode(&bytes) {
            check_round_trip(&other);
        }
    }
}
