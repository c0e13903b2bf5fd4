//! What was signed before, and what is remembered of a request.

use super::draft::Draft;
use super::judge::Judgement;
use super::{Answered, Refusal, Signer};
use crate::journal::{Entry, Judged, NewOutputFacts, Outcome, Signed, Verdict, show_time, text_digest};
use jiff::Timestamp;
use stegos_common::api::create_raw_transaction::{JournalPosition, OutputType, RawTransaction};
use stegos_common::api::encoding::HexBytes;
use stegos_common::api::request::CertificateClaim;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::review::SignedBefore;
use stegos_common::transaction::{NewOutput, PaymentTransaction};

/// After so many records the key store remembers how far the journal got: so many at most can be cut off its end
/// without the store noticing, and so rarely is the price paid.
const ANCHORED_EVERY: u64 = 256;

impl Signer {
    /// Refuses a request that spends what was signed away.
    pub(super) fn require_free(&self, draft: &Draft) -> Result<(), Refusal> {
        match self.journal.spent(&draft.input_ids()) {
            Some((input, record)) => Err(self.already_signed(input, record)),
            None => Ok(()),
        }
    }

    /// Refuses everything while the journal may lack what was signed.
    pub(super) fn require_complete(&self) -> Result<(), Refusal> {
        self.journal.behind().map_or(Ok(()), |behind| Err(Refusal::JournalBehind(behind.count)))
    }

    /// The signing of the same request, if there was one.
    pub(super) fn signed_before(&self, draft: &Draft) -> Result<Option<SignedBefore>, Refusal> {
        let Some(record) = self.journal.request(&draft.digest) else { return Ok(None) };
        let (time, _, transaction) = self.signed(record)?;
        Ok(Some(SignedBefore { transaction: transaction.id(), time: show_time(time), record }))
    }

    /// Records what was signed; then, and only then, it may leave. Where another request was faster, its answer
    /// counts.
    pub(super) fn remember(
        &self,
        draft: &Draft,
        transaction: RawTransaction,
    ) -> Result<(RawTransaction, JournalPosition), Refusal> {
        // It leaves now, however long ago it was asked for.
        self.record(draft, transaction, &self.permit(draft)?)
    }

    /// Records what was signed under a judgement, which must hold still.
    pub(super) fn record(
        &self,
        draft: &Draft,
        transaction: RawTransaction,
        judgement: &Judgement,
    ) -> Result<(RawTransaction, JournalPosition), Refusal> {
        let RawTransaction { data, certificates, .. } = &transaction;
        let verdict =
            Verdict::Signed(Signed { transaction: data.0.clone(), certificates: certificates.clone() });
        let entry = draft.entry(judgement.facts.time, verdict, Some(judgement.judged()));
        // What left meanwhile counts; and while this decides, nothing leaves.
        let holds = |totals: &_, waiting: &_| judgement.holds(&draft.digest, &self.policy(), totals, waiting);
        match self.journal.commit_if(&entry, holds)? {
            Outcome::Recorded(position) => {
                self.anchor(position)?;
                self.tidy();
                Ok((transaction, position))
            }
            Outcome::Repeats(record) => self.repeat(record),
            Outcome::Conflicts(input, record) => Err(self.already_signed(input, record)),
            // The last two are about what is parked.
            Outcome::NotPermitted | Outcome::Waits | Outcome::Full(_) => {
                let judgement = self.permit(draft)?;
                Err(Refusal::Overtaken(Box::new(judgement.judged())))
            }
        }
    }

    /// The answer of a request that was signed before.
    pub(super) fn repeat(&self, record: u64) -> Result<(RawTransaction, JournalPosition), Refusal> {
        let (_, signed, transaction) = self.signed(record)?;
        Ok((answer(&transaction, signed.certificates), self.journal.position()))
    }

