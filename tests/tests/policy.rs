//! What the signer signs under a policy, asked as whoever owns the online host could ask.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::daemon::Daemon;
use custody_tests::money::{self, key, stranger};
use custody_tests::request::{pay, signed, spend};
use custody_tests::session::Session;
use custody_tests::store::{Signer, Store};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use stegos_common::address::{Address, Network};
use stegos_common::socket::Endpoint;

const STG: i64 = 1_000_000;

/// A store with two accounts and a policy.
fn store(policy: &str) -> Store {
    let store = Store::new(Network::Dev);
    for account in ["alice", "hot"] {
        store.import(account, &key(account).0);
    }
    write(&store, policy);
    store
}

fn write(store: &Store, policy: &str) {
    store.private_file("policy.toml", policy);
}

fn rule(tag: &str, action: &str, settings: &str) -> String {
    format!("[[rules]]\nrule = \"{tag}\"\naction = \"{action}\"\n{settings}\n")
}

fn any() -> String {
    rule("policy-any", "allow", "")
}

fn own(account: &str) -> Address {
    Address::new(Network::Dev, key(account).1)
}

/// A request that pays so much to somebody, from an output of alice's that was never seen before.
fn request(to: &Address, amount: i64) -> Value {
    let input = money::public(&key("alice").1, amount + 1000);
    spend([&input], &[pay(to, amount)], 1000)
}

fn without_policy(store: &Store, request: &Value) -> Output {
    let file = store.private_file("request.json", &request.to_string());
    let mut command: Command = store.command(&["sign", &file.to_string_lossy()]);
    command.env_remove("COLD_SIGNER_POLICY").output().unwrap()
}

fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn sign(store: &Store, request: &Value) -> Value {
    answer(&store.sign(&request.to_string(), &[]))
}

fn is_refused(answer: &Value, code: &str, rule: &str) {
    assert_eq!(answer["code"], code, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains(rule), "{answer}");
}

#[test]
fn without_a_policy_money_stays_in_the_house() {
    let store = store("");
    let output = without_policy(&store, &request(&stranger(Network::Dev), STG));
    assert_eq!(output.status.code(), Some(3));
    is_refused(&answer(&output), "denied", "--policy");
    let inside = request(&own("hot"), STG);
    signed(&inside, &answer(&without_policy(&store, &inside)));
    // An archived account is a stranger.
    store.ok(&["key", "remove", "hot"]);
    let archived = request(&own("hot"), STG);
    is_refused(&answer(&without_policy(&store, &archived)), "denied", "--policy");
    // And an empty policy is none: that is an error, not a permission.
    let output = store.sign(&archived.to_string(), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn totals_hold_over_restarts_and_what_was_signed_is_answered_again() {
    let store = store(&(rule("policy-hour-total", "deny", "most = \"25 STG\"") + &any()));
    let (first, second) =
        (request(&stranger(Network::Dev), 20 * STG), request(&stranger(Network::Dev), 6 * STG));
    let signed_first = sign(&store, &first);
    signed(&first, &signed_first);
    // Each command is a start of its own.
    let refused = sign(&store, &second);
    is_refused(&refused, "limited", "policy-hour-total");
    assert!(refused["error"].as_str().unwrap().contains("26.002 STG"), "{refused}");
    is_refused(&sign(&store, &request(&stranger(Network::Dev), 26 * STG)), "denied", "policy-hour-total");
    let inside = request(&own("hot"), 100 * STG);
    signed(&inside, &sign(&store, &inside));
    assert_eq!(sign(&store, &first)["data"], signed_first["data"]);
    // What fits, fits to the last micro-STG: 20.001 and 0.001 left.
    let rest = request(&stranger(Network::Dev), 5 * STG - 3000);
    signed(&rest, &sign(&store, &rest));
    is_refused(&sign(&store, &request(&own("hot"), STG)), "limited", "policy-hour-total");
    write(&store, &rule("policy-private", "deny", ""));
    assert_eq!(sign(&store, &first)["data"], signed_first["data"], "whatever the policy says now");
}

#[test]
fn many_at_once_do_not_share_what_is_left() {
    // Five of them, with their fees.
    let store = store(&(rule("policy-day-total", "deny", "most = \"5.005 STG\"") + &any()));
    let signer = store.serve(&[]);
    let (endpoint, token) = (Endpoint::Unix(signer.socket()), store.dir().join("api.token"));
    let (done, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut session = Session::open(&endpoint, &token);
                let answer = session.request(&request(&stranger(Network::Dev), STG));
                match answer["code"].as_str() {
                    None => done.fetch_add(1, SeqCst),
                    Some("limited") => refused.fetch_add(1, SeqCst),
                    Some(_) => panic!("{answer}"),
                };
            });
        }
    });
    assert_eq!((done.into_inner(), refused.into_inner()), (5, 11));
}

