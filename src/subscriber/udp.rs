//! Lines as datagrams, one for each point, without an end of the line.
//!
//! Whether anybody receives them is not known. Only where this machine is told that nobody does (it is when the destination is on it, too),
//! the next datagram fails, as in InfluxDB 1.x. A line that fits into no datagram fails, too.

use super::error::SendError;
use super::lines::Part;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{UdpSocket, lookup_host};

/// Sends every line. The name of the host is looked up each time, so that it may move; of several addresses the first of IPv4 is
/// taken, as Go does.
pub(super) async fn send(host: &str, port: u16, part: &Part) -> Result<(), SendError> {
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    let address = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first()).copied();
    let address = address.ok_or_else(|| SendError::Unusable("its host has no address".to_owned()))?;
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    for line in part.lines() {
        socket.send(line).await?;
    }
    Ok(())
}
