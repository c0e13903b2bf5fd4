//! From where somebody may ask.

use ipnet::IpNet;
use std::net::IpAddr;

/// The networks that are answered; all where there is none.
#[derive(Debug, Clone)]
pub struct AllowList(Vec<IpNet>);

impl AllowList {
    /// With these networks.
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.to_vec())
    }

    /// Whether an address is in one of them. A socket that takes both kinds shows an IPv4 address as an IPv6 one; it
    /// counts as what it is.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_allowed_as_what_it_is() {
        let networks = ["10.1.0.0/16", "2001:db8::/32", "192.0.2.7/32"].map(|text| text.parse().unwrap());
        let allows = |text: &str| AllowList::new(&networks).allows(text.parse().unwrap());
        for inside in ["10.1.255.255", "::ffff:10.1.0.1", "2001:db8:1::1", "192.0.2.7"] {
            assert!(allows(inside), "{inside}");
        }
        for outside in ["10.2.0.0", "::ffff:10.2.0.1", "::10.1.0.1", "2001:db9::", "192.0.2.8", "127.0.0.1"] {
            assert!(!allows(outside), "{outside}");
        }
        let six = AllowList::new(&["::/0".parse().unwrap()]);
        assert!(!six.allows("::ffff:10.1.0.1".parse().unwrap()));
    }

    #[test]
    fn without_a_network_everybody_is_allowed() {
        assert!(AllowList::new(&[]).allows("203.0.113.9".parse().unwrap()));
    }
}
