//! A second process that copies the first one's ledger: the same answers, also after either was killed.

use custody_tests::api::Api;
use custody_tests::daemon::Daemon;
use custody_tests::explorer::{Explorer, World};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than anything here takes even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The questions whose answers are compared.
const QUESTIONS: [&str; 11] = [
    "/v1/users?limit=1000&archived=true",
    "/v1/users/alice/balance",
    "/v1/users/alice/balance/0",
    "/v1/users/alice/outputs?state=all&limit=1000",
    "/v1/users/bob/outputs?state=all&limit=1000",
    "/v1/users/alice/history?limit=1000",
    "/v1/events?after=0&limit=1000",
    "/v1/blocks?limit=1000",
    "/v1/handoffs?limit=99",
    "/v1/transactions?limit=99",
    "/v1/status",
];

/// An answer, without what is about the connection.
fn answer(api: &Api, question: &str) -> Value {
    let mut answer = api.get(question).is(200);
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("node");
        answer.remove("lag");
    }
    answer
}

/// Waits until both answer the same to everything.
fn agree(first: &Api, replica: &Api) {
    let begin = Instant::now();
    let differs = |question: &&&str| answer(first, question) != answer(replica, question);
    while let Some(question) = QUESTIONS.iter().find(differs) {
        if begin.elapsed() > PATIENCE {
            assert_eq!(answer(first, question), answer(replica, question), "{question}");
        }
        sleep(Duration::from_millis(10));
    }
    for what in ["users", "outputs", "balances", "transactions"] {
        let [one, other] = [first, replica].map(|api| api.get(&format!("/v1/exports/{what}?at_epoch=0")));
        assert_eq!((one.status, one.body), (other.status, other.body), "{what}");
    }
}

