//! `secret_key`, the key that a request may bring.

use super::{Suite, edit, set};
use crate::world::{good, key, pay, private, public, spend};
use serde_json::{Value, json};

/// The order of the group, little-endian: the first number that is no scalar.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn numbers(account: &str) -> Value {
    json!(key(account).to_bytes().to_vec())
}

/// What the guest owns, in public, and pays to the merchant.
fn of_the_guest(label: &str) -> Value {
    spend(&[&public(label, "guest", 5_000_000)], &[pay("merchant", 4_999_000)], 1000)
}

pub(crate) fn add(suite: &mut Suite) {
    let request = of_the_guest("keys");
    let bytes = key("guest").to_bytes();
    let ending = |value: Value| {
        json!([&bytes[..31].iter().map(|byte| json!(byte)).collect::<Vec<_>>()[..], &[value]].concat())
    };
    for (name, about, bad) in [
        ("empty", "A key of no numbers.", json!([])),
        ("negative", "A number below 0.", ending(json!(-1))),
        ("fraction", "A number that is a fraction.", ending(json!(1.5))),
        ("text-in-list", "A number as a text.", ending(json!("1"))),
        ("nested", "The list in a list.", json!([numbers("guest")])),
        ("base64", "The key in base64.", json!("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")),
        ("zero", "Zero, which everybody knows.", json!(vec![0; 32])),
        ("order", "The order of the group, which is zero once more.", json!(hex::decode(ORDER).unwrap())),
        (
            "order-added",
            "The right key, plus the order of the group: not canonical.",
            json!(plus_order(&bytes[..])),
        ),
    ] {
        suite.refused(
            &format!("keys/{name}"),
            about,
            "bad_secret_key",
            &set(request.clone(), "/secret_key", bad),
        );
    }
    let text = format!("{:#}", set(request.clone(), "/secret_key", "KEY"));
    suite.add(
        "keys/deep",
        "Lists, nested 5000 deep.",
        "bad_secret_key or unparsable_request",
        edit(&text, "\"KEY\"", &("[".repeat(5000) + &"]".repeat(5000))),
    );
    let twice = format!("{:#}", set(request.clone(), "/secret_key", "KEY"));
    let list = numbers("guest").to_string();
    suite.add(
        "keys/twice",
        "Two keys: readers differ about which one counts.",
        "unparsable_request",
        edit(&twice, "\"KEY\"", &format!("{}, \"secret_key\": {list}", numbers("merchant"))),
    );

    let keyed = |request: Value, account: &str| set(request, "/secret_key", numbers(account));
    let owned = "input_not_owned";
    suite.refused("keys/of-another", "The key owns no input.", owned, &keyed(request.clone(), "bob"));
    suite.refused(
        "keys/of-another-beside-an-own-input",
        "The key owns no input; that the store does is no matter.",
        owned,
        &keyed(good("keys"), "guest"),
    );
    let hidden = spend(&[&private("keys", "hot", 2_000_000)], &[pay("merchant", 1_999_000)], 1000);
    suite.refused(
        "keys/of-another-in-private",
        "The key does not open the input.",
        owned,
        &keyed(hidden, "guest"),
    );
    let two = spend(
        &[&public("keys", "guest", 2_000_000), &public("keys", "alice", 2_000_000)],
        &[pay("merchant", 3_999_000)],
        1000,
    );
    suite.refused(
        "keys/of-one-of-two",
        "The key owns one of two inputs, the store the other.",
        owned,
        &keyed(two, "guest"),
    );
    let named = set(
        keyed(request.clone(), "guest"),
        "/accounts",
        json!({ request["txins"][0].as_str().unwrap(): "alice" }),
    );
    suite.refused("keys/and-accounts", "A key that owns everything, and owners.", "needless_hints", &named);
    suite
        .refused(
            "keys/denied",
            "The configuration denies keys in requests.",
            "request_key_denied",
            &keyed(request, "guest"),
        )
        .with("flags", "--request-keys deny");

    let path = "keys/none-where-denied";
    suite
        .signed(path, "Where keys are denied, requests without one are signed.", &good(path))
        .with("flags", "--request-keys deny");
    let path = "keys/private";
    let hidden = spend(&[&private(path, "guest", 2_000_000)], &[pay("merchant", 1_999_000)], 1000);
    suite.signed(path, "A private output of a key that is not in the store.", &keyed(hidden, "guest"));
    let path = "keys/of-the-store";
    suite.signed(path, "The key of an account of the store.", &keyed(good(path), "alice"));
}

/// The sum of two little-endian numbers.
fn plus_order(bytes: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let add = |(one, other): (&u8, u8)| {
        let sum = u16::from(*one) + u16::from(other) + carry;
        carry = sum >> 8;
        u8::try_from(sum & 0xff).unwrap()
    };
    bytes.iter().zip(hex::decode(ORDER).unwrap()).map(add).collect()
}
