//! What a request asks for, checked as far as no key is needed.

use super::refusal::Refusal;
use super::rules::Rules;
use std::collections::{BTreeMap, HashMap, HashSet};
use stegos_common::address::{Address, AddressError, Network};
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::{CreateRawTransaction, OutputType, TxOut, unknown_field};
use stegos_common::hash::{Hash, Hasher};
use stegos_common::keys::SecretKey;
use stegos_common::output::{Output, Unspent};
use stegos_common::payload::{CommentError, PayloadData};
use stegos_common::text::excerpt;
use stegos_common::transaction::{MAX_INPUTS, MAX_OUTPUTS, NewOutput};

/// An output to be spent.
pub(super) struct DraftInput {
    /// The output and its id.
    pub unspent: Unspent,
    /// The account that owns it, where the request says so.
    pub account: Option<String>,
}

/// A request whose every value is well formed.
pub(super) struct Draft {
    /// The outputs to spend, in the order of `txins`.
    pub inputs: Vec<DraftInput>,
    /// The outputs to make, in the order of `txouts`.
    pub outputs: Vec<NewOutput>,
    /// The fee asked for, in micro-STG, not judged yet.
    pub fee: i64,
    /// The key in the request.
    pub key: Option<SecretKey>,
    /// What tells this request from others: its meaning, whatever its spelling.
    pub digest: Hash,
    /// A field that is not documented.
    pub unknown_field: Option<String>,
}

impl Draft {
    /// Checks a request, cheapest first: counts, recipients and amounts, inputs. `json` is its text.
    ///
    /// # Errors
    /// The first [`Refusal`] met.
    pub(super) fn new(
        request: &CreateRawTransaction<'_>,
        json: &str,
        network: Network,
        rules: &Rules,
    ) -> Result<Self, Refusal> {
        let ids = input_ids(request)?;
        let count = request.txouts.len();
        if count == 0 {
            return Err(Refusal::NoOutputs);
        }
        if count > MAX_OUTPUTS {
            return Err(Refusal::TooManyOutputs(count));
        }
        let key = request.secret_key.map(|key| {
            rules.allow_request_key()?;
            if !request.accounts.is_empty() {
                return Err(Refusal::NeedlessHints);
            }
            let bytes = key.to_bytes().map_err(|error| Refusal::BadSecretKey(error.to_string()))?;
            Ok::<_, Refusal>(SecretKey::from_bytes(&*bytes)?)
        });
        let outputs: Vec<NewOutput> = request
            .txouts
            .iter()
            .enumerate()
            .map(|(index, txout)| new_output(index, txout, network))
            .collect::<Result<_, _>>()?;
        let key = key.transpose()?;
        let digest = digest(network, &ids, &outputs, request.fee, key.as_ref());
        let inputs = inputs(request, ids)?;
        let unknown_field = unknown_field(json).map(|name| excerpt(&name));
        Ok(Self { key, fee: request.fee, outputs, inputs, digest, unknown_field })
    }
}

/// The digest over what is to be signed: network, inputs, outputs, fee, and the public half of the request's key.
/// Blobs and hints follow from the inputs. Every part has a length or a fixed size, so that no two meanings are fed
/// as the same bytes.
fn digest(
    network: Network,
    inputs: &[Hash],
    outputs: &[NewOutput],
    fee: i64,
    key: Option<&SecretKey>,
) -> Hash {
    let mut hasher = Hasher::new();
    let text = |hasher: &mut Hasher, text: &[u8]| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text);
    };
    hasher.update(b"cold-signer request");
    text(&mut hasher, network.name().as_bytes());
    hasher.update(&(inputs.len() as u64).to_le_bytes());
    inputs.iter().for_each(|input| hasher.update(input.as_bytes()));
    hasher.update(&(outputs.len() as u64).to_le_bytes());
    for output in outputs {
        hasher.update(output.recipient().as_bytes());
        hasher.update(&output.amount().micro().to_le_bytes());
        match output {
            NewOutput::Public { .. } => hasher.update(&[0]),
            NewOutput::Private { data, with_certificate, .. } => {
                hasher.update(&[1, u8::from(*with_certificate)]);
                match data {
                    PayloadData::Comment(comment) => {
                        hasher.update(&[0]);
                        text(&mut hasher, comment.as_str().as_bytes());
                    }
                    PayloadData::ContentHash(content) => {
                        hasher.update(&[1]);
                        hasher.update(content.as_bytes());
                    }
                }
            }
        }
    }
    hasher.update(&fee.to_le_bytes());
    match key {
        None => hasher.update(&[0]),
        Some(key) => {
            hasher.update(&[1]);
            hasher.update(key.public_key().as_bytes());
        }
    }
    hasher.finish()
}

