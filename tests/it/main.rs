//! The integration tests, one binary.

mod bad_input;
mod crash;
mod layers;
mod s3_server;
mod scenario;
mod states;
mod weather;
