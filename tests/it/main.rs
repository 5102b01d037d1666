//! The integration tests, one binary.

mod crash;
mod layers;
mod scenario;
mod weather;
