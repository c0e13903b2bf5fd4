//! Backups, as an operator makes, tries and needs them: the real program and files on a disk.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use age::secrecy::{ExposeSecret, SecretString};
use age::x25519;
use custody_tests::money::{key, public, stranger};
use custody_tests::request::{pay, spend};
use custody_tests::store::Store;
use custody_tests::terminal::on_a_terminal;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use stegos_common::address::Network;
use tar::{Archive, Builder, Header};

/// A store with an account of each kind, whose signer has signed one request.
struct Exchange {
    store: Store,
    identity: x25519::Identity,
    signed: Value,
    answer: Value,
}

impl Exchange {
    fn new() -> Self {
        let store = Store::new(Network::Dev);
        store.add(&["alice"]);
        store.import("kept", &key("kept").0);
        store.ok(&["key", "remove", "kept"]);
        let signed = request(&store, 1);
        let answer = sign(&store, &signed);
        assert!(answer["data"].is_string(), "{answer}");
        let identity = x25519::Identity::generate();
        let keys = Self { store, identity, signed, answer };
        keys.store.private_file("key.txt", keys.identity.to_string().expose_secret());
        keys
    }

    fn back_up(&self, name: &str) -> PathBuf {
        let file = self.store.path(name);
        let recipient = self.identity.to_public().to_string();
        self.store.ok(&["backup", "create", &text(&file), "--recipient", &recipient]);
        file
    }

    /// Restores on another machine.
    fn restore(&self, file: &Path, args: &[&str]) -> (Store, Output) {
        let machine = Store::none(Network::Dev);
        let identity = text(&self.store.path("key.txt"));
        let output = machine.run(&[&["restore", &text(file), "--identity", &identity], args].concat());
        (machine, output)
    }

    fn verify(&self, on: &Store, file: &Path) -> Output {
        on.run(&["backup", "verify", &text(file), "--identity", &text(&self.store.path("key.txt")), "--json"])
    }

    /// What is in a backup.
    fn open(&self, file: &Path) -> Vec<(String, Vec<u8>)> {
        let decryptor = age::Decryptor::new(File::open(file).unwrap()).unwrap();
        let identity: &dyn age::Identity = &self.identity;
        members(decryptor.decrypt(std::iter::once(identity)).unwrap())
    }

    /// What somebody makes who knows the recipient only, as everybody may.
    fn make(&self, name: &str, members: &[(String, Vec<u8>)]) -> PathBuf {
        let recipient = self.identity.to_public();
        let recipient: &dyn age::Recipient = &recipient;
        let encryptor = age::Encryptor::with_recipients(std::iter::once(recipient)).unwrap();
        let file = self.store.path(name);
        let mut archive = Builder::new(encryptor.wrap_output(File::create(&file).unwrap()).unwrap());
        for (name, content) in members {
            let mut head = Header::new_ustar();
            head.set_size(content.len() as u64);
            archive.append_data(&mut head, name, content.as_slice()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
        file
    }

    /// How far the journal is.
    fn position(&self) -> Value {
        let journal: Value = serde_json::from_str(&self.store.ok(&["journal", "verify", "--json"])).unwrap();
        json!({ "count": journal["count"], "head": journal["head"] })
    }

    /// The same as options of `restore`.
    fn seen(&self) -> Vec<String> {
        let position = self.position();
        let (count, head) = (position["count"].to_string(), position["head"].as_str().unwrap().to_owned());
        vec!["--journal-count".to_owned(), count, "--journal-head".to_owned(), head]
    }
}

/// Gives a journal these lines behind this first one.
fn catch_up(there: &Store, head: &Value, lines: &[Value], args: &[&str]) -> Output {
    let lines: Vec<String> = [head].into_iter().chain(lines).map(|line| format!("{line}\n")).collect();
    let file = there.private_file("signed.jsonl", &lines.concat());
    let mut command = there.command(&[&["journal", "catch-up", &text(&file)], args].concat());
    command.stdin(Stdio::null()).output().unwrap()
}

fn members(archive: impl Read) -> Vec<(String, Vec<u8>)> {
    let mut archive = Archive::new(archive);
    let member = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), content)
    };
    archive.entries().unwrap().map(member).collect()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A request that spends an output of `alice`, never the same.
