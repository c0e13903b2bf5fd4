//! The header: a small text file beside the database that says how to get from the passphrase to the data
//! key.
//!
//! | field | meaning |
//! | --- | --- |
//! | `format` | version of header and records; a newer one is refused |
//! | `network` | the network of all addresses |
//! | `store_id` | 16 random bytes that tell this store from others |
//! | `test_only` | whether the cost may be below the floor |
//! | `argon2id_…` | memory in KiB, passes, lanes, and 32 bytes of salt |
//! | `data_key` | the random key of the records, sealed with the key of the passphrase |
//! | `checksum` | SHA3-256 of all lines above it |
//!
//! It is TOML with a fixed layout; bytes are in hex. Everything above `data_key` is, byte for byte, the associated data of the
//! sealed data key, so nobody who lacks the passphrase can change the network or the cost. The last line is
//! a checksum: it tells a damaged file from a wrong passphrase.

use super::error::KeystoreError;
use super::kdf::Cost;
use super::record::FORMAT;
use crate::seal::SealingKey;
use rand_core::{OsRng, RngCore};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use stegos_common::address::Network;
use stegos_common::hash::Hash;
use zeroize::Zeroizing;

/// The header's file name in the store's directory.
pub(super) const FILE: &str = "store.toml";

/// No header is longer, in bytes.
pub(super) const MAX_LENGTH: u64 = 4096;

/// A header that was read and checked as far as that goes without the passphrase.
pub(super) struct Header {
    /// The network of the store.
    pub(super) network: Network,
    /// What tells this store from others.
    pub(super) store_id: [u8; 16],
    /// What it costs to try a passphrase.
    pub(super) cost: Cost,
    salt: [u8; 32],
    sealed_key: Vec<u8>,
    /// The associated data: the file's text above `data_key`.
    protected: String,
}

/// The fields as they stand in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: u32,
    network: String,
    #[serde(with = "hex::serde")]
    store_id: [u8; 16],
    test_only: bool,
    argon2id_memory_kib: u32,
    argon2id_passes: u32,
    argon2id_lanes: u32,
    #[serde(with = "hex::serde")]
    argon2id_salt: [u8; 32],
    #[serde(with = "hex::serde")]
    data_key: Vec<u8>,
    checksum: String,
}

