//! The JSON renderings of the deployed software go through the API types, in both directions.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;
use std::str::FromStr;
use stegos_common::address::{Address, AddressError, EncodedAddress, Network};
use stegos_common::api::encoding::{
    BitMap, Bls, BlsPublicKey, BlsSignature, HexBytes, ScalarJson, Timestamp,
};
use stegos_common::api::output::{ContentError, OutputFields, OutputJson};
use stegos_common::api::request::Request;
use stegos_common::api::response::Response;
use stegos_common::api::transaction::{SignatureJson, TransactionJson, TransactionStatus};
use stegos_common::api::{Message, MessageError, NodeMessage};
use stegos_common::group::{Encoded, Scalar};
use stegos_common::hash::Hash;
use stegos_common::output::{Output, PublicPaymentOutput};
use stegos_common::transaction::PaymentTransaction;
use support::{Read, vectors};

/// Reads a value, and checks that it is written as it was.
fn round_trip<T: Serialize + DeserializeOwned>(json: &Value) -> T {
    let value: T = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), *json);
    value
}

/// As [`round_trip`], byte for byte, where the text is known.
fn text_round_trip<T: Serialize + DeserializeOwned>(section: &Value) {
    round_trip::<T>(&section["json"]);
    let text = section["text"].as_str().unwrap();
    let value: T = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), text);
}

/// Checks that an output's blob is shown as `json`, and that this is the same output again.
fn output_becomes(blob: &[u8], json: &Value) {
    let output = Output::from_bytes(blob).unwrap();
    let shown = OutputJson::new(&output, Network::Testnet);
    assert_eq!(serde_json::to_value(&shown).unwrap(), *json);
    assert!(round_trip::<OutputJson>(json).into_output(Network::Testnet).unwrap() == output);
}

/// The JSON of a transaction, which is the same transaction again.
fn payment_round_trip(data: &[u8]) -> Value {
    let payment = PaymentTransaction::from_bytes(data).unwrap();
    let json = serde_json::to_value(TransactionJson::new(&payment, Network::Testnet)).unwrap();
    assert!(round_trip::<TransactionJson>(&json).into_payment(Network::Testnet).unwrap() == payment);
    json
}

#[test]
fn every_output_is_shown_as_the_node_shows_it() {
    let vectors = vectors("outputs.json");
    let kinds = ["payment_outputs", "public_payment_outputs", "stake_outputs"];
    let outputs: Vec<_> = kinds.iter().flat_map(|kind| vectors.list(kind)).collect();
    let shown: Vec<_> = outputs.iter().filter(|output| output.get("json").is_some()).collect();
    // One stake with a bad signature comes without its JSON.
    assert_eq!((outputs.len(), shown.len()), (22, 21));
    for output in shown {
        output_becomes(&output.bytes("blob"), &output["json"]);
    }
}

#[test]
fn every_transaction_survives_json() {
    let (good, bad) = (vectors("transactions.json"), vectors("invalid_transactions.json"));
    // Some of the invalid ones are no hex or no protobuf.
    let readable = bad.list("invalid_transactions").iter().filter(|transaction| {
        let data = transaction["tx"].as_str().and_then(|data| hex::decode(data).ok());
        data.is_some_and(|data| PaymentTransaction::from_bytes(&data).is_ok())
    });
    let transactions: Vec<_> = good.list("transactions").iter().chain(readable).collect();
    assert_eq!(transactions.len(), 37);
    for transaction in transactions {
        let json = payment_round_trip(&transaction.bytes("tx"));
        let verdict = &transaction["verdict"];
        assert_eq!(json["tx_hash"], verdict["tx_hash"]);
        let outputs: Vec<_> =
            json.list("txouts").iter().map(|output| output["output_hash"].clone()).collect();
        assert_eq!(outputs, verdict.list("txout_hashes"));
    }
}

/// A public output in JSON whose recipient may be any 32 bytes.
fn public_output(recipient: [u8; 32]) -> OutputJson {
    let recipient = Encoded::from_bytes(recipient);
    OutputJson::new(
        &Output::PublicPayment(PublicPaymentOutput { recipient, serno: -1, amount: 5 }),
        Network::Dev,
    )
}

