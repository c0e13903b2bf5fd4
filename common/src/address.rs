//! Networks and addresses: bech32 of a public key, with the network as its prefix (protocol page §3).

use crate::group::{Encoded, EncodingError};
use crate::keys::PublicKey;
use crate::text::excerpt;
use bech32::primitives::decode::{CheckedHrpstring, CheckedHrpstringError};
use bech32::{Bech32, Hrp};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// One of the four Stegos networks. Always a value that is passed on, never a global.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// The network where money is real; addresses start with `stg1`.
    Mainnet,
    /// The public test network; addresses start with `stt1`.
    Testnet,
    /// The developers' network; addresses start with `str1`.
    Devnet,
    /// A local development chain; addresses start with `dev1`.
    Dev,
}

impl Network {
    /// All four networks.
    pub const ALL: [Self; 4] = [Self::Mainnet, Self::Testnet, Self::Devnet, Self::Dev];

    /// The name that a node gives to `chain_name`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Devnet => "devnet",
            Self::Dev => "dev",
        }
    }

    /// The prefix of the network's addresses.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Mainnet => "stg",
            Self::Testnet => "stt",
            Self::Devnet => "str",
            Self::Dev => "dev",
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is none of the four networks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown network {0:?}: use mainnet, testnet, devnet or dev")]
pub struct UnknownNetworkError(String);

impl FromStr for Network {
    type Err = UnknownNetworkError;

    fn from_str(name: &str) -> Result<Self, UnknownNetworkError> {
        Self::ALL
            .into_iter()
            .find(|network| network.name() == name)
            .ok_or_else(|| UnknownNetworkError(name.to_owned()))
    }
}

/// Text that is no address, or not one of the network asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not bech32, or its checksum does not match.
    #[error("address {address:?} is not valid bech32: {reason}")]
    Bech32 {
        /// The text.
        address: String,
        /// What the decoder found.
        reason: String,
    },
    /// The prefix belongs to no Stegos network.
    #[error(
        "address {address:?} has the prefix {prefix:?}, which is of no Stegos network (stg, stt, str, dev)"
    )]
    UnknownPrefix {
        /// The text.
        address: String,
        /// Its prefix.
        prefix: String,
    },
    /// Not the encoding of a public key.
    #[error("address {address:?} holds no public key: {reason}")]
    PublicKey {
        /// The text.
        address: String,
        /// What is wrong with the bytes.
        reason: EncodingError,
    },
    /// A good address of another network.
    #[error("address {address} is of {actual}, expected one of {expected}")]
    OtherNetwork {
        /// The address.
        address: String,
        /// The network asked for.
        expected: Network,
        /// The network of the address.
        actual: Network,
    },
}

/// The address of a public key on one network.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    network: Network,
    public_key: PublicKey,
}

impl Address {
    /// The address of `public_key` on `network`.
    #[must_use]
    pub const fn new(network: Network, public_key: PublicKey) -> Self {
        Self { network, public_key }
    }

    /// The network it belongs to.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The public key it stands for.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Parses an address that must belong to `network`.
    ///
    /// # Errors
    /// [`AddressError::OtherNetwork`] for a good address of another network, otherwise as
    /// [`Address::from_str`].
    pub fn parse(text: &str, network: Network) -> Result<Self, AddressError> {
        let address: Self = text.parse()?;
        address.require(network)
    }

    /// The address itself if it belongs to `network`.
    ///
    /// # Errors
    /// [`AddressError::OtherNetwork`] if it does not.
    pub fn require(self, network: Network) -> Result<Self, AddressError> {
        self.encoded().require(network)?;
        Ok(self)
    }

    const fn encoded(&self) -> EncodedAddress {
        EncodedAddress { network: self.network, key: self.public_key.encoded() }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Parses an address of any network, in lower or upper case but not in a mixture.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let EncodedAddress { network, key } = text.parse()?;
        let public_key = PublicKey::from_bytes(key.as_bytes())
            .map_err(|reason| AddressError::PublicKey { address: excerpt(text), reason })?;
        Ok(Self { network, public_key })
    }
}

/// An address whose 32 bytes are not known to be a public key: a recipient as a node shows it.
///
/// The deployed node accepts public outputs whose recipient is no point (protocol page §10), so whoever reads
/// the chain must be able to read them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EncodedAddress {
    /// The network that the prefix belongs to.
    pub network: Network,
    /// The 32 bytes.
    pub key: Encoded,
}

impl EncodedAddress {
    /// The 32 bytes if the address belongs to `network`.
    ///
    /// # Errors
    /// [`AddressError::OtherNetwork`] if it does not.
    pub fn require(&self, network: Network) -> Result<Encoded, AddressError> {
        if self.network == network {
            Ok(self.key)
        } else {
            Err(AddressError::OtherNetwork {
                address: self.to_string(),
                expected: network,
                actual: self.network,
            })
        }
    }
}

impl FromStr for EncodedAddress {
    type Err = AddressError;

    /// Parses as [`Address::from_str`], but takes any 32 bytes.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let decoded = CheckedHrpstring::new::<Bech32>(text)
            .map_err(|error| AddressError::Bech32 { address: excerpt(text), reason: describe(&error) })?;
        let prefix = decoded.hrp().to_lowercase();
        let Some(network) = Network::ALL.into_iter().find(|network| network.prefix() == prefix) else {
            return Err(AddressError::UnknownPrefix { address: excerpt(text), prefix });
        };
        let bytes: Vec<u8> = decoded.byte_iter().collect();
        // The last character has bits to spare; only one of its spellings is the address.
        if !bech32::encode::<Bech32>(decoded.hrp(), &bytes)
            .is_ok_and(|again| again.eq_ignore_ascii_case(text))
        {
            return Err(AddressError::Bech32 {
                address: excerpt(text),
                reason: "padding bits are not zero".into(),
            });
        }
        let key = Encoded::try_from(bytes.as_slice())
            .map_err(|reason| AddressError::PublicKey { address: excerpt(text), reason })?;
        Ok(Self { network, key })
    }
}

/// The innermost cause: the outer ones only say "parsing failed". It may quote a character that a terminal
/// would obey.
fn describe(error: &CheckedHrpstringError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    excerpt(&cause.to_string())
}

impl fmt::Display for EncodedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hrp = Hrp::parse_unchecked(self.network.prefix());
        let text = bech32::encode::<Bech32>(hrp, self.key.as_bytes()).map_err(|_| fmt::Error)?;
        f.pad(&text)
    }
}

impl fmt::Debug for EncodedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodedAddress({self})")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encoded().fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 32 bytes leave four bits of the last character over. Were they not looked at, each key would have 16
    /// addresses.
    #[test]
    fn an_address_has_one_spelling() {
        use bech32::primitives::iter::{ByteIterExt, Fe32IterExt};
        let hrp = Hrp::parse_unchecked("dev");
        let mut digits: Vec<bech32::Fe32> = [7; 32].into_iter().bytes_to_fes().collect();
        let last = digits.last_mut().unwrap();
        *last = bech32::Fe32::try_from(last.to_u8() | 1).unwrap();
        let text: String = digits.into_iter().with_checksum::<Bech32>(&hrp).chars().collect();
        let error = text.parse::<EncodedAddress>().unwrap_err();
        assert!(matches!(error, AddressError::Bech32 { .. }), "{error}");
    }
}
