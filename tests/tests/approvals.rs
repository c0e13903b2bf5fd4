//! What people must approve: over the socket, from files and folders, on this machine and on others.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::daemon::Daemon;
use custody_tests::money::{self, key, stranger};
use custody_tests::request::{pay, pay_privately, signed, spend};
use custody_tests::store::Store;
use serde_json::Value;
use ssh_key::private::{Ed25519Keypair, PrivateKey};
use ssh_key::{HashAlg, LineEnding};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use stegos_common::address::Network;

const STG: i64 = 1_000_000;

/// The key of an approver.
fn ssh(name: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[name; 32]))
}

/// More than 10 STG to a stranger is asked about: two of alice and bob, known by keys, and of whoever runs this test.
fn policy(needed: usize) -> String {
    let line = |name| ssh(name).public_key().to_openssh().unwrap();
    let uid = rustix::process::geteuid().as_raw();
    format!(
        "[approvals]\nneeded = {needed}\nexpire_hours = 48\napprovers = [\n\
           {{ name = \"alice\", key = {:?} }},\n  {{ name = \"bob\", key = {:?} }},\n  {{ name = \"me\", uid = {uid} }},\n]\n\
         [[rules]]\nrule = \"policy-transaction-amount\"\naction = \"ask\"\nmost = \"10 STG\"\n\
         [[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n",
        line(1),
        line(2)
    )
}

fn store(needed: usize) -> Store {
    let store = Store::new(Network::Dev);
    store.import("alice", &key("alice").0);
    store.private_file("policy.toml", &policy(needed));
    store
}

/// A request that pays a stranger.
fn request(amount: i64) -> Value {
    let input = money::public(&key("alice").1, amount + 1000);
    spend([&input], &[pay(&stranger(Network::Dev), amount)], 1000)
}

fn sign(store: &Store, request: &Value) -> Value {
    serde_json::from_slice(&store.sign(&request.to_string(), &[]).stdout).unwrap()
}

/// Under which id it waits.
fn waits(answer: &Value) -> String {
    assert_eq!(answer["code"], "pending_approval", "{answer}");
    answer["approval"].as_str().unwrap().to_owned()
}

/// What people see: no passphrase is asked for, and nothing of the store is opened.
fn people(store: &Store, args: &[&str]) -> Output {
    let mut command = store.command(args);
    command.env_remove("COLD_SIGNER_PASSPHRASE_FILE").stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8([&*output.stdout, &*output.stderr].concat()).unwrap()
}

/// What approver number `name` brings back from the machine where his key is.
fn signature(store: &Store, name: u8, namespace: &str, text: &str) -> PathBuf {
    let signature = ssh(name).sign(namespace, HashAlg::Sha512, text.as_bytes()).unwrap();
    store.private_file(&format!("{name}.sig"), &signature.to_pem(LineEnding::LF).unwrap())
}

fn statement(store: &Store, id: &str) -> String {
    fs::read_to_string(store.dir().join(format!("approvals/{id}.pending.txt"))).unwrap()
}

