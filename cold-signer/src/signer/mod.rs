//! A request's way: read it, find the owners of its inputs, keep the rules, build, verify, remember, answer. One path
//! for socket and file alike, no branches back.

mod approve;
mod catch_up;
mod draft;
mod history;
mod judge;
mod owners;
mod refusal;
mod review;
mod rules;
#[cfg(test)]
mod tests;

pub use catch_up::{CatchUpError, CaughtUp};
pub use judge::Judgement;
pub use refusal::Refusal;
pub use review::Mismatch;
pub use rules::{RequestKeys, Rules};

use crate::approval::Folder;
use crate::disk::Disk;
use crate::journal::{Journal, JournalError, Torn};
use crate::keystore::{Keystore, KeystoreError};
use crate::policy::Policy;
use crate::stack;
use draft::Draft;
use rand_core::OsRng;
use serde::Deserialize;
use serde_json::Value;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use stegos_common::address::Address;
use stegos_common::api::Message;
use stegos_common::api::create_raw_transaction::{
    CreateRawTransaction, JournalPosition, RawTransaction, TYPE,
};
use stegos_common::api::encoding::ScalarJson;
use stegos_common::api::request::CertificateClaim;
use stegos_common::api::response::Response;
use stegos_common::hash::Hash;
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::Output;
use stegos_common::text::excerpt;
use stegos_common::transaction::{Built, Spendable, build, check};

/// The folder of approvals in a store's directory, where no other is named.
pub(crate) const APPROVALS: &str = "approvals";

/// The keys, the rules under which they sign, and the memory of what was signed.
pub struct Signer {
    keystore: Keystore,
    rules: Rules,
    /// Only a local command puts another one in its place.
    policy: RwLock<Arc<Policy>>,
    journal: Journal,
    /// Where approvals are handed in.
    approvals: Folder,
}

/// What becomes of a request.
pub struct Answer {
    /// The JSON text to send back.
    pub text: String,
    /// Why it was not signed, if it was not.
    pub refusal: Option<Refusal>,
}

/// What was decided about a request, and where the journal is after it.
struct Answered {
    outcome: Result<RawTransaction, Refusal>,
    position: Option<JournalPosition>,
}

impl Signer {
    /// A signer with the keys of `keystore` and its journal. Answers, too, what a crash tore of the journal.
    ///
    /// # Errors
    /// [`KeystoreError::Journal`] where the journal is not what it was, `Io`: nothing may be signed then.
    pub fn open(
        keystore: Keystore,
        rules: Rules,
        policy: Policy,
    ) -> Result<(Self, Option<Torn>), KeystoreError> {
        let (journal, torn) = keystore.open_journal()?;
        let approvals = Folder::new(keystore.dir().join(APPROVALS), Disk::default());
        Ok((Self { keystore, rules, policy: RwLock::new(Arc::new(policy)), journal, approvals }, torn))
    }

    /// The same with another folder of approvals than the one in the store's directory.
    #[must_use]
    pub fn with_approvals(self, approvals: PathBuf) -> Self {
        Self { approvals: Folder::new(approvals, Disk::default()), ..self }
    }

