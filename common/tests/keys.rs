//! Hashes, keys, addresses, signatures, sealed messages, recovery phrases and key files against the data of
//! the deployed node, entry by entry; every count is asserted, so that nothing is skipped silently.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;
use prost::Message;
use serde_json::Value;
use sha3::{Digest, Sha3_256};
use stegos_common::address::{Address, AddressError, Network};
use stegos_common::group::{Encoded, EncodingError, Point, Scalar};
use stegos_common::hash::{Hash, Hashable};
use stegos_common::keyfile::{self, KeyFileError};
use stegos_common::keys::{PublicKey, SecretKey, SecretKeyError};
use stegos_common::recovery::{self, RecoveryError};
use stegos_common::schnorr::Signature;
use stegos_common::sealed::Sealed;
use stegos_proto as proto;

/// The order of the group, which is no canonical scalar.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn vectors(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn entries<'a>(value: &'a Value, name: &str, count: usize) -> &'a [Value] {
    let entries = value[name].as_array().unwrap();
    assert_eq!(entries.len(), count, "{name}");
    entries
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name:?} in {value}"))
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(value, name)).unwrap()
}

fn scalar(value: &Value, name: &str) -> Scalar {
    Scalar::from_bytes(&bytes(value, name)).unwrap()
}

fn encoded(value: &Value, name: &str) -> Encoded {
    Encoded::try_from(bytes(value, name).as_slice()).unwrap()
}

fn secret_key(value: &Value, name: &str) -> SecretKey {
    SecretKey::from_bytes(&bytes(value, name)).unwrap()
}

fn hex_of(key: &SecretKey) -> String {
    hex::encode(key.to_bytes())
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
            assert_eq!(reversed(text(value, "le")), text(value, "json"));
            of(scalar(value, "le"))
        }
        "Pt" => {
            assert_eq!(reversed(text(value, "bytes")), text(value, "json"));
            let point = encoded(value, "bytes").decode().unwrap();
            assert_eq!(of(point), of(point.encode()));
            of(point)
        }
        "SecretKey" => of(secret_key(value, "le")),
        "PublicKey" => of(PublicKey::from_bytes(&bytes(value, "bytes")).unwrap()),
        "SchnorrSig" => of(Signature { u: scalar(value, "u_le"), k: encoded(value, "K") }),
        other => panic!("no test for values of type {other}"),
    }
}

#[test]
fn hashes() {
    let vectors = vectors(include_str!("vectors/hash.json"));
    for entry in entries(&vectors, "hash", 50) {
        let digest = digest_of(text(entry, "type"), &entry["value"]);
        assert_eq!(digest.to_string(), text(entry, "digest"), "{entry}");
    }
}

#[test]
fn generators_and_group_order() {
    let vectors = vectors(include_str!("vectors/hash.json"));
    let constants = &vectors["constants"];
    // The other three are about payloads and are checked where payloads are.
    assert_eq!(constants.as_object().unwrap().len(), 6);
    let one = Scalar::from(1);
    assert_eq!(Point::mul_a(&one).encode(), encoded(constants, "A (fee_a(1), PedersenGens.B)"));
    assert_eq!(Point::mul_g(&one).encode(), encoded(constants, "G (Pt::one, B_blinding)"));
    let largest = scalar(constants, "group_order_minus_one_le");
    assert!((largest + one).is_zero());
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
    let vectors = vectors(include_str!("vectors/keys.json"));
    for entry in entries(&vectors, "keys", 8) {
        let key = SecretKey::from_seed(&bytes(entry, "seed"));
        assert_eq!(hex_of(&key), text(entry, "secret_key_le"));
        assert_eq!(hex_of(&secret_key(entry, "secret_key_le")), text(entry, "secret_key_le"));
        assert_eq!(reversed(&hex_of(&key)), text(entry, "secret_key_json_hex"));
        assert_eq!(serde_json::to_value(*key.to_bytes()).unwrap(), entry["secret_key_array"]);
        assert_eq!(Hash::digest(&key).to_string(), text(entry, "secret_key_hash"));
        // Message 1 of message 1, 32 bytes: the key has no message of its own in the schema.
        assert_eq!(format!("0a220a20{}", hex_of(&key)), text(entry, "secret_key_protobuf"));
        assert_eq!(recovery::to_phrase(&key).as_str(), text(entry, "recovery"));

        let public = key.public_key();
        assert_eq!(hex::encode(public.as_bytes()), text(entry, "public_key"));
        assert_eq!(reversed(text(entry, "public_key")), text(entry, "public_key_to_hex"));
        assert_eq!(Hash::digest(&public).to_string(), text(entry, "public_key_hash"));
        let message = proto::PublicKey { point: Some(proto::Pt { data: public.as_bytes().to_vec() }) };
        assert_eq!(hex::encode(message.encode_to_vec()), text(entry, "public_key_protobuf"));

        let addresses = &entry["addresses"];
        assert_eq!(addresses.as_object().unwrap().len(), 4);
        for network in Network::ALL {
            let address = Address::new(network, public);
            assert_eq!(address.to_string(), text(addresses, network.prefix()));
            assert_eq!(Address::parse(&address.to_string(), network), Ok(address));
        }
    }
}

