//! A folder between both halves, and nobody who types.

use custody_tests::custody::{Custody, address};
use custody_tests::daemon::Daemon;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const STG: i64 = 1_000_000;

/// A treasury with some outputs, and the folder.
fn begin(outputs: usize) -> (Custody, PathBuf) {
    let custody = Custody::new(4, &[]);
    let explorer = custody.world.follow();
    custody.deposit(&vec![("hot", 10 * STG); outputs]);
    custody.finish_epoch(&explorer);
    drop(explorer);
    let gap = custody.world.path("gap");
    fs::create_dir(&gap).unwrap();
    (custody, gap)
}

fn withdraw(custody: &Custody) -> u64 {
    let to = address("a stranger").to_string();
    custody.handoff(&["withdraw", "--to", &to, "--amount", "4 STG"])[0]
}

/// How many records the signer's journal has.
fn records(custody: &Custody) -> usize {
    custody.store.ok(&["journal", "list", "--json"]).lines().count()
}

fn withdraw_little(custody: &Custody) -> u64 {
    let to = address("a stranger").to_string();
    custody.handoff(&["withdraw", "--to", &to, "--amount", "0.1 STG", "--spend-prepared", "true"])[0]
}

fn started(mut command: Command, says: &str) -> Daemon {
    let mut daemon = Daemon::spawn(&mut command);
    daemon.wait_for(says);
    daemon
}

fn explorer_of(custody: &Custody, gap: &Path) -> Daemon {
    let gap = gap.to_string_lossy();
    started(custody.world.command(&["spool", &gap, "--outbox", &gap]), "takes the answers")
}

fn signer_of(custody: &Custody, gap: &Path) -> Daemon {
    started(custody.store.command(&["sign", "--spool", &gap.to_string_lossy()]), "signs what comes into")
}

