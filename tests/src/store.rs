//! Key stores made by the real `cold-signer`, its commands, and its daemon.

use crate::daemon::{Daemon, program};
use crate::session::Session;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::OnceLock;
use stegos_common::address::{Address, Network};
use stegos_common::keys::SecretKey;
use stegos_common::socket::Endpoint;
use tempfile::TempDir;

/// The program under test, built once per test file in the test's own profile.
#[must_use]
pub fn cold_signer() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| program("cold-signer"))
}

/// A policy for tests that are not about policies.
pub const ALLOW_ALL: &str = "[[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n";

/// A pair of age keys, the secret one and the public one, for backups of tests.
const IDENTITY: &str = "AGE-SECRET-KEY-175MNVUM9AWSCM7TNPLNU9L5DTLKZTYNJZN7AQFV7S9M69CHDDH8QQAEYDL";
const RECIPIENT: &str = "age1nsunhfvm6uahga3eq9ds8pmee3yk5e2smnlpess40whtmgfvge4sm3l0ul";

/// A key store with the test-only cost in a temporary directory, next to the file with its passphrase.
pub struct Store {
    directory: TempDir,
    network: Network,
}

impl Store {
    /// Makes one with a random master key.
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self::init(network, None)
    }

    /// Makes one with the master key of 24 recovery words.
    #[must_use]
    pub fn restored(network: Network, words: &str) -> Self {
        Self::init(network, Some(words))
    }

    /// A machine with a passphrase and a policy, but no key store yet.
    #[must_use]
    pub fn none(network: Network) -> Self {
        let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let none = Self { directory, network };
        none.private_file("passphrase", "correct horse battery staple\n");
        none.private_file("policy.toml", ALLOW_ALL);
        none
    }

    fn init(network: Network, words: Option<&str>) -> Self {
        let store = Self::none(network);
        let mut command = store.command(&["init", "--network", network.name(), "--insecure-test-cost"]);
        if let Some(words) = words {
            let file = File::open(store.private_file("words", words));
            command.args(["--restore-phrase", "--phrase-fd", "0"]);
            command.stdin(file.unwrap_or_else(|error| panic!("opening the words: {error}")));
        }
        let output = command.output().unwrap_or_else(|error| panic!("running init: {error}"));
        assert!(output.status.success(), "init: {}", String::from_utf8_lossy(&output.stderr));
        store
    }

    /// A copy of it in a temporary directory of its own.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::none(self.network);
        copy.replace_by(self);
        copy
    }

    /// Puts a copy of another store in the place of this one.
    pub fn replace_by(&self, other: &Self) {
        if self.dir().exists() {
            fs::remove_dir_all(self.dir()).unwrap_or_else(|error| panic!("{error}"));
        }
        let status = Command::new("cp").arg("-a").args([other.dir(), self.dir()]).status();
        assert!(status.is_ok_and(|status| status.success()), "copying {}", other.dir().display());
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The key store's directory.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.path("store")
    }

    /// A path next to the key store.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file next to the key store that only its owner can read.
    pub fn private_file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| file.write_all(content.as_bytes()));
        written.unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
        path
    }

    /// The program with nothing but this key store in its environment.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(cold_signer());
        command
            .args(args)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("COLD_SIGNER_DATA_DIR", self.dir())
            .env("COLD_SIGNER_PASSPHRASE_FILE", self.path("passphrase"))
            .env("COLD_SIGNER_POLICY", self.path("policy.toml"));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap_or_else(|error| panic!("running {args:?}: {error}"))
    }

    /// Runs a command that must succeed, and answers its output.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Adds accounts with derived keys.
    pub fn add(&self, accounts: &[&str]) {
        self.ok(&[&["key", "add"], accounts].concat());
    }

    /// Adds an account with a key of its own.
    pub fn import(&self, account: &str, key: &SecretKey) {
        let file = self.private_file("secret.hex", &hex::encode(key.to_bytes()));
        self.ok(&["key", "import", account, "--secret-file", &file.to_string_lossy()]);
        fs::remove_file(&file).unwrap_or_else(|error| panic!("removing {}: {error}", file.display()));
    }

    /// Makes a backup, and verifies it.
    pub fn back_up(&self) {
        let file = self.path("signer.backup").to_string_lossy().into_owned();
        let identity = self.private_file("key.txt", IDENTITY);
        self.ok(&["backup", "create", &file, "--recipient", RECIPIENT]);
        self.ok(&["backup", "verify", &file, "--identity", &identity.to_string_lossy()]);
    }

    /// The addresses of all accounts by name, archived ones and `master` included.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<String, Address> {
        let list = self.ok(&["key", "list", "--archived", "--json"]);
        let list: Vec<Value> = serde_json::from_str(&list).unwrap_or_else(|error| panic!("{error}: {list}"));
        let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
        let parse = |row: &Value| {
            let address = Address::parse(&text(row, "address"), self.network);
            (text(row, "account"), address.unwrap_or_else(|error| panic!("{error}")))
        };
        list.iter().map(parse).collect()
    }

    /// Runs `sign` on a request, with further arguments.
    pub fn sign(&self, request: &str, args: &[&str]) -> Output {
        let file = self.private_file("request.json", request);
        self.run(&[&["sign", &file.to_string_lossy()], args].concat())
    }

    /// Runs `inspect` on a request or a signed transaction, with further arguments.
    pub fn inspect(&self, text: &str, args: &[&str]) -> Output {
        let file = self.private_file("inspected.json", text);
        self.run(&[&["inspect", &file.to_string_lossy()], args].concat())
    }

    /// Starts `serve`, waits until it has said `text` and listens.
    #[must_use]
    pub fn serve_saying(&self, text: &str) -> Signer<'_> {
        Signer::start_saying(self, self.command(&["serve"]), Some(text))
    }

    /// Starts `serve` with further arguments and waits until it listens.
    #[must_use]
    pub fn serve(&self, args: &[&str]) -> Signer<'_> {
        Signer::start(self, self.command(&[&["serve"], args].concat()))
    }
}

