//! Layer 0: the vocabulary every other module speaks. Plain values, no I/O, no locks.

pub mod batch;
pub mod change;
pub mod continuous_query;
pub mod database;
pub mod database_image;
pub mod extent;
pub mod file;
pub mod ids;
pub mod limits;
pub mod result;
pub mod schema;
pub mod series_key;
pub mod shard;
pub mod sorted_map;
pub mod state;
pub mod subscription;
pub mod time;
pub mod tombstone;
pub mod user;
pub mod value;

#[cfg(test)]
mod tests;
