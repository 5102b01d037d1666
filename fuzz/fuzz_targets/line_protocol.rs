//! Fuzzes line protocol: no body panics, the quick and the strict reading agree, and every row has its values.
//!
//! The first byte chooses the precision, the rest is the body. `cargo fuzz run line_protocol`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegauge::line_protocol::{Line, Parser, Precision, SeriesText, WriteOptions, to_batches};

fuzz_target!(|input: &[u8]| {
    let Some((first, body)) = input.split_first() else { return };
    let precision = match first % 6 {
        0 => Precision::Nanosecond,
        1 => Precision::Microsecond,
        2 => Precision::Millisecond,
        3 => Precision::Second,
        4 => Precision::Minute,
        _ => Precision::Hour,
    };
    let (mut quick, mut strict) = (Parser::new(body, precision), Parser::new(body, precision));
    let (mut quick_line, mut strict_line) = (Line::default(), Line::default());
    loop {
        let (read, expected) =
            (quick.next_line(&mut quick_line), strict.next_line_strictly(&mut strict_line));
        match (read, expected) {
            (None, None) => break,
            (Some(Ok(())), Some(Ok(()))) => assert_eq!(quick_line, strict_line),
            // The quick reading leaves the series text to whoever reads it.
            (Some(Ok(())), Some(Err(refused))) => {
                assert_eq!(SeriesText::parse(quick_line.series).err(), Some(refused.fault));
                assert_eq!(quick_line.bytes, refused.bytes);
            }
            (read, expected) => assert_eq!(read, expected),
        }
    }
    let converted = to_batches(body, &WriteOptions::new(precision, 0), |_| None);
    for table in &converted.tables {
        assert!(table.fields.iter().all(|field| field.values.len() == table.row_count()));
        assert!(table.series_index.iter().all(|index| (*index as usize) < table.series.len()));
    }
});
