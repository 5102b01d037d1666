//! Tests of columns.
