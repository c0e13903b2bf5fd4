//! The outputs that scenarios name, and the text of the requests that spend them.

use crate::model::{Payment, Request, Spelling};
use custody_tests::money::{self, blob, key};
use custody_tests::request::{pay, pay_privately, spend};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stegos_common::address::{Address, Network};
use stegos_common::hash::Hash;
use stegos_common::keys::SecretKey;
use stegos_common::output::Unspent;

/// How much each output holds, in micro-STG.
pub(crate) const AMOUNT: i64 = 1_000_000;

/// What belongs to `alice`.
pub(crate) struct Wallet {
    key: SecretKey,
    outputs: BTreeMap<String, Unspent>,
}

impl Wallet {
    pub(crate) const fn new(key: SecretKey) -> Self {
        Self { key, outputs: BTreeMap::new() }
    }

    /// The output of a name.
    pub(crate) fn output(&mut self, name: &str) -> &Unspent {
        let owner = self.key.public_key();
        self.outputs.entry(name.to_owned()).or_insert_with(|| match name.split_once(' ') {
            Some(("public", _)) => money::public(&owner, AMOUNT),
            Some(("private", _)) => money::private(&owner, AMOUNT),
            _ => panic!("{name} is neither public nor private"),
        })
    }

    /// The name of an output.
    pub(crate) fn name(&self, id: &Hash) -> &str {
        self.outputs
            .iter()
            .find(|(_, output)| output.id() == *id)
            .map_or("an unknown output", |(name, _)| name)
    }

    /// The text of a request, as it is sent; `journal` asks for the journal's position as well.
    pub(crate) fn text(&mut self, request: &Request, journal: bool) -> String {
        let inputs: Vec<Unspent> = request
            .spend
            .iter()
            .flat_map(|name| names(name))
            .map(|name| self.output(&name).clone())
            .collect();
        let txouts: Vec<Value> = request.pay.iter().map(|payment| self.txout(payment)).collect();
        let mut json = spend(&inputs, &txouts, request.fee);
        if journal {
            json["journal"] = json!(true);
        }
        match request.spelled {
            Spelling::Plain => json.to_string(),
            Spelling::FieldsReversed => write(&json, true, &|text| json!(text).to_string()),
            Spelling::SpreadOut => format!("{json:#}").replace('\n', "\r\n\t"),
            Spelling::Escaped => write(&json, false, &escaped),
            Spelling::UpperCaseHex => {
                for field in ["txins", "unspent_list"] {
                    each(&mut json[field], |value| *value = upper(value));
                }
                json.to_string()
            }
            Spelling::UpperCaseRecipients => {
                each(&mut json["txouts"], |txout| txout["recipient"] = upper(&txout["recipient"]));
                json.to_string()
            }
            Spelling::BlobsReversed => {
                json["unspent_list"] = inputs.iter().rev().map(blob).collect();
                json.to_string()
            }
            Spelling::Hints => {
                let hints: BTreeMap<String, &str> =
                    inputs.iter().map(|input| (input.id().to_string(), "alice")).collect();
                with(json, &[("accounts", json!(hints))])
            }
            Spelling::Defaults => {
                each(&mut json["txouts"], |txout| {
                    let comment = txout["comment"].as_str().unwrap_or_default();
                    txout["comment"] = json!(comment);
                    txout["with_certificate"] = json!(txout["with_certificate"] == true);
                });
                let none = [
                    ("id", json!(0)),
                    ("secret_key", Value::Null),
                    ("accounts", json!({})),
                    ("journal", json!(journal)),
                ];
                with(json, &none)
            }
            Spelling::UnknownField => with(json, &[("memo", json!({ "txins": ["not read"] }))]),
            Spelling::Id(id) => with(json, &[("id", json!(id))]),
            Spelling::WithKey => with(json, &[("secret_key", json!(*self.key.to_bytes()))]),
            Spelling::FeeWithFraction => with(json, &[("fee", Value::Null)])
                .replace("\"fee\":null", &format!("\"fee\":{}.0", request.fee)),
            Spelling::FeeTwice => json.to_string().replacen('{', &format!("{{\"fee\":{},", request.fee), 1),
        }
    }

    fn txout(&self, payment: &Payment) -> Value {
        let owner = if payment.to == "alice" { self.key.public_key() } else { key(&payment.to).1 };
        let recipient = Address::new(Network::Dev, owner);
        let mut txout = match &payment.comment {
            Some(comment) => pay_privately(&recipient, payment.amount, comment),
            None => pay(&recipient, payment.amount),
        };
        if payment.with_certificate {
            txout["with_certificate"] = json!(true);
        }
        txout
    }
}

/// `public 1..3` stands for `public 1`, `public 2` and `public 3`.
pub(crate) fn names(name: &str) -> Vec<String> {
    let range = name.split_once(' ').and_then(|(kind, range)| Some((kind, range.split_once("..")?)));
    let Some((kind, (first, last))) = range else { return vec![name.to_owned()] };
    let (first, last): (u32, u32) = (first.parse().unwrap(), last.parse().unwrap());
    (first..=last).map(|number| format!("{kind} {number}")).collect()
}

fn with(mut request: Value, fields: &[(&str, Value)]) -> String {
    for (name, value) in fields {
        request[*name] = value.clone();
    }
    request.to_string()
}

fn each(values: &mut Value, change: impl Fn(&mut Value)) {
    values.as_array_mut().unwrap().iter_mut().for_each(change);
}

fn upper(text: &Value) -> Value {
    json!(text.as_str().unwrap().to_uppercase())
}

fn escaped(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{units}\"")
}

/// Writes JSON with the last field first, or every text in its own way.
fn write(value: &Value, reversed: bool, text: &dyn Fn(&str) -> String) -> String {
    let inner = |value: &Value| write(value, reversed, text);
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{}:{}", text(name), inner(value));
            let mut fields: Vec<String> = fields.iter().map(field).collect();
            if reversed {
                fields.reverse();
            }
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inner).collect::<Vec<_>>().join(",")),
        Value::String(string) => text(string),
        other => other.to_string(),
    }
}
