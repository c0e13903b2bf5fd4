//! `quickstart` shows what it promises, and leaves nothing behind however it ends.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::store::cold_signer;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use stegos_common::amount::Amount;

/// The program with a private place for temporary files.
fn quickstart(temporary: &Path) -> Command {
    let mut command = Command::new(cold_signer());
    command.arg("quickstart").env_clear().env("TMPDIR", temporary);
    command
}

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

/// Processes that have `text` on their command line.
fn processes(text: &str) -> Vec<String> {
    let lines = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let line = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    lines.filter(|line| line.contains(text)).collect()
}

#[test]
fn it_shows_what_is_signed_and_cleans_up() {
    let temporary = tempfile::tempdir().unwrap();
    let output = quickstart(temporary.path()).output().unwrap();
    let (shown, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{shown}{told}");
    let recorded: serde_json::Value =
        serde_json::from_str(include_str!("../../cold-signer/data/recorded_request.json")).unwrap();
    for output in recorded["request"]["txouts"].as_array().unwrap() {
        let recipient = output["recipient"].as_str().unwrap();
        let amount: Amount = serde_json::from_value(output["amount"].clone()).unwrap();
        assert!(shown.contains(recipient), "{recipient} is not in {shown}");
        assert!(
            shown.contains(&format!(" {amount}\n")) || shown.contains(&format!(" {amount} ")),
            "{amount} is not in {shown}"
        );
    }
    assert_eq!(entries(temporary.path()), 0);
}

#[test]
fn interrupted_it_cleans_up_too() {
    for (step, signal) in [
        ("$ cold-signer init", Signal::TERM),
        ("$ cold-signer serve", Signal::TERM),
        ("$ cold-signer serve", Signal::HUP),
        ("$ cold-signer serve", Signal::INT),
    ] {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = quickstart(temporary.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with(step)));
        assert_eq!(entries(temporary.path()), 1, "{signal:?}");
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{signal:?}");
        assert_eq!(entries(temporary.path()), 0, "{signal:?}");
        assert_eq!(processes(temporary.path().to_str().unwrap()), Vec::<String>::new(), "{signal:?}");
    }
}
