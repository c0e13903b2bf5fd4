//! The key commands, as an operator and a script run them: the real program in a temporary directory.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use cold_signer::disk::Disk;
use cold_signer::keystore::Locked;
use rustix::pty::OpenptFlags;
use serde_json::Value;
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use stegos_common::address::{Address, Network};
use stegos_common::keyfile;
use stegos_common::keys::SecretKey;
use stegos_common::recovery;
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse";

/// A temporary directory with a passphrase file and, after `init`, a key store.
struct Desk {
    temp: TempDir,
}

impl Desk {
    fn empty() -> Self {
        let desk = Self { temp: TempDir::new().unwrap() };
        desk.secret_file("passphrase", PASSPHRASE);
        desk
    }

    /// With a store whose master key is the one of a seed.
    fn with_store(seed: &[u8]) -> Self {
        let desk = Self::empty();
        let words = recovery::to_phrase(&SecretKey::from_seed(seed));
        let init = ["init", "--network", "testnet", "--insecure-test-cost"];
        desk.ok_with_input(&[&init[..], &["--restore-phrase", "--phrase-fd", "0"]].concat(), &words);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn store(&self) -> PathBuf {
        self.path("store")
    }

    fn secret_file(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cold-signer"));
        command.args(args).env_clear().env("COLD_SIGNER_DATA_DIR", self.store());
        // Without a controlling terminal nothing can be asked: every secret must come from the options.
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_with_input(args, "")
    }

    /// Runs with the passphrase file and with `input` at standard input.
    fn run_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.command(args);
        command.arg("--passphrase-file").arg(self.path("passphrase"));
        finish(command, input)
    }

    fn ok(&self, args: &[&str]) -> String {
        self.ok_with_input(args, "")
    }

    fn ok_with_input(&self, args: &[&str], input: &str) -> String {
        let output = self.run_with_input(args, input);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with this code and say this.
    fn fails(&self, code: i32, message: &str, args: &[&str]) {
        let output = self.run(args);
        assert_failed(&output, code, message);
    }

    fn address(&self, account: &str) -> String {
        let shown: Value = serde_json::from_str(&self.ok(&["key", "show", account, "--json"])).unwrap();
        shown["address"].as_str().unwrap().to_owned()
    }
}

fn finish(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that refuses early does not read it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    for shown in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(shown);
        assert!(!text.contains(PASSPHRASE) && !text.contains("panicked"), "{text}");
    }
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_failed(output: &Output, code: i32, message: &str) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(message), "{message:?} is not in {text:?}");
    assert!(output.stdout.is_empty());
}

fn testnet(key: &SecretKey) -> String {
    Address::new(Network::Testnet, key.public_key()).to_string()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn init_creates_a_private_store_and_says_what_is_next() {
    let desk = Desk::empty();
    let output = desk.run(&["init", "--network", "dev", "--insecure-test-cost"]);
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(said.contains("dev1") && said.contains("phrase show") && said.contains("key add"), "{said}");
    assert!(stderr(&output).contains("TEST-ONLY"));
    for path in files(&desk.store()) {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        for dir in path.ancestors().take_while(|dir| dir.starts_with(desk.store())).skip(1) {
            assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", dir.display());
        }
    }
    desk.fails(4, "never overwritten", &["init", "--network", "dev", "--insecure-test-cost"]);
    assert!(stderr(&desk.run(&["key", "list"])).contains("TEST-ONLY"), "said at every opening");
}

#[test]
fn the_words_alone_restore_every_derived_account() {
    let first = Desk::empty();
    first.ok(&["init", "--network", "testnet", "--insecure-test-cost"]);
    first.ok(&["key", "add", "alice", "bob with blanks", "o'Hara@example.org"]);
    first.ok(&["key", "add", "--count", "3"]);
    let words = show_phrase_on_a_terminal(&first, "show");
    assert_eq!(words.len(), 24, "{words:?}");

    let second = Desk::empty();
    let init =
        ["init", "--network", "testnet", "--insecure-test-cost", "--restore-phrase", "--phrase-fd", "0"];
    second.ok_with_input(&init, &words.join(" "));
    second.ok(&["key", "add", "--count", "3"]);
    second.ok(&["key", "add", "o'Hara@example.org", "bob with blanks", "alice"]);
    for account in ["master", "alice", "bob with blanks", "o'Hara@example.org", "user-000001", "user-000003"]
    {
        assert_eq!(first.address(account), second.address(account), "{account}");
    }
    let master = recovery::from_phrase(&words.join(" ")).unwrap();
    assert_eq!(first.address("alice"), testnet(&master.account_key("alice")), "the scheme of the vault");
}

/// Runs `phrase show` on a pseudo terminal, answers its question, returns the words it printed.
fn show_phrase_on_a_terminal(desk: &Desk, answer: &str) -> Vec<String> {
    show_phrase(desk, answer, None)
}

/// The same, with a file instead of the terminal as standard input where one is given.
fn show_phrase(desk: &Desk, answer: &str, input: Option<File>) -> Vec<String> {
    let controller = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&controller).unwrap();
    rustix::pty::unlockpt(&controller).unwrap();
    let name = rustix::pty::ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    let terminal = || File::options().read(true).write(true).open(&name).unwrap();
    let mut command = desk.command(&["phrase", "show", "--passphrase-file"]);
    command
        .arg(desk.path("passphrase"))
        .stderr(Stdio::null())
        .stdin(input.unwrap_or_else(terminal))
        .stdout(terminal());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut controller = File::from(controller);
    controller.write_all(format!("{answer}\n").as_bytes()).unwrap();
    let mut shown = Vec::new();
    // Ends with an error once the program has closed the terminal.
    let _ = controller.read_to_end(&mut shown);
    child.wait().unwrap();
    let shown = String::from_utf8(shown).unwrap();
    let tokens: Vec<&str> = shown.split_whitespace().collect();
    let numbered =
        tokens.windows(2).filter(|pair| pair[0].strip_suffix('.').is_some_and(|n| n.parse::<u8>().is_ok()));
    numbered.map(|pair| pair[1].to_owned()).collect()
}

