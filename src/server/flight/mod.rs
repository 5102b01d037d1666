//! Arrow Flight and Flight SQL: SQL and InfluxQL in, Arrow record batches out.
//!
//! In: gRPC calls. Out: schemas, tickets and streams of batches. Nothing is kept between calls: tickets and prepared
//! statements carry the query itself, so that any node can serve them. Nothing here writes.
//!
//! ```text
//! descriptor ─┐                       ┌─ Query ─ run ──────▶ schema, batches ─┐
//! ticket ─────┼─ command ─▶ Request ──┤                                       ├─ stream ─▶ FlightData
//! JSON ticket ┘                       └─ Metadata ─ listing, server_info ─────┘
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | `service` | the calls of the protocol |
//! | `command` | what descriptors and tickets ask for |
//! | `database` | which database a call means |
//! | `query` | a query with all that it needs, and its bytes in tickets and handles |
//! | `json_ticket` | the tickets of InfluxDB 3's clients |
//! | `parameters` | values for placeholders |
//! | `run` | from a query to schema and batches |
//! | `influxql` | InfluxQL results as InfluxDB 3's clients read them |
//! | `listing` | catalogs, schemas, tables |
//! | `server_info` | what drivers ask about the server and its types |
//! | `handshake` | passwords for tokens |
//! | `stream` | batches as messages |
//! | `status` | the only place that turns errors into gRPC statuses |

mod command;
mod database;
mod handshake;
mod influxql;
mod json_ticket;
mod listing;
mod parameters;
mod query;
mod run;
mod server_info;
mod service;
mod status;
mod stream;

#[cfg(test)]
mod tests;

use super::AppState;
use super::headers;
use arrow_flight::flight_service_server::FlightServiceServer;
use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::middleware;
use service::Flight;
use std::any::Any;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tower_http::catch_panic::CatchPanicLayer;

/// Largest message that is read, unpacked: a query text, or one row of parameters. gRPC's own default.
const REQUEST_BYTES_MAX: usize = 4 << 20;

/// The gRPC services of the port, for [`Server::listen`](super::Server::listen).
///
/// Requests may be compressed by gzip; responses are not, since most clients would take that, few links need it, and
/// it costs more than the query.
pub fn router(state: AppState) -> Router {
    let metrics = state.metrics.clone();
    let service = FlightServiceServer::new(Flight::new(state))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(REQUEST_BYTES_MAX);
    let catch_panics = CatchPanicLayer::custom(move |panic: Box<dyn Any + Send>| -> Response<Body> {
        metrics.panics.inc();
        status::of_panic(panic.as_ref()).into_http()
    });
    Routes::new(service).into_axum_router().layer(catch_panics).layer(middleware::from_fn(headers::common))
}