fn request(store: &Store, fees: i64) -> Value {
    let input = public(store.addresses()["alice"].public_key(), 1_000_000);
    spend([&input], &[pay(&stranger(Network::Dev), 1_000_000 - 1000 * fees)], 1000 * fees)
}

/// Another payment from the same output.
fn otherwise(request: &Value) -> Value {
    let mut other = request.clone();
    other["txouts"][0]["amount"] = json!(990_000);
    other["fee"] = json!(10_000);
    other
}

fn sign(store: &Store, request: &Value) -> Value {
    let output = store.sign(&request.to_string(), &[]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn strs(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// It failed, said why, and there is no store.
fn refused(store: &Store, output: &Output, code: i32, says: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(says), "{says:?} is not in {told:?}");
    assert!(!store.dir().join("store.toml").exists(), "there is a store");
}

#[test]
fn everything_is_there_again_on_another_machine() {
    let here = Exchange::new();
    let file = here.back_up("signer.backup");
    let (there, output) = here.restore(&file, &strs(&here.seen()));
    let told = succeeded(&output);
    assert!(told.contains("Restored into") && told.contains("policy.restored.toml"), "{told}");
    assert!(!told.contains("lack"), "{told}");

    let list = |store: &Store| store.ok(&["key", "list", "--archived", "--json"]);
    assert_eq!(list(&there), list(&here.store));
    let policy = |path: PathBuf| fs::read_to_string(path).unwrap();
    assert_eq!(policy(there.dir().join("policy.restored.toml")), policy(here.store.path("policy.toml")));
    there.ok(&["store", "check"]);
    // The guard knows the past, and the journal knows that it was restored.
    assert_eq!(sign(&there, &here.signed)["data"], here.answer["data"]);
    assert_eq!(sign(&there, &otherwise(&here.signed))["code"], "already_signed");
    assert!(sign(&there, &request(&there, 2))["data"].is_string());
    let records = |store: &Store| {
        let list = store.ok(&["journal", "list", "--json"]);
        list.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let (before, after) = (records(&here.store), records(&there));
    assert_eq!(after[..before.len()], before[..]);
    assert_eq!(after[before.len()]["verdict"], "restored");
}

#[test]
fn a_backup_to_a_passphrase_opens_with_stock_tools() {
    let here = Exchange::new();
    let (file, secret) =
        (here.store.path("signer.backup"), here.store.private_file("secret", "of its own\n"));
    let file = text(&file);
    here.store.ok(&["backup", "create", &file, "--backup-passphrase-file", &text(&secret)]);

    // As `age -d | tar x` would.
    let decryptor = age::Decryptor::new(File::open(&file).unwrap()).unwrap();
    let identity = age::scrypt::Identity::new(SecretString::from("of its own".to_owned()));
    let identity: &dyn age::Identity = &identity;
    let members = members(decryptor.decrypt(std::iter::once(identity)).unwrap());
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["backup.toml", "backup.seal", "store.toml", "records", "journal", "policy.toml"]);
    assert_eq!(members[2].1, fs::read(here.store.dir().join("store.toml")).unwrap());
    assert_eq!(members[4].1, fs::read(here.store.dir().join("journal")).unwrap());
    let list: toml::Value = toml::from_str(std::str::from_utf8(&members[0].1).unwrap()).unwrap();
    assert_eq!(list["accounts"].as_integer(), Some(2));
    // Not even there is a key to be read.
    let secret_key = key("kept").0.to_bytes();
    assert!(members.iter().all(|(_, content)| memchr::memmem::find(content, &secret_key[..]).is_none()));

    let there = Store::none(Network::Dev);
    let wrong = text(&there.private_file("wrong", "another\n"));
    let restore = |secret: &str| {
        there.run(&["restore", &file, "--journal-unknown", "--backup-passphrase-file", secret])
    };
    refused(&there, &restore(&wrong), 1, "does not open");
    let identity = text(&here.store.path("key.txt"));
    let output = there.run(&["restore", &file, "--journal-unknown", "--identity", &identity]);
    refused(&there, &output, 1, "leave --identity out");
    succeeded(&restore(&text(&secret)));
}

#[test]
fn a_signer_that_forgot_something_signs_nothing_new() {
    let here = Exchange::new();
    let file = here.back_up("old.backup");
    let forgotten = request(&here.store, 3);
    assert!(sign(&here.store, &forgotten)["data"].is_string());
    for (args, says) in
        [(here.seen(), "2 had been seen"), (vec!["--journal-unknown".to_owned()], "not known")]
    {
        let (there, output) = here.restore(&file, &strs(&args));
        let told = succeeded(&output);
        assert!(told.contains("journal catch-up") && told.contains(says), "{told}");
        assert_eq!(sign(&there, &forgotten)["code"], "journal_behind");
        assert_eq!(sign(&there, &otherwise(&forgotten))["code"], "journal_behind");
        // What it knows it answers again.
        assert_eq!(sign(&there, &here.signed)["data"], here.answer["data"]);
        assert_eq!(there.inspect(&forgotten.to_string(), &[]).status.code(), Some(3));
        assert!(sign(&there, &json!({ "type": "create_raw_transaction" }))["code"] == "unparsable_request");

        let give_up =
            |typed: &str| on_a_terminal(&there.command(&["journal", "catch-up", "--give-up"]), typed);
        let script =
            there.command(&["journal", "catch-up", "--give-up"]).stdin(Stdio::null()).output().unwrap();
        assert_eq!(script.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&script.stderr).contains("on a terminal only"), "{script:?}");
        assert_eq!(give_up("yes\n").status.code(), Some(1));
        assert_eq!(sign(&there, &forgotten)["code"], "journal_behind");
        succeeded(&give_up("give up\n"));
        assert!(sign(&there, &forgotten)["data"].is_string());
        assert!(there.ok(&["journal", "list"]).contains("gave up what it lacked"));
        assert_eq!(give_up("give up\n").status.code(), Some(1), "there is nothing any more");
    }
}

#[test]
fn what_was_forgotten_is_given_back_by_whoever_saw_it() {
    let here = Exchange::new();
    let file = here.back_up("old.backup");
    let mut forgotten = request(&here.store, 3);
    forgotten["journal"] = json!(true);
    let answer = sign(&here.store, &forgotten);
    let (there, output) = here.restore(&file, &strs(&here.seen()));
    succeeded(&output);

    let line = |request: &Value, response: &Value| json!({ "request": request, "response": response });
    let catch_up = |head: &Value, lines: &[Value]| catch_up(&there, head, lines, &["--yes"]);
    let head = |transactions: u64| json!({ "network": "dev", "signer_journal": answer["journal"], "transactions": transactions });
    let right = line(&forgotten, &answer);
    let refused = |output: &Output, says: &str| {
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(says), "{says:?} is not in {told:?}");
        assert_eq!(sign(&there, &forgotten)["code"], "journal_behind");
    };
    let known = line(&here.signed, &here.answer);
    refused(&catch_up(&head(2), std::slice::from_ref(&known)), "cut off");
    let early = json!({ "network": "dev", "signer_journal": here.answer["journal"], "transactions": 1 });
    refused(&catch_up(&early, std::slice::from_ref(&right)), "write it anew");
    let mut behind = head(1);
    behind["signer_journal"]["count"] = json!(1);
    refused(&catch_up(&behind, std::slice::from_ref(&right)), "write it anew");
    let mut elsewhere = head(1);
    elsewhere["network"] = json!("testnet");
    refused(&catch_up(&elsewhere, std::slice::from_ref(&right)), "of testnet");
    // Another request than the one that was signed, and a transaction with a bit flipped.
    refused(&catch_up(&head(1), &[line(&otherwise(&forgotten), &answer)]), "line 2");
    let mut flipped = answer.clone();
    let data = answer["data"].as_str().unwrap();
    let last = if data.ends_with('0') { "1" } else { "0" };
    flipped["data"] = json!(format!("{}{last}", &data[..data.len() - 1]));
    refused(&catch_up(&head(1), &[line(&forgotten, &flipped)]), "line 2");
    // Somebody else's.
    let stranger = Store::new(Network::Dev);
    stranger.add(&["alice"]);
    let strange = request(&stranger, 1);
    let strange = line(&strange, &sign(&stranger, &strange));
    refused(&catch_up(&head(2), &[known.clone(), strange]), "line 3");

    let told = succeeded(&catch_up(&head(2), &[known.clone(), right.clone()]));
    assert!(told.contains("1 transactions were forgotten, 1 known"), "{told}");
    assert_eq!(sign(&there, &forgotten)["data"], answer["data"], "byte for byte");
    assert_eq!(sign(&there, &otherwise(&forgotten))["code"], "already_signed");
    assert!(sign(&there, &request(&there, 2))["data"].is_string());
    let told = succeeded(&catch_up(&head(2), &[known, right]));
    assert!(told.contains("0 transactions were forgotten, 2 known"), "{told}");
    assert!(there.ok(&["journal", "list"]).contains("caught up with 1 transactions"));
    there.ok(&["journal", "verify"]);
}

