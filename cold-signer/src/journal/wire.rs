//! The encoding of a record: protobuf, read and written by this program only.

use super::Position;
use super::entry::{Entry, Judged, NewOutputFacts, Signed, Verdict};
use crate::approval::{Approval, Rejection};
use prost::Message;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::OutputType;
use stegos_common::api::encoding::ScalarJson;
use stegos_common::api::request::CertificateClaim;
use stegos_common::group::{Encoded, Scalar};
use stegos_common::hash::Hash;
use stegos_common::keys::PublicKey;

impl Entry {
    /// The encoding.
    pub(super) fn encode(&self) -> Vec<u8> {
        let output = |output: &NewOutputFacts| OutputWire {
            public: output.kind == OutputType::PublicPayment,
            recipient: output.recipient.as_bytes().to_vec(),
            amount: output.amount.micro(),
        };
        let mut wire = EntryWire {
            time: self.time,
            request: self.request.as_bytes().to_vec(),
            inputs: self.inputs.iter().map(|id| id.as_bytes().to_vec()).collect(),
            outputs: self.outputs.iter().map(output).collect(),
            fee: self.fee,
            judged: self.judged.as_ref().map(|judged| JudgedWire {
                policy: judged.policy.map(|policy| policy.as_bytes().to_vec()),
                rule: judged.rule.clone(),
                outward: judged.outward.micro(),
                request_key: judged.request_key,
                unknown_field: judged.unknown_field,
                asked: judged.asked,
            }),
            ..EntryWire::default()
        };
        match self.verdict.clone() {
            Verdict::Signed(signed) => wire.signed = Some(SignedWire::from(&signed)),
            Verdict::Refused { code, reason } => wire.refused = Some(RefusedWire { code, reason }),
            Verdict::ClockConfirmed => wire.clock_confirmed = true,
            Verdict::Parked { id, expires, statement } => {
                wire.parked = Some(ParkedWire { id, expires, statement });
            }
            Verdict::Approved { id, approval: Approval { approver, identity }, signature } => {
                wire.approved = Some(ApprovedWire { id, approver, identity, signature });
            }
            Verdict::Rejected { id, rejection: Rejection { by, reason } } => {
                wire.rejected = Some(RejectedWire { id, by, reason });
            }
            Verdict::Restored { made, seen } => {
                wire.restored = Some(RestoredWire { made, seen: seen.map(PositionWire::of) });
            }
            Verdict::CaughtUp { transactions, seen } => {
                wire.caught_up = Some(CaughtUpWire { transactions, seen: seen.map(PositionWire::of) });
            }
            Verdict::GivenUp => wire.given_up = true,
        }
        wire.encode_to_vec()
    }

    /// The reverse of the encoding; nothing where the bytes are not what that writes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let wire = EntryWire::decode(bytes).ok()?;
        let output = |output: &OutputWire| {
            Some(NewOutputFacts {
                kind: if output.public { OutputType::PublicPayment } else { OutputType::Payment },
                recipient: Encoded::try_from(output.recipient.as_slice()).ok()?,
                amount: Amount::from_micro(output.amount).ok()?,
            })
        };
        let judged =
            wire.judged.map(|JudgedWire { policy, rule, outward, request_key, unknown_field, asked }| {
                let policy = policy.map(|policy| hash(&policy).ok_or(())).transpose().ok()?;
                let outward = Amount::from_micro(outward).ok()?;
                Some(Judged { policy, rule, outward, request_key, unknown_field, asked })
            });
        let verdicts = [
            match &wire.signed {
                Some(signed) => Some(Verdict::Signed(signed.read()?)),
                None => None,
            },
            wire.refused.map(|RefusedWire { code, reason }| Verdict::Refused { code, reason }),
            wire.clock_confirmed.then_some(Verdict::ClockConfirmed),
            wire.parked.map(|ParkedWire { id, expires, statement }| Verdict::Parked {
                id,
                expires,
                statement,
            }),
            wire.approved.map(|ApprovedWire { id, approver, identity, signature }| Verdict::Approved {
                id,
                approval: Approval { approver, identity },
                signature,
            }),
            wire.rejected.map(|RejectedWire { id, by, reason }| Verdict::Rejected {
                id,
                rejection: Rejection { by, reason },
            }),
            match wire.restored {
                Some(RestoredWire { made, seen }) => Some(Verdict::Restored { made, seen: read_seen(seen)? }),
                None => None,
            },
            match wire.caught_up {
                Some(CaughtUpWire { transactions, seen }) => {
                    Some(Verdict::CaughtUp { transactions, seen: read_seen(seen)? })
                }
                None => None,
            },
            wire.given_up.then_some(Verdict::GivenUp),
        ];
        let mut verdicts = verdicts.into_iter().flatten();
        let (Some(verdict), None) = (verdicts.next(), verdicts.next()) else { return None };
        Some(Self {
            time: wire.time,
            request: hash(&wire.request)?,
            inputs: wire.inputs.iter().map(|id| hash(id)).collect::<Option<_>>()?,
            outputs: wire.outputs.iter().map(output).collect::<Option<_>>()?,
            fee: wire.fee,
            judged: match judged {
                Some(judged) => Some(judged?),
                None => None,
            },
            verdict,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
struct EntryWire {
    #[prost(uint64, tag = "1")]
    time: u64,
    #[prost(bytes = "vec", tag = "2")]
    request: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    inputs: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "4")]
    outputs: Vec<OutputWire>,
    #[prost(int64, tag = "5")]
    fee: i64,
    #[prost(message, optional, tag = "6")]
    signed: Option<SignedWire>,
    #[prost(message, optional, tag = "7")]
    refused: Option<RefusedWire>,
    #[prost(message, optional, tag = "8")]
    judged: Option<JudgedWire>,
    #[prost(bool, tag = "9")]
    clock_confirmed: bool,
    #[prost(message, optional, tag = "10")]
    parked: Option<ParkedWire>,
    #[prost(message, optional, tag = "11")]
    approved: Option<ApprovedWire>,
    #[prost(message, optional, tag = "12")]
    rejected: Option<RejectedWire>,
    #[prost(message, optional, tag = "13")]
    restored: Option<RestoredWire>,
    #[prost(message, optional, tag = "14")]
    caught_up: Option<CaughtUpWire>,
    #[prost(bool, tag = "15")]
    given_up: bool,
}

#[derive(Clone, PartialEq, Message)]
struct RestoredWire {
    #[prost(uint64, tag = "1")]
    made: u64,
    #[prost(message, optional, tag = "2")]
    seen: Option<PositionWire>,
}

#[derive(Clone, PartialEq, Message)]
struct CaughtUpWire {
    #[prost(uint64, tag = "1")]
    transactions: u64,
    #[prost(message, optional, tag = "2")]
    seen: Option<PositionWire>,
}

#[derive(Clone, PartialEq, Message)]
struct PositionWire {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(bytes = "vec", tag = "2")]
    head: Vec<u8>,
}

