//! Flight.