#[test]
fn the_words_are_shown_on_a_confirmed_terminal_only() {
    let desk = Desk::with_store(b"master");
    assert!(show_phrase_on_a_terminal(&desk, "no").is_empty());
    let words = show_phrase_on_a_terminal(&desk, "show").join(" ");
    assert_eq!(words, *recovery::to_phrase(&SecretKey::from_seed(b"master")));
    desk.fails(1, "on a terminal only", &["phrase", "show"]);
    let script = File::open(desk.secret_file("script", "show\n")).unwrap();
    assert!(show_phrase(&desk, "show", Some(script)).is_empty(), "no script answers the question");
}

#[test]
fn nothing_in_the_files_can_be_read() {
    let desk = Desk::with_store(b"master");
    let master = SecretKey::from_seed(b"master");
    let imported = SecretKey::from_seed(b"imported");
    let file = desk.secret_file("secret", &hex::encode(*imported.to_bytes()));
    desk.ok(&["key", "add", "derived-account", "removed-account"]);
    desk.ok(&["key", "import", "imported-account", "--secret-file", &file]);
    desk.ok(&["key", "remove", "removed-account"]);

    let mut needles: Vec<Vec<u8>> = vec![PASSPHRASE.into()];
    needles.extend(["derived-account", "removed-account", "imported-account"].map(Vec::from));
    let derived = ["derived-account", "removed-account"].map(|name| master.account_key(name));
    for key in derived.iter().chain([&master, &imported]) {
        needles.push(testnet(key).into());
        for bytes in [*key.to_bytes(), *key.public_key().as_bytes()] {
            needles.push(hex::encode(bytes).into());
            needles.push(bytes.to_vec());
        }
    }
    let phrase = recovery::to_phrase(&master);
    needles.extend(phrase.split(' ').filter(|word| word.len() > 4).map(Vec::from));

    let files = files(&desk.store());
    assert!(files.len() >= 4, "header, lock and database: {files:?}");
    for path in files {
        let content = fs::read(&path).unwrap();
        for needle in &needles {
            let found = content.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{:?} is readable in {}", String::from_utf8_lossy(needle), path.display());
        }
    }
}

