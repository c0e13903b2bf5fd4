//! Every public type, made once and held against the traits of its kind. A secret that becomes printable, or
//! a public type that is missing here, fails this test.
#![allow(clippy::unwrap_used, clippy::panic)]

use rand_core::OsRng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::error::Error;
use std::fmt::{Debug, Display};
use std::path::Path;
use stegos_common::account::{AccountName, AccountNameError};
use stegos_common::address::{Address, AddressError, EncodedAddress, Network, UnknownNetworkError};
use stegos_common::amount::{Amount, AmountError};
use stegos_common::api::block::{
    Activity, Awards, EpochInfo, MacroBlock, MicroBlock, Payout, Random, Validator,
};
use stegos_common::api::create_raw_transaction::{
    CreateRawTransaction, JournalPosition, OutputType, RawTransaction, SecretKeyJson, SecretKeyJsonError,
    TxOut,
};
use stegos_common::api::encoding::{BitMap, Bls, HexBytes, ScalarJson, TextError, Timestamp};
use stegos_common::api::output::{ContentError, OutputFields, OutputJson, ProofJson};
use stegos_common::api::request::{CertificateClaim, Request};
use stegos_common::api::response::{Notification, Response, Stake, Status, ValidatorStakes};
use stegos_common::api::transaction::{SignatureJson, TransactionFields, TransactionJson, TransactionStatus};
use stegos_common::api::verify::{BlockError, Part};
use stegos_common::api::{Message, MessageError, NodeMessage};
use stegos_common::catch_up::{CatchUpHead, SignedRequest};
use stegos_common::certificate::CertificateError;
use stegos_common::frame::{ApiToken, FrameError, TokenError};
use stegos_common::group::{Encoded, EncodingError, Point, Scalar};
use stegos_common::hash::{Hash, Hasher, ParseHashError};
use stegos_common::keyfile::{self, KeyFileError};
use stegos_common::keys::{PublicKey, SecretKey, SecretKeyError};
use stegos_common::output::{
    CommitmentError, OpenError, Output, OutputError, PaymentOutput, PublicPaymentOutput, StakeOutput, Unspent,
};
use stegos_common::payload::{Comment, CommentError, Payload, PayloadData, PayloadError};
use stegos_common::qr::{self, Frames, Gathering, Progress};
use stegos_common::range_proof::{RangeProof, RangeProofError};
use stegos_common::recovery::{self, RecoveryError};
use stegos_common::reserves::{
    Asset, Assets, AssetsError, Attestation, AttestationError, KeySignature, Proved, Root, RootError,
    Statement,
};
use stegos_common::review::{InputFacts, Kind, Known, OutputFacts, Review, SignedBefore};
use stegos_common::schnorr::Signature;
use stegos_common::sealed::Sealed;
use stegos_common::socket::token_file::TokenFileError;
use stegos_common::socket::{Client, Connection, Endpoint, Limits, SocketError};
use stegos_common::spool::{Spool, Version};
use stegos_common::transaction::{
    BuildError, Built, NewOutput, PaymentTransaction, Spendable, TransactionError, UnlockError, build,
};
use stegos_common::wire::DecodeError;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A value that may be shown, copied and compared.
fn value<T: Send + Sync + Clone + Eq + Debug + 'static>(value: T) {
    assert!(!format!("{value:?}").is_empty());
    assert!(value.clone() == value);
}

/// An error: a value with a text of its own, which starts as a part of a sentence and ends without a stop.
fn error<T: Send + Sync + Clone + Eq + Error + 'static>(error: T) {
    let text = error.to_string();
    assert!(!text.is_empty() && !text.ends_with('.') && text != format!("{error:?}"), "{text}");
}

/// Types that print nothing and serialize to nothing.
macro_rules! unprintable {
    ($($type:ty),* $(,)?) => {$(
        assert_impl_all!($type: Send, Sync);
        assert_not_impl_any!($type: Debug, Display, Serialize);
    )*};
}

/// Types that wipe what they held when they are dropped, and print nothing.
macro_rules! secret {
    ($($type:ty),* $(,)?) => {$(
        unprintable!($type);
        assert_impl_all!($type: ZeroizeOnDrop);
        assert_not_impl_any!($type: Copy);
    )*};
}

