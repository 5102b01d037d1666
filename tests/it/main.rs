//! The integration tests, one binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bad_input;
mod complaints;
mod crash;
mod disk_cache;
mod environment;
mod layers;
mod memory;
mod process;
mod random;
mod read_only;
mod s3_server;
#[allow(dead_code, reason = "the recorder, examples/golden.rs, uses the rest")]
mod scenario;
mod shards;
mod signals;
mod simulation;
mod states;
mod subscriptions;
mod transfer;
mod weather;
