//! A signer with keys, and requests for it.

use cold_signer::disk::{Call, Disk, Gate};
use cold_signer::keystore::{Cost, Keystore};
use cold_signer::passphrase::Passphrase;
use cold_signer::policy::Policy;
use cold_signer::signer::{Rules, Signer};
use rand_core::OsRng;
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::{CreateRawTransaction, OutputType, RawTransaction, TxOut};
use stegos_common::api::encoding::HexBytes;
use stegos_common::hash::Hash;
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, Unspent};
use stegos_common::payload::PayloadData;
use stegos_common::transaction::{NewOutput, Spendable, build};
use tempfile::TempDir;

/// The least policy under which everything is signed.
pub(crate) const EVERYTHING: &str = "[[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n";

/// The account that owns all inputs.
const ACCOUNT: &str = "alice";
/// What every input and output is worth, fees aside, in micro-STG.
const AMOUNT: i64 = 1_000_000;
/// What a node takes for each output.
const FEE: i64 = 1000;

/// Counts how often it is waited for the disk.
struct Syncs {
    count: AtomicUsize,
    /// Does not wait.
    skip: bool,
}

impl Gate for Syncs {
    fn pass(&self, call: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        if call == Call::Sync {
            self.count.fetch_add(1, SeqCst);
            if self.skip {
                return Ok(());
            }
        }
        run()
    }
}

/// A signer whose key store lies in a temporary directory.
pub(crate) struct Desk {
    signer: Signer,
    recipient: PublicKey,
    syncs: Arc<Syncs>,
    directory: TempDir,
}

impl Desk {
    /// With one account, as it is used.
    pub(crate) fn new() -> Self {
        Self::with(false)
    }

    /// With one account and a disk that is never waited for.
    pub(crate) fn without_sync() -> Self {
        Self::with(true)
    }

    fn with(skip: bool) -> Self {
        let directory = TempDir::new().unwrap();
        let passphrase = Passphrase::new("bench".to_owned().into()).unwrap();
        let master = SecretKey::random(&mut OsRng);
        let store = directory.path().join("store");
        let syncs = Arc::new(Syncs { count: AtomicUsize::new(0), skip });
        let disk = Disk::behind(syncs.clone());
        let mut keystore =
            Keystore::create(&store, &passphrase, Network::Devnet, master, Cost::TEST, disk).unwrap();
        keystore.add(&[ACCOUNT]).unwrap();
        let recipient = SecretKey::random(&mut OsRng).public_key();
        let policy = Policy::parse(EVERYTHING, Network::Devnet).unwrap();
        let (signer, _) = Signer::open(keystore, Rules::default(), policy).unwrap();
        Self { signer, recipient, syncs, directory }
    }

    /// Puts a policy in force.
    pub(crate) fn set_policy(&self, policy: Policy) {
        self.signer.set_policy(policy);
    }

    /// How often it was waited for the disk.
    pub(crate) fn syncs(&self) -> usize {
        self.syncs.count.load(SeqCst)
    }

    /// A directory that ends with it.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The JSON of a request that was not there before, with so many inputs and outputs, all private or all public.
    pub(crate) fn request(&self, private: bool, inputs: usize, outputs: usize) -> String {
        let owner = self.signer.keystore().owner(ACCOUNT).unwrap().secret_key().public_key();
        let spent: Vec<Output> = (0..inputs).map(|_| input(private, &owner)).collect();
        let ids: Vec<String> = spent.iter().map(|output| output.id().to_string()).collect();
        let fee = FEE * i64::try_from(outputs).unwrap();
        let mut rest = AMOUNT * i64::try_from(inputs).unwrap() - fee;
        let txouts: Vec<Value> = (0..outputs)
            .map(|index| {
                // The last output is the change.
                let amount = if index + 1 == outputs { rest } else { 1 };
                rest -= amount;
                let recipient = Address::new(Network::Devnet, self.recipient);
                if private {
                    json!({"output_type": "payment", "recipient": recipient, "amount": amount, "comment": "withdrawal"})
                } else {
                    json!({"output_type": "public_payment", "recipient": recipient, "amount": amount})
                }
            })
            .collect();
        let blobs: Vec<String> = spent.iter().map(|output| hex::encode(output.to_bytes())).collect();
        let accounts: Value = ids.iter().filter(|_| private).map(|id| (id.clone(), json!(ACCOUNT))).collect();
        json!({
            "type": "create_raw_transaction",
            "id": 1,
            "txins": ids,
            "txouts": txouts,
            "fee": fee,
            "unspent_list": blobs,
            "accounts": accounts,
        })
        .to_string()
    }

    /// Answers a request as the daemon does: with the self-check, and the journal.
    pub(crate) fn answer(&self, json: &str) -> String {
        let answer = self.signer.answer(json);
        assert!(answer.refusal.is_none(), "{}", answer.text);
        answer.text
    }

    /// Does what the reference node does with a request: it trusts the request and its own work.
    pub(crate) fn build_only(&self, json: &str) -> String {
        let request: CreateRawTransaction<'_> = serde_json::from_str(json).unwrap();
        let owner = self.signer.keystore().owner(ACCOUNT).unwrap();
        let secret = owner.secret_key();
        let unlock = |blob: &String| {
            let input = Unspent::from_bytes(&hex::decode(blob).unwrap()).unwrap();
            Spendable::unlock(&input, &secret, &owner.public_key).unwrap()
        };
        let inputs: Vec<Spendable> = request.unspent_list.iter().map(unlock).collect();
        let inputs: Vec<&Spendable> = inputs.iter().collect();
        let outputs: Vec<NewOutput> = request.txouts.iter().map(new_output).collect();
        let fee = Amount::from_micro(request.fee).unwrap();
        let transaction = build(&inputs, &outputs, fee, &secret, &mut OsRng).unwrap().transaction;
        let answer = RawTransaction {
            txouts: transaction.txouts.iter().map(Output::id).collect::<Vec<Hash>>(),
            data: HexBytes(transaction.to_bytes()),
            certificates: Vec::new(),
            journal: None,
        };
        serde_json::to_string(&answer).unwrap()
    }
}

fn input(private: bool, owner: &PublicKey) -> Output {
    let amount = Amount::from_micro(AMOUNT).unwrap();
    if private {
        let data = PayloadData::comment("deposit").unwrap();
        Output::Payment(PaymentOutput::new(owner, amount, data, None, &mut OsRng).unwrap().0)
    } else {
        Output::PublicPayment(PublicPaymentOutput::new(owner, amount, &mut OsRng))
    }
}

fn new_output(txout: &TxOut) -> NewOutput {
    let recipient = *Address::parse(&txout.recipient, Network::Devnet).unwrap().public_key();
    let amount = Amount::from_micro(txout.amount).unwrap();
    match txout.output_type {
        OutputType::PublicPayment => NewOutput::Public { recipient, amount },
        OutputType::Payment => {
            let data = PayloadData::comment(txout.comment.as_deref().unwrap()).unwrap();
            NewOutput::Private { recipient, amount, data, with_certificate: false }
        }
    }
}