/// The only field that every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Header {
    /// A new header, its text, and the random data key that it wraps.
    ///
    /// # Errors
    /// `TestCostOnMainnet`, and `OutOfMemory` where the cost is too high for this host.
    pub(super) fn create(
        network: Network,
        cost: Cost,
        passphrase: &str,
    ) -> Result<(Self, String, SealingKey), KeystoreError> {
        require_real_cost(network, cost)?;
        let mut store_id = [0; 16];
        OsRng.fill_bytes(&mut store_id);
        let mut data_key = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(data_key.as_mut_slice());
        let (header, text) = Self::wrap(network, store_id, cost, &data_key, passphrase)?;
        Ok((header, text, SealingKey::new(&data_key)))
    }

    /// The text of a header that wraps the same data key for another passphrase, under a salt of its own.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassphrase`] for the old one.
    pub(super) fn rewrapped(&self, old: &str, new: &str) -> Result<String, KeystoreError> {
        let data_key = self.unwrap(old)?;
        let (_, text) = Self::wrap(self.network, self.store_id, self.cost, &data_key, new)?;
        // The old header goes: the new one must open what that opened.
        let probe = SealingKey::new(&data_key).seal(b"", b"");
        let opened = Self::parse(&text)?.unlock(new)?.open(&probe, b"");
        opened
            .map(|_| text)
            .ok_or_else(|| KeystoreError::HeaderDamaged("the new one does not open".to_owned()))
    }

    /// A header around a data key, and its text.
    fn wrap(
        network: Network,
        store_id: [u8; 16],
        cost: Cost,
        data_key: &[u8; 32],
        passphrase: &str,
    ) -> Result<(Self, String), KeystoreError> {
        let mut salt = [0; 32];
        OsRng.fill_bytes(&mut salt);
        let protected = format!(
            "# The header of a cold-signer key store. Never edit it: the passphrase protects every byte.\n\
             format = {FORMAT}\n\
             network = \"{network}\"\n\
             store_id = \"{}\"\n\
             test_only = {}\n\
             argon2id_memory_kib = {}\n\
             argon2id_passes = {}\n\
             argon2id_lanes = {}\n\
             argon2id_salt = \"{}\"\n",
            hex::encode(store_id),
            cost.test_only,
            cost.memory_kib,
            cost.passes,
            cost.lanes,
            hex::encode(salt),
        );
        let sealed_key = cost.derive(passphrase, &salt)?.seal(data_key, protected.as_bytes());
        let mut text = format!("{protected}data_key = \"{}\"\n", hex::encode(&sealed_key));
        let checksum = Hash::digest(text.as_bytes());
        text.push_str(&format!("checksum = \"{checksum}\"\n"));
        Ok((Self { network, store_id, cost, salt, sealed_key, protected }, text))
    }

    /// Reads the header in a store's directory.
    ///
    /// # Errors
    /// `HeaderDamaged`, and what [`Header::parse`] says.
    pub(super) fn read(dir: &Path) -> Result<Self, KeystoreError> {
        let mut text = String::new();
        File::open(dir.join(FILE))
            .and_then(|file| file.take(MAX_LENGTH).read_to_string(&mut text))
            .map_err(|error| KeystoreError::HeaderDamaged(error.to_string()))?;
        Self::parse(&text)
    }

    /// Reads a header's text.
    ///
    /// # Errors
    /// `NewerFormat`, `HeaderDamaged`, `HeaderDowngraded`, `HeaderExcessive` or `TestCostOnMainnet`, in the
    /// order in which they make sense: a checksum of a format that we do not know says nothing.
    pub(super) fn parse(text: &str) -> Result<Self, KeystoreError> {
        let damaged = |reason: &str| KeystoreError::HeaderDamaged(reason.to_owned());
        let toml_error = |error: toml::de::Error| damaged(error.message());
        let found = toml::from_str::<Format>(text).map_err(toml_error)?.format;
        if found > FORMAT {
            return Err(KeystoreError::NewerFormat { found, known: FORMAT });
        }
        let fields: Fields = toml::from_str(text).map_err(toml_error)?;
        let network = fields.network.parse().map_err(|_| damaged("unknown network"))?;
        let cost = Cost {
            memory_kib: fields.argon2id_memory_kib,
            passes: fields.argon2id_passes,
            lanes: fields.argon2id_lanes,
            test_only: fields.test_only,
        };
        cost.check()?;
        require_real_cost(network, cost)?;
        let (body, _) = text.rsplit_once("checksum =").ok_or_else(|| damaged("no checksum"))?;
        let (protected, _) = body.rsplit_once("data_key =").ok_or_else(|| damaged("no data key"))?;
        if fields.format != FORMAT || Hash::digest(body.as_bytes()).to_string() != fields.checksum {
            return Err(damaged("its checksum does not match"));
        }
        Ok(Self {
            network,
            store_id: fields.store_id,
            cost,
            salt: fields.argon2id_salt,
            sealed_key: fields.data_key,
            protected: protected.to_owned(),
        })
    }

    /// The data key.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassphrase`], also where the header was changed together with its checksum.
    pub(super) fn unlock(&self, passphrase: &str) -> Result<SealingKey, KeystoreError> {
        Ok(SealingKey::new(&*self.unwrap(passphrase)?))
    }

    /// The bytes of the data key.
    fn unwrap(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        let data_key = self
            .cost
            .derive(passphrase, &self.salt)?
            .open(&self.sealed_key, self.protected.as_bytes())
            .ok_or(KeystoreError::WrongPassphrase)?;
        let bytes: Option<&[u8; 32]> = data_key.as_slice().try_into().ok();
        bytes
            .map(|bytes| Zeroizing::new(*bytes))
            .ok_or_else(|| KeystoreError::HeaderDamaged("data key".into()))
    }
}

