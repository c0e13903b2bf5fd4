//! The signer as an operator runs it: starting, stopping, configuring, signing from files.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::daemon::Daemon;
use custody_tests::money::{self, stranger};
use custody_tests::request::{pay, pay_privately, signed, spend};
use custody_tests::store::{Signer, Store};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use stegos_common::address::Network;
use stegos_common::output::Unspent;
use stegos_common::socket::Endpoint;

fn store() -> Store {
    let store = Store::new(Network::Dev);
    store.add(&["alice"]);
    store
}

/// A request that spends an output of `alice` and pays `fee` for one output.
fn request(store: &Store, fee: i64) -> Value {
    let input = money::public(store.addresses()["alice"].public_key(), 1_000_000);
    spend([&input], &[pay(&stranger(Network::Dev), 1_000_000 - fee)], fee)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A command that failed with a code and a message on standard error.
fn failed(output: &Output, code: i32, says: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(says), "{says:?} is not in {told:?}");
}

#[test]
fn a_signer_stops_in_order_and_starts_again() {
    let store = store();
    let request = request(&store, 1000);
    let signer = store.serve(&[]);
    let socket = signer.socket();
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    assert_eq!(mode(&store.dir().join("api.token")), 0o600);
    let mut open = signer.connect();
    signed(&request, &open.request(&request));
    let (status, log) = signer.stop();
    assert_eq!(status.code(), Some(0), "{log:?}");
    assert_eq!(log.last().map(String::as_str), Some("cold-signer stopped"));
    assert!(!socket.exists());
    assert_eq!(open.text(&request.to_string()), None, "the connection is closed");

    // Killed, it leaves its socket behind, and the next one takes its place. The token stays.
    drop(store.serve(&[]));
    assert!(socket.exists());
    let signer = store.serve(&[]);
    signed(&request, &signer.request(&request));
}

#[test]
fn one_store_is_used_by_one_process() {
    let store = store();
    let request = request(&store, 1000);
    let signer = store.serve(&[]);
    let by = format!("in use by process {}", signer.process_id());
    for args in [["serve"].as_slice(), &["key", "list"], &["key", "add", "bob"]] {
        failed(&store.run(args), 4, &by);
    }
    failed(&store.sign(&request.to_string(), &[]), 4, &by);
    signed(&request, &signer.request(&request));
}

#[test]
fn tcp_serves_the_same_on_this_host_only() {
    let store = store();
    let request = request(&store, 1000);
    let mut signer = store.serve(&["--tcp", "127.0.0.1:0"]);
    let address = signer.tcp();
    assert!(address.ip().is_loopback() && address.port() != 0);
    let mut session = signer.connect_to(&Endpoint::Tcp(address));
    signed(&request, &session.request(&request));
    let other = session.request(&json!({ "type": "chain_name", "id": 7 }));
    assert_eq!((&other["code"], &other["id"]), (&json!("unsupported_request"), &json!(7)));
    signed(&request, &signer.request(&request));
    drop(signer);

    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "10.0.0.1:3145"] {
        failed(&store.run(&["serve", "--tcp", address]), 1, "not a loopback address");
    }
    failed(&store.run(&["serve", "--tcp", "localhost:0"]), 2, "--tcp");
}

