//! Both halves of a proof of reserves: what is owed, by the explorer, and that keys worth as much are held, by the signer.

use custody_tests::custody::{Custody, address};
use custody_tests::explorer::output_explorer;
use custody_tests::money::key;
use custody_tests::store::Store;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use stegos_common::address::Network;

const STG: i64 = 1_000_000;

fn said(output: &Output) -> (Option<i32>, String) {
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The exchange, and the files that cross the gap.
struct Stage {
    custody: Custody,
}

impl Stage {
    /// Deposits that are final, a root without the exchange's own money, and a list of everything.
    fn new() -> Self {
        let stage = Self { custody: Custody::new(4, &["alice", "bob"]) };
        let explorer = stage.custody.world.follow();
        stage.custody.deposit(&[("alice", 10 * STG), ("bob", 20 * STG), ("hot", 50 * STG), ("hot", 5 * STG)]);
        stage.custody.finish_epoch(&explorer);
        let epoch = explorer.settle()["epoch"].as_u64().unwrap() - 1;
        stage.root("root", epoch, &["--without", "hot"]);
        stage.list("root", "assets", &[]);
        explorer.stop();
        stage
    }

    fn root(&self, name: &str, epoch: u64, more: &[&str]) {
        let out = self.custody.world.path(&format!("{name}.d"));
        let (epoch, folder) = (epoch.to_string(), out.to_string_lossy());
        self.custody
            .world
            .ok(&[&["reserves", "create", "--at-epoch", &epoch, "--out", &folder], more].concat());
        fs::rename(out.join("root.json"), self.path(name)).unwrap();
    }

    fn list(&self, root: &str, out: &str, more: &[&str]) -> String {
        let (root, out) = (self.text(root), self.text(out));
        self.custody.world.ok(&[&["reserves", "assets", "--root", &root, "--out", &out], more].concat())
    }

    /// The file with this name.
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.custody.world.path(&format!("{name}.json"))
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// Writes a document like another one.
    fn alter(&self, from: &str, to: &str, change: impl FnOnce(&mut Value)) {
        let mut document = read(&self.path(from));
        change(&mut document);
        fs::write(self.path(to), document.to_string()).unwrap();
    }

    fn attest_on(&self, store: &Store, [root, list, out]: [&str; 3], more: &[&str]) -> (Option<i32>, String) {
        let (root, list, out) = (self.text(root), self.text(list), self.text(out));
        said(&store.run(&[&["attest", &root, "--outputs", &list, "--out", &out], more].concat()))
    }

    fn attest(&self, files: [&str; 3]) {
        let (code, said) = self.attest_on(&self.custody.store, files, &["--yes"]);
        assert_eq!(code, Some(0), "{said}");
    }

    /// What an auditor types, with nothing else around.
    fn verify(&self, root: &str, list: &str, attestations: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(output_explorer());
        command.args([
            "reserves",
            "verify-assets",
            "--root",
            &self.text(root),
            "--outputs",
            &self.text(list),
        ]);
        command.args(attestations.iter().map(|name| self.path(name))).env_clear();
        said(&command.output().unwrap())
    }

    /// The same with the ledger.
    fn look_up(&self, root: &str, list: &str, attestation: &str) -> (Option<i32>, String) {
        let (root, list, attestation) = (self.text(root), self.text(list), self.text(attestation));
        let args = ["--root", &root, "--outputs", &list, "--ledger", &attestation];
        said(&self.custody.world.run(&[&["reserves", "verify-assets"], &args[..]].concat()))
    }
}

#[test]
fn assets_are_listed_attested_and_held_against_the_debts() {
    let stage = Stage::new();
    let list = read(&stage.path("assets"));
    assert_eq!((list["outputs"].as_array().unwrap().len(), &list["total"]), (4, &json!(85 * STG)));
    let journal = || fs::read(stage.custody.store.dir().join("journal")).ok();
    let before = journal();

    // Whoever does not say so signs nothing.
    let (root, assets, out) = (stage.text("root"), stage.text("assets"), stage.text("attestation"));
    let args = ["attest", &root, "--outputs", &assets, "--out", &out];
    let mut asked = stage.custody.store.command(&args);
    let piped = asked.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut asked = piped.spawn().unwrap();
    asked.stdin.take().unwrap().write_all(b"yes\n").unwrap();
    let (code, text) = said(&asked.wait_with_output().unwrap());
    assert_eq!(code, Some(1), "{text}");
    for part in [
        "network  dev",
        "owed     30 STG to 2 accounts",
        read(&stage.path("root"))["root"].as_str().unwrap(),
        "held     85 STG in 4 outputs of 3 keys",
        "nothing was signed",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!stage.path("attestation").exists());
    // What is wrong with a file is told in its own words, which no terminal obeys.
    fs::write(stage.path("rude"), r#"{"\u001b[2J": 1}"#).unwrap();
    let rude = stage.text("rude");
    let (code, text) =
        said(&stage.custody.store.run(&["attest", &rude, "--outputs", &assets, "--out", &out]));
    assert!(code == Some(1) && text.contains("\u{fffd}[2J"), "{text}");

    stage.attest(["root", "assets", "attestation"]);
    assert_eq!(read(&stage.path("attestation"))["signatures"].as_array().unwrap().len(), 3);
    let proved = "OK: 4 outputs of 3 keys are worth 85 STG, 30 STG are owed: 283.33 %, after epoch ";
    let (code, text) = stage.verify("root", "assets", &["attestation"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with(proved) && text.contains("not looked up"), "{text}");
    // A second program, which is not ours to trust.
    let program =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../output-explorer/tests/data/reserves/verify_assets.py");
    let files = ["root", "assets", "attestation"].map(|name| stage.path(name));
    match Command::new("python3").arg("-B").arg(program).args(files).output() {
        Ok(output) => {
            let (code, text) = said(&output);
            assert_eq!(
                (code, text.as_str()),
                (Some(0), "OK: 4 outputs of 3 keys are worth 85 STG, 30 STG are owed\n")
            );
        }
        Err(_) => eprintln!("there is no python3 here"),
    }
    // The ledger, whether somebody has it or not.
    for running in [false, true] {
        let explorer = running.then(|| stage.custody.world.follow());
        let (code, text) = stage.look_up("root", "assets", "attestation");
        assert_eq!(code, Some(0), "{text}");
        assert!(text.starts_with(proved) && text.contains("in the ledger"), "{text}");
        explorer.map(custody_tests::explorer::Explorer::stop);
    }
    // The same again is the same, and nothing of it is a spend.
    let args = ["attest", "root.json", "--outputs", "assets.json", "--out", "again.json", "--yes"];
    let here = stage.custody.store.command(&args).current_dir(stage.custody.world.home()).output();
    let (code, text) = said(&here.unwrap());
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(read(&stage.path("again")), read(&stage.path("attestation")));
    assert_eq!(journal(), before);
    let twice = stage.attest_on(&stage.custody.store, ["root", "assets", "again"], &["--yes"]);
    assert!(twice.0 == Some(1) && twice.1.contains("exists already"), "{twice:?}");

    // Less than what is owed.
    stage.list("root", "alice", &["--accounts", "alice"]);
    stage.attest(["root", "alice", "alices"]);
    let (code, text) = stage.verify("root", "alice", &["alices"]);
    assert_eq!(code, Some(6), "{text}");
    assert!(text.contains("LESS THAN WHAT IS OWED: 1 outputs of 1 keys are worth 10 STG"), "{text}");
    let unknown = stage.custody.world.run(&[
        "reserves",
        "assets",
        "--root",
        &root,
        "--accounts",
        "carol",
        "--out",
        &stage.text("carol"),
    ]);
    assert_eq!(unknown.status.code(), Some(3), "{unknown:?}");
}

#[test]
fn keys_of_several_stores_prove_one_list_together() {
    let stage = Stage::new();
    let hot = Store::new(Network::Dev);
    hot.import("wallet", &key("hot").0);
    let files = ["root", "assets", "of hot"];
    let (code, text) = stage.attest_on(&hot, files, &["--yes"]);
    assert_eq!(code, Some(3), "{text}");
    for account in ["alice", "bob"] {
        assert!(text.contains(&address(account).to_string()), "{text}");
    }
    let (code, text) = stage.attest_on(&hot, files, &["--yes", "--skip-unowned"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("held     55 STG in 2 outputs of 1 keys"), "{text}");
    assert!(text.contains("NOT HELD 30 STG in 2 outputs of 2 keys"), "{text}");
    let (code, text) = stage.verify("root", "assets", &["of hot"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("NOT PROVED: nobody showed that he holds the key of"), "{text}");

    // What is archived signs nothing.
    stage.custody.store.ok(&["key", "remove", "hot"]);
    let files = ["root", "assets", "of the others"];
    let (code, text) = stage.attest_on(&stage.custody.store, files, &["--yes"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains(&address("hot").to_string()), "{text}");
    let (code, text) = stage.attest_on(&stage.custody.store, files, &["--yes", "--skip-unowned"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = stage.verify("root", "assets", &["of hot", "of the others"]);
    assert_eq!(code, Some(0), "{text}");

    let none = Store::new(Network::Dev);
    let (code, text) = stage.attest_on(&none, ["root", "assets", "none"], &["--yes", "--skip-unowned"]);
    assert_eq!(code, Some(3), "{text}");
    let other = Store::new(Network::Testnet);
    let (code, text) = stage.attest_on(&other, ["root", "assets", "none"], &["--yes"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("the root is of dev, the key store of testnet"), "{text}");
    assert!(!stage.path("none").exists());
}

#[test]
fn what_was_altered_proves_nothing() {
    let stage = Stage::new();
    stage.attest(["root", "assets", "attestation"]);
    let epoch = read(&stage.path("root"))["epoch"].as_u64().unwrap();
    stage.root("another", epoch, &["--without", "hot"]);
    let more = |document: &mut Value, total: &str| {
        document["total"] = json!(document["total"].as_i64().unwrap() + STG);
        document["total_text"] = json!(total);
    };
    stage.alter("assets", "more", |assets| {
        let amount = assets["outputs"][0]["amount"].as_i64().unwrap();
        assets["outputs"][0]["amount"] = json!(amount + STG);
    });
    stage.alter("more", "much more", |assets| more(assets, "86 STG"));
    stage.alter("assets", "twice", |assets| {
        let first = assets["outputs"][0].clone();
        assets["outputs"].as_array_mut().unwrap().insert(0, first);
    });
    stage.alter("root", "owes more", |root| more(root, "31 STG"));
    stage.alter("root", "testnet root", |root| root["network"] = json!("testnet"));
    stage.alter("assets", "testnet assets", |assets| assets["network"] = json!("testnet"));
    let signature = |at: usize| read(&stage.path("attestation"))["signatures"][at]["signature"].clone();
    stage.alter("attestation", "swapped", |it| it["signatures"][0]["signature"] = signature(1));
    stage.alter("attestation", "foreign", |it| {
        it["signatures"][2]["recipient"] = json!(address("carol").to_string());
        it["signatures"].as_array_mut().unwrap().sort_by_key(|it| {
            let recipient: stegos_common::address::EncodedAddress =
                serde_json::from_value(it["recipient"].clone()).unwrap();
            recipient.key
        });
    });
    stage.alter("attestation", "retold", |it| it["statement"]["debts"] = json!(1));
    for (root, list, attestation, reason) in [
        ("root", "more", "attestation", "worth 86 STG together, the list says 85 STG"),
        ("root", "much more", "attestation", "the list of outputs differs"),
        ("root", "twice", "attestation", "in the list twice"),
        ("another", "assets", "attestation", "the root differs"),
        ("owes more", "assets", "attestation", "the total of the debts differs"),
        ("testnet root", "assets", "attestation", "of dev (block"),
        ("testnet root", "testnet assets", "attestation", "which is no address of testnet"),
        ("root", "assets", "swapped", "is wrong: nobody showed"),
        ("root", "assets", "foreign", "is wrong: nobody showed"),
        ("root", "assets", "retold", "the total of the debts differs"),
        ("root", "assets", "root", "unknown field"),
    ] {
        let (code, text) = stage.verify(root, list, &[attestation]);
        assert_eq!(code, Some(1), "{root}, {list}, {attestation}: {text}");
        assert!(text.contains(reason), "{reason}: {text}");
    }
    // Nor does the signer put its name to what does not add up.
    for list in ["more", "twice", "testnet assets"] {
        let (code, text) = stage.attest_on(&stage.custody.store, ["root", list, "none"], &["--yes"]);
        assert_eq!(code, Some(1), "{text}");
    }
    // It cannot know that an output is not worth so much. The ledger can.
    stage.attest(["root", "much more", "signed"]);
    let (code, text) = stage.look_up("root", "much more", "signed");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("it has another amount"), "{text}");
}

#[test]
fn what_was_spent_by_then_does_not_count() {
    let stage = Stage::new();
    stage.attest(["root", "assets", "attestation"]);
    let custody = &stage.custody;
    let explorer = custody.world.follow();
    let sweep = custody.handoff(&["sweep", "--all"])[0];
    custody.send(sweep);
    custody.wait(sweep, &["accepted"]);
    custody.world.mine(1);
    explorer.settle();
    custody.finish_epoch(&explorer);
    custody.wait(sweep, &["final"]);
    let epoch = explorer.settle()["epoch"].as_u64().unwrap() - 1;
    stage.root("later root", epoch, &["--without", "hot"]);
    // What was final before stays so,
    stage.list("root", "the same", &[]);
    assert_eq!(read(&stage.path("the same")), read(&stage.path("assets")));
    assert_eq!(stage.look_up("root", "assets", "attestation").0, Some(0));
    // but it is nothing that there is now.
    stage.alter("assets", "old assets", |assets| {
        let root = read(&stage.path("later root"));
        (assets["epoch"], assets["block_hash"]) = (root["epoch"].clone(), root["block_hash"].clone());
    });
    stage.attest(["later root", "old assets", "signed"]);
    assert_eq!(stage.verify("later root", "old assets", &["signed"]).0, Some(0));
    let (code, text) = stage.look_up("later root", "old assets", "signed");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("it was spent by then"), "{text}");
    // What was made later was not there.
    stage.list("later root", "new assets", &[]);
    stage.alter("new assets", "early assets", |assets| {
        let root = read(&stage.path("root"));
        (assets["epoch"], assets["block_hash"]) = (root["epoch"].clone(), root["block_hash"].clone());
    });
    stage.attest(["root", "early assets", "early"]);
    let (code, text) = stage.look_up("root", "early assets", "early");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("it was made later"), "{text}");
    // Nor is a root about another chain.
    stage.alter("root", "forged root", |root| root["block_hash"] = json!("07".repeat(32)));
    let (root, out) = (stage.text("forged root"), stage.text("none"));
    let forged = custody.world.run(&["reserves", "assets", "--root", &root, "--out", &out]);
    let (code, text) = said(&forged);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("not the one that made its epoch final"), "{text}");
    explorer.stop();
}
