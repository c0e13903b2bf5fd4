//! Where webhooks may go: not into the network of this host, unless the configuration says so. Who registers an endpoint
//! chooses where this host connects to, and reads a bit of the answer.

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use thiserror::Error;
use tokio::net::lookup_host;
use url::{Host, Url};

/// The longest address of an endpoint, in bytes.
const MOST: usize = 2048;

/// What is not the internet (the special-purpose registries of RFC 6890), and multicast.
const NOT_PUBLIC_V4: [Ipv4Net; 16] = [
    Ipv4Net::new_assert(Ipv4Addr::new(0, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 0, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 88, 99, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4),
    Ipv4Net::new_assert(Ipv4Addr::new(240, 0, 0, 0), 4),
    Ipv4Net::new_assert(Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// All of the internet that is given out so far, and parts of it that are something else.
const PUBLIC_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const NOT_PUBLIC_V6: [Ipv6Net; 4] = [
    // Teredo among others.
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4.
    Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    Ipv6Net::new_assert(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// IPv4 addresses behind a translator, which a name server of such a network makes of every name.
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// An address to which nothing is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// It is too long.
    #[error("the address is longer than {MOST} bytes")]
    TooLong,
    /// It is none.
    #[error("this is no URL: {0}")]
    NoUrl(#[from] url::ParseError),
    /// It is not https.
    #[error("the address must begin with https://")]
    Scheme,
    /// It has a name or a password in it.
    #[error("the address must not hold a name or a password: what is sent is signed")]
    Credentials,
    /// It has a part that is never sent.
    #[error("the address must not have a fragment (#…)")]
    Fragment,
    /// It is one of a private network.
    #[error("{0} is no address of the public internet")]
    Private(IpAddr),
    /// The name has no address of the public internet.
    #[error("{0} has no address of the public internet")]
    NothingPublic(String),
}

/// Reads an address, as far as it can be judged without asking anybody.
pub(super) fn parse(text: &str, private: bool) -> Result<Url, TargetError> {
    if text.len() > MOST {
        return Err(TargetError::TooLong);
    }
    let url = Url::parse(text)?;
    match url.scheme() {
        "https" => {}
        "http" if private => {}
        _ => return Err(TargetError::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(TargetError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(TargetError::Fragment);
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => None,
    };
    match literal {
        Some(address) if !private && !is_public(address) => Err(TargetError::Private(address)),
        _ => Ok(url),
    }
}

/// Whether an address is one of the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public(mapped.into()),
            None if NAT64.contains(&address) => {
                let [.., a, b, c, d] = address.octets();
                is_public(Ipv4Addr::new(a, b, c, d).into())
            }
            None => PUBLIC_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|net| net.contains(&address)),
        },
    }
}

/// Finds the addresses of a name.
pub(super) type Lookup = fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// As the host does.
pub(super) fn by_host(name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
    Box::pin(async move { Ok(lookup_host((name, 0)).await?.collect()) })
}

/// Finds the addresses of a name at every connection, and leaves out those that are not public: what a name stands for
/// may change after it was registered.
pub(super) struct Resolver {
    pub(super) lookup: Lookup,
    pub(super) private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, private) = (self.lookup, self.private);
        Box::pin(async move {
            let mut found = lookup(name.as_str().to_owned()).await?;
            found.retain(|address| private || is_public(address.ip()));
            if found.is_empty() {
                return Err(TargetError::NothingPublic(name.as_str().to_owned()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_taken() {
        for text in [
            "https://example.com/hook?x=1",
            "https://8.8.8.8:8443/",
            "https://[2606:4700::1111]/",
            "https://[64:ff9b::808:808]/",
            "https://[::ffff:8.8.8.8]/",
        ] {
            assert!(parse(text, false).is_ok(), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_refused_however_they_are_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "0",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.19.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a00:1]",
            "[64:ff9b::7f00:1]",
            "[::7f00:1]",
            "[fe80::1]",
            "[fec0::1]",
            "[fd00::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[2001::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
        ] {
            let text = format!("https://{host}/hook");
            assert!(matches!(parse(&text, false), Err(TargetError::Private(_))), "{text}");
            assert!(parse(&text, true).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_https_address_is_refused() {
        for (text, error) in [
            ("http://example.com/", TargetError::Scheme),
            ("file:///etc/passwd", TargetError::Scheme),
            ("https://name@example.com/", TargetError::Credentials),
            ("https://:word@example.com/", TargetError::Credentials),
            ("https://example.com/#part", TargetError::Fragment),
            ("example.com", TargetError::NoUrl(url::ParseError::RelativeUrlWithoutBase)),
            ("https://", TargetError::NoUrl(url::ParseError::EmptyHost)),
        ] {
            assert_eq!(parse(text, false), Err(error), "{text}");
        }
        let long = format!("https://example.com/{}", "a".repeat(2048));
        assert_eq!(parse(&long, true), Err(TargetError::TooLong));
        assert!(parse("http://127.0.0.1:80/", true).is_ok() && parse("ftp://127.0.0.1/", true).is_err());
    }
}
