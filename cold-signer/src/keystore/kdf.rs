//! From a passphrase to a key: Argon2id (RFC 9106).
//!
//! The cost stands in the header, so that it can rise in later stores. A header is not trusted: it can
//! neither lower the cost below a floor nor raise it so far that opening the store becomes an attack.

use super::error::KeystoreError;
use crate::seal::SealingKey;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

/// What it costs to try one passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub(super) memory_kib: u32,
    /// Passes over the memory.
    pub(super) passes: u32,
    /// Lanes.
    pub(super) lanes: u32,
    /// Whether the floor does not apply. Written into the header, refused on mainnet.
    pub(super) test_only: bool,
}

impl Cost {
    /// 256 MiB, 3 passes, 1 lane: about a second, once per start.
    pub const STANDARD: Self = Self { memory_kib: 256 * 1024, passes: 3, lanes: 1, test_only: false };

    /// Next to nothing, for tests. It protects nothing.
    pub const TEST: Self = Self { memory_kib: 64, passes: 1, lanes: 1, test_only: true };

    /// Refuses what a header that was not downgraded cannot ask for, and what this host should not try.
    ///
    /// # Errors
    /// `HeaderExcessive` above 4 GiB, 64 passes or 16 lanes; `HeaderDowngraded` below 64 MiB or 2 passes,
    /// unless the store is marked as one for tests.
    pub(super) fn check(self) -> Result<(), KeystoreError> {
        let Self { memory_kib, passes, lanes, test_only } = self;
        if memory_kib > 4 * 1024 * 1024 || passes > 64 || lanes > 16 {
            return Err(KeystoreError::HeaderExcessive { memory_kib, passes, lanes });
        }
        if !test_only && (memory_kib < 64 * 1024 || passes < 2) {
            return Err(KeystoreError::HeaderDowngraded { memory_kib, passes });
        }
        Ok(())
    }

    /// The key of `passphrase` and `salt`. The memory it worked in is wiped.
    ///
    /// # Errors
    /// `OutOfMemory` where the host does not have the memory; `HeaderDamaged` for parameters that Argon2id
    /// does not know.
    pub(super) fn derive(self, passphrase: &str, salt: &[u8; 32]) -> Result<SealingKey, KeystoreError> {
        let damaged = |error: argon2::Error| KeystoreError::HeaderDamaged(format!("Argon2id: {error}"));
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(damaged)?;
        // Asked for politely: a failed allocation elsewhere would abort the process.
        let mut memory = Zeroizing::new(Vec::new());
        memory
            .try_reserve_exact(params.block_count())
            .map_err(|_| KeystoreError::OutOfMemory(self.memory_kib))?;
        memory.resize(params.block_count(), Block::new());
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.as_bytes(),
                salt,
                key.as_mut_slice(),
                memory.as_mut_slice(),
            )
            .map_err(damaged)?;
        Ok(SealingKey::new(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_and_the_ceiling_hold() {
        let cost = |memory_kib, passes, lanes| Cost { memory_kib, passes, lanes, test_only: false };
        assert!(Cost::STANDARD.check().is_ok());
        assert!(Cost::TEST.check().is_ok());
        assert!(cost(65_536, 2, 1).check().is_ok());
        for low in [cost(65_535, 3, 1), cost(262_144, 1, 1), Cost { test_only: false, ..Cost::TEST }] {
            assert!(matches!(low.check(), Err(KeystoreError::HeaderDowngraded { .. })), "{low:?}");
        }
        for high in [cost(1 << 30, 3, 1), cost(262_144, 65, 1), cost(262_144, 3, 17)] {
            assert!(matches!(high.check(), Err(KeystoreError::HeaderExcessive { .. })), "{high:?}");
            let marked = Cost { test_only: true, ..high };
            assert!(matches!(marked.check(), Err(KeystoreError::HeaderExcessive { .. })), "{marked:?}");
        }
    }
}
