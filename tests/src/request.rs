//! Requests in short forms, and what their answers must hold.

use crate::money::{blob, from_blob};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use stegos_common::address::Address;
use stegos_common::api::create_raw_transaction::{RawTransaction, TYPE};
use stegos_common::hash::Hash;
use stegos_common::output::{Output, Unspent};
use stegos_common::transaction::PaymentTransaction;

/// A request that spends `inputs` into `txouts`, exactly as the integration guide documents it.
#[must_use]
pub fn spend<'a>(inputs: impl IntoIterator<Item = &'a Unspent>, txouts: &[Value], fee: i64) -> Value {
    let (txins, blobs): (Vec<_>, Vec<_>) =
        inputs.into_iter().map(|input| (input.id().to_string(), blob(input))).unzip();
    json!({ "type": TYPE, "txins": txins, "txouts": txouts, "fee": fee, "unspent_list": blobs })
}

/// A public payment of `micro` micro-STG.
#[must_use]
pub fn pay(recipient: &Address, micro: i64) -> Value {
    json!({ "output_type": "public_payment", "recipient": recipient, "amount": micro })
}

/// A private payment of `micro` micro-STG.
#[must_use]
pub fn pay_privately(recipient: &Address, micro: i64, comment: &str) -> Value {
    json!({ "output_type": "payment", "recipient": recipient, "amount": micro, "comment": comment })
}

/// A request with one value set; `path` is a JSON pointer, which may name a field that is not there yet, or `-` behind the
/// end of a list.
#[must_use]
pub fn set(mut request: Value, path: &str, value: impl Into<Value>) -> Value {
    let (parent, field) = parent(&mut request, path);
    match parent.as_array_mut() {
        Some(list) => match field.parse::<usize>() {
            Ok(place) => list[place] = value.into(),
            Err(_) => list.push(value.into()),
        },
        None => parent[field] = value.into(),
    }
    request
}

/// A request without one value.
#[must_use]
pub fn unset(mut request: Value, path: &str) -> Value {
    let (parent, field) = parent(&mut request, path);
    let removed = match (parent.as_array_mut(), field.parse()) {
        (Some(list), Ok(place)) => Some(list.remove(place)),
        _ => parent.as_object_mut().and_then(|fields| fields.remove(field)),
    };
    assert!(removed.is_some(), "there is no {path}");
    request
}

/// What the last part of a JSON pointer is in, and that part.
fn parent<'a, 'b>(request: &'a mut Value, path: &'b str) -> (&'a mut Value, &'b str) {
    let found = path.rsplit_once('/').and_then(|(parent, field)| Some((request.pointer_mut(parent)?, field)));
    found.unwrap_or_else(|| panic!("there is no {path}"))
}

/// The transaction of an answer, after everything about it has been checked against the request: exactly the
/// documented fields, the ids of inputs and outputs, the fee, and all that a node verifies.
pub fn signed(request: &Value, answer: &Value) -> PaymentTransaction {
    let id = request["id"].as_u64().filter(|id| *id > 0);
    let txouts = request["txouts"].as_array();
    let proofs = txouts.is_some_and(|txouts| txouts.iter().any(|txout| txout["with_certificate"] == true));
    let mut documented = BTreeSet::from(["type", "txouts", "data"]);
    documented.extend(id.map(|_| "id"));
    documented.extend(proofs.then_some("certificates"));
    let fields: BTreeSet<&str> = answer.as_object().into_iter().flatten().map(|(name, _)| &**name).collect();
    assert_eq!(fields, documented, "{answer}");
    assert_eq!(answer["type"], TYPE);
    assert_eq!(answer["id"].as_u64(), id);

    let raw: RawTransaction =
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let transaction =
        PaymentTransaction::from_bytes(&raw.data.0).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(transaction.txouts.iter().map(Output::id).collect::<Vec<Hash>>(), raw.txouts);
    assert_eq!(json!(transaction.txins), request["txins"]);
    assert_eq!(json!(transaction.fee), request["fee"]);
    let blobs = request["unspent_list"].as_array().into_iter().flatten();
    let inputs: Vec<Unspent> = blobs.map(|blob| from_blob(blob.as_str().unwrap_or_default())).collect();
    assert_eq!(transaction.verify(&inputs), Ok(()));
    transaction
}

/// The output and the transaction that a refusal for `already_signed` names.
#[must_use]
pub fn already_signed(answer: &Value) -> Option<(Hash, Hash)> {
    let error = answer["error"].as_str().filter(|_| answer["code"] == "already_signed")?;
    let named = |before: &str| error.split_once(before)?.1.split(' ').next()?.parse().ok();
    Some((named("output ")?, named("in transaction ")?))
}
