//! What a scenario says, and how it is written: a list of scenarios to a file, a step to a line.

use serde::{Deserialize, Serialize};

/// Something that could make a signer sign an output away twice.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// Why the answers are right, where it does not go without saying.
    #[serde(default)]
    pub(crate) why: String,
    pub(crate) steps: Vec<Step>,
    /// The outputs that two transactions spend in the end. Only what `docs/durability.md` does not promise can bring
    /// that about: two stores with the same keys, and older copies.
    #[serde(default)]
    pub(crate) signed_twice: Vec<String>,
}

/// Stores have names: `main` is there from the start, `copy` is whatever is copied there, and `twin` was made anew from
/// the same recovery words. A store's daemon is started when it is asked something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    Send(Send),
    Together(Together),
    /// SIGTERM.
    Stop(String),
    /// SIGKILL.
    Kill(String),
    /// A request is sent, and the daemon is killed before it can answer; it may have got anywhere.
    KillOn {
        store: String,
        request: Request,
    },
    /// After a crash the journal's end is not what was written.
    Crash {
        store: String,
        leaves: End,
    },
    /// A crash begins another commit, of which these bytes (hex) reach the disk.
    CrashAdding {
        store: String,
        bytes: String,
    },
    /// A bit of the journal changes, so many bytes from its end.
    Flip {
        store: String,
        from_end: usize,
    },
    /// The daemon ends with code 4 instead of listening.
    DoesNotStart(String),
    /// A whole store is copied, while neither of the two runs, to where another may have been.
    Copy {
        from: String,
        to: String,
    },
    /// Whether the journal has the head that the client kept.
    VerifyHead {
        store: String,
        known: bool,
    },
}

/// What a crash leaves of the last commit, from which no client got an answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// Nothing of the last commit.
    Without,
    /// The first half of it.
    Half,
    /// All but the last sector, which is zeros.
    Zeros,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    pub(crate) request: Request,
    #[serde(default = "main", skip_serializing_if = "is_main")]
    pub(crate) to: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) connection: u8,
    pub(crate) answer: Answer,
    /// What the client sees who keeps the journal's position.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) journal: Option<Position>,
}

/// Transactions have names, too, from when they are first heard of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Answer {
    /// A transaction that no client has seen before.
    Signed(String),
    /// The same bytes as before.
    Same(String),
    /// An output that it spends was signed away in a transaction.
    AlreadySigned { by: String, output: String },
    /// Refused for another reason.
    Refused(String),
    /// It was signed, but the client does not get the answer.
    Lost,
}

/// The position of the journal, compared with the last one that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Position {
    /// It is a later one, or the first.
    GoesOn,
    /// It is the same.
    Stands,
    /// It is an earlier one, or has another head: the signer was set back.
    SetBack,
}

/// Requests that are sent at the same time, over as many connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Together {
    pub(crate) requests: Vec<Request>,
    /// So many clients send each.
    pub(crate) times: usize,
    pub(crate) answers: Answers,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answers {
    /// All get the same transaction.
    All(String),
    /// All who want what one of them wants get one transaction; the others are told that it was faster.
    One(String),
    /// Each request is answered with a transaction of its own.
    Each(Vec<String>),
}

/// A request of `create_raw_transaction`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Outputs of 1 STG of the account `alice`, by kind and name; `public 1..100` stands for a hundred of them.
    pub(crate) spend: Vec<String>,
    pub(crate) pay: Vec<Payment>,
    pub(crate) fee: i64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) spelled: Spelling,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payment {
    pub(crate) to: String,
    /// In micro-STG.
    pub(crate) amount: i64,
    /// Of a private payment.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) comment: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) with_certificate: bool,
}

/// Other ways to write the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Spelling {
    #[default]
    Plain,
    /// The last field first, also within.
    FieldsReversed,
    /// Over many lines.
    SpreadOut,
    /// Hex in upper case.
    UpperCaseHex,
    UpperCaseRecipients,
    /// Every letter as a `\u` escape, in names of fields as well.
    Escaped,
    BlobsReversed,
    /// With the owner of each input.
    Hints,
    /// With everything that may be left out.
    Defaults,
    /// With a field that means nothing.
    UnknownField,
    Id(u64),
    /// With the key of the inputs: another meaning.
    WithKey,
    /// The fee with a fraction of zero.
    FeeWithFraction,
    FeeTwice,
}

fn main() -> String {
    "main".to_owned()
}

fn is_main(store: &str) -> bool {
    store == "main"
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The text of a file.
pub(crate) fn write(scenarios: &[Scenario]) -> String {
    fn json(value: impl Serialize) -> String {
        serde_json::to_string(&value).unwrap()
    }
    let scenarios = scenarios.iter().map(|Scenario { name, why, steps, signed_twice }| {
        let steps: Vec<String> = steps.iter().map(|step| format!("      {}", json(step))).collect();
        let mut lines = vec![format!("    \"name\": {}", json(name))];
        lines.extend((!why.is_empty()).then(|| format!("    \"why\": {}", json(why))));
        lines.push(format!("    \"steps\": [\n{}\n    ]", steps.join(",\n")));
        lines.extend(
            (!signed_twice.is_empty()).then(|| format!("    \"signed_twice\": {}", json(signed_twice))),
        );
        format!("  {{\n{}\n  }}", lines.join(",\n"))
    });
    format!("[\n{}\n]\n", scenarios.collect::<Vec<_>>().join(",\n"))
}