#[test]
fn an_output_that_nobody_can_spend_does_not_stop_the_reader() {
    let json = serde_json::to_value(public_output([0xff; 32])).unwrap();
    let address = json.text("recipient");
    assert!(matches!(address.parse::<Address>(), Err(AddressError::PublicKey { .. })));
    assert_eq!(address.parse::<EncodedAddress>().unwrap().key.as_bytes(), &[0xff; 32]);
    let output = round_trip::<OutputJson>(&json).into_output(Network::Dev).unwrap();
    assert_eq!(output.recipient().as_bytes(), &[0xff; 32]);
}

#[test]
fn contents_that_do_not_match_their_hash_or_network_are_refused() {
    let good = public_output([0; 32]);
    let stated = good.output_hash;
    let other = good.clone().into_output(Network::Testnet).err();
    assert!(matches!(other, Some(ContentError::Address(AddressError::OtherNetwork { .. }))), "{other:?}");

    let mut forged = good.clone();
    let OutputFields::PublicPaymentOutput { amount, .. } = &mut forged.fields else { panic!("{forged:?}") };
    *amount += 1;
    let error = forged.clone().into_output(Network::Dev).err();
    assert!(matches!(error, Some(ContentError::Hash { stated: id, .. }) if id == stated), "{error:?}");

    let mut forged: TransactionJson = round_trip(&vectors("api.json")["json"]["Transaction"]["json"]);
    assert!(forged.clone().into_payment(Network::Testnet).is_ok());
    forged.tx_hash = stated;
    let error = forged.into_payment(Network::Testnet).err();
    assert!(matches!(error, Some(ContentError::Hash { stated: id, .. }) if id == stated), "{error:?}");
}

#[test]
fn every_rendering_is_read_and_written_back() {
    let vectors = vectors("api.json");
    let sections = vectors["json"].as_object().unwrap();
    assert_eq!(sections.len(), 13);
    for (name, section) in sections {
        let json = &section["json"];
        match name.as_str() {
            "Hash" => assert_eq!(round_trip::<Hash>(json).as_bytes().as_slice(), section.bytes("bytes")),
            "Pt" => assert_eq!(round_trip::<Encoded>(json).as_bytes().as_slice(), section.bytes("bytes")),
            "Fr" => {
                assert!(round_trip::<ScalarJson>(json).0 == Scalar::from_bytes(&section.bytes("le")).unwrap())
            }
            "PublicKey" => {
                let address: Address = round_trip(json);
                assert_eq!(address.network(), Network::Testnet);
                assert_eq!(address.public_key().as_bytes().as_slice(), section.bytes("bytes"));
            }
            "pbc_PublicKey" => {
                assert_eq!(round_trip::<BlsPublicKey>(json).0.as_slice(), section.bytes("bytes"));
            }
            "SchnorrSig" => {
                let signature: SignatureJson = round_trip(json);
                assert!(signature.u.0 == Scalar::from_bytes(&section.bytes("u_le")).unwrap());
                assert_eq!(signature.k.as_bytes().as_slice(), section.bytes("K"));
            }
            "PaymentOutput" | "PublicPaymentOutput" | "StakeOutput" => {
                text_round_trip::<OutputJson>(section);
                output_becomes(&section.bytes("blob"), json);
            }
            "Transaction" => {
                text_round_trip::<TransactionJson>(section);
                assert_eq!(payment_round_trip(&section.bytes("protobuf")), *json);
            }
            "TransactionStatus" => {
                let statuses: Vec<TransactionStatus> = round_trip(section);
                assert_eq!(statuses.len(), 8);
            }
            "CreateRawTransactionResponse" => {
                assert!(matches!(round_trip(section), Response::CreateRawTransaction { .. }));
            }
            "NodeResponseError" => {
                assert_eq!(
                    round_trip::<Response>(section),
                    Response::Error { error: "e".into(), code: None, approval: None, journal: None }
                );
            }
            _ => panic!("what is {name}?"),
        }
    }
}