#[test]
fn a_backup_that_somebody_changed_is_refused() {
    let here = Exchange::new();
    let file = here.back_up("signer.backup");
    let original = here.open(&file);
    // The same again is as good.
    let (_there, output) = here.restore(&here.make("same", &original), &["--journal-unknown"]);
    succeeded(&output);
    let place = |name: &str| original.iter().position(|(member, _)| member == name).unwrap();
    for name in ["store.toml", "records", "journal", "policy.toml"] {
        let mut changed = original.clone();
        *changed[place(name)].1.last_mut().unwrap() ^= 1;
        let (there, output) = here.restore(&here.make("changed", &changed), &["--journal-unknown"]);
        refused(&there, &output, 1, &format!("{name} in the backup"));
        // The list too: only the store can seal it.
        let list = String::from_utf8(changed[0].1.clone()).unwrap();
        let digest = |content: &[u8]| stegos_common::hash::Hash::digest(content).to_string();
        let (old, new) = (digest(&original[place(name)].1), digest(&changed[place(name)].1));
        assert!(list.contains(&old), "{list}");
        changed[0].1 = list.replace(&old, &new).into_bytes();
        let (there, output) = here.restore(&here.make("forged", &changed), &["--journal-unknown"]);
        let header = name == "store.toml";
        refused(
            &there,
            &output,
            if header { 4 } else { 1 },
            if header { "header" } else { "not made by the store" },
        );
    }
    let without = |name: &str| {
        let mut changed = original.clone();
        changed.remove(place(name));
        here.make("less", &changed)
    };
    for (name, _) in &original {
        let (there, output) = here.restore(&without(name), &["--journal-unknown"]);
        refused(&there, &output, 1, "not where it must be");
    }
    // Cut off, and a flipped bit in what is encrypted.
    let bytes = fs::read(&file).unwrap();
    for (name, broken) in [
        ("cut", bytes[..bytes.len() / 2].to_vec()),
        ("empty", Vec::new()),
        (
            "flipped",
            bytes.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == bytes.len() - 40)).collect(),
        ),
    ] {
        let path = here.store.path(name);
        fs::write(&path, broken).unwrap();
        let (there, output) = here.restore(&path, &["--journal-unknown"]);
        refused(&there, &output, 1, "backup");
    }
    // Whatever was tried before: the machine takes a good one.
    let (there, output) = here.restore(&without("journal"), &["--journal-unknown"]);
    refused(&there, &output, 1, "journal is not where it must be");
    let identity = text(&here.store.path("key.txt"));
    there.ok(&["restore", &text(&file), "--identity", &identity, "--journal-unknown"]);
}

