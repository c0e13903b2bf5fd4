//! Hashes, keys, addresses, signatures and sealed messages against the data of the deployed node, entry by
//! entry; every count is asserted, so that nothing is skipped silently.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use proptest::prelude::*;
use prost::Message;
use serde_json::Value;
use sha3::{Digest, Sha3_256};
use stegos_common::account::AccountName;
use stegos_common::address::{Address, AddressError, Network};
use stegos_common::group::{Encoded, EncodingError, Point, Scalar};
use stegos_common::hash::{Hash, Hashable};
use stegos_common::keys::{PublicKey, SecretKey, SecretKeyError};
use stegos_common::payload::{MAX_COMMENT_LEN, PAYLOAD_LEN};
use stegos_common::recovery;
use stegos_common::schnorr::Signature;
use stegos_common::sealed::Sealed;
use stegos_proto as proto;
use support::{Read, entries, hex_of, vectors};

fn scalar(value: &Value, name: &str) -> Scalar {
    Scalar::from_bytes(&value.bytes(name)).unwrap()
}

fn encoded(value: &Value, name: &str) -> Encoded {
    Encoded::try_from(value.bytes(name).as_slice()).unwrap()
}

/// Scalars and points are shown with their bytes reversed in the node's JSON.
fn reversed(hex_digits: &str) -> String {
    hex::encode(hex::decode(hex_digits).unwrap().into_iter().rev().collect::<Vec<u8>>())
}

/// The digest of a value of the kind that the vector names.
fn digest_of(kind: &str, value: &Value) -> Hash {
    fn integer<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
        // Some are written as text, because not every JSON reader keeps 64 bits.
        value.to_string().trim_matches('"').parse().unwrap()
    }
    fn of(value: impl Hashable) -> Hash {
        Hash::digest(&value)
    }
    match kind {
        "str" => of(value.as_str().unwrap()),
        "bytes" | "bytes(from_vector)" => {
            Hash::digest(hex::decode(value.as_str().unwrap()).unwrap().as_slice())
        }
        "bool" => of(value.as_bool().unwrap()),
        "u8" => of(integer::<u8>(value)),
        "u16" => of(integer::<u16>(value)),
        "u32" => of(integer::<u32>(value)),
        "u64" => of(integer::<u64>(value)),
        "i64" => of(integer::<i64>(value)),
        "pair(str,u64)" => Hash::chain(&[&value[0].as_str().unwrap(), &integer::<u64>(&value[1])]),
        "Hash" => of(value.as_str().unwrap().parse::<Hash>().unwrap()),
        "Fr" => {
            assert_eq!(reversed(value.text("le")), value.text("json"));
            of(scalar(value, "le"))
        }
        "Pt" => {
            assert_eq!(reversed(value.text("bytes")), value.text("json"));
            let point = encoded(value, "bytes").decode().unwrap();
            assert_eq!(of(point), of(point.encode()));
            of(point)
        }
        "SecretKey" => of(value.secret_key("le")),
        "PublicKey" => of(value.public_key("bytes")),
        "SchnorrSig" => of(Signature { u: scalar(value, "u_le"), k: encoded(value, "K") }),
        other => panic!("no test for values of type {other}"),
    }
}

#[test]
fn hashes() {
    let vectors = vectors("hash.json");
    for entry in entries(&vectors, "hash", 50) {
        let digest = digest_of(entry.text("type"), &entry["value"]);
        assert_eq!(digest.to_string(), entry.text("digest"), "{entry}");
    }
}

#[test]
fn generators_and_sizes() {
    let vectors = vectors("hash.json");
    let constants = &vectors["constants"];
    assert_eq!(constants.as_object().unwrap().len(), 6);
    let one = Scalar::from(1);
    assert_eq!(Point::mul_a(&one).encode(), encoded(constants, "A (fee_a(1), PedersenGens.B)"));
    assert_eq!(Point::mul_g(&one).encode(), encoded(constants, "G (Pt::one, B_blinding)"));
    let largest = scalar(constants, "group_order_minus_one_le");
    assert!((largest + one).is_zero());
    assert_eq!(constants["PAYMENT_PAYLOAD_LEN"], PAYLOAD_LEN);
    assert_eq!(constants["max_comment_bytes"], MAX_COMMENT_LEN);
    // What the node counts as data is the code byte, the data and one byte more than a comment may have.
    assert_eq!(constants["PAYMENT_DATA_LEN"], MAX_COMMENT_LEN + 2);
}

#[test]
fn a_hash_is_64_digits() {
    // The reference pads the short one with zeros (protocol page §10).
    for wrong in ["", "ab", &"ab".repeat(31), &"ab".repeat(33), &"zz".repeat(32), &"é".repeat(32)] {
        assert!(wrong.parse::<Hash>().is_err(), "{wrong:?}");
    }
    assert_eq!("AB".repeat(32).parse::<Hash>().unwrap().to_string(), "ab".repeat(32));
}

