//! Where a request came from: the peer, or whom a trusted proxy names.

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap, HeaderName},
};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const FORWARDED_FOR: HeaderName = header::X_FORWARDED_FOR;

/// Who is believed when they say on whose behalf they ask.
#[derive(Debug, Default)]
pub struct Proxies(pub Vec<IpNet>);

impl Proxies {
    /// The address behind the trusted proxies.
    pub fn client(&self, request: &HttpRequest) -> IpAddr {
        let (peer, headers) = (peer(request), request.headers());
        if !self.trusts(peer) {
            return peer;
        }
        // What nearly all proxies write. Those let the other header through, whoever wrote that.
        if headers.contains_key(&FORWARDED_FOR) {
            return self.last_stranger(peer, &values(headers, &FORWARDED_FOR), listed);
        }
        self.last_stranger(peer, &values(headers, &header::FORWARDED), forwarded)
    }

    /// Whether somebody on this machine asks, and not a proxy for somebody else.
    pub fn is_from_here(&self, request: &HttpRequest) -> bool {
        let sent_on = [FORWARDED_FOR, header::FORWARDED].iter().any(|name| request.headers().contains_key(name));
        let peer = peer(request);
        peer.is_loopback() && !(sent_on && self.trusts(peer))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// From the right, where the nearest proxy wrote: the first whom nobody vouches for. What cannot be read ends it: who
    /// stands before it is unknown.
    fn last_stranger(&self, peer: IpAddr, hops: &[&str], of: fn(&str) -> Option<IpAddr>) -> IpAddr {
        let mut nearest = peer;
        for hop in hops.iter().rev() {
            let Some(address) = of(hop.trim()) else { return nearest };
            nearest = address.to_canonical();
            if !self.trusts(nearest) {
                return nearest;
            }
        }
        nearest
    }
}

fn peer(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()).to_canonical()
}

/// All that the lines of a header list, in order. One that is not text names nobody.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    headers.get_all(name).flat_map(|line| line.to_str().unwrap_or_default().split(',')).collect()
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn listed(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// `for="[2001:db8::1]:4711";proto=https` (RFC 7239).
fn forwarded(text: &str) -> Option<IpAddr> {
    let named = text.split(';').filter_map(|pair| pair.split_once('='));
    let mut named = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (Some((_, value)), None) = (named.next(), named.next()) else { return None };
    listed(value.trim().trim_matches('"'))
}

/// What counts as one address: of IPv6 a /64, which is what one customer has at the least.
pub fn block(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Proxies, block};
    use actix_web::test::TestRequest;
    use std::net::IpAddr;

    fn client(peer: &str, headers: &[(&str, &str)]) -> String {
        let proxies = Proxies(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut request = TestRequest::default().peer_addr((peer.parse::<IpAddr>().unwrap(), 1).into());
        for header in headers {
            request = request.append_header(*header);
        }
        proxies.client(&request.to_http_request()).to_string()
    }

    #[test]
    fn a_proxy_is_believed_only_where_it_is_trusted() {
        let named = [("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client("192.0.2.1", &named), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &[("forwarded", "for=203.0.113.9")]), "192.0.2.1");
        assert_eq!(client("10.1.1.1", &named), "203.0.113.9");
        assert_eq!(client("::ffff:10.1.1.1", &named), "203.0.113.9");
        assert_eq!(client("fd00::1", &named), "203.0.113.9");
        assert_eq!(client("10.1.1.1", &[]), "10.1.1.1");
    }

    #[test]
    fn what_the_client_wrote_before_the_proxy_is_not_believed() {
        let read = |list| client("10.1.1.1", &[("x-forwarded-for", list)]);
        assert_eq!(read("198.51.100.1, 203.0.113.9"), "203.0.113.9");
        assert_eq!(read("198.51.100.1, 203.0.113.9, 10.2.2.2"), "203.0.113.9");
        assert_eq!(read("10.3.3.3, 10.2.2.2"), "10.3.3.3");
        assert_eq!(read("198.51.100.1, nonsense, 10.2.2.2"), "10.2.2.2");
        assert_eq!(read("198.51.100.1,"), "10.1.1.1");
        assert_eq!(read(""), "10.1.1.1");
        assert_eq!(read("203.0.113.9:4711"), "203.0.113.9");
        assert_eq!(read("[2001:db8::1]:4711"), "2001:db8::1");
        assert_eq!(read("2001:db8::1"), "2001:db8::1");
        let lines = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client("10.1.1.1", &lines), "203.0.113.9");
    }

    #[test]
    fn the_standard_header_is_read_where_the_common_one_is_not_there() {
        let read = |list| client("10.1.1.1", &[("forwarded", list)]);
        assert_eq!(read("for=198.51.100.1, for=203.0.113.9;proto=https;by=10.1.1.1"), "203.0.113.9");
        assert_eq!(read("For=\"[2001:db8::1]:4711\""), "2001:db8::1");
        assert_eq!(read("for=unknown"), "10.1.1.1");
        assert_eq!(read("for=198.51.100.1;for=203.0.113.9"), "10.1.1.1");
        let both = |one, other| client("10.1.1.1", &[("x-forwarded-for", one), ("forwarded", other)]);
        assert_eq!(both("203.0.113.9", "for=203.0.113.9"), "203.0.113.9");
        assert_eq!(both("203.0.113.9", "for=198.51.100.1"), "203.0.113.9");
        assert_eq!(both("203.0.113.9", "x"), "203.0.113.9");
        assert_eq!(both("x", "for=198.51.100.1"), "10.1.1.1");
    }

    #[test]
    fn a_customer_of_ipv6_is_one_however_many_addresses_they_have() {
        let of = |text: &str| block(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2::"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }
}
