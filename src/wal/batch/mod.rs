//! The bytes of a [`WriteBatch`](crate::model::batch::WriteBatch) as a record of the log carries them: columnar and compact, made
//! mostly by copying, and checked completely when read.
//!
//! In: a batch, or any bytes at all. Out: bytes, or the same batch, or an error; never a panic, and never
//! more memory than a small multiple of the bytes given. Knows nothing of frames, checksums or files.
//!
//! ```text
//! batch    │ version u8 = 1 │ database u32 │ policy u32 │ tables v │ table … │
//! table    │ name s │ rows v │ series v │ series … s │ series index │ times │ fields v │ field … │
//! index    │ width u8 │ rows × width │                          width 1, 2 or 4, always unsigned
//! times    │ width u8 │ scale u8 │ base i64 │ rows × width │      time = base + value × 10^scale
//! field    │ name s │ kind u8 │ validity: ⌈rows / 8⌉, if kind & 0x80 │ values │
//!
//! values, only of rows that are not null, by kind & 0x7f:
//!   0 float             │ n × f64 │
//!   1 integer           │ width u8 │ base i64 │ n × width │        value = base + offset, wrapping
//!   2 unsigned          as integer, the sum read as u64
//!   3 string            │ width u8 │ n × width: lengths │ bytes │
//!   4 boolean           │ ⌈n / 8⌉ bits, least significant first │
//!   5 integral floats   as integer, each converted to f64
//!
//! v = LEB128, s = length v and UTF-8 bytes; everything else little-endian
//! ```
//!
//! Integers are stored as offsets from the least one, in 1, 2, 4 or 8 bytes, because every byte saved here is a byte
//! that an fsync need not carry. A width of 0 (all values equal) exists for times only: a row costs
//! at least the byte of its series index, so that garbage cannot ask for many rows with few bytes.

mod decode;
mod encode;
mod integers;

pub use decode::{decode, target_of};
pub use encode::encode;

#[cfg(test)]
mod tests;

/// The version of the layout drawn above.
const VERSION: u8 = 1;

const KIND_FLOAT: u8 = 0;
const KIND_INTEGER: u8 = 1;
const KIND_UNSIGNED: u8 = 2;
const KIND_STRING: u8 = 3;
const KIND_BOOLEAN: u8 = 4;
const KIND_INTEGRAL_FLOAT: u8 = 5;
/// Set on a field's kind when a validity bitmap follows.
const KIND_HAS_NULLS: u8 = 0x80;

/// Why bytes are no batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes were written by a newer program.
    #[error("batch layout version {0} is not supported")]
    UnsupportedVersion(u8),
    /// The bytes are not what [`encode`] makes.
    #[error("malformed batch: {what} at byte {offset}")]
    Malformed {
        /// What was expected and not found.
        what: &'static str,
        /// Where, from the start of the batch.
        offset: usize,
    },
}
