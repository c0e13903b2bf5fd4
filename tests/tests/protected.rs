//! The running signer as others on its host see it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::money::{self, key, stranger};
use custody_tests::request::{pay, signed, spend};
use custody_tests::store::ALLOW_ALL;
use custody_tests::store::Store;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
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

/// What `doctor` finds, by name, and its exit code.
fn found(command: &mut Command) -> (Vec<String>, Option<i32>) {
    let output = command.output().unwrap();
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let held: Vec<&str> =
        report["protections"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(["dumps", "privileges", "files", "calls"].iter().all(|name| held.contains(name)), "{report}");
    let findings = report["findings"].as_array().unwrap().iter();
    // What this machine is like is not for a test to say.
    let of_machine = ["network", "swap", "memory", "file-system"];
    let names = findings.map(|it| it["name"].as_str().unwrap().to_owned());
    (names.filter(|name| !of_machine.contains(&name.as_str())).collect(), output.status.code())
}

#[test]
fn the_doctor_finds_what_is_wrong_with_files() {
    let store = store();
    let doctor = |args: &[&str]| found(&mut store.command(&[&["doctor", "--json"], args].concat()));
    assert_eq!(doctor(&[]).0, [""; 0]);
    let names = |args: &[&str], expected: &[&str]| {
        let (names, code) = doctor(args);
        assert_eq!((names, code), (expected.iter().map(|it| (*it).to_owned()).collect(), Some(1)));
    };
    let mode =
        |name: &str, mode| fs::set_permissions(store.path(name), Permissions::from_mode(mode)).unwrap();
    mode("passphrase", 0o644);
    names(&[], &["permissions"]);
    mode("passphrase", 0o600);
    mode("policy.toml", 0o666);
    names(&[], &["policy"]);
    mode("policy.toml", 0o600);
    store.private_file("policy.toml", "[[rules]]\nrule = \"policy-moon\"\n");
    names(&[], &["policy"]);
    store.private_file("policy.toml", ALLOW_ALL);
    let config = store.private_file("signer.toml", "");
    mode("signer.toml", 0o666);
    names(&["--config", &config.to_string_lossy()], &["permissions"]);
    let token = store.private_file("token", "no token");
    names(&["--token-file", &token.to_string_lossy()], &["permissions"]);
    mode("store", 0o755);
    names(&[], &["store"]);
    mode("store", 0o700);
    let mut without = store.command(&["doctor", "--json"]);
    assert_eq!(found(without.env_remove("COLD_SIGNER_POLICY")).0, ["policy"]);
    // While the signer runs, too; and people can read it.
    let _signer = store.serve(&[]);
    assert_eq!(doctor(&[]).0, [""; 0]);
    let output = store.run(&["doctor"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ok       calls"), "{text}");
}

#[test]
fn a_strict_signer_does_not_start_where_something_is_found() {
    let store = store();
    let output = store.command(&["serve", "--strict"]).env_remove("COLD_SIGNER_POLICY").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("FINDING policy") && said.contains("cold-signer doctor"), "{said}");
}
