//! The request to the signer: the documented `create_raw_transaction`, without a secret key.

use super::record::{Handoff, Output};
use serde_json::{Map, Value, json};
use stegos_common::api::create_raw_transaction::{OutputType, TYPE};
use stegos_common::hash::Hash;

/// The request of a handoff, as JSON. `blobs` are those of its inputs, in their order.
#[must_use]
pub fn request(handoff: &Handoff, blobs: &[Vec<u8>]) -> String {
    let txins: Vec<Hash> = handoff.inputs.iter().map(|input| input.id).collect();
    let txouts: Vec<Value> = handoff.outputs.iter().map(txout).collect();
    let unspent_list: Vec<String> = blobs.iter().map(hex::encode).collect();
    let mut request = json!({
        "type": TYPE,
        "id": handoff.number,
        "txins": txins,
        "txouts": txouts,
        "fee": handoff.fee,
        "unspent_list": unspent_list,
        "journal": true,
    });
    // Whose a public input is, its blob says.
    let private = handoff.inputs.iter().filter(|input| input.private);
    let accounts: Map<String, Value> =
        private.map(|input| (input.id.to_string(), input.account.clone().into())).collect();
    if let (Some(request), false) = (request.as_object_mut(), accounts.is_empty()) {
        request.insert("accounts".to_owned(), accounts.into());
    }
    request.to_string()
}

fn txout(output: &Output) -> Value {
    let (amount, recipient) = (output.amount, output.recipient);
    match &output.private {
        None => json!({ "output_type": OutputType::PublicPayment, "amount": amount, "recipient": recipient }),
        Some(private) => json!({
            "output_type": OutputType::Payment,
            "amount": amount,
            "recipient": recipient,
            "comment": private.comment,
            "with_certificate": private.with_certificate,
        }),
    }
}