#[test]
fn keys_and_their_addresses() {
    let vectors = vectors("keys.json");
    for entry in entries(&vectors, "keys", 8) {
        let key = SecretKey::from_seed(&entry.bytes("seed"));
        assert_eq!(hex_of(&key), entry.text("secret_key_le"));
        assert_eq!(hex_of(&entry.secret_key("secret_key_le")), entry.text("secret_key_le"));
        assert_eq!(reversed(&hex_of(&key)), entry.text("secret_key_json_hex"));
        assert_eq!(serde_json::to_value(*key.to_bytes()).unwrap(), entry["secret_key_array"]);
        assert_eq!(Hash::digest(&key).to_string(), entry.text("secret_key_hash"));
        // Message 1 of message 1, 32 bytes: the key has no message of its own in the schema.
        assert_eq!(format!("0a220a20{}", hex_of(&key)), entry.text("secret_key_protobuf"));
        assert_eq!(recovery::to_phrase(&key).as_str(), entry.text("recovery"));

        let public = key.public_key();
        assert_eq!(hex::encode(public.as_bytes()), entry.text("public_key"));
        assert_eq!(reversed(entry.text("public_key")), entry.text("public_key_to_hex"));
        assert_eq!(Hash::digest(&public).to_string(), entry.text("public_key_hash"));
        let message = proto::PublicKey { point: Some(proto::Pt { data: public.as_bytes().to_vec() }) };
        assert_eq!(hex::encode(message.encode_to_vec()), entry.text("public_key_protobuf"));

        let addresses = &entry["addresses"];
        assert_eq!(addresses.as_object().unwrap().len(), 4);
        for network in Network::ALL {
            let address = Address::new(network, public);
            assert_eq!(address.to_string(), addresses.text(network.prefix()));
            assert_eq!(Address::parse(&address.to_string(), network), Ok(address));
        }
    }
}

#[test]
fn network_prefixes() {
    let vectors = vectors("keys.json");
    for entry in entries(&vectors, "network_prefixes", 4) {
        let network: Network = entry.text("chain").parse().unwrap();
        assert_eq!(network.prefix(), entry.text("prefix"));
    }
}

#[test]
fn address_parsing() {
    let vectors = vectors("keys.json");
    for entry in entries(&vectors, "address_parsing", 11) {
        let parsed = Address::parse(entry.text("address"), Network::Testnet);
        let reason = |expected: EncodingError| matches!(&parsed, Err(AddressError::PublicKey { reason, .. }) if *reason == expected);
        let as_expected = match entry.text("case") {
            "good" | "uppercase" | "identity point" => {
                assert_eq!(
                    hex::encode(parsed.as_ref().unwrap().public_key().as_bytes()),
                    entry.text("public_key")
                );
                entry["ok"] == true
            }
            "bad checksum" | "mixed case" | "empty" | "trailing space" => {
                matches!(parsed, Err(AddressError::Bech32 { .. }))
            }
            "other prefix" => {
                matches!(parsed, Err(AddressError::OtherNetwork { actual: Network::Mainnet, .. }))
            }
            // The reference panics on these two.
            "31 bytes" => reason(EncodingError::Length(31)),
            "33 bytes" => reason(EncodingError::Length(33)),
            "not a point" => reason(EncodingError::Point),
            other => panic!("no test for {other}"),
        };
        assert!(as_expected, "{entry}: {parsed:?}");
        assert_eq!(parsed.is_ok(), entry["ok"] == true);
    }
}

#[test]
fn scalar_parsing() {
    let vectors = vectors("keys.json");
    for entry in entries(&vectors, "scalar_parsing", 9) {
        let bytes = entry.bytes("bytes");
        let parsed = Scalar::from_bytes(&bytes);
        assert_eq!(parsed.is_ok(), entry["ok"] == true, "{entry}");
        let key = SecretKey::from_bytes(&bytes).err();
        match parsed {
            // The reference accepts zero as a secret key too (protocol page §10).
            Ok(scalar) => assert_eq!(key, scalar.is_zero().then_some(SecretKeyError::Zero)),
            Err(error) => {
                let expected = if bytes.len() == 32 {
                    EncodingError::Scalar
                } else {
                    EncodingError::Length(bytes.len())
                };
                assert_eq!(error, expected);
                assert_eq!(key, Some(SecretKeyError::Encoding(expected)));
            }
        }
    }
}

#[test]
fn subkeys() {
    let vectors = vectors("keys.json");
    for entry in entries(&vectors, "subkeys", 5) {
        let key = SecretKey::from_seed(&entry.bytes("seed"));
        let public = key.public_key();
        let index = u32::try_from(entry["index"].as_u64().unwrap()).unwrap();
        assert_eq!(hex_of(&key.subkey(&public, index)), entry.text("secret_key_le"));
        assert_eq!(hex::encode(public.subkey(index).as_bytes()), entry.text("public_key"));
    }
}

