//! Why a request is not signed: a stable code for machines, a sentence for people.

use crate::journal::show_time;
use crate::journal::{JournalError, Judged};
use crate::policy::{Decision, Verdict};
use stegos_common::address::AddressError;
use stegos_common::amount::Amount;
use stegos_common::hash::{Hash, ParseHashError};
use stegos_common::keys::SecretKeyError;
use stegos_common::output::OpenError;
use stegos_common::payload::{CommentError, MAX_COMMENT_LEN};
use stegos_common::range_proof::RangeProofError;
use stegos_common::transaction::{BuildError, MAX_INPUTS, MAX_OUTPUTS, TransactionError};
use thiserror::Error;

/// A request that is not signed. Its text names the offending value and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Not JSON, or a field is missing or of another type.
    #[error("the request cannot be read: {0}; see the documented create_raw_transaction request")]
    UnparsableRequest(String),
    /// Another request than the one this signer takes.
    #[error("this signer takes only create_raw_transaction, not {0:?}; ask a node")]
    UnsupportedRequest(String),
    /// `id` is no unsigned 64-bit integer. Over a socket the connection is closed, as a node does.
    #[error("the request's id must be an unsigned 64-bit integer")]
    BadId,
    /// An input's id is not a hash.
    #[error("txins[{index}]: {reason}")]
    BadInputId {
        /// Position in `txins`, from 0.
        index: usize,
        /// What is wrong.
        reason: ParseHashError,
    },
    /// Nothing to spend.
    #[error("txins is empty; name at least one output to spend")]
    NoInputs,
    /// More inputs than a node takes.
    #[error("{0} inputs, a node takes at most {MAX_INPUTS}; split the request")]
    TooManyInputs(usize),
    /// The same input twice.
    #[error("input {0} is named twice in txins; name it once")]
    DuplicateInput(Hash),
    /// Nothing to pay: everything would be the fee.
    #[error("txouts is empty; name at least one output to make")]
    NoOutputs,
    /// More outputs than a node takes.
    #[error("{0} outputs, a node takes at most {MAX_OUTPUTS}; split the request")]
    TooManyOutputs(usize),
    /// A blob that is not hex or not an output.
    #[error(
        "unspent_list[{index}] is not an output blob in hex: {reason}; take it from a node's outputs_list"
    )]
    BadBlob {
        /// Position in `unspent_list`, from 0.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// A blob of an output that is not spent.
    #[error("unspent_list holds output {0}, which is not in txins; leave it out")]
    ExtraBlob(Hash),
    /// The same blob twice.
    #[error("unspent_list holds output {0} twice; give it once")]
    DuplicateBlob(Hash),
    /// An input whose blob was not given.
    #[error("unspent_list lacks the blob of input {0}; there is no chain here to find it in")]
    MissingBlob(Hash),
    /// An input that this product does not spend.
    #[error("input {0} is a stake; unstake it with a node first")]
    StakeInput(Hash),
    /// An input with an amount that does not exist.
    #[error("input {input} has an amount of {amount} micro-STG, which no node would have accepted")]
    BadInputAmount {
        /// The input's id.
        input: Hash,
        /// The amount on the wire.
        amount: i64,
    },
    /// An input that opens, but does not match what it says of itself.
    #[error("input {input} is not what its payload says: {reason}; it cannot be spent")]
    MismatchedInput {
        /// The input's id.
        input: Hash,
        /// What does not match.
        reason: OpenError,
    },
    /// No key here owns the input.
    #[error("key does not own input {input}: {detail}")]
    InputNotOwned {
        /// The input's id.
        input: Hash,
        /// Which keys were tried, and what to do.
        detail: String,
    },
    /// A hint names an account that is not in the store.
    #[error(
        "accounts names {account:?} as the owner of input {input}, but no such account is in use here; see key list --archived"
    )]
    UnknownAccount {
        /// The input's id.
        input: Hash,
        /// The account named, shortened.
        account: String,
    },
    /// A hint is about an output that is not spent.
    #[error("accounts names the owner of {0:?}, which is not in txins; leave it out")]
    UnusedHint(String),
    /// Two owners are named for one output.
    #[error("accounts names two owners of input {0}; name one")]
    DuplicateHint(Hash),
    /// Owners are named though the request brings the key that owns everything.
    #[error(
        "the request carries both a secret_key, which owns all inputs, and accounts; leave one of them out"
    )]
    NeedlessHints,
    /// The request's key is malformed.
    #[error("{0}")]
    BadSecretKey(String),
    /// The configuration forbids keys in requests.
    #[error(
        "the request carries a secret_key, which this signer's configuration denies (request_keys); leave it out"
    )]
    RequestKeyDenied,
    /// A recipient that is no address, or nobody's.
    #[error("txouts[{index}].recipient: {reason}")]
    BadRecipient {
        /// Position in `txouts`, from 0.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// A recipient on another network.
    #[error("txouts[{index}].recipient: {reason}")]
    OtherNetwork {
        /// Position in `txouts`, from 0.
        index: usize,
        /// Which networks.
        reason: AddressError,
    },
    /// A private payment without a comment.
    #[error("txouts[{0}].comment is missing; a payment has one, though it may be empty")]
    MissingComment(usize),
    /// A comment that does not fit.
    #[error("txouts[{index}].comment has {length} bytes, at most {MAX_COMMENT_LEN} fit; shorten it")]
    CommentTooLong {
        /// Position in `txouts`, from 0.
        index: usize,
        /// How long it is, in bytes.
        length: usize,
    },
    /// A comment that would arrive changed.
    #[error("txouts[{index}].comment: {reason}; correct it")]
    BadComment {
        /// Position in `txouts`, from 0.
        index: usize,
        /// What would be changed.
        reason: CommentError,
    },
    /// A public payment with a comment, which nobody would get.
    #[error("txouts[{0}].comment: a public payment carries no comment; leave it out")]
    NeedlessComment(usize),
    /// A public payment that is to be provable.
    #[error(
        "txouts[{0}].with_certificate: a public payment needs no certificate, everybody sees it; leave it out"
    )]
    NeedlessCertificate(usize),
    /// An amount that no output can have.
    #[error("txouts[{index}].amount is {amount} micro-STG; {rule}")]
    BadAmount {
        /// Position in `txouts`, from 0.
        index: usize,
        /// The amount asked for, in micro-STG.
        amount: i64,
        /// What it must be.
        rule: &'static str,
    },
    /// A sum leaves the range of amounts.
    #[error("the sum of the {0} is above {max}, the most there can be", max = Amount::MAX)]
    Overflow(&'static str),
    /// A negative fee, or one that a node would not take.
    #[error("the fee is {fee} micro-STG, a node asks for at least {minimum} ({outputs} outputs)")]
    FeeTooLow {
        /// The fee asked for, in micro-STG.
        fee: i64,
        /// The least that a node takes.
        minimum: Amount,
        /// The number of outputs.
        outputs: usize,
    },
    /// A fee that must be a mistake.
    #[error(
        "the fee is {fee}, this signer pays at most {maximum} for {outputs} outputs; raise max_fee_factor if it is meant"
    )]
    FeeTooHigh {
        /// The fee asked for.
        fee: Amount,
        /// The most that is paid.
        maximum: Amount,
        /// The number of outputs.
        outputs: usize,
    },
    /// Inputs are not outputs plus fee.
    #[error(
        "inputs sum to {inputs}, but outputs of {outputs} and the fee of {fee} to {total}; correct the amounts or the change"
    )]
    Unbalanced {
        /// The sum of the inputs.
        inputs: Amount,
        /// The sum of the outputs.
        outputs: Amount,
        /// The fee.
        fee: Amount,
        /// Outputs and fee.
        total: Amount,
    },
    /// An input that is spent by another transaction, which has left already.
    #[error(
        "output {input} was signed away at {time} in transaction {transaction} (record {record} of the journal); send \
         that one, or spend other outputs"
    )]
    AlreadySigned {
        /// The input's id.
        input: Hash,
        /// When, RFC 3339 in UTC.
        time: String,
        /// The transaction's id.
        transaction: Hash,
        /// The number of the record in the journal, from 0.
        record: u64,
    },
    /// The store was restored, and may have forgotten what it signed.
    #[error(
        "nothing new is signed: the key store was restored from a backup whose journal had {0} records, and more may have \
         been signed after that; give it what it lacks with `journal catch-up`"
    )]
    JournalBehind(u64),
    /// The policy never allows it.
    #[error("the policy denies it, {rule}: {reason}")]
    Denied {
        /// The tag of the rule that decided.
        rule: &'static str,
        /// What it says, with the value.
        reason: String,
        /// For the journal.
        judged: Box<Judged>,
    },
    /// The policy does not allow it now.
    #[error("the policy does not allow it now, {rule}: {reason}; send it again at {until} or later")]
    Limited {
        /// The tag of the rule that decided.
        rule: &'static str,
        /// What it says, with the value.
        reason: String,
        /// The first time at which it fits, as RFC 3339.
        until: String,
        /// For the journal.
        judged: Box<Judged>,
    },
    /// The policy asks people, who have not all approved it yet.
    #[error("the policy asks for approval, {rule}: {reason}; {state}")]
    PendingApproval {
        /// The tag of the rule that decided.
        rule: &'static str,
        /// What it says, with the value.
        reason: String,
        /// How far that is.
        state: String,
        /// What people call the request, once it waits.
        id: Option<String>,
        /// Which files that were handed in do not count, and why: for the signer's host only.
        uncounted: Vec<String>,
    },
    /// The folder of approvals cannot be used. Where it is and why is for the signer's host only.
    #[error(
        "nobody can be asked for approval: the folder of approvals cannot be used; the signer's log says why"
    )]
    ApprovalsFailed(String),
    /// The policy was replaced while the transaction was recorded, or another rule of it decides now.
    #[error("the policy decides otherwise than a moment ago; send it again")]
    Overtaken(Box<Judged>),
    /// What was signed could not be remembered, and is withheld.
    #[error("nothing is signed: {0}")]
    JournalFailed(String),
    /// Our own verifier refuses what was built: a defect of this program, not of the request.
    #[error("the signed transaction does not verify and is withheld: {0}; report this")]
    SelfCheck(TransactionError),
    /// The range prover refused, which it never does for an amount.
    #[error("the transaction cannot be built: {0}; report this")]
    Prover(RangeProofError),
}