#[test]
fn keys_are_imported_from_every_source_and_the_user_is_warned() {
    let desk = Desk::with_store(b"master");
    let key = |name: &str| SecretKey::from_seed(name.as_bytes());
    let hex = desk.secret_file("hex", &format!("{}\n", hex::encode(*key("hex").to_bytes())));
    let json = desk.secret_file("json", &format!("{:?}", *key("json").to_bytes()));
    let pem = desk.secret_file("pem", &keyfile::encrypt(&key("pem"), "pem password"));
    let password = desk.secret_file("pem password", "pem password\n");
    let words = recovery::to_phrase(&key("words"));
    for (name, source, input) in [
        ("hex", vec!["--secret-file", &hex], ""),
        ("json", vec!["--secret-file", &json], ""),
        ("words", vec!["--phrase", "--phrase-fd", "0"], words.as_str()),
        ("pem", vec!["--keyfile", &pem, "--keyfile-password-file", &password], ""),
    ] {
        let output = desk.run_with_input(&[&["key", "import", name], &source[..]].concat(), input);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("words do NOT cover this key"), "{name}");
        assert_eq!(desk.address(name), testnet(&key(name)), "{name}");
    }
    assert!(desk.ok(&["key", "show", "hex"]).contains("not covered by the recovery words"));
    assert!(stderr(&desk.run(&["key", "list"])).contains("not covered by the recovery words"));

    desk.fails(1, "already belongs to the account \"hex\"", &["key", "import", "x", "--secret-file", &hex]);
    desk.fails(1, "holds no secret key", &["key", "import", "x", "--secret-file", &password]);
    let wrong = ["key", "import", "x", "--keyfile", &pem, "--keyfile-password-file", &hex];
    desk.fails(1, "password", &wrong);
    fs::set_permissions(&hex, Permissions::from_mode(0o644)).unwrap();
    desk.fails(1, "chmod 600", &["key", "import", "x", "--secret-file", &hex]);
}

#[test]
fn lists_and_exports_agree() {
    let desk = Desk::with_store(b"master");
    desk.ok(&["key", "add", "alice", "a, \"b\"", "gone"]);
    desk.ok(&["key", "remove", "gone"]);
    let list: Vec<Value> = serde_json::from_str(&desk.ok(&["key", "list", "--json"])).unwrap();
    let names: Vec<_> = list.iter().map(|row| row["account"].as_str().unwrap()).collect();
    assert_eq!(names, ["master", "alice", "a, \"b\""]);
    assert_eq!(list[1]["address"], testnet(&SecretKey::from_seed(b"master").account_key("alice")));
    assert_eq!((&list[0]["origin"], &list[1]["origin"]), (&"master".into(), &"derived".into()));

    let exported = desk.ok(&["key", "export-public"]);
    let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, list);
    let out = desk.path("out.csv").to_str().unwrap().to_owned();
    desk.ok(&["key", "export-public", "--format", "csv", "--out", &out]);
    let csv = fs::read_to_string(&out).unwrap();
    let address = list[2]["address"].as_str().unwrap();
    assert!(csv.lines().nth(3).unwrap().starts_with(&format!("\"a, \"\"b\"\"\",{address},")), "{csv}");
    desk.fails(1, "out.csv", &["key", "export-public", "--out", &out]);
    assert_eq!(fs::read_to_string(&out).unwrap(), csv, "an existing file stays as it is");

    let table = desk.ok(&["key", "list", "--archived"]);
    assert!(table.lines().last().unwrap().starts_with("gone ") && table.contains("(archived)"), "{table}");
}

#[test]
fn a_rotated_account_has_a_row_for_each_key_and_one_is_current() {
    let desk = Desk::with_store(b"master");
    let master = SecretKey::from_seed(b"master");
    let imported = SecretKey::from_seed(b"imported");
    let file = desk.secret_file("secret", &hex::encode(*imported.to_bytes()));
    desk.ok(&["key", "add", "alice"]);
    desk.ok(&["key", "import", "hot", "--secret-file", &file]);
    let second = |name| testnet(&master.generation_key(name, 2.try_into().unwrap()));

    let said = desk.ok(&["key", "rotate", "alice", "hot"]);
    let rows: Vec<Vec<&str>> = said.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let (alice, hot) = (second("alice"), second("hot"));
    assert_eq!(rows, [["alice", "derived", "2", &alice], ["hot", "derived", "2", &hot]]);
    let said: Vec<Value> = serde_json::from_str(&desk.ok(&["account", "rotate", "alice", "--json"])).unwrap();
    assert_eq!((said.len(), &said[0]["generation"], &said[0]["current"]), (1, &3.into(), &true.into()));
    let shown = desk.ok(&["key", "show", "alice"]);
    assert!(shown.contains("generation  3\n") && shown.contains(&desk.address("alice")), "{shown}");

    let list: Vec<Value> = serde_json::from_str(&desk.ok(&["key", "list", "--json"])).unwrap();
    let row = |row: &Value| {
        let generation = row["generation"].as_u64().unwrap();
        (row["account"].as_str().unwrap().to_owned(), generation, row["current"].as_bool().unwrap())
    };
    let expected = [
        ("master", 1, true),
        ("alice", 1, false),
        ("hot", 1, false),
        ("alice", 2, false),
        ("hot", 2, true),
        ("alice", 3, true),
    ];
    let expected = expected.map(|(name, generation, current)| (name.to_owned(), generation, current));
    assert_eq!(list.iter().map(row).collect::<Vec<_>>(), expected);
    assert_eq!(list[1]["address"], testnet(&master.account_key("alice")), "the first is as before");
    assert_eq!((&list[2]["origin"], &list[4]["origin"]), (&"imported".into(), &"derived".into()));
    let exported = desk.ok(&["key", "export-public"]);
    let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, list);
    let csv = desk.ok(&["key", "export-public", "--format", "csv"]);
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows[0], "account,address,public_key,network,origin,archived,generation,current");
    assert!(rows[2].starts_with("alice,") && rows[2].ends_with(",derived,false,1,false"), "{csv}");
    assert!(rows[6].starts_with("alice,") && rows[6].ends_with(",derived,false,3,true"), "{csv}");
    let table = desk.ok(&["key", "list"]);
    let old: Vec<bool> = table.lines().skip(1).map(|line| line.ends_with("  (old)")).collect();
    assert_eq!(old, [false, true, true, true, false, false], "{table}");

    assert!(desk.ok(&["store", "check"]).contains("5 records open"));
    desk.fails(1, "no account \"bob\"", &["key", "rotate", "hot", "bob"]);
    desk.fails(1, "named twice", &["key", "rotate", "hot", "hot"]);
    desk.ok(&["key", "remove", "alice"]);
    assert!(!desk.ok(&["key", "list"]).contains("alice"));
    desk.fails(1, "key restore", &["key", "rotate", "hot", "alice"]);
    assert_eq!(desk.address("hot"), second("hot"), "all or none");
}

