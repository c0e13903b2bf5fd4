//! What an answer must be.

use crate::vector::{Expected, Vector, Way};
use crate::world::{NETWORK, address, key_of};
use custody_tests::money::from_blob;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use stegos_common::address::{Address, Network};
use stegos_common::api::create_raw_transaction::{RawTransaction, TYPE};
use stegos_common::certificate;
use stegos_common::hash::Hash;
use stegos_common::output::{Output, Unspent};
use stegos_common::payload::PayloadData;
use stegos_common::transaction::PaymentTransaction;

/// The answers to a store's vectors, by path.
pub(crate) type Answers = BTreeMap<String, Value>;

/// Fails unless `answer` is what a vector says; `before` has the answers to those before it.
pub(crate) fn check(vector: &Vector, way: Way, answer: Option<&Value>, before: &Answers) {
    let path = format!("{} ({way:?})", vector.path);
    match (vector.expected(way), answer) {
        (Expected::Nothing, None) => {}
        (Expected::Nothing, Some(answer)) => panic!("{path}: it was answered, {answer}"),
        (expected, None) => panic!("{path}: it was not answered, but must be {expected:?}"),
        (Expected::Signed, Some(answer)) => {
            signed(vector, &path, answer);
            if let Some(other) = vector.get("same-as") {
                assert_eq!(answer["data"], before[other]["data"], "{path}: not the bytes of {other}");
            }
        }
        (Expected::Refused(codes), Some(answer)) => refused(vector, &path, answer, &codes),
    }
}

/// The request as a node reads it, where it can.
fn request(vector: &Vector) -> Value {
    serde_json::from_slice(&vector.body).unwrap_or_default()
}

/// The answer has these fields and no other, `id` and `journal` where the request asked for them.
fn has_fields(path: &str, request: &Value, answer: &Value, fields: &[&str]) {
    let mut expected: BTreeSet<&str> = fields.iter().copied().collect();
    let id = request["id"].as_u64().filter(|id| *id > 0);
    expected.extend(id.map(|_| "id"));
    assert_eq!(answer["id"].as_u64(), id, "{path}: {answer}");
    if request["journal"] == true {
        expected.insert("journal");
        let head: Option<Hash> = answer["journal"]["head"].as_str().and_then(|head| head.parse().ok());
        assert!(head.is_some() && answer["journal"]["count"].as_u64() > Some(0), "{path}: {answer}");
    }
    let found: BTreeSet<&str> = answer.as_object().into_iter().flatten().map(|(name, _)| &**name).collect();
    assert_eq!(found, expected, "{path}: {answer}");
}

fn refused(vector: &Vector, path: &str, answer: &Value, codes: &[String]) {
    let code = answer["code"].as_str().unwrap_or_default();
    assert!(codes.iter().any(|it| it == code), "{path}: must be refused as {codes:?}, but is {answer:.500}");
    let fields = ["type", "error", "code", "approval"];
    let waits = code == "pending_approval";
    has_fields(path, &request(vector), answer, if waits { &fields } else { &fields[..3] });
    assert_eq!(answer["type"], "error", "{path}");
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(!error.is_empty(), "{path}");
    for says in vector.all("says").chain(vector.all("rule")) {
        assert!(error.contains(says), "{path}: {says:?} is not in {error:?}");
    }
}