/// Refuses the test-only cost on the network where money is real, in new headers and in old ones.
fn require_real_cost(network: Network, cost: Cost) -> Result<(), KeystoreError> {
    if cost.test_only && network == Network::Mainnet {
        return Err(KeystoreError::TestCostOnMainnet);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use KeystoreError as E;

    fn header() -> String {
        Header::create(Network::Dev, Cost::TEST, "right").unwrap().1
    }

    /// What an attacker does who can write the file: change it, then make the checksum match.
    fn forge(text: &str, from: &str, to: &str) -> String {
        assert!(text.contains(from));
        let text = text.replace(from, to);
        let (body, _) = text.rsplit_once("checksum =").unwrap();
        format!("{body}checksum = \"{}\"\n", Hash::digest(body.as_bytes()))
    }

    fn error(text: &str) -> E {
        match Header::parse(text) {
            Err(error) => error,
            Ok(header) => header.unlock("right").err().unwrap(),
        }
    }

    #[test]
    fn the_right_passphrase_gives_the_data_key() {
        let (_, text, key) = Header::create(Network::Dev, Cost::TEST, "right").unwrap();
        let header = Header::parse(&text).unwrap();
        assert_eq!(header.network, Network::Dev);
        let sealed = key.seal(b"x", b"");
        assert_eq!(header.unlock("right").unwrap().open(&sealed, b"").unwrap().as_slice(), b"x");
        assert!(matches!(header.unlock("wrong"), Err(E::WrongPassphrase)));
        assert!((text.len() as u64) < MAX_LENGTH);
    }

    #[test]
    fn another_passphrase_wraps_the_same_key_under_another_salt() {
        let (header, text, key) = Header::create(Network::Dev, Cost::TEST, "old").unwrap();
        assert!(matches!(header.rewrapped("wrong", "new"), Err(E::WrongPassphrase)));
        let changed = Header::parse(&header.rewrapped("old", "new").unwrap()).unwrap();
        let sealed = key.seal(b"x", b"");
        assert_eq!(changed.unlock("new").unwrap().open(&sealed, b"").unwrap().as_slice(), b"x");
        assert!(matches!(changed.unlock("old"), Err(E::WrongPassphrase)));
        assert_eq!(
            (changed.store_id, changed.network, changed.cost),
            (header.store_id, header.network, header.cost)
        );
        assert_ne!(changed.salt, header.salt);
        assert!(!text.contains(&hex::encode(changed.salt)));
    }

    #[test]
    fn nobody_changes_a_header_without_the_passphrase() {
        let text = header();
        let cost = "true\nargon2id_memory_kib = 64\nargon2id_passes = 1";
        for (from, to) in [
            ("network = \"dev\"", "network = \"testnet\""),
            ("store_id = \"", "store_id = \"00112233445566778899aabbccddeeff\" #"),
            ("# The header", "# My header"),
            ("memory_kib = 64", "memory_kib = 72"),
            (cost, "false\nargon2id_memory_kib = 65536\nargon2id_passes = 2"),
        ] {
            assert!(matches!(error(&forge(&text, from, to)), E::WrongPassphrase), "{to}");
        }
    }

    #[test]
    fn each_way_to_spoil_a_header_has_its_own_error() {
        let text = header();
        assert!(matches!(error(&text.replace("64", "65")), E::HeaderDamaged(_)), "checksum");
        assert!(matches!(error(&text.replace("\"dev\"", "\"moon\"")), E::HeaderDamaged(_)));
        assert!(matches!(error(&text[..200]), E::HeaderDamaged(_)), "cut short");
        assert!(matches!(error(""), E::HeaderDamaged(_)));
        assert!(matches!(error(&forge(&text, "format = 1", "format = 0")), E::HeaderDamaged(_)));
        assert!(matches!(
            error(&forge(&text, "format = 1", "format = 2\nnew = 1")),
            E::NewerFormat { found: 2, .. }
        ));
        assert!(matches!(
            error(&forge(&text, "= true", "= false")),
            E::HeaderDowngraded { memory_kib: 64, .. }
        ));
        assert!(matches!(error(&forge(&text, "kib = 64", "kib = 1073741824")), E::HeaderExcessive { .. }));
        assert!(matches!(error(&forge(&text, "lanes = 1", "lanes = 0")), E::HeaderDamaged(_)));
        assert!(matches!(error(&forge(&text, "\"dev\"", "\"mainnet\"")), E::TestCostOnMainnet));
        assert!(matches!(Header::create(Network::Mainnet, Cost::TEST, "x"), Err(E::TestCostOnMainnet)));
    }
}
