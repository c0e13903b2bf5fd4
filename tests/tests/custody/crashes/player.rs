//! One who deposits, sweeps, withdraws, signs and sends, and kills what is on the way.

use custody_tests::books::{Books, STRANGER};
use custody_tests::custody::{Custody, TREASURY, address, status};
use custody_tests::devnode::control::Command as Control;
use custody_tests::explorer::Explorer;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hint::black_box;
use std::process::{Child, Command, Output, Stdio};
use stegos_common::hash::Hash;

const STG: i64 = 1_000_000;

/// A little while that the machine is busy.
fn work(units: usize) {
    (0..units).for_each(|unit| {
        black_box(Hash::digest(unit.to_le_bytes().as_slice()));
    });
}

fn spawn(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// How much work can be done while a command runs that is not the first one.
fn pace(command: impl Fn() -> Command) -> usize {
    let measure = |()| {
        let mut child = spawn(command());
        let mut units = 0;
        while child.try_wait().unwrap().is_none() {
            work(100);
            units += 100;
        }
        units
    };
    [(); 3].map(measure).into_iter().min().unwrap()
}

/// See the module.
pub(super) struct Player<'a> {
    pub(super) custody: &'a Custody,
    pub(super) books: Books,
    /// `run`, unless it is killed.
    explorer: Option<Explorer<'a>>,
    rng: ChaCha8Rng,
    /// How much work can be done while the explorer's and the signer's commands run.
    paces: [usize; 2],
    /// What each withdrawal pays. No two pay the same amount, so that one knows an output by it.
    pub(super) asked: BTreeMap<String, i64>,
    /// What each handoff is for, of which a command has told.
    pub(super) told: BTreeMap<u64, Value>,
    /// The handoffs whose transactions are stored, as a command has told.
    pub(super) sent: BTreeSet<u64>,
    /// What was killed while it was at work, and how often.
    kills: BTreeMap<&'static str, usize>,
}

impl<'a> Player<'a> {
    pub(super) const USERS: [&'static str; 3] = ["alice", "bob", "carol"];

    pub(super) fn new(custody: &'a Custody, seed: u64) -> Self {
        let paces = [
            pace(|| custody.world.command(&["handoff", "list"])),
            pace(|| custody.store.command(&["key", "list"])),
        ];
        let mut books = Books::new(&[&Self::USERS[..], &[TREASURY]].concat());
        books.deposit(custody, &[(TREASURY, 50 * STG); 12]);
        custody.world.control(Control::FinishEpoch);
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let (asked, told, sent, kills) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let explorer = custody.world.follow();
        explorer.settle();
        Self { custody, books, explorer: Some(explorer), rng, paces, asked, told, sent, kills }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.rng.next_u32() as usize % limit
    }

    fn one_in(&mut self, limit: usize) -> bool {
        self.below(limit) == 0
    }

    /// Works less than a command does, or a little more.
    fn work(&mut self, pace: usize) {
        let units = self.below(pace + pace / 4 + 1);
        work(units);
    }

    /// Kills a command, which may have done its work.
    fn kill(&mut self, child: &mut Child, what: &'static str) {
        if child.try_wait().unwrap().is_none() {
            *self.kills.entry(what).or_default() += 1;
        }
        child.kill().unwrap();
    }

    fn kill_run(&mut self) {
        if self.explorer.take().is_some() {
            *self.kills.entry("run").or_default() += 1;
        }
    }

    /// `run`, which is started unless it runs.
    pub(super) fn run(&mut self) -> &Explorer<'a> {
        self.explorer.get_or_insert_with(|| self.custody.world.follow())
    }

    /// Starts `run` anew.
    pub(super) fn restart(&mut self) {
        self.kill_run();
        self.run();
    }