/// A running `cold-signer serve`, killed when dropped.
pub struct Signer<'a> {
    store: &'a Store,
    daemon: Daemon,
}

impl<'a> Signer<'a> {
    /// Starts a `serve` command and waits until it listens.
    #[must_use]
    pub fn start(store: &'a Store, command: Command) -> Self {
        Self::start_saying(store, command, None)
    }

    /// The same, where it says something before.
    #[must_use]
    pub fn start_saying(store: &'a Store, mut command: Command, says: Option<&str>) -> Self {
        let mut daemon = Daemon::spawn(&mut command);
        says.map(|text| daemon.wait_for(text));
        daemon.wait_for(&format!("cold-signer for {} listens on", store.network));
        Self { store, daemon }
    }

    /// The path of its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.store.dir().join("run/signer.sock")
    }

    /// A connection to its Unix socket.
    #[must_use]
    pub fn connect(&self) -> Session {
        self.connect_to(&Endpoint::Unix(self.socket()))
    }

    /// A connection to another endpoint of it, with the same API token.
    #[must_use]
    pub fn connect_to(&self, endpoint: &Endpoint) -> Session {
        Session::open(endpoint, &self.store.dir().join("api.token"))
    }

    /// The TCP address; it says so after the Unix socket.
    pub fn tcp(&mut self) -> SocketAddr {
        let line = self.daemon.wait_for("listens on");
        let address = line.rsplit(' ').next().and_then(|address| address.parse().ok());
        address.unwrap_or_else(|| panic!("no TCP address in {line:?}"))
    }

    /// One request over a connection of its own.
    #[must_use]
    pub fn request(&self, request: &Value) -> Value {
        self.connect().request(request)
    }

    /// The process id.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.daemon.id()
    }

    /// Stops it by SIGTERM. Answers the exit status and every line it said after it listened.
    pub fn stop(self) -> (ExitStatus, Vec<String>) {
        self.daemon.stop()
    }
}
