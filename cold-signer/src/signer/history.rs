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
        self.record(draft, transaction, &self.judge(draft).require_allowed()?)
    }

    /// Records what was signed under a judgement, which must hold still.
    fn record(
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
        match self.journal.commit_if(&entry, |totals| judgement.holds(&self.policy(), totals))? {
            Outcome::Recorded(position) => {
                self.anchor(position)?;
                Ok((transaction, position))
            }
            Outcome::Repeats(record) => self.repeat(record),
            Outcome::Conflicts(input, record) => Err(self.already_signed(input, record)),
            Outcome::NotPermitted => {
                let judgement = self.judge(draft).require_allowed()?;
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
        if matches!(refusal, Refusal::JournalFailed(_)) {
            return Answered { outcome: Err(refusal), position: None };
        }
        let verdict = Verdict::Refused { code: refusal.code().to_owned(), reason: refusal.for_the_journal() };
        let entry = match draft {
            Some(draft) => draft.entry(now(), verdict, refusal.judged().cloned()),
            None => Entry {
                time: now(),
                request: text_digest(json),
                inputs: Vec::new(),
                outputs: Vec::new(),
                fee: 0,
                judged: None,
                verdict,
            },
        };
        let recorded = self.journal.commit(&entry).map_err(Refusal::from).and_then(|outcome| match outcome {
            Outcome::Recorded(position) => self.anchor(position).map(|()| Some(position)),
            // Of signed ones only.
            Outcome::Repeats(_) | Outcome::Conflicts(..) | Outcome::NotPermitted => Ok(None),
        });
        match recorded {
            Ok(position) => Answered { outcome: Err(refusal), position },
            Err(failed) => Answered { outcome: Err(failed), position: None },
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
    fn entry(&self, time: u64, verdict: Verdict, judged: Option<Judged>) -> Entry {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::keystore::{Cost, Keystore};
    use crate::passphrase::Passphrase;
    use crate::policy::Policy;
    use crate::signer::Rules;
    use rand_core::OsRng;
    use serde_json::json;
    use stegos_common::address::{Address, Network};
    use stegos_common::amount::Amount;
    use stegos_common::api::create_raw_transaction::CreateRawTransaction;
    use stegos_common::keys::SecretKey;
    use stegos_common::output::PublicPaymentOutput;

    /// A signer of one account, and what it is asked by.
    struct Scene {
        signer: Signer,
        recipient: Address,
        _temp: tempfile::TempDir,
    }

    fn scene(policy: Policy) -> Scene {
        let temp = tempfile::tempdir().unwrap();
        let passphrase = Passphrase::new("x".to_owned().into()).unwrap();
        let master = SecretKey::random(&mut OsRng);
        let recipient = Address::new(Network::Dev, master.public_key());
        let dir = temp.path().join("store");
        let keystore =
            Keystore::create(&dir, &passphrase, Network::Dev, master, Cost::TEST, Disk::default()).unwrap();
        let (signer, _) = Signer::open(keystore, Rules::default(), policy).unwrap();
        Scene { signer, recipient, _temp: temp }
    }

    impl Scene {
        fn restarted(self) -> Self {
            let Self { signer, recipient, _temp } = self;
            let dir = signer.keystore.dir().to_owned();
            drop(signer);
            let passphrase = Passphrase::new("x".to_owned().into()).unwrap();
            let keystore = Keystore::open(&dir, &passphrase, None, Disk::default()).unwrap();
            let (signer, _) = Signer::open(keystore, Rules::default(), policy("")).unwrap();
            Self { signer, recipient, _temp }
        }

        /// A request that pays 4000 micro-STG of a new output to somebody.
        fn request(&self, to: &Address) -> String {
            let amount = Amount::from_micro(5000).unwrap();
            let output = PublicPaymentOutput::new(self.recipient.public_key(), amount, &mut OsRng);
            let output = Output::PublicPayment(output);
            let json = json!({
                "type": "create_raw_transaction",
                "txins": [output.id()],
                "txouts": [{"output_type": "public_payment", "recipient": to, "amount": 4000}],
                "fee": 1000,
                "unspent_list": [hex::encode(output.to_bytes())],
            });
            json.to_string()
        }

        fn draft(&self, json: &str) -> Draft {
            let request: CreateRawTransaction<'_> = serde_json::from_str(json).unwrap();
            Draft::new(&request, json, Network::Dev, &Rules::default()).unwrap()
        }
    }

    fn policy(rules: &str) -> Policy {
        let any = "[[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n";
        Policy::parse(&format!("{rules}{any}"), Network::Dev).unwrap()
    }

    /// Both were judged before either was recorded.
    #[test]
    fn what_was_allowed_before_another_left_is_judged_again() {
        for rule in
            ["rule = \"policy-hour-total\"\nmost = \"0.009 STG\"", "rule = \"policy-delay\"\nseconds = 60"]
        {
            let scene = scene(policy(&format!("[[rules]]\naction = \"deny\"\n{rule}\n")));
            let stranger = Address::new(Network::Dev, SecretKey::from_seed(b"stranger").public_key());
            let drafts = [(); 2].map(|()| scene.draft(&scene.request(&stranger)));
            let built = drafts.each_ref().map(|draft| scene.signer.build(draft).unwrap());
            let judged = drafts.each_ref().map(|draft| scene.signer.judge(draft));
            let [first, second] = built;
            scene.signer.record(&drafts[0], first, &judged[0]).unwrap();
            let refused = scene.signer.record(&drafts[1], second, &judged[1]).unwrap_err();
            assert_eq!(refused.code(), "limited", "{rule}");
        }
    }

    /// The same request twice at once is signed once, and whoever comes second is not told that it is too much.
    #[test]
    fn who_asks_the_same_and_is_slower_is_not_limited() {
        let scene = scene(policy("[[rules]]\nrule = \"policy-delay\"\naction = \"deny\"\nseconds = 60\n"));
        let json = scene.request(&scene.recipient);
        let draft = scene.draft(&json);
        let first = scene.signer.answer(&json).text;
        let (second, _) = scene.signer.sign_new(&draft).unwrap();
        assert!(first.contains(&hex::encode(second.data.0)));
    }

    #[test]
    fn a_clock_that_jumped_is_confirmed_by_a_record() {
        let scene = scene(policy(""));
        let last = Entry { fee: 1000, verdict: signed(), ..Entry::clock_confirmed(now() + 2 * 3_600_000) };
        scene.signer.journal.commit(&last).unwrap();
        let json = scene.request(&scene.recipient);
        let refused = scene.signer.answer(&json);
        assert!(
            refused.text.contains("policy-clock") && refused.text.contains("clock confirm"),
            "{}",
            refused.text
        );
        scene.signer.confirm_clock(now()).unwrap();
        assert_eq!(scene.signer.answer(&json).refusal, None);
        // And so it is after a start.
        let scene = scene.restarted();
        assert_eq!(scene.signer.answer(&scene.request(&scene.recipient)).refusal, None);
    }

    fn signed() -> Verdict {
        Verdict::Signed(Signed { transaction: Vec::new(), certificates: Vec::new() })
    }

    #[test]
    fn a_policy_that_is_replaced_meanwhile_is_asked_instead() {
        let scene = scene(policy(""));
        let draft = scene.draft(&scene.request(&scene.recipient));
        let built = scene.signer.build(&draft).unwrap();
        let judged = scene.signer.judge(&draft);
        scene.signer.set_policy(policy("[[rules]]\nrule = \"policy-inputs\"\naction = \"deny\"\nmost = 0\n"));
        assert_eq!(scene.signer.record(&draft, built, &judged).unwrap_err().code(), "denied");
    }

    /// Two clients ask the same at once: the second looks before the first has signed, and builds after that.
    #[test]
    fn who_asks_the_same_at_the_same_time_gets_the_same() {
        let scene = scene(Policy::default());
        let json = scene.request(&scene.recipient);
        let draft = scene.draft(&json);
        let first = scene.signer.answer(&json).text;
        let (second, position) = scene.signer.sign_new(&draft).unwrap();
        assert!(first.contains(&hex::encode(second.data.0)));
        assert_eq!(position.count, 1);
    }
}