#[test]
fn a_spool_reads_its_policy_again_too() {
    let store = store(&any());
    let folder = store.path("gap");
    fs::create_dir(&folder).unwrap();
    let mut daemon = Daemon::spawn(&mut store.command(&["sign", "--spool", &folder.to_string_lossy()]));
    daemon.wait_for("signs what comes into");
    write(&store, &(rule("policy-transaction-amount", "deny", "most = \"1 STG\"") + &any()));
    let pid = Pid::from_raw(i32::try_from(daemon.id()).unwrap()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    daemon.wait_for("is in force");
    fs::write(folder.join("a.request.json"), request(&stranger(Network::Dev), 2 * STG).to_string()).unwrap();
    daemon.wait_for("refused (denied)");
    assert_eq!(daemon.stop().0.code(), Some(0));
}

#[test]
fn only_a_local_command_puts_another_policy_in_force() {
    let store = store(&any());
    let mut daemon = Daemon::spawn(&mut store.command(&["serve"]));
    daemon.wait_for("listens on");
    let token = store.dir().join("api.token");
    let endpoint = Endpoint::Unix(store.dir().join("run/signer.sock"));
    let ask = |amount| {
        let request = request(&stranger(Network::Dev), amount);
        Session::open(&endpoint, &token).request(&request)
    };
    let hang_up = |daemon: &mut Daemon, says: &str| {
        let pid = Pid::from_raw(i32::try_from(daemon.id()).unwrap()).unwrap();
        kill_process(pid, Signal::HUP).unwrap();
        daemon.wait_for(says);
    };
    write(&store, &(rule("policy-transaction-amount", "deny", "most = \"1 STG\"") + &any()));
    assert_eq!(ask(2 * STG)["code"], Value::Null, "it was not read again by itself");
    hang_up(&mut daemon, "is in force");
    is_refused(&ask(2 * STG), "denied", "policy-transaction-amount");
    assert_eq!(ask(STG)["code"], Value::Null);
    write(&store, "[[rules]]\nrule = \"policy-moon\"\n");
    hang_up(&mut daemon, "stays as it was");
    is_refused(&ask(2 * STG), "denied", "policy-transaction-amount");
    assert_eq!(daemon.stop().0.code(), Some(0));
}

#[test]
fn a_policy_that_others_could_change_is_refused() {
    let store = store(&any());
    let path = store.path("policy.toml");
    let directory = path.parent().unwrap();
    let request = request(&own("hot"), STG);
    for (mode, fine) in [(0o664, false), (0o602, false), (0o644, true), (0o400, true)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let output = store.sign(&request.to_string(), &[]);
        assert_eq!(output.status.success(), fine, "{mode:o}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr).contains("can be changed by others"), !fine);
    }
    // Nor may others put something in its place.
    fs::set_permissions(directory, Permissions::from_mode(0o777)).unwrap();
    assert_eq!(store.sign(&request.to_string(), &[]).status.code(), Some(1));
    fs::set_permissions(directory, Permissions::from_mode(0o700)).unwrap();
    let link = store.path("link.toml");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let file = store.private_file("request.json", &request.to_string());
    let sign = ["sign", &file.to_string_lossy(), "--policy"];
    assert_eq!(store.run(&[&sign[..], &[&link.to_string_lossy()]].concat()).status.code(), Some(1));
    // Or name another one in the configuration.
    let config = store.private_file("signer.toml", &format!("[rules]\npolicy = {path:?}\n"));
    let configured = ["--config", &config.to_string_lossy(), "sign", &file.to_string_lossy()];
    let run = || store.command(&configured).env_remove("COLD_SIGNER_POLICY").output().unwrap().status.code();
    assert_eq!(run(), Some(0));
    fs::set_permissions(&config, Permissions::from_mode(0o666)).unwrap();
    assert_eq!(run(), Some(1));
}

#[test]
fn inspect_says_which_rule_decides_and_the_journal_which_did() {
    let store = store(&(rule("policy-recipient-amount", "deny", "most = \"3 STG\"") + &any()));
    let (small, large) =
        (request(&stranger(Network::Dev), 3 * STG), request(&stranger(Network::Dev), 3 * STG + 1));
    for (request, rule, place, verdict) in
        [(&small, "policy-any", 2, "allowed"), (&large, "policy-recipient-amount", 1, "denied")]
    {
        let shown = store.inspect(&request.to_string(), &["--json"]);
        let policy = &answer(&shown)["policy"];
        assert_eq!(
            (&policy["rule"], &policy["place"], &policy["verdict"]),
            (&json!(rule), &json!(place), &json!(verdict))
        );
        let text = store.inspect(&request.to_string(), &[]);
        assert!(String::from_utf8_lossy(&text.stdout).contains(&format!("{rule}, rule {place}")), "{text:?}");
        assert_eq!(policy["outward"], request["txouts"][0]["amount"].as_i64().unwrap() + 1000);
    }
    signed(&small, &sign(&store, &small));
    is_refused(&sign(&store, &large), "denied", "policy-recipient-amount");
    let journal = store.ok(&["journal", "list", "--json"]);
    let judged: Vec<Value> =
        journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["policy"].clone()).collect();
    assert_eq!(
        (&judged[0]["rule"], &judged[1]["rule"]),
        (&json!("policy-any"), &json!("policy-recipient-amount"))
    );
    assert_eq!(judged[0]["digest"], judged[1]["digest"]);
    assert_eq!(judged[0]["outward"], 3 * STG + 1000);
    // Another policy is tried on the past, and on a request, without being put in force.
    let looser = store.private_file("looser.toml", &any());
    let replayed = store.ok(&["policy", "check", &looser.to_string_lossy(), "--replay"]);
    assert!(replayed.contains("was refused, allowed by policy-any"), "{replayed}");
    assert!(replayed.contains("1 of 2 would have been decided otherwise"), "{replayed}");
    let nothing = store.private_file("nothing.toml", &rule("policy-own-accounts", "allow", ""));
    let replayed = store.ok(&["policy", "check", &nothing.to_string_lossy(), "--replay"]);
    assert!(replayed.contains("was signed, not allowed by policy-default"), "{replayed}");
    let output = store.inspect(&large.to_string(), &["--policy", &nothing.to_string_lossy()]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("policy-default"), "{output:?}");
}

#[test]
fn a_request_that_says_more_than_is_documented_can_be_refused() {
    let rules = rule("policy-unknown-field", "deny", "") + &rule("policy-request-key", "deny", "") + &any();
    let store = store(&rules);
    for change in [
        |request: &mut Value| request["colour"] = json!("of a secret"),
        |request: &mut Value| request["txouts"][0]["colour"] = json!(1),
    ] {
        let mut request = request(&own("hot"), STG);
        change(&mut request);
        is_refused(&sign(&store, &request), "denied", "policy-unknown-field");
    }
    let mut request = request(&own("hot"), STG);
    request["secret_key"] = json!(key("alice").0.to_bytes().to_vec());
    is_refused(&sign(&store, &request), "denied", "policy-request-key");
    assert!(!store.ok(&["journal", "list", "--json"]).contains("colour"));
}

#[test]
fn the_example_is_a_policy() {
    let store = store(include_str!("../../cold-signer/policy.toml.example"));
    let checked = store.ok(&["policy", "check", &store.path("policy.toml").to_string_lossy()]);
    assert!(checked.lines().count() > 15, "{checked}");
    assert!(store.ok(&["policy", "explain", "policy-day-total"]).contains("24 hours"));
    assert_eq!(store.run(&["policy", "explain", "policy-moon"]).status.code(), Some(1));
    let _signer: Signer<'_> = store.serve(&[]);
}

#[test]
fn a_clock_is_confirmed_by_hand_only() {
    let store = store(&any());
    let before = sign(&store, &request(&own("hot"), STG));
    assert!(before["data"].is_string(), "{before}");
    let mut refused = store.command(&["clock", "confirm"]);
    let output = refused.stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("The last signature or confirmation: 2"),
        "{output:?}"
    );
    assert!(store.ok(&["clock", "confirm", "--yes"]).starts_with("confirmed: 2"));
    let journal = store.ok(&["journal", "list", "--json"]);
    assert!(journal.lines().last().unwrap().contains("clock_confirmed"), "{journal}");
    assert!(store.ok(&["journal", "list"]).contains("clock confirmed"));
    assert!(store.ok(&["journal", "show", "1"]).contains("clock confirmed"));
    store.ok(&["journal", "verify"]);
    let after = sign(&store, &request(&own("hot"), STG));
    assert!(after["data"].is_string(), "{after}");
}
