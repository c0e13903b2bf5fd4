//! docs/api.md, typed call by call as an integrator would, and what comes held against what the page shows.

use super::receiver::Receiver;
use custody_tests::api::Api;
use custody_tests::custody::{Custody, TREASURY, address, until};
use custody_tests::explorer::{World, output_explorer};
use custody_tests::money::key;
use custody_tests::store::{Store, cold_signer};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use stegos_common::address::Network;

const PAGE: &str = include_str!("../../../docs/api.md");

const STG: i64 = 1_000_000;

/// What the shell says when it has done what was typed.
const DONE: &str = "== done ==";

/// A part of the page between fences: what it is marked with, and what it says.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let parts = page.split("```").skip(1).step_by(2).filter_map(|part| part.split_once('\n'));
    parts.map(|(mark, text)| (mark, text.trim().to_owned())).collect()
}

/// Whether something is as shown: spaces do not count, and `…` is anything.
fn is_as_shown(shown: &str, came: &str) -> bool {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    let (shown, came) = (dense(shown), dense(came));
    let mut rest = came.as_str();
    let mut parts = shown.split('…');
    let Some(begin) = parts.next().and_then(|first| rest.strip_prefix(first)) else { return false };
    rest = begin;
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A shell that somebody types into.
struct Shell {
    child: Child,
    keyboard: ChildStdin,
    screen: BufReader<ChildStdout>,
    errors: PathBuf,
}

impl Shell {
    fn start(command: &mut Command, errors: PathBuf) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(File::create(&errors).unwrap()).spawn().unwrap();
        let keyboard = child.stdin.take().unwrap();
        let screen = BufReader::new(child.stdout.take().unwrap());
        Self { child, keyboard, screen, errors }
    }

    /// Types something, lets something happen meanwhile, and answers what came.
    fn type_in(&mut self, text: &str, meanwhile: impl FnOnce()) -> String {
        writeln!(self.keyboard, "{text}\necho '{DONE}'").unwrap();
        meanwhile();
        let mut came = String::new();
        while !came.trim_end().ends_with(DONE) {
            let read = self.screen.read_line(&mut came).unwrap();
            assert!(read > 0, "{text}: {came}\n{}", fs::read_to_string(&self.errors).unwrap());
        }
        came.trim_end().trim_end_matches(DONE).to_owned()
    }

    /// Types something that has no end, and ends it once it has told what is shown.
    fn follow(&mut self, text: &str, shown: &str, file: &Path) {
        self.type_in(&format!("{text} > {} &", file.display()), || ());
        let begin = Instant::now();
        // The file is made by the command, some time.
        let came = || fs::read_to_string(file).unwrap_or_default();
        while !is_as_shown(shown, &came()) {
            assert!(begin.elapsed() < Duration::from_secs(120), "{text}\n\ncame:\n{}", came());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.type_in("kill $!", || ());
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `command` where both programs are, with the explorer and the signer of the test.
fn at_home<'a>(custody: &Custody, command: &'a mut Command) -> &'a mut Command {
    let programs =
        [output_explorer(), cold_signer()].map(|program| program.parent().unwrap().display().to_string());
    let home = custody.world.home();
    command.current_dir(home).env_clear().env("HOME", home);
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.join(":")));
    command.env("OUTPUT_EXPLORER_DATA_DIR", custody.world.path("explorer"));
    command.env("OUTPUT_EXPLORER_POLL_MILLISECONDS", "20");
    // The receiver is on this host.
    command.env("OUTPUT_EXPLORER_WEBHOOK_ALLOW_PRIVATE_TARGETS", "true");
    command.env("COLD_SIGNER_DATA_DIR", custody.store.dir());
    command.env("COLD_SIGNER_POLICY", custody.store.path("policy.toml"));
    command.env("COLD_SIGNER_PASSPHRASE_FILE", custody.store.path("passphrase"))
}

/// Where the next page begins, by the last answer that came.
fn next(came: &str) -> Option<&str> {
    let (_, behind) = came.rsplit_once("\"next\":")?;
    Some(behind.split([',', '}']).next()?.trim_matches('"'))
}

