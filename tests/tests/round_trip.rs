//! The round trip, run as a newcomer would: what it shows, what it keeps, what it serves, and that it cleans up.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::daemon::{Daemon, build};
use custody_tests::explorer::output_explorer;
use custody_tests::store::cold_signer;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The program with a private place for temporary files.
fn round_trip(temporary: &Path) -> Command {
    // Built here, so that nothing is compiled in that place.
    let _ = (cold_signer(), output_explorer(), build("stegos-devnode").unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_round-trip"));
    command.env("TMPDIR", temporary);
    command
}

/// Starts it and answers what it shows.
fn start(command: &mut Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// Lines up to and with the first that has `text` in it.
fn until(lines: &mut Lines<BufReader<ChildStdout>>, text: &str) -> String {
    let mut shown = String::new();
    for line in lines {
        let line = line.unwrap();
        shown += &format!("{line}\n");
        if line.contains(text) {
            return shown;
        }
    }
    panic!("{text} is not in {shown}");
}

/// Asserts that neither a file nor a process is left.
fn nothing_is_left(temporary: &Path) {
    assert_eq!(fs::read_dir(temporary).unwrap().count(), 0);
    let here =
        |entry: fs::DirEntry| Some(fs::read_link(entry.path().join("cwd")).ok()?.starts_with(temporary));
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| here(entry.ok()?));
    assert_eq!(processes.filter(|here| *here).count(), 0);
}

/// The commands that it shows at the end, and what prepares a terminal for them.
fn commands(shown: &str) -> (String, Vec<String>) {
    let lines = shown.lines().skip_while(|line| !line.starts_with("  cd ")).map(str::trim);
    let (setup, commands): (Vec<&str>, Vec<&str>) =
        lines.partition(|line| line.starts_with("cd ") || line.starts_with("export "));
    let commands = commands.join("\n").replace("\\\n", "");
    (setup.join("\n"), commands.lines().map(str::to_owned).collect())
}

/// What a command says in a terminal that was prepared.
fn typed(setup: &str, command: &str) -> String {
    let output = Command::new("sh").args(["-ec", &format!("{setup}\n{command}")]).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_story_is_told_and_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let keep = temporary.path().join("look here");
    let keep_it = || round_trip(temporary.path()).arg("--keep").arg(&keep).output().unwrap();
    let output = keep_it();
    let (shown, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{shown}{told}");

    // In this order, however wide the columns are.
    let narrow: Vec<String> =
        shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let narrow = narrow.join("\n");
    let mut rest = &*narrow;
    for fact in [
        "2. The signer",
        "cold-signer key add alice bob carol hot",
        "$ output-explorer user import accounts.jsonl",
        // Bob's deposit is there, gone, there again, and final.
        "bob 0 STG 0 20 STG 1",
        "takes that block back",
        "bob 0 STG 0 0 STG 0",
        "bob 20 STG 1 20 STG 1",
        "left out: 0.005 STG in 1 outputs, too small",
        "Nothing speaks against it",
        "Handoff 1, sweep, final",
        "--private --comment 'thanks for waiting' --with-certificate --private-change true",
        "Handoff 2, withdrawal, final",
        "\"certificate_valid\"",
        "\"is_final\":true",
        "\"amount\":7000000",
        "private, known from own transactions 27.997 STG",
        "private 27.997 STG account \"hot\"",
        "Handoff 3, withdrawal, final",
        "and the current one",
        "alice 0 STG 0 STG",
        "bob 0 STG 0 STG",
        "carol 0.005 STG 0.005 STG",
        "hot 7.995 STG 7.995 STG",
        "paid to a stranger 27 STG",
        "fees 0.005 STG",
        "together 35.005 STG",
        "the faucet gave 35.005 STG",
        "Everything adds up, in",
    ] {
        let (_, after) = rest.split_once(fact).unwrap_or_else(|| panic!("{fact:?} is not in {rest}"));
        rest = after;
    }
    // Where the signer has no network, its loopback has carried nothing.
    let is_isolated = narrow.contains("The signer has no network interface but an unconnected loopback.");
    assert_eq!(is_isolated, narrow.contains("\nlo: 0 0 0 0 0 0 0\n"));
    assert_eq!(is_isolated, narrow.contains("$ unshare -c -n cold-signer init --network dev"));

    let (setup, commands) = commands(&shown);
    assert_eq!(commands.len(), 5, "{commands:?}");
    for command in commands {
        if command.starts_with("stegos-devnode run") {
            let mut node =
                Daemon::spawn(Command::new("sh").args(["-ec", &format!("{setup}\nexec {command}")]));
            node.wait_for("stegos-devnode for dev listens on");
            assert!(node.stop().0.success());
        } else {
            let said = typed(&setup, &command);
            assert!(said.lines().count() > 1, "{command}: {said}");
        }
    }
    let mode = fs::metadata(&keep).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "it holds keys");

    let again = keep_it();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is no empty directory"), "{again:?}");
}

#[test]
fn it_goes_on_as_long_as_somebody_wants() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut child, mut lines) = start(round_trip(temporary.path()).arg("--serve"));
    let shown = until(&mut lines, "output-explorer broadcast handoff-4");
    let (setup, commands) = commands(&shown);
    // The first line is a comment.
    let (faucet, rest) = commands[1..].split_first().unwrap();
    assert!(typed(&setup, faucet).contains("\"type\":\"done\""), "{faucet}");
    let begin = Instant::now();
    while !typed(&setup, "output-explorer balance alice").contains("  3 STG        1     3 STG") {
        assert!(begin.elapsed() < Duration::from_secs(120));
        sleep(Duration::from_millis(100));
    }
    assert_eq!(rest.len(), 4, "{commands:?}");
    for command in rest {
        typed(&setup, command);
    }
    let hot = typed(&setup, "output-explorer balance hot --json");
    let hot: Value = serde_json::from_str(&hot).unwrap();
    assert_eq!(hot["final"]["amount"], 7_995_000 + 2_999_000);

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    nothing_is_left(temporary.path());
}

#[test]
fn interrupted_it_cleans_up() {
    for (step, signal) in [
        ("$ stegos-devnode run", Signal::INT),
        ("cold-signer key add", Signal::HUP),
        ("$ output-explorer user import", Signal::TERM),
    ] {
        let temporary = tempfile::tempdir().unwrap();
        let (mut child, mut lines) = start(&mut round_trip(temporary.path()));
        until(&mut lines, step);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1, "{signal:?}");
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{signal:?}");
        nothing_is_left(temporary.path());
    }
}

#[test]
fn without_namespaces_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (unshare, temporary) = (directory.path().join("unshare"), directory.path().join("temporary"));
    fs::create_dir(&temporary).unwrap();
    fs::write(&unshare, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&unshare, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", directory.path().display(), std::env::var("PATH").unwrap());
    let (mut child, mut lines) = start(round_trip(&temporary).env("PATH", path));
    let shown = until(&mut lines, "accounts.jsonl");
    assert!(shown.contains("This machine allows no network namespaces to us"), "{shown}");
    assert!(shown.contains("\n$ cold-signer init --network dev\n"), "{shown}");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    nothing_is_left(&temporary);
}

#[test]
fn the_help_is_complete() {
    let output = Command::new(env!("CARGO_BIN_EXE_round-trip")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for word in ["--keep", "--serve", "Examples", "round-trip --serve"] {
        assert!(help.contains(word), "{word} is missing in {help}");
    }
}