fn until(what: &str, so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// A file of one's own.
fn private(path: PathBuf, text: &[u8]) -> String {
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.to_string_lossy().into_owned()
}

fn command(world: &World, from: &str, token: &str) -> Command {
    let data_dir = world.path("replica");
    let mut command = world.command(&["replica", "--from", from, "--from-token-file", token]);
    command.args(["--http-listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
    command
}

/// Starts a replica; answers where it answers.
fn start(mut command: Command) -> (Daemon, String) {
    let mut daemon = Daemon::spawn(&mut command);
    let line = daemon.wait_for("answering at http://");
    let base = line.rsplit(' ').next().unwrap().to_owned();
    (daemon, base)
}

#[test]
fn a_replica_answers_what_the_first_one_does_also_after_a_kill() {
    let world = World::new(4);
    let (explorer, base) = world.serve(&["--keep-changes", "1000", "--treasury", "bob"]);
    world.mine(6);
    explorer.settle();
    let (first, auditor) = (Api::of(&world, &base, "operator"), world.token("auditor"));
    let token = private(world.path("replica.token"), world.token("replica").as_bytes());
    let (daemon, at) = start(command(&world, &base, &token));
    let replica = Api::with_token(&at, first.token.as_deref().unwrap());
    until("it is ready", || Api::nobody(&at).get("/readyz").status == 200);
    agree(&first, &replica);
    let via = &replica.get("/v1/status").is(200)["node"]["via"];
    assert_eq!((&via["from"], &via["connected"]), (&json!(base), &json!(true)));
    let total = |data_dir: &str, out: &str| {
        let (data_dir, out) = (world.path(data_dir), world.path(out));
        let out = out.to_string_lossy();
        let mut create = world.command(&["reserves", "create", "--at-epoch", "0", "--out", &out]);
        assert!(create.arg("--data-dir").arg(data_dir).status().unwrap().success());
        let root = fs::read_to_string(format!("{out}/root.json")).unwrap();
        serde_json::from_str::<Value>(&root).unwrap()["total"].clone()
    };
    assert_eq!(total("replica", "reserves of the replica"), total("explorer", "reserves"));

    // What happens is told here, too, with the same ids.
    let newest = first.get("/v1/events?limit=1").is(200)["newest"].as_u64().unwrap();
    let mut stream = replica.follow("/v1/events/stream", Some(newest));
    let mut news = replica.follow("/v1/events/stream", None);
    let output = world.pay(7);
    world.mine(1);
    let (id, event) = stream.find(|(_, event)| event["data"]["output_hash"] == output.to_string()).unwrap();
    assert_eq!(first.get(&format!("/v1/events?after={}&limit=1", id - 1)).is(200)["rows"][0], event);
    assert!(news.next().unwrap().0 > newest, "only what happens from now on");
    let metrics = replica.get("/metrics").body;
    assert!(metrics.contains("\noutput_explorer_replica_connected 1\n"), "{metrics}");
    assert!(metrics.contains("\noutput_explorer_replica_lag_changes 0\n"), "{metrics}");

    // Nothing is changed here.
    let new = json!({ "account": "eve", "address": world.new_address(1) });
    assert_eq!(replica.post("/v1/users", &new).problem(403), "read_only");
    let webhook = json!({ "url": "https://example.org/" });
    assert_eq!(replica.post("/v1/webhooks", &webhook).problem(403), "read_only");
    let sweep = json!({ "users": ["alice"] });
    assert_eq!(replica.hand_off("sweep", "k", &sweep).problem(403), "read_only");
    first.post("/v1/webhooks", &webhook).is(201);
    assert_eq!(replica.get("/v1/webhooks").problem(403), "read_only");

    // Killed, it goes on where it was: deposits, a revert, a new user, a handoff, a token that is none any more.
    drop((stream, news, daemon));
    world.revert(1);
    world.pay(8);
    world.mine(5);
    first.post("/v1/users", &new).is(201);
    first.hand_off("sweep", "k", &sweep).is(201);
    let id = auditor.split('_').nth(1).unwrap();
    world.ok(&["token", "revoke", id]);
    explorer.settle();
    let (mut daemon, at) = start(command(&world, &base, &token));
    let replica = Api::with_token(&at, first.token.as_deref().unwrap());
    agree(&first, &replica);
    assert_eq!(Api::with_token(&at, &auditor).get("/v1/status").problem(401), "credentials_invalid");

    // Without the first one it still answers, and says that it is not up to date.
    explorer.stop();
    daemon.wait_for("Next attempt");
    assert_eq!(Api::nobody(&at).get("/readyz").problem(503), "not_ready");
    assert_eq!(answer(&replica, "/v1/users/eve/balance")["account"], "eve");
    let listen = base.trim_start_matches("http://");
    let mut explorer =
        world.follow_with(&mut world.command(&["run", "--keep-changes", "1000", "--http-listen", listen]));
    explorer.daemon.wait_for("answering at");
    world.pay(9);
    world.mine(2);
    explorer.settle();
    agree(&first, &replica);
    until("it is ready again", || Api::nobody(&at).get("/readyz").status == 200);

    // What a replica has, is a replica's; and it is what the node's blocks say.
    let audit =
        world.command(&["audit", "--json", "--data-dir"]).arg(world.path("replica")).output().unwrap();
    assert_eq!(audit.status.code(), Some(0), "{}", String::from_utf8_lossy(&audit.stderr));
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    for args in [["run"].as_slice(), &["user", "add", "x", &world.new_address(2)]] {
        let refused = world.command(args).arg("--data-dir").arg(world.path("replica")).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("this is a replica") && refused.status.code() == Some(4), "{args:?}: {said}");
    }
}

/// Starts the first explorer again where it was.
fn again<'a>(world: &'a World, base: &str, keep: &str) -> Explorer<'a> {
    let listen = base.trim_start_matches("http://");
    let args = ["run", "--keep-changes", keep, "--http-listen", listen];
    let mut explorer = world.follow_with(&mut world.command(&args));
    explorer.daemon.wait_for("answering at");
    explorer
}