#[test]
fn a_restore_never_takes_the_place_of_anything() {
    let here = Exchange::new();
    let file = here.back_up("signer.backup");
    let identity = text(&here.store.path("key.txt"));
    let restore = ["restore", &text(&file), "--identity", &identity, "--journal-unknown"];
    let again = here.store.run(&restore);
    assert_eq!(again.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&again.stderr).contains("never overwritten"));
    // A position that the journal never had, another network, another passphrase, nobody who answers.
    let never = "77".repeat(32);
    let (there, output) = here.restore(&file, &["--journal-count", "1", "--journal-head", &never]);
    refused(&there, &output, 1, "never had the head");
    let (there, output) = here.restore(&file, &["--journal-unknown", "--network", "mainnet"]);
    refused(&there, &output, 4, "expected mainnet");
    let there = Store::none(Network::Dev);
    there.private_file("passphrase", "wrong\n");
    refused(&there, &there.run(&restore), 4, "wrong passphrase");
    let (there, output) = here.restore(&file, &[]);
    refused(&there, &output, 1, "--journal-unknown");
    // Nor does a backup.
    let recipient = here.identity.to_public().to_string();
    let output = here.store.run(&["backup", "create", &text(&file), "--recipient", &recipient]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("not overwritten"));
    let output =
        here.store.run(&["backup", "create", &text(&here.store.path("new")), "--recipient", "age1x"]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("no age recipient"));
}