#[test]
fn the_calls_of_the_page_answer_what_it_shows() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("there is no curl here");
        return;
    }
    let custody = Custody { world: World::of(Network::Dev, 5), store: Store::new(Network::Dev) };
    let world = &custody.world;
    custody.store.import(TREASURY, &key(TREASURY).0);
    // What the treasury has when it becomes a user.
    custody.deposit(&[(TREASURY, 10 * STG)]);
    world.mine(6);
    let receiver = Receiver::start();
    let page = PAGE.replace("mainnet", "dev").replace("https://shop.example.com", &receiver.url);
    let page = page.replace("127.0.0.1:3145", &world.server.address().to_string());
    let page = ["alice", "bob", "hot"]
        .iter()
        .fold(page, |page, user| page.replace(&user.to_uppercase(), &address(user).to_string()));
    let page = page.replace("ADDRESS", &address("a stranger").to_string());

    let mut explorer = None;
    let mut base = String::new();
    let mut shell = Shell::start(at_home(&custody, Command::new("sh").arg("-e")), world.path("errors"));
    let blocks = blocks(&page);
    let (mut typed, mut came, mut event) = (0, String::new(), String::new());
    for (place, (mark, text)) in blocks.iter().enumerate() {
        if *mark == "jsonl" {
            fs::write(world.path("users.ndjson"), text).unwrap();
        }
        if *mark == "sh api run" {
            let line = format!("exec {}", text.replace("127.0.0.1:8480", "127.0.0.1:0"));
            let mut running = world.follow_with(at_home(&custody, Command::new("sh").args(["-c", &line])));
            let said = running.daemon.wait_for("answering at http://");
            base = said.rsplit(' ').next().unwrap().to_owned();
            running.settle();
            explorer = Some(running);
        }
        if !["sh api", "sh api stream"].contains(mark) {
            continue;
        }
        let explorer = explorer.as_ref().unwrap();
        let deposit = |amount| {
            custody.deposit(&[("alice", amount)]);
            world.mine(1);
            explorer.settle();
        };
        // What the page says that happens.
        if text.contains("after=0&types=deposit.*") {
            deposit(12_500_000);
        } else if text.ends_with("outputs?state=all&limit=1\"") {
            deposit(STG);
        } else if text.ends_with("/v1/handoffs/1\"") {
            custody.wait(1, &["accepted"]);
            world.mine(1);
            custody.finish_epoch(explorer);
            custody.wait(1, &["final"]);
        } else if text.ends_with("deliveries?limit=1\"") {
            deposit(STG);
            let post = receiver.wait("deposit.prepared", 1);
            event = post.headers["webhook-event-id"].clone();
            let auditor = Api::of(world, &base, "auditor");
            until(|| {
                let list = auditor.get("/v1/webhooks/1/deliveries?limit=1").is(200);
                if list["rows"][0]["state"] == "delivered" { Ok(()) } else { Err(list) }
            });
        }
        let fill = |text: &str| {
            let text = text.replace("http://127.0.0.1:8480", &base).replace("EVENT", &event);
            text.replace("NEXT", next(&came).unwrap_or("NEXT"))
        };
        let text = fill(text);
        let shown = blocks.get(place + 1).filter(|(mark, _)| ["", "json"].contains(mark));
        let shown = shown.map(|(_, shown)| fill(shown)).unwrap_or_default();
        typed += 1;
        if *mark == "sh api stream" {
            shell.follow(&text, &shown, &world.path("stream"));
            continue;
        }
        let waits = text.contains("wait=60");
        came = shell.type_in(&text, || {
            if waits {
                custody.finish_epoch(explorer)
            }
        });
        assert!(is_as_shown(&shown, &came), "{text}\n\ncame:\n{came}\n\nshown:\n{shown}");
        if text.contains("/redeliver\"") {
            receiver.wait("deposit.prepared", 2);
        }
        if text.contains("/v1/webhooks\"") {
            receiver.knows(came.rsplit("\"secret\":\"").next().unwrap().split('"').next().unwrap());
        }
    }
    assert!(typed > 20, "{typed}");
    receiver.verify();
}

