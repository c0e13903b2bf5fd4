//! The running signer as others on its host see it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::money::{self, key, stranger};
use custody_tests::request::{pay, signed, spend};
use custody_tests::store::ALLOW_ALL;
use custody_tests::store::Store;
use memchr::memmem;
use serde_json::{Value, json};
use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use stegos_common::address::Network;
use stegos_common::keys::SecretKey;
use stegos_common::recovery::to_phrase;

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
        assert!(File::open(format!("/proc/{}/mem", signer.process_id())).is_err());
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

/// How often each of these is in the memory that a process has of its own; nothing where that cannot be read here.
fn in_memory(pid: u32, wanted: &[(&str, Vec<u8>)]) -> Option<Vec<usize>> {
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut counts = vec![0; wanted.len()];
    let mut all = 0;
    for line in fs::read_to_string(format!("/proc/{pid}/maps")).unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
        // What belongs to the kernel cannot be read.
        if !rest.starts_with("rw") || rest.contains("[v") {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        if memory.read_exact_at(&mut bytes, from).is_err() {
            continue;
        }
        all += bytes.len();
        for (count, (_, wanted)) in counts.iter_mut().zip(wanted) {
            *count += memmem::find_iter(&bytes, wanted).count();
        }
    }
    assert!(all > 1 << 20, "{all} bytes are no memory of a signer");
    Some(counts)
}

/// After its last use, and whatever was asked: one copy of each key that the store was given, and nothing that opens it.
#[test]
fn its_memory_has_the_keys_once_and_no_passphrase() {
    let master = SecretKey::from_seed(b"the memory of a signer");
    let words = to_phrase(&master);
    let store = Store::restored(Network::Dev, &words);
    store.import("alice", &key("alice").0);
    store.add(&["carol"]);
    let addresses = store.addresses();
    let signer = store.serve(&[]);
    let mut session = signer.connect();
    for account in ["alice", "carol", "alice"] {
        let owner = *addresses[account].public_key();
        let inputs = [money::public(&owner, 5000), money::private(&owner, 5000)];
        let request = spend(&inputs, &[pay(&stranger(Network::Dev), 8000)], 2000);
        signed(&request, &session.request(&request));
        // One that brings a key, and one that is refused with it.
        let guest = key("guest");
        let input = money::public(&guest.1, 5000);
        let mut request = spend([&input], &[pay(&stranger(Network::Dev), 4000)], 1000);
        request["secret_key"] = json!(guest.0.to_bytes().to_vec());
        signed(&request, &session.request(&request));
        request["fee"] = json!(1);
        assert_eq!(session.request(&request)["code"], "fee_too_low");
    }
    let secret = |key: &SecretKey| key.to_bytes().to_vec();
    let numbers = json!(key("guest").0.to_bytes().to_vec()).to_string();
    let wanted = [
        ("the imported key", secret(&key("alice").0)),
        ("the master key", secret(&master)),
        ("a derived key", secret(&master.account_key("carol"))),
        ("the key of a request", secret(&key("guest").0)),
        ("its text", numbers.trim_matches(['[', ']']).as_bytes().to_vec()),
        ("the passphrase", b"correct horse battery staple".to_vec()),
        ("the recovery words", words.as_bytes()[..40].to_vec()),
    ];
    match in_memory(signer.process_id(), &wanted) {
        None => eprintln!("NOT TRIED: the memory of another process cannot be read here"),
        Some(counts) => {
            let found: Vec<(&str, usize)> = wanted.iter().map(|(name, _)| *name).zip(counts).collect();
            assert_eq!(found[..2], [("the imported key", 1), ("the master key", 1)]);
            assert!(found[2..].iter().all(|(_, count)| *count == 0), "{found:?}");
        }
    }
    // Once it has ended, nothing of that is anywhere: what it said, store, journal, lock, token and socket.
    drop(session);
    let (status, log) = signer.stop();
    assert_eq!(status.code(), Some(0), "{log:?}");
    let mut left = log.join("\n").into_bytes();
    let files = append_files(&store.dir(), &mut left);
    assert!(files > 4, "{files} files are no store");
    for (name, wanted) in &wanted {
        assert!(memmem::find(&left, wanted).is_none(), "{name} is left");
    }
}

/// Reads all files below a directory; answers how many there are.
fn append_files(directory: &Path, bytes: &mut Vec<u8>) -> usize {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| match path {
            path if path.is_dir() => append_files(&path, bytes),
            path if path.is_file() => {
                bytes.extend(fs::read(path).unwrap());
                1
            }
            _ => 0,
        })
        .sum()
}

#[test]
fn the_doctor_finds_what_is_wrong_with_files() {
    let store = store();
    let doctor = |args: &[&str]| found(&mut store.command(&[&["doctor", "--json"], args].concat()));
    assert_eq!(doctor(&[]).0, ["backup", "backup"]);
    store.back_up();
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

/// systemd may give a service its secret in a file that is root's, with the service's user in its access list, which shows
/// as the group's right.
#[test]
fn a_credential_of_systemd_is_a_passphrase() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT TRIED: it takes root to be systemd");
        return;
    }
    let store = store();
    let credentials = tempfile::tempdir().unwrap();
    let path = credentials.path().join("passphrase");
    fs::copy(store.path("passphrase"), &path).unwrap();
    let list = |mode, named: bool| {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let mut command = store.command(&["key", "list", "--passphrase-file", &path.to_string_lossy()]);
        if named {
            command.env("CREDENTIALS_DIRECTORY", credentials.path());
        }
        command.output().unwrap().status.code()
    };
    assert_eq!(list(0o440, true), Some(0));
    assert_eq!(list(0o440, false), Some(1), "it is no credential");
    assert_eq!(list(0o444, true), Some(1), "others can read it");
}

/// What systemd itself says of the units: 0 is nothing to be found, 100 is everything open.
#[test]
fn the_units_leave_little_open() {
    for (unit, most) in [("cold-signer", 10), ("output-explorer", 20)] {
        let path = format!("{}/../scripts/systemd/{unit}.service", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=true", "--no-pager", &format!("--threshold={most}"), &path]);
        match command.output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!("NOT TRIED: no systemd-analyze here")
            }
            // Before systemd 250.
            Ok(output) if String::from_utf8_lossy(&output.stderr).contains("unrecognized option") => {
                eprintln!("NOT TRIED: this systemd-analyze knows no --offline");
            }
            output => {
                let output = output.unwrap();
                assert!(output.status.success(), "{unit}: {}", String::from_utf8_lossy(&output.stdout));
            }
        }
    }
}
