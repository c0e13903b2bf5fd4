//! What a record says.

use super::Position;
use crate::approval::{Approval, Rejection};
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::OutputType;
use stegos_common::api::request::CertificateClaim;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// What became of one request. It never holds a secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, in milliseconds since 1970 UTC.
    pub time: u64,
    /// The digest of the request: over its meaning, or over its text where it has none.
    pub request: Hash,
    /// The outputs that were to be spent.
    pub inputs: Vec<Hash>,
    /// The outputs that were to be made.
    pub outputs: Vec<NewOutputFacts>,
    /// The fee asked for, in micro-STG.
    pub fee: i64,
    /// What the policy judged, where the request came so far.
    pub judged: Option<Judged>,
    /// What was decided.
    pub verdict: Verdict,
}

/// What a policy judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What identifies the policy file, where there is one.
    pub policy: Option<Hash>,
    /// The tag of the rule that decided.
    pub rule: String,
    /// What leaves the store's accounts: what strangers get, and the fee.
    pub outward: Amount,
    /// Whether the request brought the key that spends.
    pub request_key: bool,
    /// Whether it had a field that is not documented.
    pub unknown_field: bool,
    /// Whether people were to approve it.
    pub asked: bool,
}

/// An output that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOutputFacts {
    /// Private or public.
    pub kind: OutputType,
    /// Who was to get it.
    pub recipient: Encoded,
    /// How much.
    pub amount: Amount,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was signed.
    Signed(Signed),
    /// It was refused.
    Refused {
        /// The stable code.
        code: String,
        /// The sentence for people.
        reason: String,
    },
    /// No request: the time of this record was confirmed to be right.
    ClockConfirmed,
    /// It waits for approvals.
    Parked {
        /// What people call it.
        id: String,
        /// Until when, in milliseconds since 1970 UTC.
        expires: u64,
        /// What is approved: the text with all its facts.
        statement: String,
    },
    /// Somebody approved a request that waits.
    Approved {
        /// What people call it.
        id: String,
        /// Who, and how he was known.
        approval: Approval,
        /// His SSH signature of the statement, where that is how.
        signature: String,
    },
    /// Somebody rejected a request that waits.
    Rejected {
        /// What people call it.
        id: String,
        /// Who, and why.
        rejection: Rejection,
    },
    /// No request: the store was restored from a backup. What was signed behind this record's number until then may be
    /// missing.
    Restored {
        /// When the backup was made, in milliseconds since 1970 UTC.
        made: u64,
        /// The newest position of the journal that anybody had seen, where that was known.
        seen: Option<Position>,
    },
    /// No request: what the journal lacked after that was given to it.
    CaughtUp {
        /// How many transactions it had forgotten.
        transactions: u64,
        /// The newest position that whoever gave them had seen.
        seen: Option<Position>,
    },
    /// No request: somebody decided that the journal goes on without what it lacks.
    GivenUp,
}

impl Verdict {
    /// What people call the request that waits, where it is about one.
    #[must_use]
    pub fn approval(&self) -> Option<&str> {
        match self {
            Self::Parked { id, .. } | Self::Approved { id, .. } | Self::Rejected { id, .. } => Some(id),
            Self::Signed(_)
            | Self::Refused { .. }
            | Self::ClockConfirmed
            | Self::Restored { .. }
            | Self::CaughtUp { .. }
            | Self::GivenUp => None,
        }
    }
}

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The transaction's protobuf bytes.
    pub transaction: Vec<u8>,
    /// The proofs that were asked for.
    pub certificates: Vec<CertificateClaim>,
}

impl Entry {
    /// Whether it was signed.
    #[must_use]
    pub const fn signed(&self) -> Option<&Signed> {
        match &self.verdict {
            Verdict::Signed(signed) => Some(signed),
            _ => None,
        }
    }

    /// A record that a time is right.
    #[must_use]
    pub fn clock_confirmed(time: u64) -> Self {
        Self::about(time, Hash::digest("cold-signer clock confirmed"), Verdict::ClockConfirmed)
    }

    /// A record about no request at all: what happened says all.
    #[must_use]
    pub fn about_the_store(time: u64, verdict: Verdict) -> Self {
        Self::about(time, Hash::digest("cold-signer no request"), verdict)
    }

    /// A record about a request of which more is said elsewhere, or nothing can be.
    #[must_use]
    pub const fn about(time: u64, request: Hash, verdict: Verdict) -> Self {
        Self { time, request, inputs: Vec::new(), outputs: Vec::new(), fee: 0, judged: None, verdict }
    }

    /// What left the store's accounts. Where nobody judged that, as before there were policies, all of it.
    #[must_use]
    pub fn outward(&self) -> Amount {
        let all = || {
            let fee = Amount::from_micro(self.fee).unwrap_or(Amount::MAX);
            Amount::checked_sum(self.outputs.iter().map(|output| output.amount).chain([fee]))
        };
        self.judged.as_ref().map_or_else(|| all().unwrap_or(Amount::MAX), |judged| judged.outward)
    }
}