#[test]
fn a_client_with_another_token_is_closed_on() {
    let store = store();
    let signer = store.serve(&[]);
    let token = store.private_file("other.token", "WlpaWlpaWlpaWlpaWlpaWg==");
    let mut stranger = custody_tests::session::Session::open(&Endpoint::Unix(signer.socket()), &token);
    assert_eq!(stranger.text(r#"{"type":"chain_name"}"#), None);
    assert_eq!(signer.request(&json!({ "type": "chain_name" }))["code"], "unsupported_request");
}

#[test]
fn guessing_frames_over_tcp_closes_tcp_and_is_told() {
    let store = store();
    let request = request(&store, 1000);
    let mut signer = store.serve(&["--tcp", "127.0.0.1:0"]);
    let tcp = Endpoint::Tcp(signer.tcp());
    let token = store.private_file("other.token", "WlpaWlpaWlpaWlpaWlpaWg==");
    for _ in 0..32 {
        let mut stranger = custody_tests::session::Session::open(&tcp, &token);
        assert_eq!(stranger.text("{}"), None);
    }
    signed(&request, &signer.request(&request));
    let (status, log) = signer.stop();
    assert_eq!(status.code(), Some(0));
    assert_eq!(log.iter().filter(|line| line.contains("TCP is closed")).count(), 1, "{log:?}");
}

#[test]
fn a_flag_overrides_the_environment_and_that_the_file() {
    let store = store();
    let config = store.path("cold-signer.toml");
    let line = |name: &str, path: &Path| format!("{name} = {:?}\n", path.to_str().unwrap());
    let places = line("data_dir", &store.dir()) + &line("passphrase_file", &store.path("passphrase"));
    fs::write(
        &config,
        places + "[server]\nmax_connections = 3\n[rules]\nmax_request_bytes = 5000\nmax_fee_factor = 3\n",
    )
    .unwrap();
    // Of one output, with the file only, with the environment too, with a flag too.
    let requests = || [1000, 2000, 3000, 4000].map(|fee| request(&store, fee));
    for (environment, flag, signs) in
        [(None, None, 3), (Some("2"), None, 2), (Some("2"), Some("1"), 1), (None, Some("4"), 4)]
    {
        let flags: Vec<&str> =
            flag.map(|factor| ["--max-fee-factor", factor]).into_iter().flatten().collect();
        let args = [&["--config", config.to_str().unwrap(), "serve"], &*flags].concat();
        let mut command = store.command(&args);
        // The places are in the file.
        command.env_remove("COLD_SIGNER_DATA_DIR").env_remove("COLD_SIGNER_PASSPHRASE_FILE");
        command.envs(environment.map(|factor| ("COLD_SIGNER_MAX_FEE_FACTOR", factor)));
        let requests = requests();
        let signer = Signer::start(&store, command);
        let mut session = signer.connect();
        for (index, request) in requests.iter().enumerate() {
            let answer = session.request(request);
            let code = if index < signs { Value::Null } else { json!("fee_too_high") };
            assert_eq!(answer["code"], code, "{environment:?} {flag:?} {index}: {answer}");
        }
        // A key of the file that nothing overrides holds.
        assert_eq!(session.text(&format!("{{\"type\":\"{}\"}}", "x".repeat(6000))), None);
    }
    // So it does for files.
    let config = ["--config", config.to_str().unwrap()];
    let sign = |request: &Value, args: &[&str]| store.sign(&request.to_string(), &[&config, args].concat());
    let requests = requests();
    assert_eq!(sign(&requests[2], &[]).status.code(), Some(0));
    failed(&sign(&requests[3], &[]), 3, "fee_too_high");
    assert_eq!(sign(&requests[3], &["--max-fee-factor", "4"]).status.code(), Some(0));
    failed(&sign(&json!("x".repeat(6000)), &[]), 1, "longer than the 5000 bytes");
}

#[test]
fn mistakes_of_the_operator_are_named() {
    let store = store();
    let config = store.path("cold-signer.toml");
    let args = ["--config", config.to_str().unwrap(), "serve"];
    failed(&store.run(&args), 1, "cannot read the configuration");
    fs::write(&config, "[rules]\nmax_fee_facto = 3\n").unwrap();
    failed(&store.run(&args), 1, "max_fee_facto");
    failed(&store.run(&["serve", "--network", "mainnet"]), 4, "the key store is of dev, expected mainnet");
    failed(&store.run(&["serve", "--request-keys", "sometimes"]), 2, "--request-keys");
    failed(&store.run(&["serve", "--passphrase-file", "/nowhere"]), 1, "/nowhere");
    let wrong = store.private_file("wrong", "hunter2");
    failed(&store.run(&["serve", "--passphrase-file", wrong.to_str().unwrap()]), 4, "wrong passphrase");
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o640)).unwrap();
    failed(&store.run(&["serve", "--passphrase-file", wrong.to_str().unwrap()]), 1, "chmod 600");
    // No signer has run yet: make its directory as somebody careless would.
    fs::create_dir(store.dir().join("run")).unwrap();
    fs::set_permissions(store.dir().join("run"), fs::Permissions::from_mode(0o750)).unwrap();
    failed(&store.run(&["serve"]), 1, "chmod 700");
}

#[test]
fn numbers_out_of_range_are_refused_wherever_they_come_from() {
    let store = store();
    let config = store.path("cold-signer.toml");
    for (section, key, value, range) in [
        ("server", "idle_seconds", "9223372036854775807", "1 to 86400"),
        ("server", "slow_seconds", "0", "1 to 86400"),
        ("server", "max_connections", "0", "1 to 1024"),
        ("rules", "max_request_bytes", "9223372036854775807", "1024 to 16777216"),
        ("rules", "max_fee_factor", "0", "1 to 4294967295"),
    ] {
        let says = format!("{value} is not a whole number from {range}");
        let flag = format!("--{}", key.replace('_', "-"));
        let output = store.run(&["serve", &flag, value]);
        failed(&output, 2, &says);
        failed(&output, 2, &flag);
        let variable = format!("COLD_SIGNER_{}", key.to_uppercase());
        let output = store.command(&["serve"]).env(variable, value).output().unwrap();
        failed(&output, 2, &says);
        failed(&output, 2, &flag);
        fs::write(&config, format!("[{section}]\n{key} = {value}\n")).unwrap();
        let output = store.run(&["--config", config.to_str().unwrap(), "serve"]);
        failed(&output, 1, &says);
        failed(&output, 1, key);
    }
    let beyond = u64::MAX.to_string() + "0";
    failed(&store.run(&["serve", "--idle-seconds", &beyond]), 2, "1 to 86400");
}