    /// Records a refusal. If that fails, it is the reason to refuse.
    pub(super) fn refuse(&self, refusal: Refusal, draft: Option<&Draft>, json: &str) -> Answered {
        match refusal {
            Refusal::JournalFailed(_) => return Answered { outcome: Err(refusal), position: None },
            // That it waits is in the journal already, however often it is asked about; the other says nothing about it.
            Refusal::PendingApproval { .. } | Refusal::ApprovalsFailed(_) => {
                return Answered { outcome: Err(refusal), position: Some(self.journal.position()) };
            }
            _ => {}
        }
        let verdict = Verdict::Refused { code: refusal.code().to_owned(), reason: refusal.for_the_journal() };
        let entry = match draft {
            Some(draft) => draft.entry(now(), verdict, refusal.judged().cloned()),
            None => Entry::about(now(), text_digest(json), verdict),
        };
        match self.commit(&entry) {
            Ok(Outcome::Recorded(position)) => Answered { outcome: Err(refusal), position: Some(position) },
            // Of what is signed or asked about only.
            Ok(_) => Answered { outcome: Err(refusal), position: None },
            Err(failed) => Answered { outcome: Err(failed), position: None },
        }
    }

    /// Records what needs no permission.
    pub(super) fn commit(&self, entry: &Entry) -> Result<Outcome, Refusal> {
        let outcome = self.journal.commit(entry)?;
        if let Outcome::Recorded(position) = outcome {
            self.anchor(position)?;
        }
        Ok(outcome)
    }

    /// Why an output that was signed away is not signed away again.
    pub(super) fn already_signed(&self, input: Hash, record: u64) -> Refusal {
        match self.signed(record) {
            Ok((time, _, transaction)) => {
                Refusal::AlreadySigned { input, time: show_time(time), transaction: transaction.id(), record }
            }
            Err(refusal) => refusal,
        }
    }

    /// A signed record: when, what, and its transaction.
    fn signed(&self, record: u64) -> Result<(u64, Signed, PaymentTransaction), Refusal> {
        let entry = self.journal.entry(record)?;
        let unreadable = || Refusal::JournalFailed(format!("record {record} of the journal makes no sense"));
        let Verdict::Signed(signed) = entry.verdict else { return Err(unreadable()) };
        let transaction = PaymentTransaction::from_bytes(&signed.transaction).map_err(|_| unreadable())?;
        Ok((entry.time, signed, transaction))
    }

    /// From time to time the key store must know how far the journal got.
    fn anchor(&self, position: JournalPosition) -> Result<(), Refusal> {
        if !position.count.is_multiple_of(ANCHORED_EVERY) {
            return Ok(());
        }
        self.keystore.anchor_journal(position).map_err(|error| {
            let reason = error.to_string();
            self.journal.fail(&reason);
            Refusal::JournalFailed(reason)
        })
    }
}

impl Draft {
    /// The ids of the inputs.
    fn input_ids(&self) -> Vec<Hash> {
        self.inputs.iter().map(|input| input.unspent.id()).collect()
    }

    /// What is remembered of the request.
    pub(super) fn entry(&self, time: u64, verdict: Verdict, judged: Option<Judged>) -> Entry {
        let output = |output: &NewOutput| NewOutputFacts {
            kind: match output {
                NewOutput::Public { .. } => OutputType::PublicPayment,
                NewOutput::Private { .. } => OutputType::Payment,
            },
            recipient: output.recipient().encoded(),
            amount: output.amount(),
        };
        Entry {
            time,
            request: self.digest,
            inputs: self.input_ids(),
            outputs: self.outputs.iter().map(output).collect(),
            fee: self.fee,
            judged,
            verdict,
        }
    }
}

/// The answer that carries a transaction.
pub(super) fn answer(
    transaction: &PaymentTransaction,
    certificates: Vec<CertificateClaim>,
) -> RawTransaction {
    RawTransaction {
        txouts: transaction.txouts.iter().map(Output::id).collect(),
        data: HexBytes(transaction.to_bytes()),
        certificates,
        journal: None,
    }
}

/// Milliseconds since 1970 UTC, by this host's clock.
pub(super) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}