    /// A turn of the loop.
    pub(super) fn play(&mut self) {
        // They may be taken back for good, so not all that is needed comes now.
        let mut payments = vec![(TREASURY, 20 * STG); 2];
        for _ in 0..self.below(4) {
            let user = Self::USERS[self.below(3)];
            payments.push((user, i64::from(self.rng.next_u32() % 5_000_000) + 20_000));
        }
        self.books.deposit(self.custody, &payments);
        self.custody.world.mine(1);
        self.run().settle();
        for _ in 0..2 + self.below(2) {
            self.disturb();
            if self.one_in(2) { self.sweep() } else { self.withdraw() }
        }
        for handoff in self.live() {
            self.disturb();
            if status(&handoff) == "open" {
                self.sign_and_send(&handoff, true);
            }
        }
        for _ in 0..self.below(3) {
            // Whatever can be included is.
            self.restart();
            self.run().settle();
            self.wait(&self.made());
            self.custody.world.mine(1);
            if self.one_in(2) {
                self.run().settle();
                self.wait(&self.made());
                self.revert();
            }
            self.disturb();
        }
    }

    /// The chain goes on or back, `run` is killed or started, or the node is.
    fn disturb(&mut self) {
        let world = &self.custody.world;
        for _ in 0..self.below(3) {
            match self.below(7) {
                0..2 => world.mine(1),
                2..4 => self.revert(),
                4 => self.kill_run(),
                5 => drop(world.control(Control::Restart { seed: None, epochs: None })),
                _ => {
                    self.run();
                }
            }
            self.work(self.paces[0]);
        }
    }

    /// Takes blocks back, where there are some that are not final.
    fn revert(&mut self) {
        let world = &self.custody.world;
        let offset = world.server.node().chain().offset();
        if offset > 0 {
            let blocks = 1 + self.rng.next_u32() % offset;
            world.control(Control::Revert { blocks, keep_transactions: self.one_in(2) });
        }
    }

    /// Runs a command of the explorer in which something is killed, perhaps, and then once more to its end.
    fn command(&mut self, args: &[&str]) -> (Option<Value>, Output) {
        let args = [args, &["--json"]].concat();
        let mut child = spawn(self.custody.world.command(&args));
        self.work(self.paces[0]);
        match self.below(3) {
            0 => self.kill(&mut child, "commands"),
            1 => self.kill_run(),
            _ => {}
        }
        let first = child.wait_with_output().unwrap();
        if self.one_in(2) {
            self.run();
        }
        (serde_json::from_slice(&first.stdout).ok(), self.custody.world.run(&args))
    }

    /// Runs a `handoff` command in the same way. Answers whether it is done; otherwise it was refused in these words.
    fn handoff(&mut self, args: &[&str], refusal: &str) -> bool {
        let out = self.custody.world.path("");
        let more = ["--treasury", TREASURY, "--out", &out.to_string_lossy()];
        let mut args = [&["handoff"], args, &more].concat();
        if self.one_in(2) {
            args.extend(["--private-change", "true"]);
        }
        if self.one_in(2) {
            args.extend(["--spend-prepared", "true"]);
        }
        let (first, last) = self.command(&args);
        let said = String::from_utf8_lossy(&last.stderr).into_owned();
        // Its input may have been taken back before its request was written.
        let is_fine = last.status.success() || said.contains(refusal) || says_unknown(&last);
        assert!(is_fine, "{args:?}: {said}");
        let last = serde_json::from_slice(&last.stdout).ok();
        for made in [&first, &last].into_iter().flatten() {
            made["handoffs"].as_array().unwrap().iter().for_each(|handoff| self.tell(handoff));
        }
        last.is_some()
    }

    /// Notes that there is a handoff: what it is for never changes.
    pub(super) fn tell(&mut self, handoff: &Value) {
        let what = json!([handoff["inputs"], handoff["outputs"], handoff["fee"]]);
        let told = self.told.entry(handoff["number"].as_u64().unwrap()).or_insert_with(|| what.clone());
        assert_eq!(*told, what);
    }

    fn sweep(&mut self) {
        self.handoff(&["sweep", "--all"], "nothing to sweep");
    }