#[test]
fn two_of_three_must_approve() {
    let store = store(2);
    let signer = store.serve(&[]);
    let small = request(10 * STG);
    signed(&small, &signer.request(&small));
    let large = request(11 * STG);
    let first = signer.request(&large);
    let id = waits(&first);
    assert!(first["error"].as_str().unwrap().contains("0 of 2"), "{first}");

    // While the signer runs, and without its passphrase.
    let list = said(&people(&store, &["pending"]));
    assert!(list.contains(&id) && list.contains("11.001 STG"), "{list}");
    let approved = people(&store, &["approve", &id, "--yes"]);
    assert!(approved.status.success(), "{}", said(&approved));
    let second = signer.request(&large);
    assert_eq!(waits(&second), id);
    assert!(second["error"].as_str().unwrap().contains("1 of 2"), "{second}");
    let facts: Value = serde_json::from_slice(&people(&store, &["pending", "--json"]).stdout).unwrap();
    assert_eq!((&facts["approval"], facts["handed_in"].as_array().unwrap().len()), (&id.clone().into(), 1));

    let file = signature(&store, 1, "cold-signer-approval", &statement(&store, &id));
    let approved = people(&store, &["approve", &id, "--signature", &file.to_string_lossy()]);
    assert!(approved.status.success(), "{}", said(&approved));
    let answer = signer.request(&large);
    signed(&large, &answer);
    assert_eq!(signer.request(&large)["data"], answer["data"]);
    signer.stop();

    assert!(said(&people(&store, &["pending"])).is_empty(), "what is signed does not wait");

    // Who approved what, for ever.
    let journal = store.ok(&["journal", "list", "--json"]);
    let records: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdicts: Vec<&str> = records.iter().map(|record| record["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["signed", "parked", "approved", "approved", "signed"]);
    assert!(records[1..].iter().all(|record| record["request"] == records[1]["request"]));
    assert_eq!(records[2]["approver"], "me");
    assert_eq!(records[3]["approver"], "alice");
    assert!(records[3]["signature"].as_str().unwrap().contains("BEGIN SSH SIGNATURE"));
    let shown = store.ok(&["journal", "show", &id]);
    assert!(shown.contains("approved by alice (SHA256:"), "{shown}");
}

#[test]
fn what_is_approved_is_what_inspect_shows() {
    let store = store(1);
    let input = money::public(&key("alice").1, 20 * STG + 3000);
    let private = pay_privately(&stranger(Network::Dev), 15 * STG, "memo 4711\nleaves     0 STG");
    let change = pay(&store.addresses()["alice"], 5 * STG);
    let request = spend([&input], &[private, change], 3000);
    let inspected = store.inspect(&request.to_string(), &[]);
    assert_eq!(inspected.status.code(), Some(3));
    let told = said(&inspected);
    assert!(told.contains("approval is asked for by policy-transaction-amount, rule 1"), "{told}");
    assert!(told.contains("(pending_approval)"), "{told}");
    assert!(said(&people(&store, &["pending"])).contains("is not there"), "to look is not to ask");

    let id = waits(&sign(&store, &request));
    let shown = said(&people(&store, &["pending", &id]));
    let facts = told.split("Inputs (1)").nth(1).unwrap().split("\n\nPolicy").next().unwrap();
    assert!(facts.contains("memo 4711") && shown.contains(facts), "{shown}\nhas not\n{facts}");
    assert!(shown.contains("leaves     15.003 STG"), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with("leaves")).count(), 1, "a comment is quoted");
}

#[test]
fn what_approves_nothing_does_not_count_and_is_named() {
    let store = store(1);
    let request = request(11 * STG);
    let id = waits(&sign(&store, &request));
    let text = statement(&store, &id);
    let refused = |args: &[&str], says: &str| {
        let output = people(&store, args);
        assert!(output.status.code() == Some(1) && said(&output).contains(says), "{}", said(&output));
    };
    // What can be said at once is said at once.
    let by = |file: &PathBuf, says: &str| {
        refused(&["approve", &id, "--signature", &file.to_string_lossy()], says);
    };
    by(&signature(&store, 1, "file", &text), "is not one of this text");
    by(&signature(&store, 1, "cold-signer-approval", &text.replace("11", "1")), "is not one of this text");
    by(&signature(&store, 3, "cold-signer-approval", &text), "none of those who may approve");
    by(&store.private_file("4.sig", "nothing"), "cannot be read");
    refused(&["approve", &id], "not confirmed");
    refused(&["approve", "00000000", "--yes"], "no request waits");
    refused(&["approve", "../../etc/passwd", "--yes"], "no request waits");
    refused(&["reject", "00000000", "--reason", "x"], "no request waits");

    // And whatever lies in the folder, the signer looks for itself.
    let folder = store.dir().join("approvals");
    fs::write(folder.join(format!("{id}.alice.approved")), &text).unwrap();
    let stolen = signature(&store, 3, "cold-signer-approval", &text);
    fs::copy(stolen, folder.join(format!("{id}.bob.approved"))).unwrap();
    let output = store.sign(&request.to_string(), &[]);
    assert_eq!(output.status.code(), Some(3));
    let told = said(&output);
    assert!(told.contains("0 of 1"), "{told}");
    for name in ["alice", "bob"] {
        assert!(told.contains(&format!("not counted: {id}.{name}.approved")), "{told}");
    }
}

#[test]
fn an_approval_is_for_one_request_only() {
    let store = store(1);
    let (first, second) = (request(11 * STG), request(12 * STG));
    let ids = [&first, &second].map(|request| waits(&sign(&store, request)));
    let file = signature(&store, 1, "cold-signer-approval", &statement(&store, &ids[0]));
    let folder = store.dir().join("approvals");
    for id in &ids {
        fs::copy(&file, folder.join(format!("{id}.alice.approved"))).unwrap();
    }
    signed(&first, &sign(&store, &first));
    waits(&sign(&store, &second));
}

#[test]
fn a_rejection_stands_and_who_lost_his_right_does_not_count() {
    let store = store(2);
    let (first, second) = (request(11 * STG), request(12 * STG));
    let id = waits(&sign(&store, &first));
    people(&store, &["approve", &id, "--yes"]);
    people(&store, &["reject", &id, "--reason", "we do not know them"]);
    let refused = sign(&store, &first);
    assert_eq!(refused["code"], "denied", "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("we do not know them"), "{refused}");
    assert!(said(&people(&store, &["approve", &id, "--yes"])).contains("no request waits"));
    assert_eq!(sign(&store, &first)["code"], "denied");

    let id = waits(&sign(&store, &second));
    let file = signature(&store, 1, "cold-signer-approval", &statement(&store, &id));
    people(&store, &["approve", &id, "--signature", &file.to_string_lossy()]);
    assert!(sign(&store, &second)["error"].as_str().unwrap().contains("1 of 2"));
    let alice = ssh(1).public_key().to_openssh().unwrap();
    let without: String = policy(1)
        .lines()
        .filter(|line| !line.contains(&alice))
        .fold(String::new(), |text, line| text + line + "\n");
    store.private_file("policy.toml", &without);
    assert!(sign(&store, &second)["error"].as_str().unwrap().contains("0 of 1"));
    people(&store, &["approve", &id, "--yes"]);
    signed(&second, &sign(&store, &second));
}

#[test]
fn a_folder_of_requests_goes_on_by_itself_once_they_are_approved() {
    let store = store(1);
    let (gap, folder) = (store.path("gap"), store.path("shared"));
    fs::create_dir(&gap).unwrap();
    let named = ["--approvals", &*folder.to_string_lossy()];
    let mut command = store.command(&["sign", "--spool", &gap.to_string_lossy()]);
    let mut daemon = Daemon::spawn(command.args(named));
    daemon.wait_for("signs what comes into");
    let (first, second) = (request(11 * STG), request(12 * STG));
    let ids = [("a", &first), ("b", &second)].map(|(name, request)| {
        fs::write(gap.join(format!("{name}.request.json")), request.to_string()).unwrap();
        let line = daemon.wait_for(&format!("{name}.request.json: waits for approval as"));
        line.rsplit(' ').next().unwrap().to_owned()
    });
    let read = |name: &str| -> Value { serde_json::from_slice(&fs::read(gap.join(name)).unwrap()).unwrap() };
    assert_eq!(waits(&read("a.pending.json")), ids[0]);
    let hand_in = |args: &[&str]| assert!(people(&store, &[args, &named[..]].concat()).status.success());
    hand_in(&["approve", &ids[0], "--yes"]);
    daemon.wait_for("a.request.json: signed");
    signed(&first, &read("a.response.json"));
    hand_in(&["reject", &ids[1], "--reason", "no"]);
    daemon.wait_for("b.request.json: refused (denied)");
    assert_eq!(read("b.refused.json")["code"], "denied");
    assert_eq!(daemon.stop().0.code(), Some(0));
    for name in ["a.pending.json", "b.pending.json"] {
        assert!(!gap.join(name).exists(), "{name}");
    }
}

#[test]
fn what_somebody_else_put_there_is_not_the_signers() {
    let store = store(1);
    let (first, second) = (request(11 * STG), request(12 * STG));
    let ids = [&first, &second].map(|request| waits(&sign(&store, request)));
    let file = |id: &str, end: &str| store.dir().join(format!("approvals/{id}.{end}"));
    let list = || said(&people(&store, &["pending"]));
    fs::create_dir(file("00000000", "pending.txt")).unwrap();
    assert!(ids.iter().all(|id| list().contains(id)), "a bad one hides nothing: {}", list());

    // Who may rename files puts the text about the first in the place of the second.
    fs::copy(file(&ids[0], "pending.txt"), file(&ids[1], "pending.txt")).unwrap();
    for args in [&["pending", &ids[1]][..], &["approve", &ids[1], "--yes"]] {
        let output = people(&store, args);
        assert!(
            output.status.code() == Some(1) && said(&output).contains("about another request"),
            "{output:?}"
        );
    }
    // Asked again, the signer puts it right.
    assert_eq!(waits(&sign(&store, &second)), ids[1]);
    assert!(list().contains("12.001 STG"), "{}", list());

    let text = statement(&store, &ids[0]);
    let expires = text.lines().find(|line| line.starts_with("expires")).unwrap();
    fs::write(file(&ids[0], "pending.txt"), text.replace(expires, "expires    2020-01-01T00:00:00Z"))
        .unwrap();
    let output = people(&store, &["approve", &ids[0], "--yes"]);
    assert!(output.status.code() == Some(1) && said(&output).contains("has expired"), "{output:?}");
    let output = people(&store, &["pending", "--approvals", "/nonexistent/approvals"]);
    assert!(output.status.code() == Some(1) && said(&output).contains("--approvals"), "{output:?}");
}

#[test]
fn a_folder_of_requests_waits_for_a_folder_of_approvals_that_is_away() {
    let store = store(1);
    let (gap, approvals) = (store.path("gap"), store.dir().join("approvals"));
    fs::create_dir(&gap).unwrap();
    fs::write(&approvals, "no folder").unwrap();
    let mut daemon = Daemon::spawn(&mut store.command(&["sign", "--spool", &gap.to_string_lossy()]));
    daemon.wait_for("signs what comes into");
    fs::write(gap.join("a.request.json"), request(11 * STG).to_string()).unwrap();
    daemon.wait_for(&approvals.to_string_lossy());
    fs::remove_file(&approvals).unwrap();
    daemon.wait_for("a.request.json: waits for approval as");
    assert!(gap.join("a.pending.json").exists());
    assert_eq!(daemon.stop().0.code(), Some(0));
}

/// The command that docs/approvals.md shows, with the program that people have.
#[test]
fn openssh_signs_what_waits() {
    let store = store(1);
    let request = request(11 * STG);
    let id = waits(&sign(&store, &request));
    let text = store.private_file(&format!("{id}.pending.txt"), &statement(&store, &id));
    let key = store.private_file("id_ed25519", &ssh(2).to_openssh(LineEnding::LF).unwrap());
    let mut ssh_keygen = Command::new("ssh-keygen");
    ssh_keygen.args(["-q", "-Y", "sign", "-n", "cold-signer-approval", "-f"]).args([&key, &text]);
    match ssh_keygen.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("NOT TRIED: there is no ssh-keygen here");
            return;
        }
        output => {
            let output = output.unwrap();
            assert!(output.status.success(), "{}", said(&output));
        }
    }
    let file = format!("{}.sig", text.display());
    let approved = people(&store, &["approve", &id, "--signature", &file]);
    assert!(approved.status.success(), "{}", said(&approved));
    assert!(said(&approved).contains(&format!("{id}.bob.approved")), "{}", said(&approved));
    signed(&request, &sign(&store, &request));
}

