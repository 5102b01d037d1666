//! Layer 1: from record batches to the bytes of a response or a file.
//!
//! One folder per family of formats. In: record batches and what is known about them
//! ([`crate::model::result`], [`described`]). Out: bytes in a buffer that the caller drains. It knows no HTTP, no statement
//! and no clock, does no I/O, and never holds a whole result unless the format leaves no choice.

pub mod described;
pub mod line_protocol;
pub mod v1;
