//! Objects whose fields are missing, or of another type, or of another request.

use super::{Suite, edit, set, unset};
use crate::world::{good, good_private};
use serde_json::{Value, json};

const CODE: &str = "unparsable_request";

pub(crate) fn add(suite: &mut Suite) {
    missing(suite);
    types(suite);
    numbers(suite);
    ids(suite);
    other_requests(suite);
}

fn missing(suite: &mut Suite) {
    for path in
        ["/type", "/txins", "/txouts", "/txouts/0/output_type", "/txouts/0/recipient", "/txouts/1/amount"]
    {
        let name = path.rsplit('/').next().unwrap();
        let about = format!("{name} is missing.");
        let path_of = format!("fields/missing-{}", name.replace('_', "-"));
        suite.refused(&path_of, &about, CODE, &unset(good("fields"), path)).with("says", format!("`{name}`"));
    }
    let renamed = format!("{:#}", good("fields"));
    suite.add(
        "fields/missing-by-its-case",
        "Names are written as they are: Fee is not fee, which is missing then.",
        CODE,
        edit(&renamed, "\"fee\"", "\"Fee\""),
    );
}

fn types(suite: &mut Suite) {
    let id = good("fields")["txins"][0].clone();
    for (name, about, path, value) in [
        ("txins-text", "txins is one id instead of a list.", "/txins", id.clone()),
        ("txins-null", "txins is null.", "/txins", Value::Null),
        ("txins-of-numbers", "An id is a number.", "/txins/0", json!(17)),
        (
            "txouts-object",
            "txouts is one output instead of a list.",
            "/txouts",
            good("fields")["txouts"][0].clone(),
        ),
        (
            "txouts-of-texts",
            "An output is an address.",
            "/txouts/0",
            good("fields")["txouts"][0]["recipient"].clone(),
        ),
        (
            "txouts-of-lists",
            "An output is a list of the right values.",
            "/txouts/0",
            good("fields")["txouts"][0].as_object().unwrap().values().cloned().collect(),
        ),
        (
            "output-type-case",
            "A kind of output in capitals.",
            "/txouts/0/output_type",
            json!("PublicPayment"),
        ),
        (
            "output-type-of-the-guide",
            "The guide's own spelling mistake, public_paymnet, is no kind of output.",
            "/txouts/0/output_type",
            json!("public_paymnet"),
        ),
        ("recipient-bytes", "A recipient as a list of bytes.", "/txouts/0/recipient", json!([1, 2, 3])),
        ("amount-with-unit", "An amount with its unit.", "/txouts/0/amount", json!("4 STG")),
        ("fee-text", "A fee as a text.", "/fee", json!("2000")),
        ("fee-null", "A fee that is null.", "/fee", Value::Null),
        (
            "unspent-list-text",
            "unspent_list is one blob instead of a list.",
            "/unspent_list",
            good("fields")["unspent_list"][0].clone(),
        ),
        (
            "unspent-list-object",
            "Blobs by their ids.",
            "/unspent_list",
            json!({ id.as_str().unwrap(): good("fields")["unspent_list"][0] }),
        ),
        ("accounts-list", "accounts is a list.", "/accounts", json!([[id, "alice"]])),
        ("accounts-number", "An account is a number.", "/accounts", json!({ id.as_str().unwrap(): 7 })),
        ("journal-text", "journal is a text.", "/journal", json!("true")),
    ] {
        suite.refused(&format!("fields/{name}"), about, CODE, &set(good("fields"), path, value));
    }
    for (name, about, path, value) in [
        ("comment-number", "A comment that is a number.", "/txouts/0/comment", json!(12)),
        ("with-certificate-text", "with_certificate is a text.", "/txouts/0/with_certificate", json!("yes")),
        ("with-certificate-number", "with_certificate is 1.", "/txouts/0/with_certificate", json!(1)),
    ] {
        suite.refused(&format!("fields/{name}"), about, CODE, &set(good_private("fields"), path, value));
    }
}

/// Numbers that are no signed 64-bit integers. None of them may become a near one.
fn numbers(suite: &mut Suite) {
    let text = format!("{:#}", good("fields"));
    for (name, about, number) in [
        ("fraction-of-zero", "A whole number, written as a fraction.", "2000.0"),
        ("exponent", "A whole number, written with an exponent.", "2e3"),
        ("too-large", "One more than there can be.", "9223372036854775808"),
        ("too-small", "One less than there can be.", "-9223372036854775809"),
        (
            "too-large-for-u64",
            "2^64 + 2000, which is 2000 where the high bits are dropped.",
            "18446744073709553616",
        ),
        ("huge", "A number that no machine has.", "1e400"),
        ("long", "A thousand digits.", &"9".repeat(1000)),
    ] {
        let fee = edit(&text, "\"fee\": 2000", &format!("\"fee\": {number}"));
        suite.add(&format!("fields/fee-{name}"), &format!("The fee: {about}"), CODE, fee);
    }
    for (name, about, number) in [
        (
            "too-large-for-u64",
            "2^64 + 4000000, which is the right amount where the high bits are dropped.",
            "18446744073713551616",
        ),
        ("almost", "A fraction that is the right amount in double precision.", "3999999.9999999999999999"),
    ] {
        let amount = edit(&text, "\"amount\": 4000000", &format!("\"amount\": {number}"));
        suite.add(&format!("fields/amount-{name}"), &format!("An amount: {about}"), CODE, amount);
    }
    suite.add(
        "fields/fee-minus-zero",
        "The fee: zero with a sign is zero, or no integer; either way no fee.",
        "unparsable_request or fee_too_low",
        edit(&text, "\"fee\": 2000", "\"fee\": -0"),
    );
}

fn ids(suite: &mut Suite) {
    let text = format!("{:#}", set(good("fields"), "/id", 7));
    for (name, about, id) in [
        ("fraction", "an id that is a fraction.", "1.5"),
        ("exponent", "an id with an exponent.", "1e3"),
        ("too-large", "an id of 2^64.", "18446744073709551616"),
        ("true", "an id that is true.", "true"),
    ] {
        let body = edit(&text, "\"id\": 7", &format!("\"id\": {id}"));
        suite
            .add(&format!("fields/id-{name}"), &format!("No unsigned 64-bit number: {about}"), "closed", body)
            .with("file", "bad_id");
    }
    let answered = set(unset(good("fields"), "/fee"), "/id", u64::MAX);
    suite.refused(
        "fields/id-in-a-refusal",
        "A refusal has the request's id, however large.",
        CODE,
        &answered,
    );
}

/// What a node takes, or nobody.
fn other_requests(suite: &mut Suite) {
    let code = "unsupported_request";
    for (name, about, request) in [
        (
            "broadcast",
            "A signer sends nothing.",
            json!({ "type": "broadcast_transaction", "data": "0a", "id": 3 }),
        ),
        ("outputs-list", "A signer has no chain.", json!({ "type": "outputs_list", "utxos": [], "id": 4 })),
        ("case", "The type in capitals.", set(good("fields"), "/type", "CREATE_RAW_TRANSACTION")),
        ("blank", "A blank after the type.", set(good("fields"), "/type", "create_raw_transaction ")),
        (
            "look-alike",
            "A type with a Cyrillic letter.",
            set(good("fields"), "/type", "сreate_raw_transaction"),
        ),
        (
            "control-characters",
            "A type that would move the cursor of a terminal.",
            set(good("fields"), "/type", "\u{1b}[2Jcreate_raw_transaction"),
        ),
    ] {
        suite.refused(&format!("fields/type-{name}"), about, code, &request);
    }
}
