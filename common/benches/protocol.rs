//! What the pieces of the protocol cost, each beside what it is made of.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use criterion::Criterion;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::Value;
use std::time::Duration;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::api::block::MacroBlock;
use stegos_common::api::output::OutputJson;
use stegos_common::api::response::Response;
use stegos_common::api::{Message, NodeMessage};
use stegos_common::group::{Point, Scalar};
use stegos_common::hash::{Hash, Hasher};
use stegos_common::keys::SecretKey;
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, Unspent};
use stegos_common::payload::PayloadData;
use stegos_common::range_proof::RangeProof;
use stegos_common::schnorr::Signature;
use stegos_common::transaction::{NewOutput, Spendable, build};

fn group_and_hash(criterion: &mut Criterion, rng: &mut ChaCha20Rng) {
    let scalar = Scalar::random(rng);
    let point = Point::mul_g(&scalar);
    let encoded = point.encode();
    let kibibyte = [7_u8; 1024];
    let mut group = criterion.benchmark_group("floor");
    group.bench_function("multiply G", |b| b.iter(|| Point::mul_g(&scalar)));
    group.bench_function("multiply another point", |b| b.iter(|| point * scalar));
    group.bench_function("encode a point", |b| b.iter(|| point.encode()));
    group.bench_function("decode a point", |b| b.iter(|| encoded.decode()));
    group.bench_function("hash nothing", |b| b.iter(|| Hasher::new().finish()));
    group.bench_function("hash 1024 bytes", |b| b.iter(|| Hash::digest(&kibibyte[..])));
    group.finish();
}

fn keys_and_signatures(criterion: &mut Criterion, rng: &mut ChaCha20Rng) {
    let secret = SecretKey::random(rng);
    let public = secret.public_key();
    let address = Address::new(Network::Mainnet, public);
    let text = address.to_string();
    let message = Hash::digest("message");
    let signature = Signature::sign(&message, &secret);
    let mut group = criterion.benchmark_group("keys");
    group.bench_function("derive an account's key", |b| b.iter(|| secret.account_key("user-000001")));
    group.bench_function("public half", |b| b.iter(|| secret.public_key()));
    group.bench_function("sign", |b| b.iter(|| Signature::sign(&message, &secret)));
    group.bench_function("verify", |b| b.iter(|| signature.verify(&message, &public)));
    group.bench_function("read an address", |b| b.iter(|| Address::parse(&text, Network::Mainnet)));
    group.bench_function("write an address", |b| b.iter(|| address.to_string()));
    group.finish();
}

fn outputs(criterion: &mut Criterion, rng: &mut ChaCha20Rng) {
    let secret = SecretKey::random(rng);
    let public = secret.public_key();
    let other = SecretKey::random(rng);
    let other_public = other.public_key();
    let amount = Amount::from_micro(1_000_000).unwrap();
    let comment = || PayloadData::comment("comment").unwrap();
    let payment = PaymentOutput::new(&public, amount, comment(), None, rng).unwrap().0;
    let open = Output::PublicPayment(PublicPaymentOutput::new(&public, amount, rng));
    let hidden = Output::Payment(payment.clone());
    let (open_blob, hidden_blob) = (open.to_bytes(), hidden.to_bytes());
    let read = |blob: &[u8]| Output::from_bytes(blob).unwrap().id();
    let blinding = Scalar::random(rng);
    let proof = RangeProof::prove(amount, &blinding, rng).unwrap();

    let mut group = criterion.benchmark_group("outputs");
    group.bench_function("read a public output and its id", |b| b.iter(|| read(&open_blob)));
    group.bench_function("read a private output and its id", |b| b.iter(|| read(&hidden_blob)));
    group.bench_function("search: try one key on a private output", |b| {
        b.iter(|| payment.may_belong_to(&other, &other_public));
    });
    group.bench_function("open a private output", |b| b.iter(|| payment.open(&secret, &public)));
    group.bench_function("prove a range", |b| b.iter(|| RangeProof::prove(amount, &blinding, rng)));
    group.bench_function("verify a range", |b| b.iter(|| proof.verify(rng)));
    group.bench_function("make a private output", |b| {
        b.iter(|| PaymentOutput::new(&public, amount, comment(), None, rng));
    });
    group.finish();
}

fn transactions(criterion: &mut Criterion, rng: &mut ChaCha20Rng) {
    let secret = SecretKey::random(rng);
    let public = secret.public_key();
    let amount = Amount::from_micro(1_000_000).unwrap();
    let fee = Amount::from_micro(1000).unwrap();
    let input = Unspent::new(Output::PublicPayment(PublicPaymentOutput::new(&public, amount, rng)));
    let spendable = Spendable::unlock(&input, &secret, &public).unwrap();
    let outputs = [NewOutput::Public { recipient: public, amount: amount.checked_sub(fee).unwrap() }];
    let transaction = build(&[&spendable], &outputs, fee, &secret, rng).unwrap().transaction;

    let mut group = criterion.benchmark_group("transactions");
    group.bench_function("build 1 public to 1 public", |b| {
        b.iter(|| build(&[&spendable], &outputs, fee, &secret, rng));
    });
    group.bench_function("verify 1 public to 1 public", |b| b.iter(|| transaction.verify([&input])));
    group.finish();
}

/// A recorded macro block, with 1000 public outputs in place of its own.
fn big_block(rng: &mut ChaCha20Rng) -> MacroBlock {
    let recorded = include_str!("../tests/vectors/traffic/macro_block_info_last.json");
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let mut block: MacroBlock = serde_json::from_value(recorded["response"].clone()).unwrap();
    let public = SecretKey::random(rng).public_key();
    let amount = Amount::from_micro(1_000_000).unwrap();
    let mut output = || Output::PublicPayment(PublicPaymentOutput::new(&public, amount, rng));
    block.outputs = (0..1000).map(|_| OutputJson::new(&output(), Network::Dev)).collect();
    block.outputs.sort_by_key(|output| output.output_hash);
    block.sealed()
}

fn blocks(criterion: &mut Criterion, rng: &mut ChaCha20Rng) {
    let block = big_block(rng);
    let body = Response::MacroBlockInfo(Box::new(block.clone()));
    let text = serde_json::to_string(&Message { body, id: None }).unwrap();
    let mut group = criterion.benchmark_group("blocks");
    group.bench_function("decode a block of 1000 public outputs", |b| b.iter(|| NodeMessage::parse(&text)));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    group_and_hash(&mut criterion, &mut rng);
    keys_and_signatures(&mut criterion, &mut rng);
    outputs(&mut criterion, &mut rng);
    transactions(&mut criterion, &mut rng);
    blocks(&mut criterion, &mut rng);
    criterion.final_summary();
}