    /// Puts another policy in force.
    pub fn set_policy(&self, policy: Policy) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
    }

    /// The folder of approvals.
    #[must_use]
    pub const fn approvals(&self) -> &Folder {
        &self.approvals
    }

    /// The policy in force.
    fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key store.
    #[must_use]
    pub const fn keystore(&self) -> &Keystore {
        &self.keystore
    }

    /// Waits for the disk as an answer does.
    ///
    /// # Errors
    /// [`JournalError::Failed`] where nothing is signed any more.
    pub fn require_sound(&self) -> Result<(), JournalError> {
        self.journal.require_sound()
    }

    /// Lets the store remember how far the journal got, so that one that ends earlier is refused.
    ///
    /// # Errors
    /// [`KeystoreError::Io`]; what was signed is in the journal all the same.
    pub fn close(&self) -> Result<(), KeystoreError> {
        self.keystore.anchor_journal(self.journal.position())
    }

    /// Answers the JSON text of a request, once what it says is in the journal and on disk. The text may hold a
    /// secret key: the caller wipes it.
    #[must_use]
    pub fn answer(&self, json: &str) -> Answer {
        let answer = self.decide(json);
        stack::wipe();
        answer
    }

    fn decide(&self, json: &str) -> Answer {
        let (id, asked, Answered { outcome, position }) = match read(json) {
            Ok(request) => (NonZeroU64::new(request.id), request.journal, self.sign(&request, json)),
            Err((id, refusal)) => (id, false, self.refuse(refusal, None, json)),
        };
        let journal = position.filter(|_| asked);
        let (body, refusal) = match outcome {
            Ok(transaction) => {
                (Response::CreateRawTransaction(RawTransaction { journal, ..transaction }), None)
            }
            Err(refusal) => {
                let code = Some(refusal.code().to_owned());
                let approval = refusal.approval().map(str::to_owned);
                let body = Response::Error { error: refusal.to_string(), code, approval, journal };
                (body, Some(refusal))
            }
        };
        // Writing plain data to memory cannot fail; an empty answer would be refused by every reader.
        let text = serde_json::to_string(&Message { body, id }).unwrap_or_default();
        Answer { text, refusal }
    }

    /// Signs what a request asks for, or answers what was signed for it before.
    fn sign(&self, request: &CreateRawTransaction<'_>, json: &str) -> Answered {
        let draft = match Draft::new(request, json, self.keystore.network(), &self.rules) {
            Ok(draft) => draft,
            Err(refusal) => return self.refuse(refusal, None, json),
        };
        let signed = match self.journal.request(&draft.digest) {
            Some(record) => self.repeat(record),
            None => self.sign_new(&draft),
        };
        match signed {
            Ok((transaction, position)) => Answered { outcome: Ok(transaction), position: Some(position) },
            Err(refusal) => self.refuse(refusal, Some(&draft), json),
        }
    }

    /// Signs what was not signed when it was looked up, which may have changed meanwhile.
    fn sign_new(&self, draft: &Draft) -> Result<(RawTransaction, JournalPosition), Refusal> {
        let signed = self.build(draft).and_then(|transaction| self.remember(draft, transaction));
        match (signed, self.journal.request(&draft.digest)) {
            (signed @ (Ok(_) | Err(Refusal::JournalFailed(_))), _) | (signed, None) => signed,
            // Somebody else asked the same, and was faster: whatever speaks against it now, it was signed.
            (Err(_), Some(record)) => self.repeat(record),
        }
    }

    /// Builds, signs and verifies what a request asks for. Nothing of it may leave before it is remembered.
    fn build(&self, draft: &Draft) -> Result<RawTransaction, Refusal> {
        let owned = owners::unlock_all(draft, &self.keystore, &self.rules)?;
        // After the owners: whoever tries the integration guide's example, with its fee of 100 STG, is told that
        // its key is not the owner's.
        let fee = self.rules.fee(draft.fee, draft.outputs.len())?;
        let spender = &owned.first().ok_or(Refusal::NoInputs)?.owner;
        let spendable: Vec<&Spendable> = owned.iter().map(|input| &input.spendable).collect();
        check(&spendable, &draft.outputs, fee)?;
        // A request that is wrong by itself is told so. Whether its inputs are free is decided again by the journal.
        self.require_complete()?;
        self.require_free(draft)?;
        self.permit(draft)?;
        // A payment that is to be provable is signed by the owner of the first input.
        let built = build(&spendable, &draft.outputs, fee, &spender.secret, &mut OsRng)?;

        let inputs = draft.inputs.iter().map(|input| &input.unspent);
        built.transaction.verify(inputs).map_err(Refusal::SelfCheck)?;
        Ok(self.response(draft, &spender.secret, &built))
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
        history::answer(&built.transaction, certificates.collect())
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
