//! Any bytes as a manifest edit or checkpoint: an error or a value, never a panic; and what decodes
//! encodes to what decodes to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegauge::manifest::format;
use tidegauge::model::state::State;

fuzz_target!(|data: &[u8]| {
    if let Ok(edit) = format::decode_edit("fuzz", data) {
        let _ = State::default().with_changes(&edit.changes);
        let again = format::decode_edit("fuzz", &format::encode_edit(&edit)).expect("own bytes decode");
        assert_eq!(edit, again);
    }
    // Past the checksum, which no fuzzer guesses: the same bytes as the body of a right header.
    for kind in ["tidegauge-edit", "tidegauge-checkpoint"] {
        let mut framed =
            format!("{kind} 1 crc32c={:08x} bytes={}\n", crc32c::crc32c(data), data.len()).into_bytes();
        framed.extend_from_slice(data);
        if let Ok(edit) = format::decode_edit("fuzz", &framed) {
            let _ = State::default().with_changes(&edit.changes);
        }
        if let Ok(checkpoint) = format::decode_checkpoint("fuzz", &framed) {
            let changes: Vec<_> = checkpoint.state.to_changes().collect();
            assert_eq!(State::default().with_changes(&changes).as_ref(), Ok(&checkpoint.state));
        }
    }
});
