//! Recovery phrases and key files against the data of the deployed node, entry by entry and counted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use proptest::prelude::*;
use stegos_common::address::{Address, Network};
use stegos_common::group::EncodingError;
use stegos_common::keyfile::{self, KeyFileError};
use stegos_common::keys::{SecretKey, SecretKeyError};
use stegos_common::recovery::{self, RecoveryError};
use stegos_common::wire::DecodeError;
use support::{Read, entries, hex_of, vectors};

/// The order of the group, which is no canonical scalar.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

#[test]
fn recovery_phrases() {
    let vectors = vectors("recovery.json");
    for entry in entries(&vectors, "recovery", 10) {
        let words = entry.text("words");
        let key = recovery::from_phrase(words);
        let Some(case) = entry["case"].as_str() else {
            let key = key.unwrap();
            assert_eq!(hex_of(&key), entry.text("secret_key_le"));
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
    let vectors = vectors("recovery.json");
    let (network_key, accounts) = entries(&vectors, "keyfiles", 4).split_last().unwrap();
    for entry in accounts {
        let (file, password) = (entry.text("account.skey"), entry.text("password"));
        let key = entry.secret_key("secret_key_le");
        assert_eq!(keyfile::encrypt(&key, password), file);
        assert_eq!(hex_of(&keyfile::decrypt(file, password).unwrap()), hex_of(&key));
        assert_eq!(hex_of(&keyfile::decrypt(&file.replace('\n', "\r\n"), password).unwrap()), hex_of(&key));
        let address = Address::parse(entry.text("account.pkey"), Network::Testnet).unwrap();
        assert_eq!(*address.public_key(), key.public_key());

        assert_eq!(entry.text("wrong_password_error"), "Invalid password: file=account.skey");
        for wrong in [&format!("{password} "), "another"] {
            assert_eq!(keyfile::decrypt(file, wrong).err(), Some(KeyFileError::WrongPassword));
        }
    }
    assert_eq!(keyfile::decrypt(network_key.text("network.skey"), "").err(), Some(KeyFileError::NetworkKey));
}

#[test]
fn what_is_no_key_file() {
    let file = keyfile::encrypt(&SecretKey::from_seed(b"key"), "password");
    let decrypt = |text: &str| keyfile::decrypt(text, "password").err().unwrap();
    assert!(matches!(decrypt(""), KeyFileError::Pem));
    assert!(matches!(decrypt(&file.replace("END STEGOS", "END OTHER")), KeyFileError::Pem));
    assert_eq!(
        decrypt(&file.replace("STEGOS-CURVE25519 ENCRYPTED", "RSA")),
        KeyFileError::Label("RSA SECRET KEY".into())
    );
    assert_eq!(decrypt(&"x".repeat(4097)), KeyFileError::TooLong(4097));
    let truncated = file.lines().enumerate().filter(|(line, _)| *line != 2).map(|(_, text)| text);
    assert!(matches!(
        decrypt(&truncated.collect::<Vec<_>>().join("\n")),
        KeyFileError::Decode(DecodeError::Protobuf(_))
    ));
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
        let _ = recovery::from_phrase(&any);
        let _ = keyfile::decrypt(&any, "");
        let label = "STEGOS-CURVE25519 ENCRYPTED SECRET KEY";
        let _ = keyfile::decrypt(&format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----"), "");
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
