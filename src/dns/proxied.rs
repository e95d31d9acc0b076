//! The PROXY protocol, version 2: a load balancer tells whose connection it passes on. Read only from sources the operator
//! trusts; from them it has to be there (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt §2.2).
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::identity::ClientAddr;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Addresses and the options some balancers add; longer ones are nobody's honest header.
const LEN_MAX: usize = 1024;

/// The client behind a trusted balancer at `peer`. Takes the header off the stream and nothing more.
pub async fn client(stream: &mut (impl AsyncRead + Unpin), peer: SocketAddr) -> io::Result<ClientAddr> {
    let mut head = [0; 16];
    stream.read_exact(&mut head).await?;
    let [signature @ .., version, family, len_high, len_low] = head;
    let len = usize::from(u16::from_be_bytes([len_high, len_low]));
    if signature != SIGNATURE || version >> 4 != 2 || len > LEN_MAX {
        return Err(io::Error::new(ErrorKind::InvalidData, "no PROXY header of version 2"));
    }
    let mut data = vec![0; len];
    stream.read_exact(&mut data).await?;
    // LOCAL is the balancer's own check of our health; families other than TCP over IP say nothing of an address.
    let addr = match (version & 0x0f, family) {
        (1, 0x11) => data.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        (1, 0x21) => data.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
        (0 | 1, _) => Some(peer.ip()),
        _ => None,
    };
    addr.map(ClientAddr::from).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "broken PROXY header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut header: &[u8]) -> Option<(IpAddr, usize)> {
        let client = client(&mut header, "192.0.2.9:1".parse().unwrap()).await.ok()?;
        Some((client.ip(), header.len()))
    }

    fn header(version: u8, family: u8, data: &[u8]) -> Vec<u8> {
        [&SIGNATURE[..], &[version, family], &(data.len() as u16).to_be_bytes(), data].concat()
    }

    #[tokio::test]
    async fn both_families_local_and_nothing_else() {
        let v4 = header(0x21, 0x11, &[10, 0, 0, 7, 10, 0, 0, 1, 0, 1, 0, 53]);
        assert_eq!(read(&[&v4[..], b"rest"].concat()).await, Some(("10.0.0.7".parse().unwrap(), 4)));
        let v6 = header(0x21, 0x21, &[0xfd; 36]);
        assert_eq!(read(&v6).await.map(|(addr, _)| addr.is_ipv6()), Some(true));
        assert_eq!(read(&header(0x20, 0, b"")).await, Some(("192.0.2.9".parse().unwrap(), 0)));
        for end in 0..v4.len() {
            assert_eq!(read(&v4[..end]).await, None, "prefix of {end}");
        }
        for wrong in
            [header(0x11, 0x11, &[0; 12]), header(0x22, 0x11, &[0; 12]), header(0x21, 0x11, &[1, 2]), vec![0; 64]]
        {
            assert_eq!(read(&wrong).await, None);
        }
        assert_eq!(read(&header(0x21, 0x11, &[0; 2000])).await, None, "too long");
    }
}