    /// Pays one or some.
    fn withdraw(&mut self) {
        let mut payments = Vec::new();
        for _ in 0..1 + self.below(3) {
            let number = self.asked.len() + 1;
            let id = format!("w-{number}");
            let amount = i64::try_from((1 + self.below(4)) * 1_000_000 + number).unwrap();
            let to = address(STRANGER);
            payments.push(if self.one_in(2) {
                let with_certificate = self.one_in(2);
                json!({ "id": id, "to": to, "amount": amount, "private": true, "comment": id, "with_certificate": with_certificate })
            } else {
                json!({ "id": id, "to": to, "amount": amount })
            });
            self.asked.insert(id, amount);
        }
        let batch = self.custody.world.path("batch.jsonl");
        let lines: Vec<String> = payments.iter().map(Value::to_string).collect();
        fs::write(&batch, lines.join("\n")).unwrap();
        assert!(self.handoff(&["withdraw", "--batch", &batch.to_string_lossy()], "\0"));
    }

    /// Signs an open handoff and sends the answer, where all that it spends is known.
    pub(super) fn sign_and_send(&mut self, handoff: &Value, kill: bool) {
        let (custody, number) = (self.custody, handoff["number"].as_u64().unwrap());
        self.tell(handoff);
        // The command that made it may have been killed before it wrote this.
        let out = custody.world.path("");
        let written =
            custody.world.run(&["handoff", "request", &number.to_string(), "--out", &out.to_string_lossy()]);
        if !written.status.success() {
            return assert!(says_unknown(&written), "{written:?}");
        }
        let (request, response) = (custody.request(number), custody.response(number));
        while kill && !response.exists() && !self.one_in(5) {
            self.sign_killed(&[&request.to_string_lossy(), "--out", &response.to_string_lossy()]);
        }
        // There is nothing or all of it.
        if !response.exists() {
            let _ = custody.sign(number);
        }
        let answer = fs::read_to_string(&response).unwrap();
        assert_eq!(custody.store.ok(&["sign", &request.to_string_lossy()]), answer);
        self.books.note(&answer);
        let args = ["broadcast", &response.to_string_lossy()];
        let output = if kill { self.command(&args).1 } else { custody.world.run(&args) };
        if output.status.success() {
            self.sent.insert(number);
        } else {
            assert!(says_unknown(&output), "{output:?}");
        }
    }

    /// The signer is killed, as a command or as a daemon.
    fn sign_killed(&mut self, args: &[&str]) {
        let store = &self.custody.store;
        if self.one_in(3) {
            let signer = store.serve(&[]);
            signer.connect().send(&fs::read_to_string(args[0]).unwrap());
            self.work(self.paces[1]);
            *self.kills.entry("daemons").or_default() += 1;
            return drop(signer);
        }
        let mut child = spawn(store.command(&[&["sign"], args].concat()));
        self.work(2 * self.paces[1]);
        self.kill(&mut child, "signers");
        child.wait().unwrap();
    }

    /// All handoffs to which something may still happen, and is to happen.
    pub(super) fn live(&self) -> Vec<Value> {
        let handoffs: Vec<Value> =
            serde_json::from_value(self.custody.world.json(&["handoff", "list", "--live"])).unwrap();
        handoffs.into_iter().filter(|handoff| status(handoff) != "cancelled").collect()
    }

    /// What was done.
    pub(super) fn summary(&self) -> String {
        let handoffs = self.custody.handoffs();
        let count = |what: &dyn Fn(&Value) -> bool| handoffs.iter().filter(|handoff| what(handoff)).count();
        let cancelled = count(&|handoff| status(handoff) == "cancelled");
        let rolled_back = count(&|handoff| handoff.to_string().contains("rolled_back"));
        format!(
            "{} withdrawals in {} handoffs, {rolled_back} were rolled back, {cancelled} lost an input; killed: {:?}",
            self.asked.len(),
            handoffs.len(),
            self.kills
        )
    }
}

/// Whether a handoff is refused because the block of its input was taken back.
fn says_unknown(output: &Output) -> bool {
    output.status.code() == Some(3)
        && String::from_utf8_lossy(&output.stderr).contains("is not kept here any more")
}
