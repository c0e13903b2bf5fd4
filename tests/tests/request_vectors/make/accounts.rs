//! `accounts`, by which a request names the owners of inputs.

use super::{Suite, edit, set};
use crate::world::{good_private, pay, private, public, spend};
use serde_json::{Value, json};

pub(crate) fn add(suite: &mut Suite) {
    let (hidden, open) = (private("accounts", "hot", 3_000_000), public("accounts", "alice", 2_000_000));
    let request = spend(&[&hidden, &open], &[pay("merchant", 4_999_000)], 1000);
    let id = hidden.id().to_string();
    let named = |id: &str, account: &str| set(request.clone(), "/accounts", json!({ id: account }));
    let mut bad = |name: &str, about: &str, code: &str, request: &Value| {
        suite.refused(&format!("accounts/{name}"), about, code, request).with("says", "accounts");
    };
    for (name, about, account) in [
        ("nobody", "An account that there never was.", "nobody"),
        ("archived", "An account that is not in use any more.", "former"),
        ("empty", "An account without a name.", ""),
        ("case", "Names are as they are written: Hot is not hot.", "Hot"),
        ("blank", "A blank after a name.", "hot "),
        (
            "address",
            "An address is no name.",
            "dev1acet3xlaa5zne88edhlnkmwtwpz873dnn246juywmnfllwygz5usku9p9p",
        ),
    ] {
        bad(name, about, "unknown_account", &named(&id, account));
    }
    for (name, about, id) in [
        ("of-what-is-not-spent", "The owner of an output that is not spent.", "ab".repeat(32)),
        ("of-no-hash", "The owner of something that is no output.", "hot".to_owned()),
        ("of-a-short-id", "The owner of half an id.", id[..32].to_owned()),
    ] {
        bad(name, about, "unused_hint", &named(&id, "hot"));
    }
    for (name, about, input, account) in [
        ("wrong-for-private", "Not the owner of a private output.", &id, "alice"),
        ("wrong-for-public", "Not the owner of a public output.", &open.id().to_string(), "hot"),
    ] {
        bad(name, about, "input_not_owned", &named(input, account));
    }
    let twice = set(named(&id, "hot"), &format!("/accounts/{}", id.to_uppercase()), "alice");
    bad("two-owners", "Two owners of one output, its id in other letters.", "duplicate_hint", &twice);
    let same = edit(
        &format!("{:#}", named(&id, "hot")),
        "\"accounts\": {",
        &format!("\"accounts\": {{\n    \"{id}\": \"alice\","),
    );
    suite.add(
        "accounts/two-owners-of-one-id",
        "Two owners of one output: readers differ about which one counts.",
        "duplicate_hint",
        same,
    );

    let path = "accounts/every-owner";
    let (hidden, open) = (private(path, "hot", 3_000_000), public(path, "alice", 2_000_000));
    let owners = json!({ hidden.id().to_string(): "hot", open.id().to_string(): "alice" });
    let named = set(spend(&[&hidden, &open], &[pay("merchant", 4_999_000)], 1000), "/accounts", owners);
    suite.signed(path, "The owners of all inputs are named.", &named);
    let path = "accounts/spares-the-search";
    let request = good_private(path);
    let owner = json!({ request["txins"][0].as_str().unwrap(): "hot" });
    suite
        .signed(path, "An owner that is named need not be looked for.", &set(request, "/accounts", owner))
        .with("flags", "--search-limit 0");
}
