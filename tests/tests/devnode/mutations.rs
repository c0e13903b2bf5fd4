//! Good transactions, each with one thing wrong: every one is refused, and for that thing.

use crate::world::{World, account, genesis_outputs};
use custody_tests::devnode::sign;
use custody_tests::session::Session;
use rand_core::OsRng;
use serde_json::json;
use std::slice::from_ref;
use stegos_common::amount::Amount;
use stegos_common::group::{Encoded, Scalar};
use stegos_common::hash::Hash;
use stegos_common::keys::PublicKey;
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, StakeOutput, Unspent};
use stegos_common::payload::PayloadData;
use stegos_common::transaction::PaymentTransaction;

const BALANCE: &str = "Transaction error=Invalid monetary balance: tx=TX";
const SIGNATURE: &str = "Transaction error=Invalid signature: tx=TX";
const NOT_UNDERSTOOD: &str = "Failed to parse request, no api responsible for this request was found.";

/// Good transactions and the outputs that they could spend.
struct Good {
    payments: Vec<PaymentTransaction>,
    foreign: Unspent,
    stake: Hash,
    taken: Output,
}

fn flipped(hash: &Hash, byte: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[byte] ^= 1;
    Hash::from_bytes(bytes)
}

fn flipped_point(point: &Encoded, byte: usize) -> Encoded {
    let mut bytes = *point.as_bytes();
    bytes[byte] ^= 1;
    Encoded::from_bytes(bytes)
}

/// The transactions with one thing wrong, each with the words for it: `TX` is the transaction's id, `OUT<n>` that
/// of its n-th output.
struct Wrong(Vec<(PaymentTransaction, String)>);

impl Wrong {
    fn add(&mut self, good: &PaymentTransaction, words: &str, change: impl FnOnce(&mut PaymentTransaction)) {
        let mut payment = good.clone();
        change(&mut payment);
        self.0.push((payment, words.to_owned()));
    }

    fn signatures(&mut self, good: &PaymentTransaction) {
        for byte in 0..32 {
            self.add(good, SIGNATURE, |tx| tx.signature.k = flipped_point(&tx.signature.k, byte));
        }
        for power in 0..32 {
            self.add(good, SIGNATURE, |tx| tx.signature.u = tx.signature.u + Scalar::from(1 << power));
        }
        self.add(good, SIGNATURE, |tx| tx.signature = stegos_common::schnorr::Signature::UNSIGNED);
    }

    fn sums(&mut self, good: &PaymentTransaction) {
        for power in 0..8 {
            self.add(good, BALANCE, |tx| tx.fee += 1 << power);
            self.add(good, BALANCE, |tx| tx.gamma = tx.gamma + Scalar::from(1 << power));
        }
        self.add(good, BALANCE, |tx| tx.fee = i64::MAX);
        let min = 1000 * i64::try_from(good.txouts.len()).unwrap();
        for fee in [min - 1, 1, 0, -1, i64::MIN] {
            let words = format!("Transaction fee is too low: tx=TX, min={min}, got={fee}");
            self.add(good, &words, |tx| tx.fee = fee);
        }
        self.add(good, BALANCE, |tx| tx.txouts.clear());
        self.add(good, BALANCE, |tx| drop(tx.txouts.pop()));
    }

    fn inputs(&mut self, good: &PaymentTransaction, world: &Good) {
        for byte in 0..32 {
            let unknown = flipped(&good.txins[0], byte);
            let words = format!("Missing transaction input: tx=TX, utxo={}", unknown.short());
            self.add(good, &words, |tx| tx.txins[0] = unknown);
        }
        let twice = format!("Transaction error=Duplicate input: tx=TX, utxo={}", good.txins[0].short());
        self.add(good, &twice, |tx| tx.txins.push(tx.txins[0]));
        self.add(good, "Transaction error=No inputs: tx=TX", |tx| tx.txins.clear());
        self.add(good, BALANCE, |tx| tx.txins.push(world.foreign.id()));
        // As much, but somebody else's.
        self.add(good, SIGNATURE, |tx| tx.txins[0] = world.foreign.id());
        let locked = format!("Stake is locked: tx=TX, utxo={}", world.stake.short());
        self.add(good, &locked, |tx| tx.txins[0] = world.stake);
        self.add(good, "Too many inputs: tx=TX, max=100, got=101", |tx| {
            tx.txins = (0..101_u64).map(|index| Hash::digest(&index)).collect();
        });
        if good.txins.len() > 1 {
            self.add(good, SIGNATURE, |tx| tx.txins.reverse());
            self.add(good, BALANCE, |tx| tx.txins.truncate(1));
        }
    }