impl Refusal {
    /// An output that everybody could spend.
    pub(super) fn identity_recipient(index: usize) -> Self {
        let reason = "it is the identity key, whose outputs everybody can spend".to_owned();
        Self::BadRecipient { index, reason }
    }

    /// A public output of nothing.
    pub(super) const fn zero_amount(index: usize) -> Self {
        Self::BadAmount { index, amount: 0, rule: "a public amount must be above 0" }
    }

    /// What a policy's decision refuses by itself, if it does.
    pub(super) fn policy(decision: Decision, judged: Judged) -> Option<Self> {
        let Decision { tag: rule, reason, verdict, .. } = decision;
        let judged = Box::new(judged);
        match verdict {
            Verdict::Allowed | Verdict::Asked => None,
            Verdict::Denied => Some(Self::Denied { rule, reason, judged }),
            Verdict::Limited(until) => Some(Self::Limited { rule, reason, until: show_time(until), judged }),
        }
    }

    /// Under which id the request waits for approval, if it does.
    #[must_use]
    pub fn approval(&self) -> Option<&str> {
        match self {
            Self::PendingApproval { id, .. } => id.as_deref(),
            _ => None,
        }
    }

    /// What the policy judged, where it is what refuses.
    pub(super) fn judged(&self) -> Option<&Judged> {
        match self {
            Self::Denied { judged, .. } | Self::Limited { judged, .. } | Self::Overtaken(judged) => {
                Some(judged)
            }
            _ => None,
        }
    }