impl PositionWire {
    fn of(position: Position) -> Self {
        Self { count: position.count, head: position.head.as_bytes().to_vec() }
    }
}

/// A position, if there is one; nothing at all where it is none.
#[expect(clippy::option_option, reason = "the outer one is that of decoding")]
fn read_seen(wire: Option<PositionWire>) -> Option<Option<Position>> {
    wire.map(|wire| Some(Position { count: wire.count, head: hash(&wire.head)? }))
        .map_or(Some(None), |it| it.map(Some))
}

#[derive(Clone, PartialEq, Message)]
struct ParkedWire {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(uint64, tag = "2")]
    expires: u64,
    #[prost(string, tag = "3")]
    statement: String,
}

#[derive(Clone, PartialEq, Message)]
struct ApprovedWire {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    approver: String,
    #[prost(string, tag = "3")]
    identity: String,
    #[prost(string, tag = "4")]
    signature: String,
}

#[derive(Clone, PartialEq, Message)]
struct RejectedWire {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    by: String,
    #[prost(string, tag = "3")]
    reason: String,
}

#[derive(Clone, PartialEq, Message)]
struct JudgedWire {
    #[prost(bytes = "vec", optional, tag = "1")]
    policy: Option<Vec<u8>>,
    #[prost(string, tag = "2")]
    rule: String,
    #[prost(int64, tag = "3")]
    outward: i64,
    #[prost(bool, tag = "4")]
    request_key: bool,
    #[prost(bool, tag = "5")]
    unknown_field: bool,
    #[prost(bool, tag = "6")]
    asked: bool,
}

#[derive(Clone, PartialEq, Message)]
struct OutputWire {
    #[prost(bool, tag = "1")]
    public: bool,
    #[prost(bytes = "vec", tag = "2")]
    recipient: Vec<u8>,
    #[prost(int64, tag = "3")]
    amount: i64,
}

#[derive(Clone, PartialEq, Message)]
struct SignedWire {
    #[prost(bytes = "vec", tag = "1")]
    transaction: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    certificates: Vec<CertificateWire>,
}

#[derive(Clone, PartialEq, Message)]
struct RefusedWire {
    #[prost(string, tag = "1")]
    code: String,
    #[prost(string, tag = "2")]
    reason: String,
}

#[derive(Clone, PartialEq, Message)]
struct CertificateWire {
    #[prost(bytes = "vec", tag = "1")]
    output: Vec<u8>,
    #[prost(string, tag = "2")]
    network: String,
    #[prost(bytes = "vec", tag = "3")]
    spender: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    recipient: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    rvalue: Vec<u8>,
}

impl From<&Signed> for SignedWire {
    fn from(signed: &Signed) -> Self {
        let certificate = |claim: &CertificateClaim| CertificateWire {
            output: claim.output_hash.as_bytes().to_vec(),
            network: claim.spender.network().name().to_owned(),
            spender: claim.spender.public_key().as_bytes().to_vec(),
            recipient: claim.recipient.public_key().as_bytes().to_vec(),
            rvalue: claim.rvalue.0.to_bytes().to_vec(),
        };
        Self {
            transaction: signed.transaction.clone(),
            certificates: signed.certificates.iter().map(certificate).collect(),
        }
    }
}

impl SignedWire {
    fn read(&self) -> Option<Signed> {
        let certificate = |wire: &CertificateWire| {
            let network: Network = wire.network.parse().ok()?;
            let address = |key: &[u8]| Some(Address::new(network, PublicKey::from_bytes(key).ok()?));
            Some(CertificateClaim {
                output_hash: hash(&wire.output)?,
                spender: address(&wire.spender)?,
                recipient: address(&wire.recipient)?,
                rvalue: ScalarJson(Scalar::from_bytes(&wire.rvalue).ok()?),
            })
        };
        Some(Signed {
            transaction: self.transaction.clone(),
            certificates: self.certificates.iter().map(certificate).collect::<Option<_>>()?,
        })
    }
}

fn hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok().map(Hash::from_bytes)
}