#[test]
fn words_names_and_as_many_rotations_restore_every_address() {
    let first = Desk::with_store(b"master");
    first.ok(&["key", "add", "alice", "bob"]);
    first.ok(&["key", "rotate", "alice", "bob"]);
    first.ok(&["key", "rotate", "alice"]);
    let second = Desk::with_store(b"master");
    second.ok(&["key", "add", "bob"]);
    second.ok(&["key", "add", "alice"]);
    second.ok(&["key", "rotate", "alice"]);
    second.ok(&["key", "rotate", "alice"]);
    second.ok(&["key", "rotate", "bob"]);
    let exported = |desk: &Desk| {
        let mut lines: Vec<String> = desk.ok(&["key", "export-public"]).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(exported(&first), exported(&second));
    assert_eq!(exported(&first).len(), 6);
}

/// Exports of before keys were rotated are without the last two fields.
#[test]
fn a_store_is_rebuilt_from_an_export_of_either_form() {
    for rotated in [false, true] {
        let desk = Desk::with_store(b"master");
        desk.ok(&["key", "add", "alice"]);
        if rotated {
            desk.ok(&["key", "rotate", "alice"]);
        }
        let mut export = desk.ok(&["key", "export-public"]);
        if !rotated {
            export = export.replace(",\"generation\":1,\"current\":true", "");
            assert!(!export.contains("generation"), "{export}");
        }
        let listed = desk.ok(&["key", "list", "--json"]);
        fs::write(desk.path("accounts.jsonl"), export).unwrap();
        fs::remove_dir_all(desk.store().join("keys")).unwrap();
        let accounts = desk.path("accounts.jsonl");
        let words = recovery::to_phrase(&SecretKey::from_seed(b"master"));
        let rebuild = ["store", "rebuild", "--restore-phrase", "--phrase-fd", "0", "--accounts"];
        desk.ok_with_input(&[&rebuild[..], &[accounts.to_str().unwrap()]].concat(), &words);
        assert_eq!(desk.ok(&["key", "list", "--json"]), listed);
        desk.ok(&["store", "check"]);
    }
}

#[test]
fn a_removed_account_can_be_restored() {
    let desk = Desk::with_store(b"master");
    desk.ok(&["key", "add", "alice"]);
    let address = desk.address("alice");
    desk.ok(&["key", "remove", "alice"]);
    desk.fails(1, "key restore", &["key", "add", "alice"]);
    assert!(!desk.ok(&["key", "list"]).contains("alice"));
    desk.ok(&["key", "restore", "alice"]);
    assert!(desk.ok(&["key", "list"]).contains(&address));
    desk.fails(1, "no account \"bob\"", &["key", "show", "bob"]);
    desk.fails(1, "no account \"master\"", &["key", "remove", "master"]);
    desk.fails(1, "reserved", &["key", "add", "Master"]);
    desk.fails(1, "printable ASCII", &["key", "add", "al\u{200b}ice"]);
    desk.fails(1, "formula", &["key", "add", "=1+1"]);
}

#[test]
fn a_store_that_cannot_be_opened_is_exit_code_4() {
    let desk = Desk::with_store(b"master");
    let list = ["key", "list"];
    desk.fails(
        4,
        "there is no key store",
        &["key", "list", "--data-dir", desk.path("none").to_str().unwrap()],
    );
    desk.fails(4, "is of testnet, expected dev", &["key", "list", "--network", "dev"]);
    let mut wrong = desk.command(&list);
    wrong.args(["--passphrase-fd", "0"]);
    assert_failed(&finish(wrong, "incorrect horse"), 4, "wrong passphrase");

    let held = Locked::new(&desk.store(), None, Disk::default()).unwrap();
    desk.fails(4, &format!("in use by process {}", std::process::id()), &list);
    drop(held);

    let header = desk.store().join("store.toml");
    let good = fs::read_to_string(&header).unwrap();
    for (from, to, message) in [
        ("passes = 1", "passes = 2", "is damaged"),
        ("format = 1", "format = 9", "use the newer cold-signer"),
        ("test_only = true", "test_only = false", "somebody downgraded it"),
        ("kib = 64", "kib = 4294967295", "above the ceiling"),
    ] {
        fs::write(&header, good.replace(from, to)).unwrap();
        desk.fails(4, message, &list);
    }
    fs::write(&header, &good).unwrap();
    fs::set_permissions(desk.store(), Permissions::from_mode(0o755)).unwrap();
    desk.fails(4, "chmod 700", &list);
}

#[test]
fn mainnet_refuses_the_test_cost() {
    let desk = Desk::empty();
    desk.fails(4, "refused on mainnet", &["init", "--network", "mainnet", "--insecure-test-cost"]);
    assert!(!desk.store().exists());
}

#[test]
fn passphrases_come_from_private_places_only() {
    let desk = Desk::with_store(b"master");
    let mut no_terminal = Command::new("setsid");
    no_terminal.arg(env!("CARGO_BIN_EXE_cold-signer")).args(["key", "list"]);
    no_terminal.env("COLD_SIGNER_DATA_DIR", desk.store());
    assert_failed(&finish(no_terminal, PASSPHRASE), 1, "there is no terminal to ask");

    let mut shell = Command::new("sh");
    let script = "exec \"$0\" key list --passphrase-fd 3 3<\"$1\"";
    shell.args(["-c", script, env!("CARGO_BIN_EXE_cold-signer")]).arg(desk.path("passphrase"));
    shell.env("COLD_SIGNER_DATA_DIR", desk.store());
    let output = finish(shell, "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    fs::set_permissions(desk.path("passphrase"), Permissions::from_mode(0o640)).unwrap();
    desk.fails(1, "chmod 600", &["key", "list"]);
    desk.secret_file("passphrase", "\n");
    let new = desk.path("new").to_str().unwrap().to_owned();
    let init = ["init", "--network", "dev", "--data-dir", &new];
    desk.fails(1, "the passphrase is empty", &init);
    assert!(!desk.path("new").exists());
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let desk = Desk::empty();
    for args in [
        &["init"][..],
        &["init", "--network", "moon"],
        &["init", "--network", "dev", "--phrase-fd", "0"],
        &["key", "add"],
        &["key", "rotate"],
        &["key", "add", "alice", "--count", "2"],
        &["key", "add", "--count", "0"],
        &["key", "add", "--count", "1000001"],
        &["key", "import", "alice"],
        &["key", "import", "alice", "--phrase", "--keyfile", "f"],
        &["key", "list", "--passphrase", "secret"],
    ] {
        desk.fails(2, "--", args);
    }
}

#[test]
fn help_is_complete() {
    let desk = Desk::empty();
    let help = |args: &[&str]| {
        let output = desk.command(args).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let general = help(&[]);
    for expected in ["Exit codes:", "  4  the key store", "COLD_SIGNER_DATA_DIR", "XDG_DATA_HOME"] {
        assert!(general.contains(expected), "{expected}: {general}");
    }
    assert!(!general.contains("insecure"));
    for command in ["add", "import", "list", "show", "rotate", "export-public", "remove", "restore"] {
        assert!(help(&["key", command]).contains("Example"), "{command}");
    }
    assert!(help(&["init"]).contains("Examples:") && help(&["phrase", "show"]).contains("Example:"));
}
