//! A store with a million accounts and a journal with a million records: how long the real program takes to make and to
//! open them, and how much memory at most. The key is derived at the test-only cost, so that its second is not in
//! the times.

#![allow(missing_docs, clippy::unwrap_used, clippy::float_arithmetic)]

use cold_signer::disk::{Call, Disk, Gate};
use cold_signer::journal::{Entry, NewOutputFacts, Signed, Verdict};
use cold_signer::keystore::Keystore;
use cold_signer::passphrase::Passphrase;
use rustix::process::{Pid, Signal, kill_process};
use std::env::args;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::OutputType;
use stegos_common::hash::Hash;
use stegos_common::keys::SecretKey;
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse battery staple";

/// The bytes of a transaction with one public input and two public outputs.
const TRANSACTION: usize = 320;

fn main() {
    // Without --bench, it is only tried that everything runs.
    let count: u64 = if args().any(|argument| argument == "--bench") { 1_000_000 } else { 1000 };
    println!("{:<44} {:>8} {:>12}  target", format!("{count} of each"), "seconds", "memory MiB");
    let bench = Bench::new();
    bench.run("init", &["init", "--network", "dev", "--insecure-test-cost"], "");
    bench.run("key add --count", &["key", "add", "--count", &count.to_string()], "");
    bench.run("key export-public", &["key", "export-public"], "");
    bench.serve("serve, accounts only", "under 10 s, under 1024 MiB");
    let start = Instant::now();
    bench.fill_journal(count);
    println!("{:<44} {:>8.1}", "(filling the journal)", start.elapsed().as_secs_f64());
    bench.serve("serve, accounts and records", "under 1024 MiB");
    bench.run("journal verify", &["journal", "verify"], "");
    bench.run("store check", &["store", "check"], "");
    println!("size in MiB: keys {}, journal {}", bench.size("keys/db"), bench.size("journal"));
}

/// A store in a temporary directory.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let temp = TempDir::new().unwrap();
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(temp.path().join("passphrase"));
        file.unwrap().write_all(PASSPHRASE.as_bytes()).unwrap();
        Self(temp)
    }

    fn start(&self, args: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_cold-signer"))
            .args(args)
            .env_clear()
            .env("COLD_SIGNER_DATA_DIR", self.0.path().join("store"))
            .env("COLD_SIGNER_PASSPHRASE_FILE", self.0.path().join("passphrase"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// A command that comes to its end by itself.
    fn run(&self, name: &str, args: &[&str], target: &str) {
        let start = Instant::now();
        let mut child = self.start(args);
        let mut memory = 0;
        let status = loop {
            memory = memory.max(peak(&child));
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None => sleep(Duration::from_millis(10)),
            }
        };
        row(name, start, memory, target);
        let mut told = String::new();
        child.stderr.unwrap().read_to_string(&mut told).unwrap();
        assert!(status.success(), "{name}: {told}");
    }

    /// The daemon, until it listens.
    fn serve(&self, name: &str, target: &str) {
        let start = Instant::now();
        let mut child = self.start(&["serve"]);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("listens on")));
        row(name, start, peak(&child), target);
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// Records of one public input and two public outputs each, every one a commit of its own; nobody waits for the disk.
    fn fill_journal(&self, count: u64) {
        let passphrase = Passphrase::new(PASSPHRASE.to_owned().into()).unwrap();
        let disk = Disk::behind(Arc::new(Unsynced));
        let keystore = Keystore::open(&self.0.path().join("store"), &passphrase, None, disk).unwrap();
        let (journal, _) = keystore.open_journal().unwrap();
        let output = NewOutputFacts {
            kind: OutputType::PublicPayment,
            recipient: SecretKey::from_seed(b"recipient").public_key().encoded(),
            amount: Amount::from_micro(1_000_000).unwrap(),
        };
        for number in 0..count {
            let signed = Signed { transaction: vec![7; TRANSACTION], certificates: Vec::new() };
            let entry = Entry {
                time: 1_700_000_000_000 + number,
                request: hash("request", number),
                inputs: vec![hash("input", number)],
                outputs: vec![output; 2],
                fee: 2000,
                judged: None,
                verdict: Verdict::Signed(signed),
            };
            journal.commit(&entry).unwrap();
        }
    }

    fn size(&self, name: &str) -> u64 {
        fs::metadata(self.0.path().join("store").join(name)).unwrap().len() >> 20
    }
}

fn hash(what: &str, number: u64) -> Hash {
    Hash::digest(format!("{what} {number}").as_str())
}

fn row(name: &str, start: Instant, memory: u64, target: &str) {
    println!("{name:<44} {:>8.1} {memory:>12}  {target}", start.elapsed().as_secs_f64());
}

/// The most memory that a process had, in MiB; 0 where it has ended.
fn peak(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or_default() >> 10
}

/// Nobody waits for the disk.
struct Unsynced;

impl Gate for Unsynced {
    fn pass(&self, call: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        if call == Call::Sync { Ok(()) } else { run() }
    }
}