/// The recipe of docs/approvals.md, with users of this host. Mallory may write into the folder, and into one of carol's
/// group; she is no approver.
#[test]
fn users_of_the_host_approve_for_themselves() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT TRIED: it takes root to be several users");
        return;
    }
    let store = store(1);
    let top = tempfile::tempdir().unwrap();
    fs::set_permissions(top.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let (folder, project, program) =
        (top.path().join("approvals"), top.path().join("project"), top.path().join("cold-signer"));
    fs::copy(custody_tests::store::cold_signer(), &program).unwrap();
    for (mode, path) in [("3770", &folder), ("2775", &project)] {
        let install = Command::new("install").args(["-d", "-m", mode, "-g", "2000"]).arg(path).status();
        assert!(install.unwrap().success());
    }
    let text = policy(1).replace(" uid = 0 }", " uid = 1001 }");
    store.private_file("policy.toml", &text);
    let named = ["--approvals", &*folder.to_string_lossy()];
    let ask = |request: &Value| -> Value {
        serde_json::from_slice(&store.sign(&request.to_string(), &named).stdout).unwrap()
    };
    let run = |uid: &str, script: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", uid, "--regid", uid, "--groups", "2000", "sh", "-ec", script]);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent").output().unwrap()
    };
    let (carol, mallory) = ("1001", "1002");
    let (f, p, c) = (folder.display(), project.display(), program.display());
    let request = request(11 * STG);
    let id = waits(&ask(&request));
    // Carol makes files for something else; mallory gives them other names, or writes into them.
    let prepared = format!("{{ printf 'approved\\n\\n'; cat {f}/{id}.pending.txt; }}");
    for (uid, script) in [
        (mallory, format!("{prepared} > {p}/notes; chmod 644 {p}/notes")),
        (carol, format!("umask 022; cp {p}/notes {p}/copy; umask 002; echo notes > {p}/mine")),
        (mallory, format!("mv {p}/copy {f}/{id}.carol.approved")),
        (mallory, format!("{prepared} > {p}/mine; ln {p}/mine {f}/{id}.x.approved")),
        (mallory, format!("mkdir -p {f}/y; {prepared} > {f}/y/{id}.approved")),
    ] {
        let output = run(uid, &script);
        assert!(output.status.success(), "{script}: {}", said(&output));
        waits(&ask(&request));
    }
    let output = run(mallory, &format!("{c} approve {id} --yes --approvals {f}"));
    assert!(!output.status.success() && said(&output).contains("none of those"), "{}", said(&output));
    let output = run(carol, &format!("{c} approve {id} --yes --approvals {f}"));
    assert!(output.status.success(), "{}", said(&output));
    let output = run(mallory, &format!("mv {f}/me {f}/z || rm -r {f}/me"));
    assert!(!output.status.success(), "the sticky bit keeps others away");
    signed(&request, &ask(&request));
}

