//! End-to-end tests of statements on in-memory tables.
//!
//! | file | what |
//! |---|---|
//! | `store`, `run`, `table` | data and catalog of a test, statements run on them, answers as text |
//! | `scenarios` | the scenarios of `testdata`, by folder |
//! | `plans` | what logical plans look like |
//! | `refused` | bounds of what is planned at all |

mod plans;
mod refused;
mod run;
mod scenarios;
mod store;
mod table;
