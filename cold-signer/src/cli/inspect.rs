//! `inspect`: a request or a signed transaction, for review before money moves.

use super::StoreArgs;
use super::file::read_text;
use crate::error::Error;
use crate::journal::show_time;
use crate::policy::{Decision, Verdict, Window};
use crate::settings::{RuleSettings, Settings};
use crate::signer::{Judgement, Mismatch};
use clap::Args;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use std::io::{self, Write, stdout};
use std::path::{Path, PathBuf};
use stegos_common::api::create_raw_transaction::{RawTransaction, TYPE};
use stegos_common::api::encoding::HexBytes;
use stegos_common::api::request::CertificateClaim;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::review::{Known, Review, SignedBefore};
use stegos_common::text::excerpt;
use stegos_common::transaction::PaymentTransaction;

const AFTER_HELP: &str = "\
FILE is a create_raw_transaction request, its answer, a broadcast_transaction request, or a signed
transaction in hex. With the request beside it, a signed transaction is verified and held against what
was asked for. A request is judged by the policy, and the rule that decides is shown; --policy tries another
one. Nothing is signed. Exit code 3 says that it would be refused or must not be sent.

Examples:
  cold-signer inspect request.json
  cold-signer inspect response.json --request request.json
  cold-signer inspect response.json --request request.json --json";

/// Show inputs, outputs, fee and change of a request or a signed transaction
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Inspect {
    /// The file to look at
    file: PathBuf,
    /// The request that a signed transaction was made for
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// Print a JSON object; amounts are micro-STG
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rules: RuleSettings,
}

impl Inspect {
    pub(super) fn run(self, store: &StoreArgs, settings: Settings) -> Result<(), Error> {
        let signing = self.rules.signing(&settings.rules);
        let limit = signing.rules.max_request_bytes;
        let read = |path: &Path| read_text(path, limit);
        let text = read(&self.file)?;
        let request = self.request.as_deref().map(read).transpose()?;
        let signed = signed(&text)
            .map_err(|reason| Error::NotInspectable { path: self.file.clone(), reason: excerpt(&reason) })?;
        let signer = store.signer(signing)?;
        let (title, review, judgement, objection) = match signed {
            Some(signed) => {
                let request = request.as_ref().map(|request| request.as_str());
                let (transaction, certificates) = (&signed.transaction, &signed.answer.certificates);
                let (review, mismatch) = signer.review_transaction(transaction, certificates, request);
                let mismatch = mismatch.or_else(|| signed.contradiction());
                let title = format!("Signed transaction {}", transaction.id());
                (title, review, None, mismatch.map(Error::Mismatch))
            }
            None => {
                let (review, judgement, refusal) = signer.review_request(&text).map_err(Error::Refused)?;
                let title = "Request to sign a transaction".to_owned();
                (title, review, judgement, refusal.map(Error::Refused))
            }
        };
        let network = signer.keystore().network();
        let shown = if self.json {
            let objection = objection.as_ref().map(Error::to_string);
            let policy = judgement.as_ref().map(policy_json);
            show_json(&json!({
                "network": network,
                "review": review,
                "policy": policy,
                "objection": objection,
            }))
        } else {
            let title = format!("{title} on {network}");
            show(&mut stdout().lock(), &title, &review, judgement.as_ref(), objection.is_none())
        };
        // What speaks against it counts, even if nobody read the rest.
        match objection {
            Some(objection) => Err(objection),
            None => Ok(shown?),
        }
    }
}

/// A signed transaction and the answer that carried it.
struct Signed {
    transaction: PaymentTransaction,
    answer: RawTransaction,
}

impl Signed {
    /// What the answer says of the transaction that is not so.
    fn contradiction(&self) -> Option<Mismatch> {
        let ids: Vec<Hash> = self.transaction.txouts.iter().map(Output::id).collect();
        if !self.answer.txouts.is_empty() && self.answer.txouts != ids {
            return Some(Mismatch::Answer("the ids of the outputs"));
        }
        let foreign = |claim: &CertificateClaim| !ids.contains(&claim.output_hash);
        self.answer.certificates.iter().any(foreign).then_some(Mismatch::Answer("the certificates"))
    }
}