/// A rejection is in no export. So a restored journal forgets the approvals, too.
#[test]
fn what_was_rejected_after_a_backup_is_not_signed_with_the_approvals_of_before() {
    let here = store(2);
    let large = request(11 * STG);
    let id = waits(&sign(&here, &large));
    let file = signature(&here, 1, "cold-signer-approval", &statement(&here, &id));
    people(&here, &["approve", &id, "--signature", &file.to_string_lossy()]);
    assert!(sign(&here, &large)["error"].as_str().unwrap().contains("1 of 2"));
    here.back_up();
    people(&here, &["reject", &id, "--reason", "stolen"]);
    assert_eq!(sign(&here, &large)["code"], "denied");
    let journal: Value = serde_json::from_str(&here.ok(&["journal", "verify", "--json"])).unwrap();
    let (count, head) = (journal["count"].to_string(), journal["head"].as_str().unwrap().to_owned());

    let there = Store::none(Network::Dev);
    there.private_file("policy.toml", &policy(2));
    let [backup, identity] =
        ["signer.backup", "key.txt"].map(|name| here.path(name).to_string_lossy().into_owned());
    there.ok(&[
        "restore",
        &backup,
        "--identity",
        &identity,
        "--journal-count",
        &count,
        "--journal-head",
        &head,
    ]);
    // The explorer never saw a transaction for it: nothing is lacking in the export.
    let position = serde_json::json!({ "count": journal["count"], "head": head });
    let export = serde_json::json!({ "network": "dev", "signer_journal": position, "transactions": 0 });
    let export = there.private_file("signed.jsonl", &format!("{export}\n"));
    there.ok(&["journal", "catch-up", &export.to_string_lossy(), "--yes"]);

    let again = sign(&there, &large);
    assert_ne!(waits(&again), id);
    people(&there, &["approve", &waits(&again), "--yes"]);
    let last = sign(&there, &large);
    assert!(last["error"].as_str().unwrap().contains("1 of 2"), "{last}");
}
