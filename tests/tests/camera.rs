//! `sign --qr`: what comes through a camera, or does not, and what the terminal shows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::cast_possible_truncation)]

use custody_tests::camera::{corners, draw, message, pictures, read, save, seen, some, stream};
use custody_tests::daemon::Daemon;
use custody_tests::money::{self, stranger};
use custody_tests::request::{pay, signed, spend};
use custody_tests::store::Store;
use custody_tests::terminal::on_a_terminal;
use image::{GrayImage, Luma};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use stegos_common::address::Network;
use stegos_common::qr::Gathering;

/// A store, and a request of some size for it.
fn begin() -> (Store, Value) {
    let store = Store::new(Network::Dev);
    store.add(&["alice"]);
    let alice = store.addresses()["alice"];
    let inputs: Vec<_> = (0..3).map(|_| money::private(alice.public_key(), 1_000_000)).collect();
    (store, spend(&inputs, &[pay(&stranger(Network::Dev), 2_999_000)], 1000))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn answered(request: &Value, answer: &[u8]) {
    signed(request, &serde_json::from_slice(answer).unwrap());
}

#[test]
fn a_stream_of_pictures_is_read_from_standard_input() {
    let (store, request) = begin();
    let pictures = stream(&seen(request.to_string().as_bytes(), 1));
    let out = store.path("answer.json");
    let mut command = store.command(&["sign", "--qr", "-", "--out", &text(&out)]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It stops reading once it has everything.
    let _ = child.stdin.take().unwrap().write_all(&pictures);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    answered(&request, &fs::read(&out).unwrap());
}

#[test]
fn a_folder_is_watched_until_the_request_is_complete() {
    let (store, request) = begin();
    let seen = seen(request.to_string().as_bytes(), 2);
    let (taken, later, shown) = (store.path("taken"), store.path("later"), store.path("shown"));
    // Whatever else a camera sees, or is made to see, or a program leaves half written.
    let poster = draw("https://example.com", 1);
    let others = [corners(640), poster, GrayImage::from_pixel(300, 300, Luma([7]))];
    save(&[&others, &seen[..3]].concat(), &taken);
    fs::write(taken.join("image-99990.png"), b"\x89PNG\r\n\x1a\n and no more").unwrap();
    fs::write(taken.join("notes.txt"), "no picture").unwrap();
    let output = store.run(&["sign", "--qr", &text(&taken), "--once", "--qr-out", &text(&shown)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("the request is not complete"), "{said}");
    assert!(said.contains("image-00000.png: this picture is more than can be looked through"), "{said}");
    assert!(!shown.exists());
    assert_eq!(store.ok(&["journal", "list", "--json"]), "");

    let signer =
        Daemon::spawn(&mut store.command(&["sign", "--qr", &text(&taken), "--qr-out", &text(&shown)]));
    save(&seen[3..], &later);
    for picture in pictures(&later) {
        let name = format!("z-{}", picture.file_name().unwrap().to_string_lossy());
        fs::rename(&picture, taken.join(name)).unwrap();
    }
    let (status, said) = signer.join();
    assert!(status.success(), "{said:?}");
    answered(&request, &message(&some(pictures(&shown), 3)));

    // Whoever looks through a picture has nothing of what is open here.
    let output = store.run(&["sign", "--qr", &text(&taken), "--passphrase-fd", "0", "--once"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--passphrase-fd does not go with --qr"), "{said}");

    // What is there already is never written over, and nobody takes pictures in vain for that.
    let output = store.run(&["sign", "--qr", "nowhere", "--qr-out", &text(&shown)]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("exists already"), "{output:?}");
}

#[test]
fn a_refusal_is_said_and_not_shown() {
    let (store, mut request) = begin();
    request["fee"] = 1.into();
    let (taken, shown) = (store.path("taken"), store.path("shown"));
    save(&seen(request.to_string().as_bytes(), 3), &taken);
    let output = store.run(&["sign", "--qr", &text(&taken), "--once", "--qr-out", &text(&shown)]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["code"].is_string());
    assert!(!shown.exists());
}

/// The pictures of a terminal that was filmed: what was drawn after each clearing or homing of the screen.
fn screens(shown: &str) -> Vec<GrayImage> {
    let black_on_white = "\x1b[38;5;16;48;5;231m";
    let screen = |part: &str| {
        let lines: Vec<&str> = part
            .split("\r\n")
            .filter_map(|line| Some(line.split_once(black_on_white)?.1.split_once("\x1b[0m")?.0))
            .collect();
        let width = lines.first()?.chars().count() as u32;
        let dark = |x: u32, y: u32| {
            let half = lines.get(y as usize / 2).and_then(|line| line.chars().nth(x as usize)).unwrap_or(' ');
            half == '█' || half == if y.is_multiple_of(2) { '▀' } else { '▄' }
        };
        Some(GrayImage::from_fn(width * 4, lines.len() as u32 * 8, |x, y| {
            Luma([if dark(x / 4, y / 4) { 0 } else { 255 }])
        }))
    };
    shown.split("\x1b[H").filter_map(screen).collect()
}

#[test]
fn the_terminal_shows_what_is_asked_and_then_the_answer() {
    let (store, request) = begin();
    let taken = store.path("taken");
    save(&seen(request.to_string().as_bytes(), 4), &taken);
    let sign = |size: &str, typed: &str| {
        let sign = store.command(&["sign", "--qr", &text(&taken)]);
        let words = std::iter::once(sign.get_program()).chain(sign.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("'stty {size}; {}'", words.join(" "))]);
        shell.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        shell.envs(sign.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = on_a_terminal(&shell, typed);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, shown) = sign("rows 50 cols 100", "no\n");
    assert!(code == Some(1) && shown.contains("nothing was signed"), "{shown}");
    assert_eq!(store.ok(&["journal", "list", "--json"]), "");

    let (code, shown) = sign("rows 24 cols 80", "sign\n\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Request to sign a transaction on dev"), "{shown}");
    assert!(shown.contains("needs a terminal of"), "{shown}");

    let (code, shown) = sign("rows 50 cols 100", "sign\n\n");
    assert_eq!(code, Some(0), "{shown}");
    let screens = screens(&shown);
    assert!(!screens.is_empty(), "{shown}");
    let mut gathering = Gathering::default();
    for screen in &screens {
        gathering.add(&read(screen).unwrap()).unwrap();
    }
    assert!(gathering.progress().gathered > 0);
}