    /// The text for the journal, which keeps it for ever: no text of the request is quoted, since what stands in the
    /// wrong place may be a secret.
    pub(super) fn for_the_journal(&self) -> String {
        match self {
            Self::UnparsableRequest(_) => String::from("the request cannot be read"),
            Self::UnsupportedRequest(_) => String::from("the request is not create_raw_transaction"),
            Self::DuplicateInput(_) => String::from("an input is named twice in txins"),
            Self::MissingBlob(_) => String::from("unspent_list lacks the blob of an input"),
            Self::DuplicateHint(_) => String::from("accounts names two owners of an input"),
            Self::Denied { rule: rule @ "policy-unknown-field", .. } => {
                format!("the policy denies it, {rule}")
            }
            Self::BadInputId { index, .. } => format!("txins[{index}] is no hash"),
            Self::BadBlob { index, .. } => format!("unspent_list[{index}] is not an output blob in hex"),
            Self::UnknownAccount { input, .. } => {
                format!("accounts names an owner of input {input} who is not in use here")
            }
            Self::UnusedHint(_) => String::from("accounts names the owner of something that is not in txins"),
            Self::BadRecipient { index, .. } | Self::OtherNetwork { index, .. } => {
                format!("txouts[{index}].recipient cannot be paid")
            }
            _ => self.to_string(),
        }
    }