/// The signed transaction in a text, or `None` where the text is a request.
fn signed(text: &str) -> Result<Option<Signed>, String> {
    /// Looks for the fields that tell; the rest may hold a secret key and is not read.
    #[derive(Deserialize)]
    struct Probe {
        #[serde(rename = "type")]
        kind: Option<Value>,
        data: Option<IgnoredAny>,
    }
    let text = text.trim();
    let answer = if text.starts_with('{') {
        match serde_json::from_str::<Probe>(text) {
            // What cannot be read at all is for the reader of requests to explain.
            Err(_) | Ok(Probe { data: None, .. }) => return Ok(None),
            Ok(Probe { kind: Some(kind), .. }) if kind == TYPE || kind == "broadcast_transaction" => {}
            _ => return Err("it is neither an answer of the signer nor a request to broadcast".to_owned()),
        }
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        let data = HexBytes(hex::decode(text).map_err(|error| error.to_string())?);
        RawTransaction { txouts: Vec::new(), data, certificates: Vec::new(), journal: None }
    };
    let transaction = PaymentTransaction::from_bytes(&answer.data.0).map_err(|error| error.to_string())?;
    Ok(Some(Signed { transaction, answer }))
}

fn show_json(facts: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(stdout(), facts)?;
    writeln!(stdout())
}

/// The windows of totals.
const WINDOWS: [Window; 3] = [Window::Hour, Window::Day, Window::Week];

fn policy_json(judgement: &Judgement) -> Value {
    let Judgement { facts, totals, decision: Decision { tag, place, reason, verdict }, .. } = judgement;
    let (verdict, until) = match verdict {
        Verdict::Allowed => ("allowed", None),
        Verdict::Denied => ("denied", None),
        Verdict::Limited(until) => ("limited", Some(show_time(*until))),
        Verdict::Asked => ("asked", None),
    };
    let before: Map<String, Value> = WINDOWS
        .map(|window| (window.name().to_owned(), json!(totals.sum(window, facts.time))))
        .into_iter()
        .collect();
    json!({
        "verdict": verdict,
        "until": until,
        "rule": tag,
        "place": place,
        "reason": reason,
        "outward": facts.outward(),
        "outward_before": before,
        "unknown_field": facts.unknown_field,
        "time": show_time(facts.time),
    })
}

fn show_policy(out: &mut impl Write, judgement: &Judgement) -> io::Result<()> {
    let Judgement { facts, totals, decision: Decision { tag, place, reason, verdict }, .. } = judgement;
    writeln!(out, "\nPolicy at {}", show_time(facts.time))?;
    writeln!(out, "  leaves the store's accounts {:>22}", facts.outward().to_string())?;
    for window in WINDOWS {
        let sum = totals.sum(window, facts.time).to_string();
        writeln!(out, "  left within the last {:<12} {sum:>16}", window.name())?;
    }
    if let Some(field) = &facts.unknown_field {
        writeln!(out, "  unknown field {field:?}")?;
    }
    let what = match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Asked => "approval is asked for",
        Verdict::Denied | Verdict::Limited(_) => "NOT ALLOWED",
    };
    let place = place.map_or_else(String::new, |place| format!(", rule {place}"));
    writeln!(out, "  {what} by {tag}{place}: {reason}")
}

/// Shows a review, and how the policy judges; where it is fine, that it is.
pub(super) fn show(
    out: &mut impl Write,
    title: &str,
    review: &Review,
    judgement: Option<&Judgement>,
    fine: bool,
) -> io::Result<()> {
    writeln!(out, "{title}\n\n{review}")?;
    judgement.map_or(Ok(()), |judgement| show_policy(out, judgement))?;
    if let Some(before) = &review.signed_before {
        let SignedBefore { transaction, time, record } = before;
        writeln!(
            out,
            "\nSigned before: transaction {transaction} at {time} (record {record} of the journal)."
        )?;
        writeln!(out, "Signing it again answers the same bytes.")?;
    }
    if fine { writeln!(out, "\n{}", verdict(review)) } else { Ok(()) }
}

/// What may be said where nothing speaks against it.
fn verdict(review: &Review) -> String {
    let inputs = if review.request_key {
        "every input is spent with the secret_key in the request"
    } else {
        "every input belongs to an account of this store"
    };
    let sealed = review.outputs.iter().filter(|output| output.known == Known::Stated).count();
    let outputs = match sealed {
        0 => String::new(),
        1 => "; 1 output is sealed, and only its recipient can tell what is in it".to_owned(),
        sealed => {
            format!("; {sealed} outputs are sealed, and only their recipients can tell what is in them")
        }
    };
    format!("Nothing speaks against it: the sums match, {inputs}{outputs}.")
}
