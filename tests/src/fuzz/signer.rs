//! Requests, all the way through a signer that signs whatever is well formed.

use super::{assert_harmless, store};
use crate::store::ALLOW_ALL;
use cold_signer::policy::Policy;
use cold_signer::signer::{Rules, Signer};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cell::RefCell;
use stegos_common::address::Network;
use stegos_common::api::create_raw_transaction::{CreateRawTransaction, RawTransaction};
use stegos_common::api::response::Response;
use stegos_common::api::{Message, NodeMessage};
use stegos_common::hash::Hash;
use stegos_common::output::{Output, Unspent};
use stegos_common::transaction::PaymentTransaction;
use tempfile::TempDir;

/// So many refusals make a journal long enough.
const MOST_REFUSALS: usize = 10_000;

/// Shorter texts may stand in an answer by chance.
const SHORTEST_SECRET: usize = 16;

/// The JSON text of a request.
pub(super) fn request(bytes: &[u8]) {
    thread_local! {
        static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
    }
    let Ok(json) = std::str::from_utf8(bytes) else { return };
    DESK.with_borrow_mut(|desk| {
        let used = desk.get_or_insert_with(Desk::new);
        used.refusals += 1;
        // What was signed stands in the way of everything else that spends the same.
        if used.answer(json).is_some() || used.refusals == MOST_REFUSALS {
            *desk = None;
        }
    });
}

/// A signer whose journal is empty but for refusals.
struct Desk {
    signer: Signer,
    refusals: usize,
    _directory: TempDir,
}

impl Desk {
    fn new() -> Self {
        let (keystore, directory) = store::open();
        let policy = Policy::parse(ALLOW_ALL, Network::Dev).unwrap_or_else(|error| panic!("{error}"));
        let signer = Signer::open(keystore, Rules::default(), policy);
        let (signer, _) = signer.unwrap_or_else(|error| panic!("{error}"));
        Self { signer, refusals: 0, _directory: directory }
    }

    /// What was signed, once everything about it was checked.
    fn answer(&self, json: &str) -> Option<PaymentTransaction> {
        let reviewed = self.signer.review_request(json).map(|(_, _, refusal)| refusal);
        let reviewed = reviewed.unwrap_or_else(Some).map(|refusal| refusal.code());
        match self.ask(json) {
            Response::CreateRawTransaction(raw) => {
                assert_eq!(reviewed, None, "who looked at it was told otherwise");
                let transaction = verified(json, &raw);
                let Response::CreateRawTransaction(again) = self.ask(json) else { panic!("it is forgotten") };
                assert_eq!(again, raw);
                Some(transaction)
            }
            Response::Error { error, code, .. } => {
                assert_eq!(reviewed, code.as_deref(), "who looked at it was told otherwise");
                assert_harmless(&error);
                assert!(!["self_check", "prover", "journal_failed"].map(Some).contains(&reviewed), "{error}");
                if let Some(secret) = secret(json) {
                    assert!(!error.contains(secret), "the refusal repeats the secret key: {error}");
                }
                None
            }
            other => panic!("no answer of a signer: {other:?}"),
        }
    }

    /// Asks, and reads the answer as our own clients do.
    fn ask(&self, json: &str) -> Response {
        let answer = self.signer.answer(json);
        match NodeMessage::parse(&answer.text) {
            Ok(NodeMessage::Response(Message { body, id })) => {
                if let Ok(request) = serde_json::from_str::<CreateRawTransaction<'_>>(json) {
                    assert_eq!(id.map_or(0, Into::into), request.id);
                }
                body
            }
            other => panic!("{other:?}: {}", answer.text),
        }
    }
}

/// The transaction of an answer, which does what was asked for and which a node takes.
fn verified(json: &str, raw: &RawTransaction) -> PaymentTransaction {
    let request: CreateRawTransaction<'_> =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}"));
    let transaction = PaymentTransaction::from_bytes(&raw.data.0).unwrap_or_else(|error| panic!("{error}"));
    let blobs = request.unspent_list.iter().map(|blob| hex::decode(blob).unwrap_or_default());
    let inputs: Vec<Unspent> = blobs.filter_map(|blob| Unspent::from_bytes(&blob).ok()).collect();
    transaction.verify(&inputs).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(transaction.txins.len(), request.txins.len());
    assert_eq!(transaction.fee, request.fee);
    assert_eq!(transaction.txouts.iter().map(Output::id).collect::<Vec<Hash>>(), raw.txouts);
    let proofs = request.txouts.iter().filter(|output| output.with_certificate);
    assert_eq!(raw.certificates.len(), proofs.count());
    transaction
}

/// What stands where the secret key belongs, unless it stands elsewhere, too.
fn secret(json: &str) -> Option<&str> {
    #[derive(Deserialize)]
    struct Request<'a> {
        #[serde(borrow)]
        secret_key: &'a RawValue,
    }
    let secret = serde_json::from_str::<Request<'_>>(json).ok()?.secret_key.get();
    let told = secret.len() >= SHORTEST_SECRET && json.matches(secret).count() == 1;
    // A list or a text: a number may be part of another.
    (told && secret.starts_with(['[', '"'])).then_some(secret)
}