#[test]
fn network_prefixes() {
    let vectors = vectors(include_str!("vectors/keys.json"));
    for entry in entries(&vectors, "network_prefixes", 4) {
        let network: Network = text(entry, "chain").parse().unwrap();
        assert_eq!(network.prefix(), text(entry, "prefix"));
    }
}

#[test]
fn address_parsing() {
    let vectors = vectors(include_str!("vectors/keys.json"));
    for entry in entries(&vectors, "address_parsing", 11) {
        let parsed = Address::parse(text(entry, "address"), Network::Testnet);
        let reason = |expected: EncodingError| matches!(&parsed, Err(AddressError::PublicKey { reason, .. }) if *reason == expected);
        let as_expected = match text(entry, "case") {
            "good" | "uppercase" | "identity point" => {
                assert_eq!(
                    hex::encode(parsed.as_ref().unwrap().public_key().as_bytes()),
                    text(entry, "public_key")
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
    let vectors = vectors(include_str!("vectors/keys.json"));
    for entry in entries(&vectors, "scalar_parsing", 9) {
        let bytes = bytes(entry, "bytes");
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
    let vectors = vectors(include_str!("vectors/keys.json"));
    for entry in entries(&vectors, "subkeys", 5) {
        let key = SecretKey::from_seed(&bytes(entry, "seed"));
        let public = key.public_key();
        let index = u32::try_from(entry["index"].as_u64().unwrap()).unwrap();
        assert_eq!(hex_of(&key.subkey(&public, index)), text(entry, "secret_key_le"));
        assert_eq!(hex::encode(public.subkey(index).as_bytes()), text(entry, "public_key"));
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
fn signatures() {
    let vectors = vectors(include_str!("vectors/schnorr.json"));
    for entry in entries(&vectors, "sign_hash", 24) {
        let message = Hash::digest(text(entry, "message"));
        assert_eq!(message.to_string(), text(entry, "message_hash"));
        let key = secret_key(entry, "secret_key_le");
        let public = key.public_key();
        assert_eq!(hex::encode(public.as_bytes()), text(entry, "public_key"));

        let signature = Signature::sign(&message, &key, &public);
        assert_eq!(hex::encode(signature.u.to_bytes()), text(entry, "u_le"));
        assert_eq!(signature.k, encoded(entry, "K"));
        assert_eq!(Hash::digest(&signature).to_string(), text(entry, "sig_hash"));
        let wire = proto::SchnorrSig::decode(bytes(entry, "protobuf").as_slice()).unwrap();
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
    let vectors = vectors(include_str!("vectors/sealed.json"));
    for entry in entries(&vectors, "aes", 3) {
        let message = bytes(entry, "message");
        let key = secret_key(entry, "secret_key_le");
        let public = PublicKey::from_bytes(&bytes(entry, "public_key")).unwrap();
        assert_eq!(key.public_key(), public);

        let (sealed, rvalue) = Sealed::seal(&message, &public);
        assert_eq!(sealed.hint, encoded(entry, "ag"));
        assert_eq!(hex::encode(&sealed.ciphertext), text(entry, "ciphertext"));
        assert_eq!(hex::encode(rvalue.to_bytes()), text(entry, "rvalue_le"));
        let shared = public.encoded().decode().unwrap() * *rvalue;
        assert_eq!(Hash::digest(&shared).to_string(), text(entry, "key32"));

        assert_eq!(*sealed.open(&key).unwrap(), message);
        assert_eq!(*sealed.open_with_rvalue(&rvalue, &public), message);
        let no_point = Sealed { hint: Encoded::from_bytes([255; 32]), ..sealed };
        assert_eq!(no_point.open(&key).err(), Some(EncodingError::Point));
    }
    // The vectors of password-encrypted texts are tested beside `keyfile`, whose public half takes keys only.
    entries(&vectors, "encrypted_key", 3);
}

#[test]
fn recovery_phrases() {
    let vectors = vectors(include_str!("vectors/recovery.json"));
    for entry in entries(&vectors, "recovery", 10) {
        let words = text(entry, "words");
        let key = recovery::from_phrase(words);
        let Some(case) = entry["case"].as_str() else {
            let key = key.unwrap();
            assert_eq!(hex_of(&key), text(entry, "secret_key_le"));
            assert_eq!(recovery::to_phrase(&key).as_str(), words);
            continue;
        };
        let expected = match case {
            "swapped words" | "all zoo" => RecoveryError::Checksum,
            "too few words" | "double space" => RecoveryError::WordCount(2),
            // The only case that the reference accepts: the key zero (protocol page §10).
            "all abandon" => RecoveryError::SecretKey(SecretKeyError::Zero),
            other => panic!("no test for {other}"),
        };
        assert_eq!(key.err(), Some(expected), "{case}");
        assert_eq!(entry["result"].get("ok").is_some(), case == "all abandon");
    }
}

#[test]
fn a_phrase_may_be_spaced_as_it_was_typed() {
    let key = SecretKey::from_seed(b"typed");
    let phrase = recovery::to_phrase(&key);
    let spaced = format!("  {}\r\n", phrase.replace(' ', " \n\t"));
    assert_eq!(hex_of(&recovery::from_phrase(&spaced).unwrap()), hex_of(&key));
}

#[test]
fn phrase_errors_say_where_and_not_what() {
    let phrase = recovery::to_phrase(&SecretKey::from_seed(b"typed"));
    let mut words: Vec<&str> = phrase.split(' ').collect();
    words[16] = "stegoss";
    let error = recovery::from_phrase(&words.join(" ")).err().unwrap();
    assert_eq!(error, RecoveryError::UnknownWord(17));
    assert_eq!(
        error.to_string(),
        "word 17 is not in the English BIP-39 list: check its spelling (lower case, not shortened)"
    );
    words.push("zoo");
    assert_eq!(recovery::from_phrase(&words.join(" ")).err(), Some(RecoveryError::WordCount(25)));
}

#[test]
fn a_phrase_of_a_value_above_the_group_order_is_refused() {
    // The order's own bytes with their xor, written with the same word list.
    let order = hex::decode(ORDER).unwrap();
    let checksum = order.iter().fold(0, |sum, byte| sum ^ byte);
    let bits: String = order.iter().chain([&checksum]).map(|byte| format!("{byte:08b}")).collect();
    let words: Vec<&str> = (0..24)
        .map(|word| usize::from_str_radix(&bits[word * 11..][..11], 2).unwrap())
        .map(|index| bip39::Language::English.word_list()[index])
        .collect();
    assert_eq!(
        recovery::from_phrase(&words.join(" ")).err(),
        Some(RecoveryError::SecretKey(SecretKeyError::Encoding(EncodingError::Scalar)))
    );
}

#[test]
fn key_files() {
    let vectors = vectors(include_str!("vectors/recovery.json"));
    let (network_key, accounts) = entries(&vectors, "keyfiles", 4).split_last().unwrap();
    for entry in accounts {
        let (file, password) = (text(entry, "account.skey"), text(entry, "password"));
        let key = secret_key(entry, "secret_key_le");
        assert_eq!(keyfile::encrypt(&key, password), file);
        assert_eq!(hex_of(&keyfile::decrypt(file, password).unwrap()), hex_of(&key));
        assert_eq!(hex_of(&keyfile::decrypt(&file.replace('\n', "\r\n"), password).unwrap()), hex_of(&key));
        let address = Address::parse(text(entry, "account.pkey"), Network::Testnet).unwrap();
        assert_eq!(*address.public_key(), key.public_key());

        assert_eq!(text(entry, "wrong_password_error"), "Invalid password: file=account.skey");
        for wrong in [&format!("{password} "), "another"] {
            assert_eq!(keyfile::decrypt(file, wrong).err(), Some(KeyFileError::WrongPassword));
        }
    }
    assert_eq!(keyfile::decrypt(text(network_key, "network.skey"), "").err(), Some(KeyFileError::NetworkKey));
}

#[test]
fn what_is_no_key_file() {
    let file = keyfile::encrypt(&SecretKey::from_seed(b"key"), "password");
    let decrypt = |text: &str| keyfile::decrypt(text, "password").err().unwrap();
    assert!(matches!(decrypt(""), KeyFileError::Pem(_)));
    assert!(matches!(decrypt(&file.replace("END STEGOS", "END OTHER")), KeyFileError::Pem(_)));
    assert_eq!(
        decrypt(&file.replace("STEGOS-CURVE25519 ENCRYPTED", "RSA")),
        KeyFileError::Label("RSA SECRET KEY".into())
    );
    assert_eq!(decrypt(&"x".repeat(4097)), KeyFileError::TooLong(4097));
    let truncated = file.lines().enumerate().filter(|(line, _)| *line != 2).map(|(_, text)| text);
    assert!(matches!(decrypt(&truncated.collect::<Vec<_>>().join("\n")), KeyFileError::Protobuf(_)));
}

proptest! {
    #[test]
    fn every_key_has_its_phrase_and_file(seed: [u8; 32], password in "\\PC{0,20}") {
        let key = SecretKey::from_seed(&seed);
        let phrase = recovery::to_phrase(&key);
        prop_assert_eq!(phrase.split(' ').count(), recovery::WORDS);
        prop_assert_eq!(hex_of(&recovery::from_phrase(&phrase).unwrap()), hex_of(&key));
        let file = keyfile::encrypt(&key, &password);
        prop_assert_eq!(hex_of(&keyfile::decrypt(&file, &password).unwrap()), hex_of(&key));
    }

    /// A wrong phrase may by chance pass the checksum of 8 bits; it then stands for exactly one key.
    #[test]
    fn phrases_of_listed_words(indices in prop::collection::vec(0_usize..2048, 24)) {
        let words: Vec<&str> = indices.iter().map(|i| bip39::Language::English.word_list()[*i]).collect();
        if let Ok(key) = recovery::from_phrase(&words.join(" ")) {
            let phrase = recovery::to_phrase(&key);
            prop_assert_eq!(phrase.as_str(), words.join(" "));
        }
    }

    #[test]
    fn text_parsers_never_panic(any in "\\PC{0,200}", body in "[A-Za-z0-9+/=\n:-]{0,300}") {
        let _ = any.parse::<Hash>();
        let _ = any.parse::<Address>();
        let _ = any.parse::<Network>();
        let _ = recovery::from_phrase(&any);
        let _ = keyfile::decrypt(&any, "");
        let label = "STEGOS-CURVE25519 ENCRYPTED SECRET KEY";
        let _ = keyfile::decrypt(&format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----"), "");
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

    /// Whatever is changed in a key file, it gives the same key or an error, never another key.
    #[test]
    fn a_changed_key_file_gives_no_other_key(position in 0_usize..300, byte in 0_u8..128) {
        let key = SecretKey::from_seed(b"key");
        let mut file = keyfile::encrypt(&key, "password").into_bytes();
        let position = position % file.len();
        file[position] = byte;
        if let Ok(read) = keyfile::decrypt(&String::from_utf8(file).unwrap(), "password") {
            prop_assert_eq!(hex_of(&read), hex_of(&key));
        }
    }
}
