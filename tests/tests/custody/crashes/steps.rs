//! A kill after each step of the way from a deposit to a final withdrawal.

use custody_tests::books::{Books, STRANGER};
use custody_tests::custody::{Custody, address, until};
use custody_tests::devnode::control::Command as Control;
use custody_tests::explorer::Explorer;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use stegos_common::hash::Hash;

const STG: i64 = 1_000_000;

const NOTHING: Vec<i64> = Vec::new();

/// When the signer is killed.
#[derive(Clone, Copy)]
enum Signer {
    /// When it was sent the request.
    Asked,
    /// When its answer was read.
    Answered,
}

/// The loop, and a kill after each of its steps.
struct Steps<'a> {
    custody: &'a Custody,
    books: Books,
    /// `run`.
    explorer: Option<Explorer<'a>>,
    /// Whether it stays down until it is needed, so that commands have the ledger to themselves.
    down: bool,
    signer: Signer,
}

impl<'a> Steps<'a> {
    /// A step is done.
    fn kill(&mut self) {
        self.explorer = None;
        if !self.down {
            self.run();
        }
    }

    fn run(&mut self) -> &Explorer<'a> {
        self.explorer.get_or_insert_with(|| self.custody.world.follow())
    }

    /// Pays accounts, in an epoch that is over when this returns.
    fn deposit(&mut self, payments: &[(&str, i64)]) {
        self.books.deposit(self.custody, payments);
        self.kill();
        self.custody.world.mine(1);
        self.kill();
        self.finish_epoch();
    }

    fn finish_epoch(&mut self) {
        self.custody.world.control(Control::FinishEpoch);
        // The explorer is in the midst of it.
        self.kill();
        self.run().settle();
        self.kill();
    }

    /// Runs a `handoff` command that makes one handoff, twice: what the first one reserved is not free.
    fn handoff(&mut self, args: &[&str], again: &[&str]) -> u64 {
        let made = self.custody.handoff(args);
        assert_eq!(made.len(), 1);
        self.kill();
        let out = self.custody.world.path("");
        let more = ["--treasury", "hot", "--out", &out.to_string_lossy()];
        let output = self.custody.world.run(&[&["handoff"], again, &more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && said.contains(", reserved"), "{said}");
        self.kill();
        made[0]
    }

    /// Withdraws all of the treasury's one output but the change. The same id makes nothing new.
    fn withdraw(&mut self, id: &str, amount: &str, more: &[&str]) -> u64 {
        let to = address(STRANGER).to_string();
        let pay = |id| [&["withdraw", "--to", &to, "--amount", amount, "--id", id], more].concat();
        let number = self.handoff(&pay(id), &pay("another"));
        assert_eq!(self.custody.handoff(&pay(id)), [number]);
        self.kill();
        number
    }

    /// Signs a handoff with a daemon that is killed, and then from the file. Answers the file with the answer.
    fn sign(&mut self, number: u64) -> PathBuf {
        let (store, path) = (&self.custody.store, self.custody.request(number));
        let request = fs::read_to_string(&path).unwrap();
        let signer = store.serve(&[]);
        let mut session = signer.connect();
        let answer = match self.signer {
            Signer::Asked => {
                session.send(&request);
                None
            }
            Signer::Answered => session.text(&request),
        };
        // It is killed by being dropped.
        drop(signer);
        let again = store.ok(&["sign", &path.to_string_lossy()]);
        if let Some(answer) = answer {
            assert_eq!(again.trim_end(), answer);
        }
        let response = self.custody.sign(number);
        assert_eq!(fs::read_to_string(&response).unwrap(), again);
        self.books.note(&again);
        response
    }

    /// Brings a handoff to its end, which must be the straight way.
    fn send(&mut self, number: u64) -> Value {
        let custody = self.custody;
        let response = self.sign(number);
        for _ in 0..2 {
            let output = custody.broadcast(&response, &[]);
            assert!(output.status.success(), "{output:?}");
            self.kill();
        }
        self.run();
        let handoff = custody.wait(number, &["accepted"]);
        self.kill();
        if self.down {
            // The node is killed too: it forgets what waits for a block.
            custody.world.control(Control::Restart { seed: None, epochs: None });
            self.run();
            let id: Hash = serde_json::from_value(handoff["transaction"]["id"].clone()).unwrap();
            until(|| custody.world.server.node().chain().waits(&id).then_some(()).ok_or(json!("not sent")));
            self.kill();
        }
        custody.world.mine(1);
        self.kill();
        self.run();
        custody.wait(number, &["prepared"]);
        self.kill();
        self.finish_epoch();
        self.run();
        let handoff = custody.wait(number, &["final"]);
        self.kill();
        let states = handoff["transaction"]["history"].as_array().unwrap().iter();
        let states: Vec<&str> = states.map(|step| step["state"]["name"].as_str().unwrap()).collect();
        assert_eq!(states, ["submitted", "accepted", "prepared", "final"]);
        handoff
    }

    /// Everything is final. Answers what the treasury has, and what the stranger was paid.
    fn check(&mut self) -> [Vec<i64>; 2] {
        let mut outputs = self.books.check(self.custody).outputs;
        outputs.values_mut().for_each(|amounts| amounts.sort_unstable());
        ["hot", STRANGER].map(|name| outputs.remove(name).unwrap_or_default())
    }
}

/// From deposits to a withdrawal of private change.
fn killed(down: bool, signer: Signer) {
    let custody = Custody::new(4, &["alice", "bob"]);
    let books = Books::new(&["alice", "bob", "hot"]);
    let mut steps = Steps { custody: &custody, books, explorer: None, down, signer };
    steps.deposit(&[("alice", 10 * STG), ("bob", 20 * STG), ("alice", 5 * STG)]);
    assert_eq!(steps.check(), [NOTHING, NOTHING]);

    let sweep = ["sweep", "--all"];
    let number = steps.handoff(&sweep, &sweep);
    steps.send(number);
    assert_eq!(steps.check(), [vec![35 * STG - 1000], NOTHING]);

    let private = ["--private", "--comment", "thanks", "--with-certificate", "--private-change", "true"];
    let number = steps.withdraw("w-1", "7 STG", &private);
    let handoff = steps.send(number);
    let certificates = handoff["transaction"]["certificates"].as_array().unwrap();
    assert_eq!(certificates.len(), 2, "one for the payment, one for the change");
    assert_eq!(steps.check(), [vec![28 * STG - 3000], vec![7 * STG]]);

    let number = steps.withdraw("w-2", "27 STG", &[]);
    let handoff = steps.send(number);
    assert_eq!(handoff["inputs"][0]["private"], true);
    assert_eq!(steps.check(), [vec![STG - 5000], vec![7 * STG, 27 * STG]]);

    steps.run().settle();
    custody.world.audit();
}

#[test]
fn killed_after_every_step() {
    killed(false, Signer::Answered);
}

#[test]
fn down_at_every_step() {
    killed(true, Signer::Asked);
}
