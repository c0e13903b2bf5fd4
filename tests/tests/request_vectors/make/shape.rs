//! Texts that are no request: what is no JSON, or no object, or cannot be read for its form alone.

use super::{Suite, edit};
use crate::check::facts;
use crate::world::good;

const CODE: &str = "unparsable_request";

pub(crate) fn add(suite: &mut Suite) {
    no_object(suite);
    no_text(suite);
    no_json(suite);
    twice(suite);
    deep(suite);
}

/// What does not go from `{` to `}`.
fn no_object(suite: &mut Suite) {
    let text = format!("{:#}", good("shape"));
    let half = &text[..text.len() / 2];
    for (path, about, body) in [
        ("bom", "A byte order mark stands before the object.", format!("\u{feff}{text}")),
        ("cut-short", "The request ends in the middle, as after a write that failed.", half.to_owned()),
        ("garbage-at-end", "Something follows the object.", format!("{text}x")),
        ("in-a-list", "The object is in a list.", format!("[{text}]")),
        ("nul-at-end", "A NUL byte follows the object, as from a program in C.", format!("{text}\0")),
        ("null", "JSON, but null.", "null".to_owned()),
    ] {
        suite.add(&format!("shape/{path}"), about, "closed", body).with("file", CODE);
    }
    for (path, about, from, to) in [
        (
            "newline-at-end",
            "A file may end with a newline; over the socket the text must end with the object.",
            "",
            "\n",
        ),
        (
            "blank-in-front",
            "A file may begin with white space; over the socket the text must begin with the object.",
            "\t ",
            "",
        ),
    ] {
        let path = format!("shape/{path}");
        let request = good(&path);
        let vector = suite.add(&path, about, "closed", format!("{from}{request:#}{to}"));
        vector.with("file", "signed").headers.extend(facts(&request));
    }
}

/// Bytes that are no UTF-8. There is no code for them: a file of such bytes is no text that could be answered.
fn no_text(suite: &mut Suite) {
    let text = format!("{:#}", good("shape"));
    let (front, back) = text.split_once("create_raw").unwrap();
    for (path, about, bytes) in [
        ("bytes-not-utf-8", "A byte that no UTF-8 text has.", &[0xff][..]),
        ("bytes-cut-letter", "Half a letter of two bytes.", &[0xc3]),
        ("bytes-surrogate", "Half a pair of UTF-16, encoded as if it were a letter.", &[0xed, 0xa0, 0x80]),
    ] {
        let body = [front.as_bytes(), bytes, b"create_raw", back.as_bytes()].concat();
        suite.add(&format!("shape/{path}"), about, "closed", body);
    }
    let sixteen: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
    suite.add("shape/bytes-utf-16", "The request in UTF-16.", "closed", sixteen).with("file", CODE);
}

/// From `{` to `}`, but no JSON.
fn no_json(suite: &mut Suite) {
    let text = format!("{:#}", good("shape"));
    let half = text.len() / 2;
    let ending = |end: &str| format!("{}{end}", text.strip_suffix("\n}").unwrap());
    for (path, about, body) in [
        ("two-objects", "Two requests in one text.", format!("{text}{text}")),
        ("cut-and-closed", "Cut short, and closed again.", format!("{}}}", &text[..half])),
        ("brace-in-front", "One brace too many in front.", format!("{{{text}")),
        ("comma-too-many", "A comma after the last field.", ending(",\n}")),
        ("comma-missing", "No comma between two fields.", edit(&text, "\"fee\": 2000,", "\"fee\": 2000")),
        ("name-unquoted", "A name without quotes, as JavaScript takes it.", edit(&text, "\"fee\"", "fee")),
        ("single-quotes", "Quotes of Python.", text.replace('"', "'")),
        (
            "comment",
            "A comment, as the guide's templates have them.",
            edit(&text, "\"fee\"", "// the fee\n  \"fee\""),
        ),
        ("escape-unknown", "An escape that JSON does not know.", edit(&text, "create_raw", "\\x63reate_raw")),
        (
            "newline-in-text",
            "A line ends in the middle of a text.",
            edit(&text, "create_raw", "create\n_raw"),
        ),
        ("nul-in-text", "A NUL byte in a text.", edit(&text, "create_raw", "create\0_raw")),
        ("nul-between", "A NUL byte between two fields.", edit(&text, "\"fee\"", "\0\"fee\"")),
        ("nan", "No number.", edit(&text, "\"fee\": 2000", "\"fee\": NaN")),
        ("hex-number", "A number of another base.", edit(&text, "\"fee\": 2000", "\"fee\": 0x7d0")),
        (
            "leading-zero",
            "A zero in front, which is octal elsewhere.",
            edit(&text, "\"fee\": 2000", "\"fee\": 02000"),
        ),
        ("wide-digits", "Digits of another script.", edit(&text, "\"fee\": 2000", "\"fee\": ２０００")),
        (
            "no-break-space",
            "White space that JSON does not know.",
            edit(&text, "\"fee\": ", "\"fee\":\u{a0}"),
        ),
    ] {
        suite.add(&format!("shape/{path}"), about, CODE, body);
    }
}

/// A name that stands there twice: whoever takes the first and whoever takes the last sign different things.
fn twice(suite: &mut Suite) {
    let text = format!("{:#}", good("shape"));
    let first = |name: &str, value: &str| {
        text.replacen(&format!("\"{name}\""), &format!("\"{name}\": {value},\n\"{name}\""), 1)
    };
    for (name, body) in [
        ("fee", first("fee", "2000")),
        ("type", first("type", "\"chain_name\"")),
        ("txins", first("txins", "[]")),
        ("amount", first("amount", "4000000")),
        ("recipient", first("recipient", "\"dev1\"")),
        ("escaped", edit(&text, "\"fee\": 2000", "\"fee\": 2000,\n  \"f\\u0065e\": 2000")),
    ] {
        let about = format!("A field twice ({name}): readers differ about which one counts.");
        suite.add(&format!("shape/twice-{}", name.replace('_', "-")), &about, CODE, body);
    }
}

/// Nesting that makes a reader run out of stack.
fn deep(suite: &mut Suite) {
    let text = format!("{:#}", good("shape"));
    let lists = "[".repeat(5000) + &"]".repeat(5000);
    for (path, about, body) in [
        (
            "deep-type",
            "Lists, nested 5000 deep, for a type.",
            edit(&text, "\"create_raw_transaction\"", &lists),
        ),
        (
            "deep-and-open",
            "Lists, nested 5000 deep, that do not end.",
            edit(&text, "\"fee\": 2000", &format!("\"fee\": {}", "[".repeat(5000))),
        ),
    ] {
        suite.add(&format!("shape/{path}"), about, CODE, body);
    }
}
