//! The integration tests, one binary.

mod layers;
mod scenario;
mod weather;