/// Waits until a file holds what is wanted.
fn wait_for(path: &Path, wanted: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        // It comes in one step: whatever is there is whole.
        let there: Option<Value> = fs::read(path).ok().map(|bytes| serde_json::from_slice(&bytes).unwrap());
        if let Some(there) = there.filter(&wanted) {
            return there;
        }
        assert!(begin.elapsed().as_secs() < 120, "{} is not there", path.display());
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_people_must_approve_is_paid_once_they_have() {
    let (custody, gap) = begin(1);
    let uid = rustix::process::geteuid().as_raw();
    let policy = format!(
        "[approvals]\nneeded = 1\napprovers = [{{ name = \"me\", uid = {uid} }}]\n\
         [[rules]]\nrule = \"policy-own-accounts\"\naction = \"allow\"\n\
         [[rules]]\nrule = \"policy-any\"\naction = \"ask\"\n"
    );
    custody.store.private_file("policy.toml", &policy);
    let explorer = custody.world.follow();
    let (_spool, _signer) = (explorer_of(&custody, &gap), signer_of(&custody, &gap));
    let number = withdraw(&custody);
    let file = |end: &str| gap.join(format!("handoff-{number}.{end}.json"));
    let pending = wait_for(&file("pending"), |it| it["code"] == "pending_approval");
    // Whoever takes that for an answer changes nothing.
    let output = custody.world.run(&["broadcast", &file("pending").to_string_lossy()]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("asks for approval"), "{output:?}");
    assert!(custody.world.ok(&["handoff", "show", &number.to_string()]).contains("open"));
    custody.store.ok(&["approve", pending["approval"].as_str().unwrap(), "--yes"]);
    wait_for(&file("state"), |state| state["state"] == "accepted");
    custody.world.mine(1);
    wait_for(&file("state"), |state| state["state"] == "prepared");
    assert!(!file("pending").exists());
    drop(explorer);
}

#[test]
fn a_folder_is_enough() {
    let (custody, gap) = begin(3);
    let explorer = custody.world.follow();
    let (spool, signer) = (explorer_of(&custody, &gap), signer_of(&custody, &gap));
    let number = withdraw(&custody);
    let state = gap.join(format!("handoff-{number}.state.json"));
    wait_for(&state, |state| state["state"] == "accepted");
    custody.world.mine(1);
    wait_for(&state, |state| state["state"] == "prepared");
    // Both are killed, and go on.
    drop((spool, signer));
    custody.finish_epoch(&explorer);
    let (_spool, signer) = (explorer_of(&custody, &gap), signer_of(&custody, &gap));
    let said = wait_for(&state, |state| state["state"] == "final");
    let handoff = custody.show(number);
    assert_eq!(said["transaction"], handoff["transaction"]["id"]);
    assert_eq!(said["history"], handoff["transaction"]["history"]);

    // The explorer starts again meanwhile.
    explorer.stop();
    let explorer = custody.world.follow();
    let number = withdraw(&custody);
    custody.wait(number, &["accepted"]);
    custody.finish_epoch(&explorer);
    wait_for(&gap.join(format!("handoff-{number}.state.json")), |state| state["state"] == "final");
    assert_eq!(signer.stop().0.code(), Some(0));
    assert_eq!(records(&custody), 2, "each was signed once");
}

#[test]
fn what_is_wrong_is_said_beside_it() {
    let (custody, gap) = begin(1);
    let number = withdraw(&custody);
    let request = fs::read_to_string(custody.request(number)).unwrap();
    let mut unowned: Value = serde_json::from_str(&request).unwrap();
    unowned["fee"] = json!(7);
    fs::write(gap.join("other.request.json"), unowned.to_string()).unwrap();
    fs::write(gap.join("moon.response.json"), "moon").unwrap();
    symlink(custody.request(number), gap.join("link.request.json")).unwrap();
    fs::write(gap.join("handoff-1.request.json"), &request).unwrap();

    // What is good is done all the same.
    let dir = gap.to_string_lossy();
    let output = custody.store.run(&["sign", "--spool", &dir, "--once"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let refused: Value = serde_json::from_slice(&fs::read(gap.join("other.refused.json")).unwrap()).unwrap();
    assert_eq!(refused["code"], "fee_too_low", "{refused}");
    assert!(!gap.join("link.response.json").exists());
    let output = custody.world.run(&["spool", &dir, "--once"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let not_taken: Value = serde_json::from_slice(&fs::read(gap.join("moon.state.json")).unwrap()).unwrap();
    assert!(not_taken["error"].as_str().unwrap().contains("no answer"), "{not_taken}");
    wait_for(&gap.join("handoff-1.state.json"), |state| state["state"] == "submitted");

    // What was refused is not judged again, nor is what was signed signed again.
    custody.store.ok(&["sign", "--spool", &dir, "--once"]);
    assert_eq!(records(&custody), 2);
    // Until somebody wants it.
    fs::remove_file(gap.join("other.refused.json")).unwrap();
    let output = custody.store.run(&["sign", "--spool", &dir, "--once"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn one_bad_file_keeps_nothing_else_back() {
    let (custody, gap) = begin(3);
    let (first, second) = (withdraw(&custody), withdraw(&custody));
    // Names that are taken by something else, on both sides.
    for name in ["a.response.json", "handoff-1.state.json"] {
        fs::create_dir(gap.join(name)).unwrap();
    }
    for (name, number) in [("a", first), ("handoff-1", first), ("handoff-2", second)] {
        fs::copy(custody.request(number), gap.join(format!("{name}.request.json"))).unwrap();
    }
    symlink("nowhere", gap.join("b.response.json")).unwrap();
    let dir = gap.to_string_lossy();
    assert_eq!(custody.store.run(&["sign", "--spool", &dir, "--once"]).status.code(), Some(1));
    assert!(gap.join("handoff-2.response.json").exists());
    assert_eq!(custody.world.run(&["spool", &dir, "--once"]).status.code(), Some(1));
    for number in [first, second] {
        assert!(custody.show(number)["transaction"].is_object());
    }
    // What an outbox cannot take is no reason either.
    let third = withdraw_little(&custody);
    symlink("nowhere", gap.join(format!("handoff-{third}.request.json"))).unwrap();
    let output = custody.world.run(&["spool", &dir, "--outbox", &dir, "--once"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_request_that_changes_is_judged_anew() {
    let (custody, gap) = begin(1);
    let number = withdraw(&custody);
    let request = fs::read_to_string(custody.request(number)).unwrap();
    let file = gap.join("handoff-1.request.json");
    fs::write(&file, "moon").unwrap();
    let dir = gap.to_string_lossy();
    let sign = || custody.store.run(&["sign", "--spool", &dir, "--once"]).status.code();
    assert_eq!((sign(), sign()), (Some(3), Some(0)), "once is enough for the same");
    // However the clocks of both hosts differ.
    fs::write(&file, &request).unwrap();
    let past = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    fs::File::open(&file).unwrap().set_modified(past).unwrap();
    assert_eq!(sign(), Some(0));
    assert!(!gap.join("handoff-1.refused.json").exists());
    assert_eq!(records(&custody), 2);
    assert_eq!((sign(), records(&custody)), (Some(0), 2));
}

/// The signer's journal as the explorer knows it.
fn journal(custody: &Custody) -> Value {
    custody.world.json(&["status"])["signer_journal"].clone()
}

#[test]
fn a_signer_that_forgot_something_is_noticed() {
    let (custody, _) = begin(8);
    let explorer = custody.world.follow();
    custody.send(withdraw(&custody));
    let old = custody.store.copy();
    // A record that no answer of a handoff tells of.
    assert_eq!(custody.store.sign("moon", &[]).status.code(), Some(3));
    let forgotten = withdraw(&custody);
    custody.send(forgotten);
    custody.send(withdraw(&custody));
    assert_eq!(
        (&journal(&custody)["known"]["count"], &journal(&custody)["alarm"]),
        (&json!(4), &Value::Null)
    );
    assert!(!custody.world.ok(&["status"]).contains("ALARM"));

    // The key store is set back to what it was after the first.
    custody.store.replace_by(&old);
    let number = withdraw(&custody);
    let output = custody.broadcast(&custody.sign(number), &[]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("ALARM"), "{output:?}");
    let status = custody.world.ok(&["status"]);
    assert!(status.starts_with("ALARM") && status.contains("went back"), "{status}");
    let alarm = &journal(&custody)["alarm"];
    assert_eq!((&alarm["handoff"], &alarm["position"]["count"]), (&json!(number), &json!(2)));
    // It outlives a crash, and what is signed after it.
    drop(explorer);
    let explorer = custody.world.follow();
    custody.send(withdraw(&custody));
    assert!(custody.world.ok(&["status"]).contains("ALARM"));
    custody.world.ok(&["accept-journal"]);
    assert!(!custody.world.ok(&["status"]).contains("ALARM"));

    // Once more, and accepted before anything is signed: then it is none.
    custody.store.replace_by(&old);
    custody.world.ok(&["accept-journal"]);
    custody.send(withdraw(&custody));
    assert_eq!(
        (&journal(&custody)["known"]["count"], &journal(&custody)["alarm"]),
        (&json!(2), &Value::Null)
    );

    // What it forgot, it signs into another transaction. That is not sent, and proves everything.
    let (request, other) = (custody.request(forgotten), custody.world.path("other.json"));
    custody.store.ok(&["sign", &request.to_string_lossy(), "--out", &other.to_string_lossy()]);
    let output = custody.broadcast(&other, &[]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(journal(&custody)["alarm"]["sign"], "signed_twice", "{}", journal(&custody));
    explorer.stop();
}
