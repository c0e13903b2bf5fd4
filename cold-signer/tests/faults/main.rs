//! Every call to the disk of every flow fails once, kills the process once, and is followed by a power loss once.
//!
//! A first pass counts the calls of a flow; then each is made to fail in turn. After every one of them the store is
//! opened as if nothing had happened, and must keep its promises: no key is lost, no account is half made, at most one
//! transaction is released for an output, what was released is in the journal, and the journal verifies.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod backups;
mod flows;
mod gates;
mod image;
mod money;

use cold_signer::disk::{Disk, Gate};
use flows::{FLOWS, Flow};
use gates::{Count, Fault, FaultAt};
use image::PowerLoss;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};
use tempfile::TempDir;

/// What a flow told its user before it ended, one line each.
type Told = Vec<String>;

/// A process that is being started holds, for a moment, the locks of its parent. Whoever starts one writes, whoever
/// opens stores reads.
static STARTING: RwLock<()> = RwLock::new(());

/// Whether everything is tried that can be: nobody waits for that at each change.
static EVERYTHING: LazyLock<bool> =
    LazyLock::new(|| env::var("COLD_SIGNER_FAULTS").is_ok_and(|it| it == "all"));

/// What each flow begins with, made once.
static PREPARED: Mutex<BTreeMap<&str, TempDir>> = Mutex::new(BTreeMap::new());

/// A directory in which the flow can run, and the store in it.
fn prepared(flow: &Flow) -> TempDir {
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    let template = prepared.entry(flow.name).or_insert_with(|| {
        let temp = tempfile::tempdir().unwrap();
        (flow.prepare)(&temp.path().join("store"));
        temp
    });
    let temp = tempfile::tempdir().unwrap();
    copy(template.path(), temp.path());
    temp
}

/// Copies what is in a directory, with its modes.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&path, &target);
            fs::set_permissions(&target, path.metadata().unwrap().permissions()).unwrap();
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Runs a flow on a disk behind a gate. How it ends is told, too.
fn run(flow: &Flow, store: &Path, gate: Arc<dyn Gate>) -> Told {
    let mut told = Vec::new();
    if (flow.run)(store, Disk::behind(gate), &mut |line| told.push(line)).is_ok() {
        told.push("done".to_owned());
    }
    told
}

/// While nobody starts a process.
fn in_peace<T>(run: impl FnOnce() -> T) -> T {
    let _nobody_starts = STARTING.read();
    run()
}

/// The calls that a flow makes when nothing fails.
fn calls(flow: &Flow) -> usize {
    in_peace(|| {
        let temp = prepared(flow);
        let gate = Arc::new(Count::default());
        let told = run(flow, &temp.path().join("store"), gate.clone());
        assert_eq!(told.last().map(String::as_str), Some("done"), "{} works: {told:?}", flow.name);
        (flow.check)(&temp.path().join("store"), &told);
        gate.calls()
    })
}

#[test]
fn every_call_to_the_disk_fails_once() {
    let mut points = 0;
    for flow in FLOWS {
        let calls = calls(flow);
        println!("{}: {calls} calls", flow.name);
        for at in 0..calls {
            // To the program both are an error; every second call meets the other one.
            let fails = if at % 2 == 0 { Fault::Io } else { Fault::NoSpace };
            let faults = [fails, Fault::DoneButReported, Fault::Dead, Fault::Io, Fault::NoSpace];
            for fault in faults.into_iter().take(if *EVERYTHING { 5 } else { 3 }) {
                in_peace(|| {
                    let temp = prepared(flow);
                    let store = temp.path().join("store");
                    let told = run(flow, &store, Arc::new(FaultAt::new(at, fault)));
                    eprintln!("{}: call {at} of {calls}, {fault:?}: {told:?}", flow.name);
                    (flow.check)(&store, &told);
                });
                points += 1;
            }
        }
    }
    println!("{points} faults in all");
    assert!(points > 400, "the flows were run: {points}");
}

#[test]
fn the_process_is_killed_at_every_call_to_the_disk() {
    let mut points = 0;
    for flow in FLOWS {
        let calls = calls(flow);
        for at in 0..calls {
            for fault in [Fault::KillBefore, Fault::KillAfter] {
                let temp = in_peace(|| prepared(flow));
                let store = temp.path().join("store");
                let told = run_in_child(flow, &store, at, fault);
                eprintln!("{}: killed at call {at} of {calls}, {fault:?}: {told:?}", flow.name);
                assert_ne!(told.last().map(String::as_str), Some("done"), "it was killed");
                in_peace(|| (flow.check)(&store, &told));
                points += 1;
            }
        }
    }
    println!("{points} kills in all");
    assert!(points > 200, "the flows were run: {points}");
}

#[test]
fn the_power_fails_at_every_call_to_the_disk() {
    let mut images = 0;
    for flow in FLOWS {
        let calls = calls(flow);
        for at in 0..calls {
            for seed in 0..if *EVERYTHING { 4 } else { 2 } {
                in_peace(|| {
                    let temp = prepared(flow);
                    let (store, image) = (temp.path().join("store"), temp.path().join("image"));
                    let told = run(flow, &store, Arc::new(PowerLoss::new(&store, &image, at, seed)));
                    eprintln!("{}: power lost at call {at} of {calls}, seed {seed}: {told:?}", flow.name);
                    (flow.check)(&image, &told);
                });
                images += 1;
            }
        }
    }
    println!("{images} power losses in all");
    assert!(images > 400, "the flows were run: {images}");
}

/// Runs a flow in a process of its own, which is killed at a call.
fn run_in_child(flow: &Flow, store: &Path, at: usize, fault: Fault) -> Told {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "child", "--nocapture", "--test-threads", "1"]);
    command.env("FAULT_FLOW", flow.name).env("FAULT_STORE", store);
    command.env("FAULT_AT", at.to_string()).env("FAULT_KILL_AFTER", (fault == Fault::KillAfter).to_string());
    let starting = STARTING.write();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(starting);
    let output = child.wait_with_output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    output.lines().filter_map(|line| Some(line.split_once("told: ")?.1.to_owned())).collect()
}

/// The process that is killed: not a test by itself.
#[test]
#[ignore = "run by the_process_is_killed_at_every_call_to_the_disk"]
fn child() {
    let variable = |name| env::var(name).unwrap();
    let flow = FLOWS.iter().find(|flow| flow.name == variable("FAULT_FLOW")).unwrap();
    let fault = if variable("FAULT_KILL_AFTER") == "true" { Fault::KillAfter } else { Fault::KillBefore };
    let gate = Arc::new(FaultAt::new(variable("FAULT_AT").parse().unwrap(), fault));
    let told = (flow.run)(Path::new(&variable("FAULT_STORE")), Disk::behind(gate), &mut |line| {
        println!("told: {line}");
    });
    if told.is_ok() {
        println!("told: done");
    }
}