#[test]
fn a_backup_is_tried_against_the_store_it_is_of() {
    let here = Exchange::new();
    let finding = || {
        let doctor: Value = serde_json::from_slice(&here.store.run(&["doctor", "--json"]).stdout).unwrap();
        let findings = doctor["findings"].as_array().unwrap().clone();
        findings
            .into_iter()
            .filter(|it| it["name"] == "backup")
            .map(|it| it["finding"].to_string())
            .collect::<String>()
    };
    assert!(finding().contains("made never") && finding().contains("verified never"), "{}", finding());
    let file = here.back_up("signer.backup");
    assert!(!finding().contains("\"made never") && finding().contains("verified never"), "{}", finding());
    let verified = |output: &Output| -> Value { serde_json::from_str(&succeeded(output)).unwrap() };
    let facts = verified(&here.verify(&here.store, &file));
    assert_eq!(facts["compared"], json!({ "accounts_since": 0, "journal_records_since": 0 }));
    assert_eq!(finding(), "");
    here.store.add(&["bob", "carol"]);
    sign(&here.store, &request(&here.store, 2));
    // The passphrase of the store may be another one by now.
    let new = text(&here.store.private_file("new", "another\n"));
    here.store.ok(&["passphrase", "change", "--new-passphrase-file", &new]);
    let facts = verified(&here.verify(&here.store, &file));
    assert_eq!(facts["compared"], json!({ "accounts_since": 2, "journal_records_since": 1 }));
    here.store.private_file("passphrase", "another\n");
    assert_eq!(here.verify(&here.store, &file).status.code(), Some(4), "the backup has the old one");

    // On a machine without a store it stands for itself; a store of somebody else is none to compare with.
    here.store.private_file("passphrase", "correct horse battery staple\n");
    assert_eq!(verified(&here.verify(&Store::none(Network::Dev), &file))["compared"], Value::Null);
    let other = Store::new(Network::Dev);
    let output = here.verify(&other, &file);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is of the store"), "{output:?}");
    // A journal that went another way.
    let (there, output) = here.restore(&file, &["--journal-unknown"]);
    succeeded(&output);
    let later = there.path("later.backup");
    there.ok(&["backup", "create", &text(&later), "--recipient", &here.identity.to_public().to_string()]);
    let output = here.verify(&here.store, &later);
    assert!(String::from_utf8_lossy(&output.stderr).contains("never had the head"), "{output:?}");
}

