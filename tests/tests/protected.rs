//! The running signer as others on its host see it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::money::{self, key, stranger};
use custody_tests::request::{pay, signed, spend};
use custody_tests::store::Store;
use std::fs;
use std::process::{Command, Output};
use stegos_common::address::Network;

fn store() -> Store {
    let store = Store::new(Network::Dev);
    store.import("alice", &key("alice").0);
    store
}

/// The value of a line of a file in /proc.
fn line(pid: u32, file: &str, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name} is not in {text}")).trim().to_owned()
}

#[test]
fn it_gives_up_what_it_does_not_need_and_goes_on_signing() {
    let store = store();
    let signer = store.serve(&[]);
    let pid = signer.process_id();
    assert_eq!(line(pid, "status", "NoNewPrivs:"), "1");
    assert_eq!(line(pid, "status", "Seccomp:"), "2");
    let core = line(pid, "limits", "Max core file size");
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
    let input = money::public(&key("alice").1, 5000);
    let request = spend([&input], &[pay(&stranger(Network::Dev), 4000)], 1000);
    signed(&request, &signer.request(&request));
    let (status, log) = signer.stop();
    assert_eq!(status.code(), Some(0), "{log:?}");
    assert!(
        !log.iter()
            .any(|line| line.contains("not protected, files") || line.contains("not protected, calls"))
    );
}

/// As a user without rights: its own, too, cannot look into it.
#[test]
fn nobody_reads_its_memory() {
    const NOBODY: &str = "65534";
    if !rustix::process::geteuid().is_root() {
        let store = store();
        let signer = store.serve(&[]);
        assert!(fs::File::open(format!("/proc/{}/mem", signer.process_id())).is_err());
        return;
    }
    let as_nobody = |args: &[&str]| -> Output {
        let user = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
        Command::new("setpriv").args(user).args(args).output().unwrap()
    };
    let store = store();
    let top = store.dir().parent().unwrap().to_owned();
    let owner = format!("{NOBODY}:{NOBODY}");
    assert!(Command::new("chown").args(["-R", &owner]).arg(&top).status().unwrap().success());
    // A copy that this user can reach.
    let program = top.join("cold-signer");
    fs::copy(custody_tests::store::cold_signer(), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(&program).arg("serve");
    for (name, value) in store.command(&[]).get_envs() {
        command.env(name, value.unwrap());
    }
    let signer = custody_tests::store::Signer::start(&store, command);
    let pid = signer.process_id();
    assert!(line(pid, "status", "Uid:").starts_with(NOBODY));
    for file in ["mem", "maps", "environ", "fd"] {
        let path = format!("/proc/{pid}/{file}");
        let output = as_nobody(&["ls", "-l", &path]);
        let read = as_nobody(&["head", "-c", "1", &path]);
        assert!(!read.status.success(), "{path}: {read:?} {output:?}");
    }
    // What can be read of a process that is not protected.
    assert!(as_nobody(&["head", "-c", "1", "/proc/self/maps"]).status.success());
}

#[test]
fn where_everything_must_hold_it_says_what_does_not() {
    let store = store();
    let output = store.run(&["serve", "--help"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("--strict"));
    let output = store.command(&["serve", "--strict", "maybe"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    // Here everything holds, or it does not start and says why.
    let mut daemon = custody_tests::daemon::Daemon::spawn(&mut store.command(&["serve", "--strict"]));
    let said = daemon.wait_for("");
    assert!(said.contains("TEST-ONLY"), "{said}");
    let next = daemon.wait_for("");
    assert!(next.contains("listens on") || next.contains("not protected"), "{next}");
}