/// There is no vector for account keys; this is their definition, computed with nothing of ours but the
/// final reduction (protocol page §3).
#[test]
fn account_keys_follow_the_vault_scheme() {
    let master = SecretKey::from_seed(b"master");
    for account in ["", "alice", "42", "счёт № 7"] {
        let mut seed = Sha3_256::new();
        seed.update(b"SecretKey");
        seed.update(b"Fr");
        seed.update(master.to_bytes().as_slice());
        seed.update(account.as_bytes());
        let digest: [u8; 32] = Sha3_256::digest(seed.finalize()).into();
        let expected = Scalar::from_hash(Hash::from_bytes(digest)).to_bytes();
        assert_eq!(*master.account_key(account).to_bytes(), expected, "{account:?}");
    }
    assert_ne!(hex_of(&master.account_key("alice")), hex_of(&master.account_key("Alice")));
}

#[test]
fn a_later_generation_is_the_key_of_a_name_that_no_account_has() {
    let master = SecretKey::from_seed(b"master");
    let key = |generation: u32| hex_of(&master.generation_key("alice", generation.try_into().unwrap()));
    assert_eq!(key(1), hex_of(&master.account_key("alice")));
    for generation in [2, 10, u32::MAX] {
        let name = format!("alice\n{generation}");
        assert!(name.parse::<AccountName>().is_err());
        assert_eq!(key(generation), hex_of(&master.account_key(&name)));
    }
}

#[test]
fn signatures() {
    let vectors = vectors("schnorr.json");
    for entry in entries(&vectors, "sign_hash", 24) {
        let message = Hash::digest(entry.text("message"));
        assert_eq!(message.to_string(), entry.text("message_hash"));
        let key = entry.secret_key("secret_key_le");
        let public = key.public_key();
        assert_eq!(hex::encode(public.as_bytes()), entry.text("public_key"));

        let signature = Signature::sign(&message, &key);
        assert_eq!(hex::encode(signature.u.to_bytes()), entry.text("u_le"));
        assert_eq!(signature.k, encoded(entry, "K"));
        assert_eq!(Hash::digest(&signature).to_string(), entry.text("sig_hash"));
        let wire = proto::SchnorrSig::decode(entry.bytes("protobuf").as_slice()).unwrap();
        assert_eq!(wire.u.unwrap().data, signature.u.to_bytes());
        assert_eq!(wire.k.unwrap().data, signature.k.as_bytes());

        assert_eq!(signature.verify(&message, &public), entry["valid"] == true);
        assert!(!signature.verify(&Hash::digest("another text"), &public));
        assert!(!signature.verify(&message, &public.subkey(1)));
        assert!(!Signature { u: signature.u + Scalar::from(1), ..signature }.verify(&message, &public));
        assert!(!Signature { k: Encoded::from_bytes([255; 32]), ..signature }.verify(&message, &public));
        assert!(!Signature::UNSIGNED.verify(&message, &public));
    }
}

#[test]
fn sealed_messages() {
    let vectors = vectors("sealed.json");
    for entry in entries(&vectors, "aes", 3) {
        let message = entry.bytes("message");
        let key = entry.secret_key("secret_key_le");
        let public = entry.public_key("public_key");
        assert_eq!(key.public_key(), public);

        let (sealed, rvalue) = Sealed::seal(&message, &public);
        assert_eq!(sealed.hint, encoded(entry, "ag"));
        assert_eq!(hex::encode(&sealed.ciphertext), entry.text("ciphertext"));
        assert_eq!(hex::encode(rvalue.to_bytes()), entry.text("rvalue_le"));
        let shared = public.encoded().decode().unwrap() * *rvalue;
        assert_eq!(Hash::digest(&shared).to_string(), entry.text("key32"));

        assert_eq!(*sealed.open(&key).unwrap(), message);
        assert_eq!(*sealed.open_with_rvalue(&rvalue, &public), message);
        let no_point = Sealed { hint: Encoded::from_bytes([255; 32]), ..sealed };
        assert_eq!(no_point.open(&key).err(), Some(EncodingError::Point));
    }
    // The vectors of password-encrypted texts are tested beside `keyfile`, whose public half takes keys only.
}

proptest! {
    #[test]
    fn text_parsers_never_panic(any in "\\PC{0,200}") {
        let _ = any.parse::<Hash>();
        let _ = any.parse::<Address>();
        let _ = any.parse::<Network>();
    }


    #[test]
    fn byte_parsers_never_panic(any in prop::collection::vec(any::<u8>(), 0..40), exact: [u8; 32]) {
        for bytes in [any.as_slice(), &exact] {
            let _ = SecretKey::from_bytes(bytes);
            let _ = PublicKey::from_bytes(bytes);
            if let Ok(encoded) = Encoded::try_from(bytes) {
                let sealed = Sealed { hint: encoded, ciphertext: any.clone() };
                let _ = sealed.open(&SecretKey::from_seed(b"key"));
            }
        }
    }
}