/// The codes of the page's table, each with the statuses it names.
fn table() -> BTreeMap<String, BTreeSet<u16>> {
    let mut table = BTreeMap::new();
    for row in PAGE.lines().filter(|line| line.starts_with("| 4") || line.starts_with("| 5")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let statuses: BTreeSet<u16> = cells[1].split(", ").map(|status| status.parse().unwrap()).collect();
        for code in cells[2].split('`').skip(1).step_by(2) {
            assert!(table.insert(code.to_owned(), statuses.clone()).is_none(), "twice: {code}");
        }
    }
    table
}

/// The status that a name of `http` or of problem.rs means, where it is one.
fn status(name: &str) -> Option<u16> {
    let status = match name.rsplit("::").next()? {
        "BAD_REQUEST" => 400,
        "UNAUTHORIZED" => 401,
        "FORBIDDEN" => 403,
        "NOT_FOUND" => 404,
        "METHOD_NOT_ALLOWED" => 405,
        "REQUEST_TIMEOUT" => 408,
        "CONFLICT" => 409,
        "GONE" => 410,
        "PAYLOAD_TOO_LARGE" => 413,
        "UNSUPPORTED_MEDIA_TYPE" => 415,
        "UNPROCESSABLE" | "UNPROCESSABLE_ENTITY" => 422,
        "TOO_MANY_REQUESTS" => 429,
        "INTERNAL_SERVER_ERROR" => 500,
        "SERVICE_UNAVAILABLE" => 503,
        _ => return None,
    };
    Some(status)
}

/// The codes in a source file, each with the status beside it: `Problem::new(STATUS, "code", …)` or `STATUS => "code",`.
fn codes(source: &str) -> Vec<(Option<u16>, String)> {
    let source = source.split("#[cfg(test)]").next().unwrap().split_whitespace().collect::<String>();
    let mut codes = Vec::new();
    for call in ["Problem::new(", "Self::new("] {
        for call in source.split(call).skip(1) {
            let (first, rest) = call.split_once(',').unwrap_or_default();
            if let Some(rest) = rest.strip_prefix('"') {
                codes.push((status(first), rest.split('"').next().unwrap().to_owned()));
            }
        }
    }
    let parts: Vec<&str> = source.split("=>\"").collect();
    for pair in parts.windows(2) {
        let name = pair[0].rsplit(['{', ',']).next().unwrap();
        codes.push((status(name), pair[1].split('"').next().unwrap().to_owned()));
    }
    codes
}

#[test]
fn every_code_is_in_the_table_of_errors_with_its_status_and_no_other_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../output-explorer/src/http");
    let table = table();
    let sources = |folder: &Path| {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let files = files.filter(|path| path.is_file());
        files.flat_map(|file| codes(&fs::read_to_string(file).unwrap())).collect::<Vec<_>>()
    };
    // The page has words behind `=>` that are no codes; with its own codes stands their status.
    let page = sources(&folder.join("web")).into_iter().filter(|(status, _)| status.is_some());
    let mut written = BTreeSet::new();
    for (status, code) in sources(&folder).into_iter().chain(page) {
        let statuses = table.get(&code).unwrap_or_else(|| panic!("{code} is not in docs/api.md"));
        assert!(status.is_none_or(|status| statuses.contains(&status)), "{code} is {status:?}");
        written.insert(code);
    }
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), written);
    assert!(written.len() > 40, "{written:?}");
}

#[test]
fn what_is_shown_is_compared() {
    assert!(is_as_shown("{ \"a\": 1, … \"b\": \"…\" }", "{\"a\":1,\"c\":2,\"b\":\"x\"}"));
    for came in ["{\"a\":2,\"b\":\"x\"}", "{\"a\":1,\"b\":3}", "{\"a\":1,\"b\":\"x\"}{}", ""] {
        assert!(!is_as_shown("{ \"a\": 1, … \"b\": \"…\" }", came), "{came}");
    }
    assert!(is_as_shown("", "\n") && !is_as_shown("", "x") && !is_as_shown("ok", "okay"));
    assert_eq!(next(&json!({ "rows": [], "next": "7", "newest": 9 }).to_string()), Some("7"));
}
