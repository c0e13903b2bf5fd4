//! A request's way: read it, find the owners of its inputs, keep the rules, build, verify, answer. One path
//! for socket and file alike, no branches back.

mod draft;
mod owners;
mod refusal;
mod review;
mod rules;

pub use refusal::Refusal;
pub use review::{InputFacts, Kind, Known, Mismatch, OutputFacts, Review};
pub use rules::{RequestKeys, Rules};

use crate::keystore::Keystore;
use draft::Draft;
use rand_core::OsRng;
use serde::Deserialize;
use serde_json::Value;
use std::num::NonZeroU64;
use stegos_common::address::Address;
use stegos_common::api::Message;
use stegos_common::api::create_raw_transaction::{CreateRawTransaction, RawTransaction, TYPE};
use stegos_common::api::encoding::{HexBytes, ScalarJson};
use stegos_common::api::request::CertificateClaim;
use stegos_common::api::response::Response;
use stegos_common::hash::Hash;
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::Output;
use stegos_common::text::excerpt;
use stegos_common::transaction::{Built, Spendable, build};

/// The keys, and the rules under which they sign.
pub struct Signer {
    keystore: Keystore,
    rules: Rules,
}

/// What becomes of a request.
pub struct Answer {
    /// The JSON text to send back.
    pub text: String,
    /// Why it was not signed, if it was not.
    pub refusal: Option<Refusal>,
}

impl Signer {
    /// A signer with the keys of `keystore`.
    #[must_use]
    pub const fn new(keystore: Keystore, rules: Rules) -> Self {
        Self { keystore, rules }
    }

    /// The key store.
    #[must_use]
    pub const fn keystore(&self) -> &Keystore {
        &self.keystore
    }

    /// Answers the JSON text of a request. The text may hold a secret key: the caller wipes it.
    #[must_use]
    pub fn answer(&self, json: &str) -> Answer {
        let (id, outcome) = match read(json) {
            Ok(request) => (NonZeroU64::new(request.id), self.sign(&request)),
            Err((id, refusal)) => (id, Err(refusal)),
        };
        let (body, refusal) = match outcome {
            Ok(transaction) => (Response::CreateRawTransaction(transaction), None),
            Err(refusal) => {
                let code = Some(refusal.code().to_owned());
                (Response::Error { error: refusal.to_string(), code }, Some(refusal))
            }
        };
        // Writing plain data to memory cannot fail; an empty answer would be refused by every reader.
        let text = serde_json::to_string(&Message { body, id }).unwrap_or_default();
        Answer { text, refusal }
    }

    /// Builds, signs and verifies what a request asks for.
    ///
    /// # Errors
    /// A [`Refusal`] where anything about the request is not as it should be.
    pub fn sign(&self, request: &CreateRawTransaction<'_>) -> Result<RawTransaction, Refusal> {
        let draft = Draft::new(request, self.keystore.network(), &self.rules)?;
        let owned = owners::unlock_all(&draft, &self.keystore, &self.rules)?;
        // After the owners: whoever tries the integration guide's example, with its fee of 100 STG, is told that
        // its key is not the owner's.
        let fee = self.rules.fee(draft.fee, draft.outputs.len())?;
        let spender = &owned.first().ok_or(Refusal::NoInputs)?.owner;
        let spendable: Vec<&Spendable> = owned.iter().map(|input| &input.spendable).collect();
        // A payment that is to be provable is signed by the owner of the first input.
        let built = build(&spendable, &draft.outputs, fee, &spender.secret, &mut OsRng)?;

        let inputs = draft.inputs.iter().map(|input| &input.unspent);
        built.transaction.verify(inputs).map_err(Refusal::SelfCheck)?;
        Ok(self.response(&draft, &spender.secret, &built))
    }

    fn response(&self, draft: &Draft, spender: &SecretKey, built: &Built) -> RawTransaction {
        let address = |key: &PublicKey| Address::new(self.keystore.network(), *key);
        let txouts: Vec<Hash> = built.transaction.txouts.iter().map(Output::id).collect();
        let certificates = txouts.iter().zip(&draft.outputs).zip(&built.rvalues);
        let certificates = certificates.filter_map(|((output_hash, output), rvalue)| {
            let rvalue = ScalarJson(**rvalue.as_ref()?);
            Some(CertificateClaim {
                output_hash: *output_hash,
                spender: address(&spender.public_key()),
                recipient: address(output.recipient()),
                rvalue,
            })
        });
        RawTransaction {
            certificates: certificates.collect(),
            txouts,
            data: HexBytes(built.transaction.to_bytes()),
        }
    }
}

/// Reads a request. Where it cannot be read, at least its id may be known.
fn read(json: &str) -> Result<CreateRawTransaction<'_>, (Option<NonZeroU64>, Refusal)> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default, rename = "type")]
        kind: Value,
        #[serde(default = "no_id")]
        id: Value,
    }
    fn no_id() -> Value {
        0.into()
    }
    // The parser quotes the value it dislikes as it is.
    let unparsable = |error: serde_json::Error| Refusal::UnparsableRequest(excerpt(&error.to_string()));
    if !json.trim_start().starts_with('{') {
        // The parser would also take the fields as a list.
        return Err((None, Refusal::UnparsableRequest("it is no JSON object".to_owned())));
    }
    let request = serde_json::from_str::<CreateRawTransaction<'_>>(json);
    if request.as_ref().is_ok_and(|request| request.kind == TYPE) {
        return request.map_err(|error| (None, unparsable(error)));
    }
    let head: Head = serde_json::from_str(json).map_err(|error| (None, unparsable(error)))?;
    let id = NonZeroU64::new(head.id.as_u64().ok_or((None, Refusal::BadId))?);
    Err((
        id,
        match (head.kind, request) {
            (Value::String(kind), Err(error)) if kind == TYPE => unparsable(error),
            (Value::String(kind), _) => Refusal::UnsupportedRequest(excerpt(&kind)),
            (Value::Null, _) => Refusal::UnparsableRequest("the field `type` is missing".to_owned()),
            _ => Refusal::UnparsableRequest("the field `type` is no text".to_owned()),
        },
    ))
}
