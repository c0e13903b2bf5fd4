//! Records that can be found without sled. A damage that sled meets while it reads its log ends the log for it, and
//! everything behind is lost to it; but sled stores values as they are. So a value says where it begins and whose it is:
//!
//! | bytes | content |
//! | --- | --- |
//! | 8 | a mark |
//! | 1 | length of the key |
//! | 2 | length of the value, little-endian |
//! | key | the key |
//! | value | the value |

use super::Item;

/// How a value begins.
const MARK: [u8; 8] = *b"\xf0record\x0f";

/// The bytes before the key.
const HEAD: usize = MARK.len() + 3;

/// A value with what it takes to find it; nothing where key or value are longer than any of ours.
pub(super) fn mark(key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let (key_length, length) = (u8::try_from(key.len()).ok()?, u16::try_from(value.len()).ok()?);
    Some([MARK.as_slice(), &[key_length], &length.to_le_bytes(), key, value].concat())
}

/// The key and value at the beginning of some bytes.
fn read(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&key_length, bytes) = bytes.strip_prefix(&MARK)?.split_first()?;
    let (length, bytes) = bytes.split_first_chunk()?;
    let (key, bytes) = bytes.split_at_checked(usize::from(key_length))?;
    Some((key, bytes.get(..usize::from(u16::from_le_bytes(*length)))?))
}

/// The value alone. One without a mark is what it is: whether it makes sense, whoever opens it will see.
pub(super) fn unmark(marked: &[u8]) -> Vec<u8> {
    read(marked).map_or(marked, |(_, value)| value).to_vec()
}

/// Every marked value in some bytes. Older ones of the same key are among them.
pub(in crate::keystore) fn find_all(bytes: &[u8]) -> impl Iterator<Item = Item> + '_ {
    bytes.windows(HEAD).enumerate().filter(|(_, window)| window.starts_with(&MARK)).filter_map(|(at, _)| {
        let (key, value) = read(bytes.get(at..)?)?;
        Some((key.to_vec(), value.to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items() -> impl Strategy<Value = Vec<Item>> {
        let bytes = |most| prop::collection::vec(any::<u8>(), 0..most);
        prop::collection::vec((bytes(20), bytes(300)), 0..8)
    }

    proptest! {
        #[test]
        fn what_is_marked_is_found_among_anything(items in items(), between: Vec<u8>) {
            let mut all = between.clone();
            for (key, value) in &items {
                let marked = mark(key, value).unwrap();
                prop_assert_eq!(&unmark(&marked), value);
                all.extend(marked);
                all.extend(&between);
            }
            prop_assert_eq!(find_all(&all).collect::<Vec<_>>(), items);
        }

        #[test]
        fn hostile_bytes_do_no_harm(bytes: Vec<u8>, cut in 0..200_usize) {
            let marked = [mark(b"key", &bytes).unwrap(), mark(b"key", &bytes).unwrap()].concat();
            find_all(&marked[..cut.min(marked.len())]).for_each(drop);
            unmark(&bytes);
        }
    }

    #[test]
    fn too_long_ones_are_refused() {
        assert!(mark(&[0; 256], &[]).is_none());
        assert!(mark(&[], &vec![0; 1 << 16]).is_none());
    }
}
