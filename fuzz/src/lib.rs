//! The parsers of Tidegauge that read bytes from outside, without the rest of it: the same source files, in a crate that builds
//! in a minute and is instrumented as a whole.
//!
//! | part | bytes from |
//! |---|---|
//! | [`line_protocol`] | writers |
//! | [`parameters`], [`query_params`] | URLs, forms and bind parameters of queries |
//! | [`wal`] | the log of a process that died, on a disk that may lie |
//! | [`manifest`] | the object store |

#![allow(dead_code, reason = "each target uses a part of it")]

#[path = "../../src/line_protocol/mod.rs"]
pub mod line_protocol;
#[path = "../../src/model/mod.rs"]
pub mod model;
#[path = "../../src/wal/mod.rs"]
pub mod wal;

#[path = "../../src/manifest/format.rs"]
pub mod format;
#[path = "../../src/server/v1/query/go_json.rs"]
mod go_json;
#[path = "../../src/server/parameters.rs"]
mod parameters_of_request;
#[path = "../../src/server/v1/query/params.rs"]
mod params;

/// The manifest's format, without the manifest.
pub mod manifest {
    pub use crate::format;
}

/// What the manifest's format refuses.
#[derive(Debug)]
pub enum ManifestError {
    /// Not what was written.
    Damaged {
        /// The object.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Written by a later version.
    Newer {
        /// The object.
        path: String,
        /// Its version.
        version: u32,
    },
}

/// The values of `names` in a query string or form.
pub fn parameters(text: &[u8], names: &[&str]) -> Vec<String> {
    let parameters = parameters_of_request::Parameters::parse(text);
    names.iter().map(|name| parameters.get(name).to_owned()).collect()
}

/// Bind parameters from JSON, or the text of the error.
pub fn query_params(text: &str) -> Result<influxql::Params, String> {
    params::bind_parameters(text).map_err(|error| error.to_string())
}
