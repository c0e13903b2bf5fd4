//! What a thief of the key store's files learns: nothing about accounts, and no key.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::money::{self, key};
use custody_tests::request::{pay, pay_privately, signed, spend};
use custody_tests::store::Store;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use stegos_common::address::{Address, Network};
use stegos_common::keys::SecretKey;
use stegos_common::recovery;

/// All files below a directory.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if kind.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        match kind {
            kind if kind.is_dir() => files(&path, found),
            kind if kind.is_file() => found.push(path),
            _ => {}
        }
    }
}

/// Bytes as text that can be searched fast, without regard to case.
fn searchable(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

fn holds(content: &str, needle: &[u8]) -> bool {
    content.contains(&searchable(needle))
}

/// Ways in which 32 bytes may stand in a file.
fn forms(name: &str, bytes: &[u8; 32]) -> Vec<(String, Vec<u8>)> {
    let mut reversed = *bytes;
    reversed.reverse();
    let list = |bytes: &[u8]| bytes.iter().map(ToString::to_string).collect::<Vec<_>>();
    vec![
        (format!("{name}, raw"), bytes[4..20].to_vec()),
        (format!("{name}, reversed"), reversed[4..20].to_vec()),
        (format!("{name}, hex"), hex::encode(&bytes[4..20]).into()),
        (format!("{name}, reversed hex"), hex::encode(&reversed[4..20]).into()),
        (format!("{name}, numbers"), list(&bytes[4..12]).join(",").into()),
        (format!("{name}, spaced numbers"), list(&bytes[4..12]).join(", ").into()),
    ]
}

#[test]
fn the_files_tell_nothing_about_accounts_and_keys() {
    let master = SecretKey::from_seed(b"the exchange's master key");
    let words = recovery::to_phrase(&master);
    let store = Store::restored(Network::Testnet, &words);
    let names = ["customer-0815", "customer-4711", "hot-wallet-of-the-exchange", "a-former-customer"];
    store.add(&[names[0], names[1], names[3]]);
    let hot = key("hot wallet");
    store.import(names[2], &hot.0);
    store.ok(&["key", "remove", names[3]]);
    let addresses = store.addresses();
    // Restored from the words: the same names have the same addresses.
    for name in [names[0], names[1], names[3]] {
        let restored = Address::new(Network::Testnet, master.account_key(name).public_key());
        assert_eq!(addresses[name], restored);
    }

    // Use it: sign with its keys, with a key in the request, and refuse something.
    let guest = key("a guest");
    let signer = store.serve(&[]);
    let mut session = signer.connect();
    let [first, second] =
        [names[0], names[2]].map(|name| money::private(addresses[name].public_key(), 1_000_000));
    let mut request = spend([&first, &second], &[pay(&addresses[names[1]], 1_999_000)], 1000);
    request["accounts"] = json!({ first.id().to_string(): names[0] });
    signed(&request, &session.request(&request));
    let input = money::public(&guest.1, 1_000_000);
    let mut request =
        spend([&input], &[pay_privately(&addresses[names[0]], 999_000, "a private comment")], 1000);
    request["secret_key"] = json!(*guest.0.to_bytes());
    signed(&request, &session.request(&request));
    request["fee"] = json!(0);
    assert_eq!(session.request(&request)["code"], "fee_too_low");

    // While it runs, and after it has been stopped.
    let mut needles: Vec<(String, Vec<u8>)> = Vec::new();
    for name in names {
        needles.push((name.to_owned(), name.into()));
        needles.push((format!("address of {name}"), addresses[name].to_string()[4..40].into()));
        needles.extend(forms(&format!("public key of {name}"), addresses[name].public_key().as_bytes()));
        needles.extend(forms(&format!("secret key of {name}"), &master.account_key(name).to_bytes()));
    }
    for (name, secret) in [("master", &master), ("hot", &hot.0), ("guest", &guest.0)] {
        needles.extend(forms(&format!("secret key of {name}"), &secret.to_bytes()));
        needles.extend(forms(&format!("public key of {name}"), secret.public_key().as_bytes()));
    }
    for (name, text) in
        [("passphrase", "correct horse battery"), ("words", &words[..20]), ("comment", "a private comment")]
    {
        needles.push((name.to_owned(), text.into()));
    }
    let search = || {
        let mut found = Vec::new();
        files(&store.dir(), &mut found);
        assert!(found.len() >= 4, "{found:?}");
        for path in found {
            let content = searchable(&fs::read(&path).unwrap());
            for (what, needle) in &needles {
                assert!(!holds(&content, needle), "{what} is in {}", path.display());
            }
        }
    };
    search();
    assert_eq!(signer.stop().0.code(), Some(0));
    search();

    // The search finds what is there: the export for the online host names accounts, addresses and keys.
    let export = searchable(store.ok(&["key", "export-public"]).as_bytes());
    for needle in [names[0].as_bytes(), &addresses[names[0]].to_string().as_bytes()[4..40]] {
        assert!(holds(&export, needle));
    }
    let public = forms("public key", addresses[names[0]].public_key().as_bytes());
    assert!(public.iter().any(|(_, form)| holds(&export, form)));
}