fn input_ids(request: &CreateRawTransaction<'_>) -> Result<Vec<Hash>, Refusal> {
    if request.txins.is_empty() {
        return Err(Refusal::NoInputs);
    }
    if request.txins.len() > MAX_INPUTS {
        return Err(Refusal::TooManyInputs(request.txins.len()));
    }
    let mut seen = HashSet::with_capacity(request.txins.len());
    let mut ids = Vec::with_capacity(request.txins.len());
    for (index, id) in request.txins.iter().enumerate() {
        let id: Hash = id.parse().map_err(|reason| Refusal::BadInputId { index, reason })?;
        if !seen.insert(id) {
            return Err(Refusal::DuplicateInput(id));
        }
        ids.push(id);
    }
    Ok(ids)
}

fn inputs(request: &CreateRawTransaction<'_>, ids: Vec<Hash>) -> Result<Vec<DraftInput>, Refusal> {
    let wanted: HashSet<&Hash> = ids.iter().collect();
    let mut given = HashMap::with_capacity(ids.len());
    for (index, blob) in request.unspent_list.iter().enumerate() {
        let unspent = unspent(blob).map_err(|reason| Refusal::BadBlob { index, reason })?;
        let id = unspent.id();
        if !wanted.contains(&id) {
            return Err(Refusal::ExtraBlob(id));
        }
        if given.insert(id, unspent).is_some() {
            return Err(Refusal::DuplicateBlob(id));
        }
    }
    let mut hints = hints(request)?;
    let mut inputs = Vec::with_capacity(ids.len());
    for id in ids {
        let unspent = given.remove(&id).ok_or(Refusal::MissingBlob(id))?;
        if matches!(unspent.output(), Output::Stake(_)) {
            return Err(Refusal::StakeInput(id));
        }
        inputs.push(DraftInput { unspent, account: hints.remove(&id) });
    }
    match hints.pop_first() {
        Some((id, _)) => Err(Refusal::UnusedHint(id.to_string())),
        None => Ok(inputs),
    }
}

fn unspent(blob: &str) -> Result<Unspent, String> {
    let bytes = hex::decode(blob).map_err(|error| error.to_string())?;
    Unspent::from_bytes(&bytes).map_err(|error| error.to_string())
}

fn hints(request: &CreateRawTransaction<'_>) -> Result<BTreeMap<Hash, String>, Refusal> {
    let mut hints = BTreeMap::new();
    for (id, account) in &request.accounts {
        let hash: Hash = id.parse().map_err(|_| Refusal::UnusedHint(excerpt(id)))?;
        // The same id again, or in other letters.
        if hints.insert(hash, account.clone()).is_some() {
            return Err(Refusal::DuplicateHint(hash));
        }
    }
    Ok(hints)
}

fn new_output(index: usize, txout: &TxOut, network: Network) -> Result<NewOutput, Refusal> {
    let recipient = recipient(index, &txout.recipient, network)?;
    let negative = |_| Refusal::BadAmount { index, amount: txout.amount, rule: "it must not be negative" };
    let amount = Amount::from_micro(txout.amount).map_err(negative)?;
    let recipient = *recipient.public_key();
    if recipient.is_identity() {
        return Err(Refusal::identity_recipient(index));
    }
    match txout.output_type {
        OutputType::PublicPayment if amount.is_zero() => Err(Refusal::zero_amount(index)),
        OutputType::PublicPayment if txout.with_certificate => Err(Refusal::NeedlessCertificate(index)),
        // The guide's template shows a comment for every kind; an empty one says nothing.
        OutputType::PublicPayment if txout.comment.as_deref().is_some_and(|comment| !comment.is_empty()) => {
            Err(Refusal::NeedlessComment(index))
        }
        OutputType::PublicPayment => Ok(NewOutput::Public { recipient, amount }),
        OutputType::Payment => {
            let comment = txout.comment.as_deref().ok_or(Refusal::MissingComment(index))?;
            let data = PayloadData::comment(comment).map_err(|reason| match reason {
                CommentError::TooLong(length) => Refusal::CommentTooLong { index, length },
                CommentError::TrailingNul => Refusal::BadComment { index, reason },
            })?;
            Ok(NewOutput::Private { recipient, amount, data, with_certificate: txout.with_certificate })
        }
    }
}

fn recipient(index: usize, text: &str, network: Network) -> Result<Address, Refusal> {
    Address::parse(text, network).map_err(|reason| match reason {
        AddressError::OtherNetwork { .. } => Refusal::OtherNetwork { index, reason },
        reason => Refusal::BadRecipient { index, reason: reason.to_string() },
    })
}