#[test]
fn a_replica_that_cannot_go_on_says_why() {
    let world = World::new(4);
    let (explorer, base) = world.serve(&[]);
    explorer.settle();
    let auditor = private(world.path("auditor.token"), world.token("auditor").as_bytes());
    let token = private(world.path("replica.token"), world.token("replica").as_bytes());
    // What can be mended is tried again: the wrong token, and a first one that keeps nothing.
    let (mut daemon, _) = start(command(&world, &base, &auditor));
    daemon.wait_for("a token of the role auditor may not do this");
    fs::copy(&token, &auditor).unwrap();
    daemon.wait_for("start it with `run --keep-changes N`");
    // It waits longer each time, so another one goes on.
    drop(daemon);
    explorer.stop();
    let explorer = again(&world, &base, "3");
    let begun = |world: &World| daemon_of(command(world, &base, &token));
    let mut daemon = begun(&world);
    daemon.wait_for("is whole");
    // The first one's ledger of before, restored later.
    drop(daemon);
    explorer.stop();
    let (ledger, old) = (world.path("explorer"), world.path("old"));
    copy(&ledger, &old);
    let explorer = again(&world, &base, "3");
    world.mine(1);
    explorer.settle();
    let mut daemon = begun(&world);
    daemon.wait_for("at change");
    daemon.stop();
    explorer.stop();
    fs::remove_dir_all(&ledger).unwrap();
    copy(&old, &ledger);
    let explorer = again(&world, &base, "3");
    world.mine(1);
    explorer.settle();
    let (status, log) = begun(&world).join();
    assert!(log.iter().any(|line| line.contains("it was restored from a copy")), "{log:#?}");
    assert_eq!(status.code(), Some(5));
    // A new one; and away for too long.
    fs::remove_dir_all(world.path("replica")).unwrap();
    let mut daemon = begun(&world);
    daemon.wait_for("is whole");
    drop(daemon);
    // One by one: of an epoch that is over, the first one may read the macro block alone.
    for _ in 0..5 {
        world.mine(1);
        explorer.settle();
    }
    let (status, log) = begun(&world).join();
    assert!(
        log.iter().any(|line| line.contains("not kept any more") && line.contains("copies the ledger anew")),
        "{log:#?}"
    );
    assert_eq!(status.code(), Some(5));
    // A ledger of its own is not written over.
    explorer.stop();
    let taken = daemon_of_dir(&world, &base, &token, &ledger).join();
    assert!(taken.1.iter().any(|line| line.contains("has a ledger of its own")), "{:#?}", taken.1);
    assert_eq!(taken.0.code(), Some(4));
}

fn daemon_of(mut command: Command) -> Daemon {
    Daemon::spawn(&mut command)
}

fn daemon_of_dir(world: &World, base: &str, token: &str, dir: &Path) -> Daemon {
    let mut command = world.command(&["replica", "--from", base, "--from-token-file", token, "--data-dir"]);
    Daemon::spawn(command.arg(dir))
}

/// Copies a directory, as a backup does.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_replica_asks_over_tls_with_a_certificate_of_its_own() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../output-explorer/tests/data/tls");
    let world = World::new(4);
    let file = |name: &str| private(world.path(name), &fs::read(data.join(name)).unwrap());
    let (server, server_key, ca) = (file("server.crt"), file("server.key"), file("authority.crt"));
    let (own, own_key) = (file("client.crt"), file("client.key"));
    let mut explorer = world.follow_with(world.command(&["run", "--http-listen", "127.0.0.1:0"]).args([
        "--keep-changes",
        "100",
        "--http-tls-certificate-file",
        &server,
        "--http-tls-key-file",
        &server_key,
        "--http-client-ca-file",
        &ca,
    ]));
    let line = explorer.daemon.wait_for("answering at https://");
    let base = format!("https://localhost:{}", line.rsplit(':').next().unwrap());
    world.mine(1);
    explorer.settle();
    let token = private(world.path("replica.token"), world.token("replica").as_bytes());
    let (mut refused, _) = start(command(&world, &base, &token));
    refused.wait_for("UnknownIssuer");
    let mut with_ca = command(&world, &base, &token);
    with_ca.args(["--from-ca-file", &ca]);
    drop(refused);
    let (mut refused, _) = start(with_ca);
    refused.wait_for("CertificateRequired");
    drop(refused);
    let mut with_all = command(&world, &base, &token);
    with_all.args(["--from-ca-file", &ca, "--from-certificate-file", &own, "--from-key-file", &own_key]);
    let (mut daemon, _) = start(with_all);
    daemon.wait_for("is whole");
}