/// Parts of API messages: whatever is in them, a socket has carried it already. `tests/traffic.rs` makes them
/// from recorded messages.
macro_rules! message {
    ($($type:ty),* $(,)?) => {$(
        assert_impl_all!($type: Send, Sync, Clone, Eq, Debug, Serialize, DeserializeOwned);
    )*};
}

secret!(SecretKey, Payload, Spendable, ApiToken);
// A scalar blinds an amount or is part of a signature, secret or not as the case may be: whoever keeps a
// secret one wraps it in `Zeroizing`. A hash state may have been fed a secret key.
unprintable!(Scalar, Hasher, Signature, RangeProof);
// What is made of scalars, or says who pays whom, is shown by those who know what a reader may see.
unprintable!(Comment, PayloadData, PaymentOutput, Output, Unspent, NewOutput, PaymentTransaction, Built);
// Both may hold a secret key, in the buffer of the request they were read from.
unprintable!(CreateRawTransaction<'static>, SecretKeyJson<'static>);
assert_not_impl_any!(SignedRequest<'static>: Debug, Display);
assert_impl_all!(SignedRequest<'static>: Send, Sync, Serialize);
assert_impl_all!(CatchUpHead: Send, Sync, Copy, Eq, Debug, Serialize, DeserializeOwned);
// A client holds the API token.
assert_impl_all!(Client: Send);
assert_impl_all!(Connection: Send);
assert_not_impl_any!(Client: Clone, Debug, Display, Serialize);
assert_impl_all!(Scalar: Zeroize);
assert_impl_all!(Point: Zeroize);

message!(Request, CertificateClaim, Response, Notification, Status, ValidatorStakes, Stake);
message!(MicroBlock, MacroBlock, Random, EpochInfo, Validator, Awards, Activity, Payout);
message!(OutputJson, OutputFields, ProofJson, TransactionJson, TransactionFields, TransactionStatus);
message!(SignatureJson, ScalarJson, Bls<96>, Bls<48>, HexBytes, Timestamp, BitMap, EncodedAddress);
message!(RawTransaction, JournalPosition);
message!(Root, Asset, Assets, Statement, KeySignature, Attestation);
assert_impl_all!(Proved: Send, Sync, Copy, Eq, Debug, Display);
assert_impl_all!(Review: Send, Sync, Debug, Display, Serialize);
assert_impl_all!(InputFacts: Send, Sync, Debug, Display, Serialize);
assert_impl_all!(OutputFacts: Send, Sync, Debug, Display, Serialize);
assert_impl_all!(SignedBefore: Send, Sync, Debug, Serialize);
assert_impl_all!(Kind: Send, Sync, Copy, Eq, Debug, Serialize);
assert_impl_all!(Known: Send, Sync, Copy, Eq, Debug, Serialize);
assert_impl_all!(TxOut: Send, Sync, Clone, Eq, Debug, DeserializeOwned);
assert_impl_all!(OutputType: Send, Sync, Clone, Eq, Debug, DeserializeOwned);
assert_impl_all!(Message<Request>: Send, Sync, Clone, Eq, Debug, Serialize);
assert_impl_all!(NodeMessage: Send, Sync, Clone, Eq, Debug, Serialize);

// The errors of files and sockets carry one of the operating system, which is neither cloned nor compared.
assert_impl_all!(SocketError: Send, Sync, Error);
assert_impl_all!(TokenFileError: Send, Sync, Error);

#[test]
fn values() {
    let key = SecretKey::from_seed(b"value");
    value(Network::Dev);
    value("alice".parse::<AccountName>().unwrap());
    value(Address::new(Network::Dev, key.public_key()));
    value(Amount::ZERO);
    value(Point::identity());
    value(Point::identity().encode());
    value(Encoded::from_bytes([1; 32]));
    value(Hash::digest("value"));
    value(key.public_key());
    value(Limits::default());
    value(Endpoint::Unix("signer.sock".into()));
    value(Part::Outputs);
    value(Frames::new(b"value", qr::FRAGMENT).unwrap());
    value(Gathering::default());
    value::<Progress>(Gathering::default().progress());
    value(Sealed::seal(b"value", &key.public_key()).0);
    assert!(Scalar::ZERO == Scalar::from(0));
    assert!(Signature::UNSIGNED == Signature { u: Scalar::ZERO, k: Point::identity().encode() });
    let empty = RangeProof { commitment: Point::identity().encode(), proof: Vec::new() };
    assert!(empty.clone() == empty);
    assert_eq!(Hasher::default().finish(), Hash::digest(""));
}

#[test]
fn outputs_and_transactions() {
    let key = SecretKey::from_seed(b"value");
    let public = key.public_key();
    let amount = Amount::from_micro(2000).unwrap();
    let paid = PublicPaymentOutput::new(&public, amount, &mut OsRng);
    value(paid.clone());
    value(StakeOutput {
        recipient: public.encoded(),
        validator: [0; 96],
        amount: 1,
        serno: 1,
        signature: [0; 48],
    });
    value(Version { length: 1, written: None });
    value(Spool::default());
    let input = Unspent::new(Output::PublicPayment(paid));
    let spendable = Spendable::unlock(&input, &key, &public).unwrap();
    let data = PayloadData::comment("value").unwrap();
    let output = NewOutput::Private {
        recipient: public,
        amount: Amount::from_micro(1000).unwrap(),
        data: data.clone(),
        with_certificate: false,
    };
    let fee = Amount::from_micro(1000).unwrap();
    let built: Built = build(&[&spendable], &[output], fee, &key, &mut OsRng).unwrap();
    let transaction: PaymentTransaction = built.transaction;
    assert!(PaymentTransaction::from_bytes(&transaction.to_bytes()).unwrap() == transaction);
    let Output::Payment(payment) = &transaction.txouts[0] else { panic!("not a private payment") };
    let payment: &PaymentOutput = payment;
    let payload: Payload = payment.open(&key, &public).unwrap();
    assert!(payload.data == data);
}

#[test]
fn errors() {
    error(CertificateError);
    error::<TokenError>(ApiToken::load("moon").err().unwrap());
    error(FrameError::NotAnObject);
    error(qr::FrameError::NotAFrame);
    error(SecretKeyJsonError);
    error::<MessageError>(Message::parse("moon").unwrap_err());
    error::<TextError>("moon".parse::<Timestamp>().unwrap_err());
    error(CommentError::TooLong(883));
    error(PayloadError::OtherRecipient);
    error::<CommitmentError>(EncodingError::Point.into());
    error::<OpenError>(PayloadError::OtherRecipient.into());
    error::<UnlockError>(OpenError::from(PayloadError::OtherRecipient).into());
    error(OutputError::Stake { utxo: Hash::digest("stake") });
    error::<BuildError>(RangeProofError.into());
    error(TransactionError::NoInputs { tx: Hash::digest("transaction") });
    error(ContentError::NotAPayment(Hash::digest("transaction")));
    error(BlockError::Count { part: Part::Inputs, stated: 1, actual: 0 });
    error(DecodeError::Missing("point"));
    error::<UnknownNetworkError>("moon".parse::<Network>().unwrap_err());
    error::<AccountNameError>("=1".parse::<AccountName>().unwrap_err());
    error::<AddressError>("moon".parse::<Address>().unwrap_err());
    error::<AmountError>("moon".parse::<Amount>().unwrap_err());
    error::<EncodingError>(PublicKey::from_bytes(&[]).unwrap_err());
    error::<ParseHashError>("moon".parse::<Hash>().unwrap_err());
    error::<KeyFileError>(keyfile::decrypt("moon", "").err().unwrap());
    error::<SecretKeyError>(SecretKey::from_bytes(&[0; 32]).err().unwrap());
    error(RangeProofError);
    error(SecretKeyJsonError);
    error(RootError::HashFunction);
    error(AssetsError::Empty);
    error(AttestationError::Version(2));
    assert_impl_all!(ContentError: Send, Sync, Error, Clone, Eq);
    error::<RecoveryError>(recovery::from_phrase("moon").err().unwrap());
}

/// The name of the public type that a line declares.
fn declared(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?;
    rest.split(|letter: char| !letter.is_alphanumeric()).next()
}

fn types_below(folder: &Path, types: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            types_below(&path, types);
        } else {
            let source = std::fs::read_to_string(&path).unwrap();
            types.extend(source.lines().filter_map(declared).map(str::to_owned));
        }
    }
}

#[test]
fn no_public_type_is_missing_here() {
    let mut types = Vec::new();
    types_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut types);
    assert!(types.iter().any(|name| name == "SecretKey"));
    let here = include_str!("public_types.rs");
    let words: Vec<&str> = here.split(|letter: char| !letter.is_alphanumeric()).collect();
    types.retain(|name| !words.contains(&name.as_str()));
    assert!(types.is_empty(), "list these in tests/public_types.rs: {types:?}");
}