    fn outputs(&mut self, good: &PaymentTransaction, world: &Good) {
        let twice =
            format!("Transaction error=Duplicate output: tx=TX, utxo={}", good.txouts[0].id().short());
        self.add(good, &twice, |tx| tx.txouts.push(tx.txouts[0].clone()));
        self.add(good, SIGNATURE, |tx| tx.txouts.reverse());
        self.add(good, "Too many outputs: tx=TX, max=100, got=101", |tx| {
            tx.txouts = vec![tx.txouts[0].clone(); 101];
        });
        let taken = format!("Output hash collision: tx=TX, utxo={}", world.taken.id().short());
        self.add(good, &taken, |tx| tx.txouts[0] = world.taken.clone());
        self.add(good, "Output error=Stake output cannot be checked here: utxo=OUT0", |tx| {
            tx.txouts[0] = Output::Stake(StakeOutput {
                recipient: world.foreign.output().recipient(),
                validator: [1; 96],
                amount: 1,
                serno: 1,
                signature: [1; 48],
            });
        });
        for (index, output) in good.txouts.iter().enumerate() {
            match output {
                Output::PublicPayment(output) => self.public_output(good, index, output),
                Output::Payment(output) => self.private_output(good, index, output),
                Output::Stake(_) => {}
            }
        }
    }

    fn public_output(&mut self, good: &PaymentTransaction, index: usize, output: &PublicPaymentOutput) {
        let mut add = |words: &str, change: &dyn Fn(&mut PublicPaymentOutput)| {
            let mut output = output.clone();
            change(&mut output);
            self.add(good, words, |tx| tx.txouts[index] = Output::PublicPayment(output));
        };
        for change in [1, -1, 2, -2] {
            add(BALANCE, &|output| output.amount += change);
        }
        for amount in [0, -1, i64::MIN] {
            let words = format!("Output error=Invalid amount: utxo=OUT{index}, amount={amount}");
            add(&words, &|output| output.amount = amount);
        }
        add(SIGNATURE, &|output| output.serno ^= 1);
        add(SIGNATURE, &|output| output.recipient = account("carol").public_key().encoded());
        let words =
            format!("Output error=Invalid recipient: utxo=OUT{index}: not the encoding of a Ristretto point");
        add(&words, &|output| output.recipient = Encoded::from_bytes([0xff; 32]));
    }

    fn private_output(&mut self, good: &PaymentTransaction, index: usize, output: &PaymentOutput) {
        let mut add = |words: &str, change: &dyn Fn(&mut PaymentOutput)| {
            let mut output = output.clone();
            change(&mut output);
            self.add(good, words, |tx| tx.txouts[index] = Output::Payment(output));
        };
        let proof = format!("Output error=Invalid bulletproof: utxo=OUT{index}");
        for byte in (0..672).step_by(21) {
            add(&proof, &|output| output.proof.proof[byte] ^= 1);
        }
        add(&proof, &|output| output.proof.proof.clear());
        add(&proof, &|output| output.proof.proof.truncate(671));
        for byte in 0..8 {
            add(&proof, &|output| output.proof.commitment = flipped_point(&output.proof.commitment, byte));
        }
        for byte in (0..1024).step_by(64) {
            add(SIGNATURE, &|output| output.payload.ciphertext[byte] ^= 1);
        }
        for length in [0, 1000, 1023, 1025] {
            let words =
                format!("Output error=Invalid payload length: utxo=OUT{index}, expected=1024, got={length}");
            add(&words, &|output| output.payload.ciphertext.resize(length, 0));
        }
        for byte in 0..8 {
            let hint = flipped_point(&output.payload.hint, byte);
            let words = match hint.decode() {
                Ok(_) => SIGNATURE.to_owned(),
                Err(error) => format!("Output error=Invalid key hint: utxo=OUT{index}: {error}"),
            };
            add(&words, &|output| output.payload.hint = hint);
        }
        add(SIGNATURE, &|output| output.recipient = account("carol").public_key().encoded());
    }
}