fn signed(vector: &Vector, path: &str, answer: &Value) {
    assert!(answer["data"].is_string(), "{path}: must be signed, but is {answer:.500}");
    let request = request(vector);
    let certified = vector.all("output").any(|output| output.contains(" with_certificate"));
    let fields = ["type", "txouts", "data", "certificates"];
    has_fields(path, &request, answer, if certified { &fields } else { &fields[..3] });
    assert_eq!(answer["type"], TYPE, "{path}");
    let raw: RawTransaction =
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{path}: {error} in {answer}"));
    let transaction =
        PaymentTransaction::from_bytes(&raw.data.0).unwrap_or_else(|error| panic!("{path}: {error}"));

    // What a node checks, with the inputs that the request brought.
    let blobs = request["unspent_list"].as_array().into_iter().flatten();
    let inputs: Vec<Unspent> = blobs.map(|blob| from_blob(blob.as_str().unwrap())).collect();
    assert_eq!(transaction.verify(&inputs), Ok(()), "{path}");
    assert_eq!(transaction.txouts.iter().map(Output::id).collect::<Vec<_>>(), raw.txouts, "{path}");

    let spent: Vec<String> = transaction.txins.iter().map(ToString::to_string).collect();
    assert!(vector.all("input").eq(spent.iter().map(String::as_str)), "{path}: it spends {spent:?}");
    assert_eq!(vector.get("fee").map(str::to_owned), Some(transaction.fee.to_string()), "{path}");
    let network = vector.get("network").map_or(NETWORK, |name| name.parse().unwrap());
    certificates(vector, path, &raw, &transaction);
    let proved: BTreeSet<Hash> = raw.certificates.iter().map(|claim| claim.output_hash).collect();
    let wanted: Vec<&str> = vector.all("output").collect();
    assert_eq!(wanted.len(), transaction.txouts.len(), "{path}");
    for (wanted, output) in wanted.iter().zip(&transaction.txouts) {
        let recipient = wanted.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!(fact(output, &recipient, network, proved.contains(&output.id())), **wanted, "{path}");
    }
}

/// Every certificate proves its payment.
fn certificates(vector: &Vector, path: &str, raw: &RawTransaction, transaction: &PaymentTransaction) {
    for claim in &raw.certificates {
        assert_eq!(vector.get("spender").map(str::to_owned), Some(claim.spender.to_string()), "{path}");
        let found = transaction.txouts.iter().find(|output| output.id() == claim.output_hash);
        let Some(Output::Payment(output)) = found else {
            panic!("{path}: {} is not private", claim.output_hash)
        };
        let (spender, recipient) = (claim.spender.public_key(), claim.recipient.public_key());
        assert!(certificate::verify(output, spender, recipient, &claim.rvalue.0).is_ok(), "{path}");
    }
}

/// An output, as its header says it. A private one is opened with the recipient's key.
fn fact(output: &Output, recipient: &Address, network: Network, proved: bool) -> String {
    match output {
        Output::PublicPayment(output) => {
            let found = Address::new(
                network,
                stegos_common::keys::PublicKey::from_bytes(output.recipient.as_bytes()).unwrap(),
            );
            format!("public_payment {found} {}", output.amount)
        }
        Output::Payment(output) => {
            let key = key_of(recipient).unwrap_or_else(|| panic!("nobody knows the key of {recipient}"));
            let payload =
                output.open(&key, &key.public_key()).unwrap_or_else(|error| panic!("{recipient}: {error}"));
            let PayloadData::Comment(comment) = &payload.data else { panic!("{recipient} got no comment") };
            let proved = if proved { " with_certificate" } else { "" };
            let comment = json!(comment.as_str());
            format!("payment {recipient} {}{proved} {comment}", payload.amount.micro())
        }
        Output::Stake(_) => panic!("a stake was made"),
    }
}

/// The headers that say what a signed request must have become, taken from the request as the integration guide reads
/// it.
pub(crate) fn facts(request: &Value) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    request["txins"].as_array().unwrap().iter().for_each(|id| add("input", text(id).to_lowercase()));
    add("fee", request["fee"].to_string());
    for output in request["txouts"].as_array().unwrap() {
        let (kind, recipient) = (text(&output["output_type"]), text(&output["recipient"]).to_lowercase());
        let proved = if output["with_certificate"] == true { " with_certificate" } else { "" };
        let comment = if kind == "payment" { format!(" {}", output["comment"]) } else { String::new() };
        add("output", format!("{kind} {recipient} {}{proved}{comment}", output["amount"]));
    }
    facts
}

/// The header that says whose the certificates are.
pub(crate) fn spender(account: &str) -> (String, String) {
    ("spender".to_owned(), address(account, NETWORK).to_string())
}