#[test]
fn while_the_signer_runs_a_backup_is_tried_by_itself() {
    let here = Exchange::new();
    let file = here.back_up("signer.backup");
    let signer = here.store.serve(&[]);
    let output = here.verify(&here.store, &file);
    let facts: Value = serde_json::from_str(&succeeded(&output)).unwrap();
    assert_eq!(facts["compared"], Value::Null);
    assert!(String::from_utf8_lossy(&output.stderr).contains("in use by process"), "{output:?}");
    let output = here.store.run(&["backup", "create", &text(&here.store.path("x")), "--recipient", "age1x"]);
    assert!(!output.status.success());
    drop(signer);
}

/// A store that was restored from a backup, what was signed after it, and how far the journal was.
fn behind() -> (Exchange, Store, Value, Value) {
    let here = Exchange::new();
    let file = here.back_up("old.backup");
    let forgotten = request(&here.store, 3);
    let answer = sign(&here.store, &forgotten);
    assert!(answer["data"].is_string(), "{answer}");
    let (there, output) = here.restore(&file, &strs(&here.seen()));
    succeeded(&output);
    (here, there, forgotten, answer)
}

fn given_back(here: &Exchange, there: &Store, lines: &[Value], args: &[&str]) -> Output {
    let head = json!({ "network": "dev", "signer_journal": here.position(), "transactions": lines.len() });
    catch_up(there, &head, lines, args)
}

#[test]
fn a_file_alone_does_not_say_that_it_is_all() {
    let (here, there, forgotten, answer) = behind();
    let output = given_back(&here, &there, &[], &[]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && told.contains("0 transactions") && told.contains("Is that all"),
        "{told}"
    );
    assert_eq!(sign(&there, &otherwise(&forgotten))["code"], "journal_behind");
    // What was recorded stays so, and the same file may be given again.
    let line = json!({ "request": forgotten, "response": answer });
    assert!(!given_back(&here, &there, std::slice::from_ref(&line), &[]).status.success());
    assert_eq!(sign(&there, &forgotten)["data"], answer["data"]);
    succeeded(&given_back(&here, &there, &[line], &["--yes"]));
    assert_eq!(sign(&there, &otherwise(&forgotten))["code"], "already_signed");
}

#[test]
fn what_another_key_signed_is_not_recorded_as_signed_here() {
    let (here, there, ..) = behind();
    let input = public(&key("mallory").1, 1_000_000);
    let mut theirs = spend([&input], &[pay(&stranger(Network::Dev), 999_000)], 1000);
    theirs["secret_key"] = json!(key("mallory").0.to_bytes().to_vec());
    let answer = sign(&here.store, &theirs);
    assert!(answer["data"].is_string(), "{answer}");
    let line = json!({ "request": theirs, "response": answer });
    let output = given_back(&here, &there, &[line], &["--yes"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("line 2") && told.contains("secret_key"), "{told}");
}

#[test]
fn a_certificate_that_nobody_asked_for_is_not_recorded() {
    let (here, there, forgotten, answer) = behind();
    let mut padded = answer.clone();
    let address = stranger(Network::Dev).to_string();
    padded["certificates"] = json!([{
        "output_hash": answer["txouts"][0], "spender": address, "recipient": address, "rvalue": "01".repeat(32),
    }]);
    let line = json!({ "request": forgotten, "response": padded });
    succeeded(&given_back(&here, &there, &[line], &["--yes"]));
    assert_eq!(sign(&there, &forgotten)["certificates"], answer["certificates"]);
}

#[test]
fn the_store_that_is_broken_is_no_fault_of_its_backup() {
    let here = Exchange::new();
    let file = here.back_up("signer.backup");
    fs::remove_file(here.store.dir().join("store.toml")).unwrap();
    let output = here.verify(&here.store, &file);
    succeeded(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds records but no header"), "{output:?}");
}