fn public(recipient: &PublicKey, micro: i64) -> sign::Made {
    let output = PublicPaymentOutput { recipient: recipient.encoded(), serno: 7, amount: micro };
    (Output::PublicPayment(output), Scalar::ZERO)
}

fn private(recipient: &PublicKey, micro: i64) -> sign::Made {
    let data = PayloadData::comment("x").unwrap();
    let made = PaymentOutput::new(recipient, Amount::from_micro(micro).unwrap(), data, None, &mut OsRng);
    let (output, payload, _rvalue) = made.unwrap();
    (Output::Payment(output), payload.gamma)
}

/// What a node says to the bytes of a transaction: nothing is wrong, or this.
fn verdict(session: &mut Session, data: &[u8]) -> Option<String> {
    let request = json!({ "type": "broadcast_transaction", "data": hex::encode(data) });
    let answer = session.request(&request);
    let error = answer["error"].as_str().or(answer["status"]["error"].as_str());
    assert_eq!(error.is_none(), answer["status"]["status"] == "accepted", "{answer}");
    error.map(str::to_owned)
}

#[test]
fn every_transaction_with_one_thing_wrong_is_refused_for_it() {
    let world = World::new(5);
    let mut session = world.session();
    let [public_input, private_input] = genesis_outputs(&mut session, "alice");
    let [foreign, taken] = genesis_outputs(&mut session, "bob");
    let stake = session.request(&json!({ "type": "escrow_info" }));
    let stake = stake["validators"][0]["stakes"][0]["output_hash"].as_str().unwrap().parse().unwrap();
    let (alice, bob) = (account("alice"), account("bob").public_key());
    let million = 1_000_000_000_000;
    // The fee leaves room for one output more.
    let simple = vec![public(&bob, 5), public(&bob, million - 10_005)];
    let mixed = vec![private(&bob, 7), public(&bob, 2 * million - 10_007)];
    let simple = sign::sign(alice.secret_key(), from_ref(&public_input), simple, 10_000).unwrap();
    let mixed =
        sign::sign(alice.secret_key(), &[public_input.clone(), private_input], mixed, 10_000).unwrap();
    let good = Good { payments: vec![simple, mixed], foreign, stake, taken: taken.output().clone() };

    let mut wrong = Wrong(Vec::new());
    for payment in &good.payments {
        wrong.signatures(payment);
        wrong.sums(payment);
        wrong.inputs(payment, &good);
        wrong.outputs(payment, &good);
    }
    // Wrong sums that are rightly signed.
    for off in [1, -1, 1000] {
        let made = vec![public(&bob, million - 1000 + off)];
        let payment = sign::sign(alice.secret_key(), from_ref(&public_input), made, 1000).unwrap();
        wrong.0.push((payment, BALANCE.to_owned()));
    }
    let strange =
        sign::sign(account("carol").secret_key(), &[public_input], vec![public(&bob, million - 1000)], 1000);
    wrong.0.push((strange.unwrap(), SIGNATURE.to_owned()));

    for (payment, words) in &wrong.0 {
        let mut words = words.replace("TX", &payment.id().short());
        for (index, output) in payment.txouts.iter().take(2).enumerate() {
            words = words.replace(&format!("OUT{index}"), &output.id().short());
        }
        assert_eq!(verdict(&mut session, &payment.to_bytes()), Some(words));
    }
    assert!(wrong.0.len() >= 300, "only {}", wrong.0.len());

    // Bytes that are no transaction.
    let bytes = good.payments[1].to_bytes();
    for length in (0..bytes.len()).step_by(97) {
        assert_eq!(verdict(&mut session, &bytes[..length]).as_deref(), Some(NOT_UNDERSTOOD), "{length}");
    }
    // Nothing was wrong with the good ones, but that the second spends what the first does.
    assert_eq!(verdict(&mut session, &good.payments[0].to_bytes()), None);
    let second = verdict(&mut session, &good.payments[1].to_bytes()).unwrap();
    assert!(second.starts_with("Missing transaction input"), "{second}");
    world.mine(1);
    let block = session.request(&json!({ "type": "micro_block_info", "epoch": 1, "offset": 0 }));
    assert_eq!(block["transactions"][1]["tx_hash"], json!(good.payments[0].id()));
    assert_eq!(block["transactions_len"], 2);
}
