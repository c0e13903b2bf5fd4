//! The one request a signer takes, and its answer (protocol page §8, integration guide "Creating and signing
//! transaction").
//!
//! Reading only establishes the JSON types. Ids, blobs and addresses stay text, so that whoever judges a
//! request can say which value is bad. Fields that the deployed node does not know are ignored by it:
//! `accounts`, `with_certificate` and `journal` are additions of this product.

use super::encoding::HexBytes;
use super::request::CertificateClaim;
use crate::hash::Hash;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// The value of `type` in request and answer.
pub const TYPE: &str = "create_raw_transaction";

/// A request to build and sign a transaction. It has no `Debug`: it may carry a secret key.
#[derive(Deserialize)]
pub struct CreateRawTransaction<'a> {
    /// Must be [`TYPE`].
    #[serde(rename = "type")]
    pub kind: String,
    /// The number that ties the answer to this request.
    #[serde(default)]
    pub id: u64,
    /// The ids of the outputs to spend, 64 hex digits each.
    pub txins: Vec<String>,
    /// The outputs to make.
    #[serde(deserialize_with = "objects")]
    pub txouts: Vec<TxOut>,
    /// The key that owns all inputs. Left out, the signer's own keys are used.
    #[serde(borrow, default)]
    pub secret_key: Option<SecretKeyJson<'a>>,
    /// The fee in micro-STG.
    pub fee: i64,
    /// The blobs of the inputs, in hex.
    #[serde(default)]
    pub unspent_list: Vec<String>,
    /// Which account owns an input, by the input's id: spares a search for private inputs. As it stands there, so that
    /// whoever judges it sees two owners of one input.
    #[serde(default, deserialize_with = "pairs")]
    pub accounts: Vec<(String, String)>,
    /// Whether the answer shall say where the signer's journal is.
    #[serde(default)]
    pub journal: bool,
}

/// The first field of a request, or of an output in it, that is not documented. A node ignores such fields; what they
/// were meant to say is lost.
#[must_use]
pub fn unknown_field(json: &str) -> Option<String> {
    const REQUEST: [&str; 9] =
        ["type", "id", "txins", "txouts", "secret_key", "fee", "unspent_list", "accounts", "journal"];
    const OUTPUT: [&str; 5] = ["output_type", "recipient", "amount", "comment", "with_certificate"];
    type Fields = BTreeMap<String, IgnoredAny>;
    #[derive(Deserialize)]
    struct Outputs {
        #[serde(default)]
        txouts: Vec<Fields>,
    }
    let unknown =
        |fields: Fields, known: &[&str]| fields.into_keys().find(|name| !known.contains(&name.as_str()));
    // Nothing is known of what cannot be read.
    let (Ok(request), Ok(Outputs { txouts })) = (serde_json::from_str(json), serde_json::from_str(json))
    else {
        return Some(String::new());
    };
    unknown(request, &REQUEST).or_else(|| txouts.into_iter().find_map(|fields| unknown(fields, &OUTPUT)))
}

/// An output to be made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TxOut {
    /// Private or public.
    pub output_type: OutputType,
    /// The recipient's address.
    pub recipient: String,
    /// The amount in micro-STG.
    pub amount: i64,
    /// Text for the recipient; a private payment must have one, though it may be empty.
    #[serde(default)]
    pub comment: Option<String>,
    /// Whether the answer shall prove this private payment.
    #[serde(default)]
    pub with_certificate: bool,
}

/// The kinds of output that a request can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputType {
    /// Private: recipient and amount are hidden.
    Payment,
    /// Public: recipient and amount are open.
    PublicPayment,
}

/// The `secret_key` of a request, still as the text that the caller holds and wipes.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct SecretKeyJson<'a>(#[serde(borrow)] &'a RawValue);

/// A `secret_key` of another form. It never says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("secret_key must be an array of 32 numbers from 0 to 255")]
pub struct SecretKeyJsonError;

impl SecretKeyJson<'_> {
    /// The 32 bytes.
    ///
    /// # Errors
    /// [`SecretKeyJsonError`] for anything but 32 numbers from 0 to 255. The cause is dropped on purpose: JSON
    /// libraries quote the value they dislike.
    pub fn to_bytes(self) -> Result<Zeroizing<[u8; 32]>, SecretKeyJsonError> {
        serde_json::from_str(self.0.get()).map(Zeroizing::new).map_err(|_| SecretKeyJsonError)
    }
}

/// Reads a list of objects. Without it, an object's fields could also come as a bare list.
fn objects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TxOut>, D::Error> {
    struct Object(TxOut);
    impl<'de> Deserialize<'de> for Object {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Fields;
            impl<'de> Visitor<'de> for Fields {
                type Value = TxOut;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an output as an object")
                }
                fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TxOut, A::Error> {
                    TxOut::deserialize(MapAccessDeserializer::new(map))
                }
            }
            deserializer.deserialize_map(Fields).map(Self)
        }
    }
    let objects = Vec::<Object>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(txout)| txout).collect())
}

/// Reads the names and texts of an object, also those that stand there twice: a map would keep the last.
fn pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, String)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of texts")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    deserializer.deserialize_map(Pairs)
}

/// The answer to a request that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawTransaction {
    /// The ids of the outputs made, in the order asked for.
    #[serde(default)]
    pub txouts: Vec<Hash>,
    /// The signed transaction's protobuf bytes in hex, as `broadcast_transaction` takes them.
    pub data: HexBytes,
    /// For each payment that was to be provable, what `validate_certificate` asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateClaim>,
    /// Where the signer's journal is, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalPosition>,
}

/// How far the journal of a signer got. Who remembers the last one notices a signer that was set back to an older
/// copy: its count falls, or another head stands at the same count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalPosition {
    /// The number of records.
    pub count: u64,
    /// The digest over all of them.
    pub head: Hash,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_field_is_known_and_no_other() {
        let request = r#"{"type":"","id":1,"txins":[],"txouts":[{"output_type":"payment","recipient":"","amount":1,
            "comment":"","with_certificate":true}],"secret_key":[],"fee":1,"unspent_list":[],"accounts":{},
            "journal":true}"#;
        assert_eq!(unknown_field(request), None);
        for (known, unknown) in
            [("journal", "colour"), ("with_certificate", "WITH_CERTIFICATE"), ("comment", "")]
        {
            let changed = request.replace(&format!("{known:?}"), &format!("{unknown:?}"));
            assert_eq!(unknown_field(&changed).as_deref(), Some(unknown));
        }
        assert_eq!(unknown_field("moon").as_deref(), Some(""));
    }
}
