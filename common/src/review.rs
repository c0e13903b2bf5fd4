//! What a person must see before money moves: inputs, outputs, fee and totals, in the same words on both sides of the
//! gap. Who cannot read an amount or an owner shows it as unknown.

use crate::address::Address;
use crate::amount::Amount;
use crate::hash::Hash;
use crate::output::Output;
use serde::Serialize;
use std::fmt::{self, Display};

/// The facts of a request or a signed transaction. Amounts are micro-STG in JSON.
#[derive(Debug, Serialize)]
pub struct Review {
    /// What is spent.
    pub inputs: Vec<InputFacts>,
    /// What is made.
    pub outputs: Vec<OutputFacts>,
    /// What the network gets.
    pub fee: Amount,
    /// The sum of the inputs, where all are known.
    pub inputs_total: Option<Amount>,
    /// The sum of the outputs, where all are known.
    pub outputs_total: Option<Amount>,
    /// The part of the outputs that goes to accounts of this store.
    pub change: Amount,
    /// Whether the inputs are spent with a key that the request brings.
    pub request_key: bool,
    /// The same request, where it was signed before: signing it again answers the same bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_before: Option<SignedBefore>,
}

/// A signing of the past.
#[derive(Debug, Serialize)]
pub struct SignedBefore {
    /// The id of the transaction.
    pub transaction: Hash,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// The number of the record in the journal, from 0.
    pub record: u64,
}

/// Whether recipient and amount are hidden on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Hidden.
    Payment,
    /// Open.
    PublicPayment,
    /// A validator's stake.
    Stake,
}

/// An output that is spent.
#[derive(Debug, Serialize)]
pub struct InputFacts {
    /// Its id.
    pub id: Hash,
    /// Its kind, where its blob is known.
    pub kind: Option<Kind>,
    /// Its amount, where somebody here can read it.
    pub amount: Option<Amount>,
    /// The account that owns it.
    pub account: Option<String>,
}

/// An output that is made.
#[derive(Debug, Serialize)]
pub struct OutputFacts {
    /// Its id, once it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Hash>,
    /// Its kind.
    pub kind: Kind,
    /// Who gets it.
    pub recipient: Option<Address>,
    /// How much.
    pub amount: Option<Amount>,
    /// What the recipient is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The account of this store that gets it, if it is change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether the request asks for a proof of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub with_certificate: bool,
    /// How the recipient and the amount are known.
    pub known: Known,
}

/// How the recipient and the amount of an output are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// It is what the request asks for; there is no output yet.
    Requested,
    /// Everybody can read them in the output.
    Public,
    /// A key of this store opened the output.
    Opened,
    /// A certificate opened the output.
    Certificate,
    /// The output is sealed to somebody else; the request says so, and only its recipient can tell.
    Stated,
    /// The output is sealed to somebody else, and nothing here says more.
    Hidden,
}

impl Kind {
    /// That of an output.
    #[must_use]
    pub const fn of(output: &Output) -> Self {
        match output {
            Output::Payment(_) => Self::Payment,
            Output::PublicPayment(_) => Self::PublicPayment,
            Output::Stake(_) => Self::Stake,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Payment => "private",
            Self::PublicPayment => "public",
            Self::Stake => "stake",
        }
    }
}

impl Review {
    /// Adds the totals.
    #[must_use]
    pub fn new(inputs: Vec<InputFacts>, outputs: Vec<OutputFacts>, fee: Amount, request_key: bool) -> Self {
        let total = |amounts: Option<Vec<Amount>>| amounts.and_then(Amount::checked_sum);
        let change = outputs.iter().filter(|output| output.account.is_some());
        Self {
            inputs_total: total(inputs.iter().map(|input| input.amount).collect()),
            outputs_total: total(outputs.iter().map(|output| output.amount).collect()),
            change: Amount::checked_sum(change.filter_map(|output| output.amount)).unwrap_or(Amount::MAX),
            inputs,
            outputs,
            fee,
            request_key,
            signed_before: None,
        }
    }
}

impl Display for Review {
    /// One line or more for each input and output, and the totals; no line end behind the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Inputs ({})", self.inputs.len())?;
        for input in &self.inputs {
            writeln!(f, "{input}")?;
        }
        writeln!(f, "\nOutputs ({})", self.outputs.len())?;
        for output in &self.outputs {
            writeln!(f, "{output}")?;
        }
        let outputs_and_fee = self.outputs_total.and_then(|total| total.checked_add(self.fee));
        write!(f, "\nTotals")?;
        for (name, amount) in [
            ("inputs", self.inputs_total),
            ("outputs", self.outputs_total),
            ("of which change", Some(self.change)),
            ("fee", Some(self.fee)),
            ("outputs and fee", outputs_and_fee),
        ] {
            write!(f, "\n  {name:<16}  {:>28}", or_unknown(amount))?;
        }
        Ok(())
    }
}

impl Display for InputFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or("", Kind::name);
        let account =
            self.account.as_ref().map_or_else(|| "unknown".to_owned(), |account| format!("{account:?}"));
        writeln!(f, "  {:<7}  {:>28}  account {account}", kind, or_unknown(self.amount))?;
        write!(f, "           {}", self.id)
    }
}

impl Display for OutputFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let change = if self.account.is_some() { "change to account " } else { "" };
        let whose = self.account.as_ref().map_or(String::new(), |account| format!("{account:?}"));
        let known = match self.known {
            Known::Requested if self.with_certificate => "to be proved by a certificate",
            Known::Requested | Known::Public | Known::Opened => "",
            Known::Certificate => "proved by its certificate",
            Known::Stated => "as the request says: only its recipient can open it",
            Known::Hidden => "sealed to somebody else",
        };
        let notes: Vec<String> = [format!("{change}{whose}"), known.to_owned()]
            .into_iter()
            .filter(|note| !note.is_empty())
            .collect();
        writeln!(f, "  {:<7}  {:>28}  {}", self.kind.name(), or_unknown(self.amount), notes.join(", "))?;
        write!(f, "           to {}", or_unknown(self.recipient))?;
        if let Some(comment) = self.comment.as_ref().filter(|comment| !comment.is_empty()) {
            // Quoted and escaped: a comment must not move the cursor of whoever reviews it.
            write!(f, "\n           comment {comment:?}")?;
        }
        self.id.map_or(Ok(()), |id| write!(f, "\n           {id}"))
    }
}

fn or_unknown<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}