#[test]
fn a_signed_request_goes_to_a_new_file() {
    let store = store();
    let request = request(&store, 1000);
    let out = store.path("response.json");
    let args = ["--out", out.to_str().unwrap()];
    // As an editor leaves it.
    let output = store.sign(&format!("\n  {request:#}\n"), &args);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert_eq!(mode(&out), 0o600);
    let written = fs::read_to_string(&out).unwrap();
    signed(&request, &serde_json::from_str(&written).unwrap());

    failed(&store.sign(&request.to_string(), &args), 1, "exists already and is not overwritten");
    // Before anything is read or signed.
    failed(&store.sign("{}", &args), 1, "exists already and is not overwritten");
    assert_eq!(fs::read_to_string(&out).unwrap(), written);

    // What is refused is answered, but not written.
    let other = store.path("refused.json");
    let output = store.sign("{}", &["--out", other.to_str().unwrap()]);
    failed(&output, 3, "unparsable_request");
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["code"], "unparsable_request");
    assert!(!other.exists());

    failed(&store.run(&["sign", "/nowhere/request.json"]), 1, "/nowhere/request.json");
    failed(&store.sign(&"x".repeat((1 << 20) + 1), &[]), 1, "longer than the 1048576 bytes");
}

#[test]
fn an_archived_account_signs_again_once_it_is_restored() {
    let store = store();
    let request = request(&store, 1000).to_string();
    store.ok(&["key", "remove", "alice"]);
    failed(&store.sign(&request, &[]), 3, "input_not_owned");
    store.ok(&["key", "restore", "alice"]);
    assert_eq!(store.sign(&request, &[]).status.code(), Some(0));
}

#[test]
fn the_search_for_owners_of_private_inputs_is_bounded() {
    let store = store();
    store.add(&["bob", "carol"]);
    let inputs =
        || ["carol", "bob"].map(|account| money::private(store.addresses()[account].public_key(), 500_000));
    let fresh =
        |inputs: &[Unspent]| spend(inputs, &[pay_privately(&stranger(Network::Dev), 999_000, "")], 1000);
    let request = fresh(&inputs());
    let sign = |request: &Value, limit: &str| store.sign(&request.to_string(), &["--search-limit", limit]);
    let limit =
        "neither the master key nor the 1 others tried open it (search_limit is reached); name the owner";
    failed(&sign(&request, "1"), 3, limit);
    // Alice, bob, carol for the first input, and again for the second.
    assert_eq!(sign(&request, "6").status.code(), Some(0));
    // The first input used the search up; the master key is tried all the same.
    let own = money::private(store.addresses()["master"].public_key(), 500_000);
    let [carols, _] = inputs();
    assert_eq!(sign(&fresh(&[carols, own]), "3").status.code(), Some(0));
    let inputs = inputs();
    let mut request = fresh(&inputs);
    failed(&sign(&request, "3"), 3, "nor the 0 others tried open it (search_limit is reached)");
    // A hint costs no search.
    request["accounts"] = json!({ inputs[0].id().to_string(): "carol", inputs[1].id().to_string(): "bob" });
    assert_eq!(sign(&request, "0").status.code(), Some(0));
}

#[test]
fn a_signer_that_cannot_start_says_so_and_ends() {
    let store = store();
    let socket = store.path("occupied");
    fs::write(&socket, "not a socket").unwrap();
    // Only the file is to be wrong, not its directory.
    fs::set_permissions(store.path(""), fs::Permissions::from_mode(0o700)).unwrap();
    let daemon = Daemon::spawn(&mut store.command(&["serve", "--socket", socket.to_str().unwrap()]));
    let (status, log) = daemon.join();
    assert_eq!(status.code(), Some(1));
    assert!(log.last().unwrap().contains("is not a socket"), "{log:?}");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "not a socket");
}

#[test]
fn clients_at_the_same_time_get_their_own_answers() {
    let store = store();
    let good = request(&store, 1000);
    let signer = store.serve(&[]);
    std::thread::scope(|scope| {
        for client in 1..=8u64 {
            let (mut session, mut request) = (signer.connect(), good.clone());
            scope.spawn(move || {
                for turn in 0..4 {
                    request["id"] = json!(client * 100 + turn);
                    request["fee"] = json!(if turn % 2 == 0 { 1000 } else { 999 });
                    let answer = session.request(&request);
                    assert_eq!(answer["id"], request["id"]);
                    if turn % 2 == 0 {
                        signed(&request, &answer);
                    } else {
                        assert_eq!(answer["code"], "fee_too_low");
                    }
                }
            });
        }
    });
}
