//! Sockets and connections. Today one: HTTP and gRPC on one port.

pub mod http;