    /// The stable code that stands in an answer's `code`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnparsableRequest(_) => "unparsable_request",
            Self::UnsupportedRequest(_) => "unsupported_request",
            Self::BadId => "bad_id",
            Self::BadInputId { .. } => "bad_input_id",
            Self::NoInputs => "no_inputs",
            Self::TooManyInputs(_) => "too_many_inputs",
            Self::DuplicateInput(_) => "duplicate_input",
            Self::NoOutputs => "no_outputs",
            Self::TooManyOutputs(_) => "too_many_outputs",
            Self::BadBlob { .. } => "bad_blob",
            Self::ExtraBlob(_) => "extra_blob",
            Self::DuplicateBlob(_) => "duplicate_blob",
            Self::MissingBlob(_) => "missing_blob",
            Self::StakeInput(_) => "stake_input",
            Self::BadInputAmount { .. } => "bad_input_amount",
            Self::MismatchedInput { .. } => "mismatched_input",
            Self::InputNotOwned { .. } => "input_not_owned",
            Self::UnknownAccount { .. } => "unknown_account",
            Self::UnusedHint(_) => "unused_hint",
            Self::DuplicateHint(_) => "duplicate_hint",
            Self::NeedlessHints => "needless_hints",
            Self::BadSecretKey(_) => "bad_secret_key",
            Self::RequestKeyDenied => "request_key_denied",
            Self::BadRecipient { .. } => "bad_recipient",
            Self::OtherNetwork { .. } => "other_network",
            Self::MissingComment(_) => "missing_comment",
            Self::CommentTooLong { .. } => "comment_too_long",
            Self::BadComment { .. } => "bad_comment",
            Self::NeedlessComment(_) => "needless_comment",
            Self::NeedlessCertificate(_) => "needless_certificate",
            Self::BadAmount { .. } => "bad_amount",
            Self::Overflow(_) => "overflow",
            Self::FeeTooLow { .. } => "fee_too_low",
            Self::FeeTooHigh { .. } => "fee_too_high",
            Self::Unbalanced { .. } => "unbalanced",
            Self::AlreadySigned { .. } => "already_signed",
            Self::JournalBehind(_) => "journal_behind",
            Self::Denied { .. } => "denied",
            Self::Limited { .. } => "limited",
            Self::PendingApproval { .. } => "pending_approval",
            Self::ApprovalsFailed(_) => "approvals_failed",
            Self::Overtaken(_) => "overtaken",
            Self::JournalFailed(_) => "journal_failed",
            Self::SelfCheck(_) => "self_check",
            Self::Prover(_) => "prover",
        }
    }
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        Self::JournalFailed(error.to_string())
    }
}

impl From<SecretKeyError> for Refusal {
    fn from(error: SecretKeyError) -> Self {
        Self::BadSecretKey(format!("secret_key: {error}"))
    }
}

impl From<BuildError> for Refusal {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::NoInputs => Self::NoInputs,
            BuildError::DuplicateInput(id) => Self::DuplicateInput(id),
            BuildError::IdentityRecipient { index } => Self::identity_recipient(index),
            BuildError::ZeroAmount { index } => Self::zero_amount(index),
            BuildError::Overflow(what) => Self::Overflow(what),
            BuildError::Unbalanced { inputs, outputs, fee, total } => {
                Self::Unbalanced { inputs, outputs, fee, total }
            }
            BuildError::RangeProof(error) => Self::Prover(error),
        }
    }
}

#[cfg(test)]
mod tests {
    /// Clients and operators look codes up: none may be missing from the documentation.
    #[test]
    fn every_code_is_documented() {
        let code = |line: &str| Some(line.split_once("=> \"")?.1.split_once('"')?.0.to_owned());
        let codes: Vec<String> = include_str!("refusal.rs").lines().filter_map(code).collect();
        assert!(codes.len() > 30, "the codes are found in the source: {codes:?}");
        let documented = include_str!("../../../docs/signer.md");
        for code in codes {
            assert!(documented.contains(&format!("`{code}`")), "{code} is not in docs/signer.md");
        }
    }
}