#[test]
fn the_plaintexts_of_the_frames_are_requests() {
    let vectors = vectors("api.json");
    let parsed = vectors["api_messages"].as_array().unwrap().iter().map(|frame| {
        let plaintext = frame["plaintext"].as_str().unwrap();
        Message::parse(plaintext)
    });
    let [status, chain, list] = parsed.collect::<Vec<_>>().try_into().unwrap();
    let status = status.unwrap();
    assert_eq!((status.body, status.id), (Request::StatusInfo, None));
    let chain = chain.unwrap();
    assert_eq!((chain.body, chain.id.map(u64::from)), (Request::ChainName, Some(7)));
    let list = list.unwrap();
    assert!(matches!(list.body, Request::OutputsList { .. }), "an unknown field is ignored");
    assert_eq!(list.id.map(u64::from), Some(3));
}

#[test]
fn ids_up_to_the_largest_are_kept_and_others_refused() {
    for (id, expected) in [
        ("", None),
        (r#","id":0"#, None),
        (r#","id":1"#, Some(1)),
        (r#","id":18446744073709551615"#, Some(u64::MAX)),
    ] {
        let text = format!(r#"{{"type":"chain_name"{id}}}"#);
        let request = Message::<Request>::parse(&text).unwrap();
        assert_eq!(request.id.map(u64::from), expected, "{text}");
        let answer = Message { body: Response::ChainName { name: Network::Dev }, id: request.id };
        let answer = serde_json::to_string(&answer).unwrap();
        assert_eq!(answer.contains("id"), expected.is_some(), "{answer}");
        let NodeMessage::Response(answer) = NodeMessage::parse(&answer).unwrap() else { panic!("{text}") };
        assert_eq!(answer.id, request.id);
    }
    for id in ["-1", "1.0", "18446744073709551616", "null", "\"1\"", "[1]"] {
        let text = format!(r#"{{"type":"chain_name","id":{id}}}"#);
        let parsed = Message::<Request>::parse(&text);
        assert!(matches!(parsed, Err(MessageError::Malformed(_))), "{text}: {parsed:?}");
    }
}

#[test]
fn an_unknown_request_keeps_its_id_for_the_answer_and_a_short_reason() {
    let text = format!(r#"{{"type":"{}","id":5}}"#, "x".repeat(100_000));
    let Err(MessageError::Unknown { id, reason }) = Message::<Request>::parse(&text) else {
        panic!("accepted");
    };
    assert_eq!(id.map(u64::from), Some(5));
    assert!(reason.len() <= 200, "{reason}");
}

#[test]
fn an_answer_of_an_unknown_type_is_not_taken_for_the_error_without_one() {
    for text in [r#"{"type":"no_such_answer","error":"e"}"#, r#"{"type":5,"error":"e"}"#, r#"{"id":1}"#] {
        let parsed = NodeMessage::parse(text);
        assert!(matches!(parsed, Err(MessageError::Unknown { .. })), "{text}: {parsed:?}");
    }
}

/// Blocks are read from the text, everything else through its type's own code: the errors are the same.
#[test]
fn a_block_is_turned_down_as_any_other_message() {
    let recorded = &vectors("traffic/micro_block_info.json")["response"];
    let text = |change: &dyn Fn(&mut Value)| {
        let mut block = recorded.clone();
        change(&mut block);
        block.to_string()
    };
    let id = recorded["id"].as_u64();
    for kind in ["micro_block_info", "micro_block_prepared", "macro_block_info", "macro_block_committed"] {
        let text = text(&|block| {
            block["type"] = kind.into();
            block["epoch"] = "two".into();
        });
        let Err(MessageError::Unknown { id: kept, .. }) = NodeMessage::parse(&text) else { panic!("{kind}") };
        assert_eq!(kept.map(u64::from), id, "{kind}");
    }
    let good = recorded.to_string();
    let deep = text(&|block| block["view_change_proof"] = "deep".into())
        .replace(r#""deep""#, &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    for malformed in [
        &deep,
        good.strip_suffix('}').unwrap(),
        &format!("{good}}}"),
        &format!("[{good}]"),
        r#"["micro_block_info",1]"#,
        &text(&|block| block["id"] = Value::Null),
        &text(&|block| block["id"] = (-1).into()),
    ] {
        let parsed = NodeMessage::parse(malformed);
        assert!(matches!(parsed, Err(MessageError::Malformed(_))), "{malformed:.100}: {parsed:?}");
    }

    let NodeMessage::Response(answer) = NodeMessage::parse(&good).unwrap() else { panic!("{good}") };
    for same in [
        good.replace("micro_block_info", r"micro\u005fblock_info"),
        text(&|block| block["one"] = "more".into()),
        format!(" {good}\n"),
    ] {
        assert_eq!(NodeMessage::parse(&same), Ok(NodeMessage::Response(answer.clone())), "{same:.100}");
    }
}

fn assert_text<T: DeserializeOwned + Debug>(good: &[&str], bad: &[&str]) {
    for text in good {
        assert!(serde_json::from_value::<T>(Value::from(*text)).is_ok(), "{text}");
    }
    for text in bad {
        assert!(serde_json::from_value::<T>(Value::from(*text)).is_err(), "{text}");
    }
    for json in [Value::Null, Value::from(5), Value::Array(Vec::new())] {
        assert!(serde_json::from_value::<T>(json.clone()).is_err(), "{json}");
    }
}

#[test]
fn values_of_the_wrong_length_or_alphabet_are_refused() {
    let (short, right, long) = ("a".repeat(62), "a".repeat(64), "a".repeat(66));
    assert_text::<Hash>(&[&right, &right.to_uppercase()], &["", "33a3", &short, &long, &"g".repeat(64)]);
    assert_text::<Encoded>(&[&right], &["", &short, &long, &"é".repeat(32)]);
    // A scalar must be below the group order, whose reversed bytes start with 10.
    assert_text::<ScalarJson>(&[&format!("0f{}", "f".repeat(62))], &[&short, &right, &long, &"f".repeat(64)]);
    assert_text::<BlsPublicKey>(&[&"0".repeat(192)], &["", &right, &"0".repeat(194)]);
    assert_text::<BlsSignature>(&[&"0".repeat(96)], &["", &right, &"0".repeat(98)]);
    assert_text::<HexBytes>(&["", "00ff"], &["0", "zz", " 00"]);
    assert_text::<BitMap>(&["", "0101"], &["2", "01 ", "é"]);
    assert_text::<Timestamp>(
        &["2019-11-18T17:00:03.014423000Z"],
        &[
            "",
            "2019-11-18T17:00:03Z",
            "2019-11-18T17:00:03.014423000+",
            "2019-11-18 17:00:03.014423000Z",
            "2019-11-99T17:00:03.014423000Z",
            "1969-12-31T23:59:59.999999999Z",
            &right,
        ],
    );
    assert_text::<Address>(
        &["dev1wrq6petu6n2kmn25yuv4qpevwmjgsvpk9mz04745rnuntr5mc5hqz8t83p"],
        &["", "dev1", "dev1wrq6petu6n2kmn25yuv4qpevwmjgsvpk9mz04745rnuntr5mc5hqz8t83q"],
    );
}

#[test]
fn times_are_nanoseconds_since_1970() {
    let time = |text| Timestamp::from_str(text).unwrap();
    assert!(time("2019-11-18T17:00:03.014423000Z") < time("2026-11-22T05:09:10.250865111Z"));
    assert_eq!(time("1970-01-01T00:01:00.000000007Z").unix_nanos(), 60_000_000_007);
    let last = Timestamp::from_unix_nanos(u64::MAX);
    assert_eq!(time(&last.to_string()), last);
}

#[test]
fn bit_maps_have_no_trailing_zeros() {
    assert_eq!(BitMap::from_bits([false, true, false, false]), BitMap::from_str("01").unwrap());
    assert_eq!(BitMap::from_bits([false]).bits().len(), 0);
}

#[test]
fn debug_output_does_not_show_scalars() {
    let scalar = ScalarJson(Scalar::from(0x00ab_cdef_u64));
    assert!(!format!("{scalar:?}").contains("cdef"));
    assert_eq!(format!("{:?}", Bls([0xab; 2])), "Bls(abab)");
}
