//! What was signed before, and what is remembered of a request.

use super::draft::Draft;
use super::{Judged, Refusal, Signer};
use crate::journal::{Entry, NewOutputFacts, Outcome, Signed, Verdict, text_digest};
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
        let RawTransaction { data, certificates, .. } = &transaction;
        let verdict =
            Verdict::Signed(Signed { transaction: data.0.clone(), certificates: certificates.clone() });
        match self.journal.commit(&draft.entry(verdict))? {
            Outcome::Recorded(position) => {
                self.anchor(position)?;
                Ok((transaction, position))
            }
            Outcome::Repeats(record) => self.repeat(record),
            Outcome::Conflicts(input, record) => Err(self.already_signed(input, record)),
        }
    }

    /// The answer of a request that was signed before.
    pub(super) fn repeat(&self, record: u64) -> Result<(RawTransaction, JournalPosition), Refusal> {
        let (_, signed, transaction) = self.signed(record)?;
        Ok((answer(&transaction, signed.certificates), self.journal.position()))
    }

    /// Records a refusal. If that fails, it is the reason to refuse.
    pub(super) fn refuse(&self, refusal: Refusal, draft: Option<&Draft>, json: &str) -> Judged {
        if matches!(refusal, Refusal::JournalFailed(_)) {
            return Judged { outcome: Err(refusal), position: None };
        }
        let verdict = Verdict::Refused { code: refusal.code().to_owned(), reason: refusal.for_the_journal() };
        let entry = match draft {
            Some(draft) => draft.entry(verdict),
            None => Entry {
                time: now(),
                request: text_digest(json),
                inputs: Vec::new(),
                outputs: Vec::new(),
                fee: 0,
                verdict,
            },
        };
        let recorded = self.journal.commit(&entry).map_err(Refusal::from).and_then(|outcome| match outcome {
            Outcome::Recorded(position) => self.anchor(position).map(|()| Some(position)),
            // Of signed ones only.
            Outcome::Repeats(_) | Outcome::Conflicts(..) => Ok(None),
        });
        match recorded {
            Ok(position) => Judged { outcome: Err(refusal), position },
            Err(failed) => Judged { outcome: Err(failed), position: None },
        }
    }

    /// Why an output that was signed away is not signed away again.
    fn already_signed(&self, input: Hash, record: u64) -> Refusal {
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
    fn entry(&self, verdict: Verdict) -> Entry {
        let output = |output: &NewOutput| NewOutputFacts {
            kind: match output {
                NewOutput::Public { .. } => OutputType::PublicPayment,
                NewOutput::Private { .. } => OutputType::Payment,
            },
            recipient: output.recipient().encoded(),
            amount: output.amount(),
        };
        Entry {
            time: now(),
            request: self.digest,
            inputs: self.input_ids(),
            outputs: self.outputs.iter().map(output).collect(),
            fee: self.fee,
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
fn now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// A time as RFC 3339 in UTC, to the millisecond.
pub(crate) fn show_time(milliseconds: u64) -> String {
    let time = i64::try_from(milliseconds).ok().and_then(|time| Timestamp::from_millisecond(time).ok());
    time.map_or_else(|| format!("{milliseconds} ms after 1970"), |time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::keystore::{Cost, Keystore};
    use crate::passphrase::Passphrase;
    use crate::signer::Rules;
    use rand_core::OsRng;
    use serde_json::json;
    use stegos_common::address::{Address, Network};
    use stegos_common::amount::Amount;
    use stegos_common::api::create_raw_transaction::CreateRawTransaction;
    use stegos_common::keys::SecretKey;
    use stegos_common::output::PublicPaymentOutput;

    /// Two clients ask the same at once: the second looks before the first has signed, and builds after that.
    #[test]
    fn who_asks_the_same_at_the_same_time_gets_the_same() {
        let temp = tempfile::tempdir().unwrap();
        let passphrase = Passphrase::new("x".to_owned().into()).unwrap();
        let master = SecretKey::random(&mut OsRng);
        let recipient = Address::new(Network::Dev, master.public_key());
        let amount = Amount::from_micro(5000).unwrap();
        let output = PublicPaymentOutput::new(recipient.public_key(), amount, &mut OsRng);
        let output = Output::PublicPayment(output);
        let dir = temp.path().join("store");
        let keystore =
            Keystore::create(&dir, &passphrase, Network::Dev, master, Cost::TEST, Disk::default()).unwrap();
        let (signer, _) = Signer::open(keystore, Rules::default()).unwrap();
        let json = json!({
            "type": "create_raw_transaction",
            "txins": [output.id()],
            "txouts": [{"output_type": "public_payment", "recipient": recipient, "amount": 4000}],
            "fee": 1000,
            "unspent_list": [hex::encode(output.to_bytes())],
        });
        let json = json.to_string();
        let request: CreateRawTransaction<'_> = serde_json::from_str(&json).unwrap();
        let draft = Draft::new(&request, Network::Dev, &Rules::default()).unwrap();
        let first = signer.answer(&json).text;
        let (second, position) = signer.sign_new(&draft).unwrap();
        assert!(first.contains(&hex::encode(second.data.0)));
        assert_eq!(position.count, 1);
    }
}
