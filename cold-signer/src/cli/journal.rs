//! `journal`: what was signed and refused.

use super::catch_up::CatchUp;
use super::{StoreArgs, say};
use crate::approval::{Approval, Rejection};
use crate::error::Error;
use crate::journal::show_time;
use crate::journal::{Entry, Judged, NewOutputFacts, Position, Record, Verdict};
use crate::settings::Settings;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{self, BufWriter, Write, stdout};
use stegos_common::address::{EncodedAddress, Network};
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::OutputType;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::text::excerpt;
use stegos_common::transaction::PaymentTransaction;

const LIST_HELP: &str = "\
Examples:
  cold-signer journal list
  cold-signer journal list --last 20
  cold-signer journal list --json";

const SHOW_HELP: &str = "\
WHAT is the number of a record, the id of a transaction, of an output that was spent or made, of a head of
the journal, or of a request that waited for approval. The signed transaction is shown too: a node takes it again.

Examples:
  cold-signer journal show 17
  cold-signer journal show f185f28035f395ac7a96201ab36eae7d948358c69b50a96a6a0675118f5cc919 --json";

const VERIFY_HELP: &str = "\
Opens every record and follows the chain: a record that was changed, removed or moved is named, and so is
a journal that ends before what the key store remembers of it. The newest records are checked to the last
by a head from an answer of this signer (a request with \"journal\": true). Changes nothing. Exit code 4
says that something is wrong.

Examples:
  cold-signer journal verify
  cold-signer journal verify --head 9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab";

/// The journal: what was signed and refused
#[derive(Subcommand)]
pub(super) enum Journal {
    /// List the records, the oldest first
    #[command(after_help = LIST_HELP)]
    List {
        /// Only the last so many
        #[arg(long, value_name = "N")]
        last: Option<usize>,
        /// Print one JSON object per line; amounts are micro-STG
        #[arg(long)]
        json: bool,
    },
    Show(Show),
    /// Verify the whole journal
    #[command(after_help = VERIFY_HELP)]
    Verify {
        /// A head that the journal must have had
        #[arg(long, value_name = "HASH")]
        head: Option<Hash>,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    CatchUp(CatchUp),
}

/// Show a record in full
#[derive(Args)]
#[command(after_help = SHOW_HELP)]
pub(super) struct Show {
    /// What the record is about
    what: String,
    /// Print one JSON object per line; amounts are micro-STG
    #[arg(long)]
    json: bool,
}

impl Journal {
    pub(super) fn run(self, store: &StoreArgs, settings: &Settings) -> Result<(), Error> {
        match self {
            Self::List { last, json } => list(store, last, json),
            Self::Show(show) => show.run(store),
            Self::Verify { head, json } => verify(store, head, json),
            Self::CatchUp(catch_up) => catch_up.run(store, settings),
        }
    }
}

fn list(store: &StoreArgs, last: Option<usize>, json: bool) -> Result<(), Error> {
    let journal = store.lock()?.read_journal(&store.passphrase()?)?;
    let network = journal.network();
    let mut out = BufWriter::new(stdout().lock());
    if !json {
        writeln!(out, "{:>8}  {:<24}  {:>22}  {:>14}  VERDICT", "RECORD", "TIME (UTC)", "OUTPUTS", "FEE")?;
    }
    let mut line = |record: &Record| {
        if json { list_json(&mut out, record, network) } else { list_line(&mut out, record) }
    };
    let mut kept = VecDeque::new();
    let (_, torn) = journal.read::<Error>(|record| {
        let Some(last) = last else { return Ok(line(&record)?) };
        kept.push_back(record);
        if kept.len() > last {
            kept.pop_front();
        }
        Ok(())
    })?;
    kept.iter().try_for_each(&mut line)?;
    out.flush()?;
    tell_torn(torn);
    Ok(())
}

fn list_line(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let entry = &record.entry;
    let total = Amount::checked_sum(entry.outputs.iter().map(|output| output.amount)).unwrap_or(Amount::MAX);
    let verdict = match &entry.verdict {
        Verdict::Signed(_) => transaction(entry).map_or_else(String::new, |it| format!("signed {}", it.id())),
        Verdict::Refused { code, .. } => format!("refused {code}"),
        Verdict::ClockConfirmed => "clock confirmed".to_owned(),
        Verdict::Parked { id, .. } => format!("waits as {id}"),
        Verdict::Approved { id, approval, .. } => format!("approved {id} by {}", approval.approver),
        Verdict::Rejected { id, rejection } => format!("rejected {id} by {}", rejection.by),
        Verdict::Restored { .. } | Verdict::CaughtUp { .. } | Verdict::GivenUp => {
            about_the_store(&entry.verdict)
        }
    };
    let (time, fee) = (show_time(entry.time), shown(entry.fee));
    writeln!(out, "{:>8}  {time:<24}  {:>22}  {fee:>14}  {verdict}", record.number(), total.to_string())
}

/// What happened to the store, as a part of a line.
fn about_the_store(verdict: &Verdict) -> String {
    let seen = |seen: &Option<Position>| {
        seen.map_or_else(
            || "how far it had been is not known".to_owned(),
            |it| format!("{} were seen", it.count),
        )
    };
    match verdict {
        Verdict::Restored { made, seen: known } => {
            format!("restored from a backup of {}; {}", show_time(*made), seen(known))
        }
        Verdict::CaughtUp { transactions, seen: known } => {
            format!("caught up with {transactions} transactions; {}", seen(known))
        }
        Verdict::GivenUp => "gave up what it lacked".to_owned(),
        _ => String::new(),
    }
}

fn list_json(out: &mut impl Write, record: &Record, network: Network) -> io::Result<()> {
    writeln!(out, "{}", facts(record, network))
}

impl Show {
    fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let no_record = || Error::NoRecord(excerpt(&self.what));
        let number: Option<u64> = self.what.parse().ok().filter(|_| self.what.len() < 64);
        let hash: Option<Hash> = self.what.parse().ok();
        let is_id = |record: &Record| record.entry.verdict.approval() == Some(&self.what);
        if number.is_none() && hash.is_none() && self.what.len() != 8 {
            return Err(no_record());
        }
        let journal = store.lock()?.read_journal(&store.passphrase()?)?;
        let network = journal.network();
        let mut found = Vec::new();
        journal.read::<Error>(|record| {
            let wanted = number == Some(record.number())
                || hash.is_some_and(|hash| is_about(&record, &hash))
                || is_id(&record);
            found.extend(wanted.then_some(record));
            Ok(())
        })?;
        if found.is_empty() {
            return Err(no_record());
        }
        let mut out = stdout().lock();
        for record in &found {
            if self.json { list_json(&mut out, record, network)? } else { show(&mut out, record, network)? }
        }
        Ok(())
    }
}

/// Whether a hash stands for this record, or something in it.
fn is_about(record: &Record, hash: &Hash) -> bool {
    let entry = &record.entry;
    let made = || {
        let transaction = transaction(entry)?;
        Some(transaction.id() == *hash || transaction.txouts.iter().any(|output| output.id() == *hash))
    };
    record.after.head == *hash
        || entry.request == *hash
        || entry.inputs.contains(hash)
        || made().unwrap_or(false)
}

fn show(out: &mut impl Write, record: &Record, network: Network) -> io::Result<()> {
    let entry = &record.entry;
    writeln!(out, "Record {} of the journal, {}", record.number(), show_time(entry.time))?;
    match &entry.verdict {
        Verdict::Signed(_) => writeln!(out, "  signed")?,
        Verdict::Refused { code, reason } => writeln!(out, "  refused ({code}): {reason}")?,
        Verdict::ClockConfirmed => {
            return writeln!(out, "  clock confirmed\n  head        {}", record.after.head);
        }
        Verdict::Restored { .. } | Verdict::CaughtUp { .. } | Verdict::GivenUp => {
            let what = about_the_store(&entry.verdict);
            return writeln!(out, "  {what}\n  head        {}", record.after.head);
        }
        Verdict::Parked { id, expires, statement } => {
            writeln!(out, "  waits for approval as {id} until {}\n", show_time(*expires))?;
            writeln!(out, "{statement}")?;
        }
        Verdict::Approved { id, approval: Approval { approver, identity }, signature } => {
            writeln!(out, "  {id} approved by {approver} ({identity})\n{signature}")?;
            return writeln!(out, "  request     {}\n  head        {}", entry.request, record.after.head);
        }
        Verdict::Rejected { id, rejection: Rejection { by, reason } } => {
            writeln!(out, "  {id} rejected by {by}: {reason}")?;
            return writeln!(out, "  request     {}\n  head        {}", entry.request, record.after.head);
        }
    }
    if let Some(Judged { policy, rule, outward, .. }) = &entry.judged {
        let policy = policy.map_or_else(|| "no policy file".to_owned(), |policy| policy.to_string());
        writeln!(out, "  policy      {rule}, {outward} outward, {policy}")?;
    }
    writeln!(out, "  request     {}", entry.request)?;
    entry.inputs.iter().try_for_each(|input| writeln!(out, "  input       {input}"))?;
    for output in &entry.outputs {
        let NewOutputFacts { recipient: key, amount, .. } = *output;
        let kind = kind(output.kind);
        writeln!(
            out,
            "  output      {kind:<7}  {:>28}  to {}",
            amount.to_string(),
            EncodedAddress { network, key }
        )?;
    }
    writeln!(out, "  fee         {}", shown(entry.fee))?;
    if let (Some(transaction), Some(signed)) = (transaction(entry), entry.signed()) {
        writeln!(out, "  transaction {}", transaction.id())?;
        writeln!(out, "  data        {}", hex::encode(&signed.transaction))?;
    }
    writeln!(out, "  head        {}", record.after.head)
}

/// A record as JSON.
fn facts(record: &Record, network: Network) -> Value {
    let entry = &record.entry;
    let outputs = entry.outputs.iter().map(|output| {
        let recipient = EncodedAddress { network, key: output.recipient };
        json!({ "output_type": output.kind, "recipient": recipient, "amount": output.amount })
    });
    let mut facts = json!({
        "record": record.number(),
        "time": show_time(entry.time),
        "request": entry.request,
        "inputs": entry.inputs,
        "outputs": outputs.collect::<Vec<_>>(),
        "fee": entry.fee,
        "head": record.after.head,
        "policy": entry.judged.as_ref().map(|judged| json!({
            "digest": judged.policy,
            "rule": judged.rule,
            "outward": judged.outward,
        })),
    });
    let verdict = match &entry.verdict {
        Verdict::Signed(signed) => {
            let transaction = transaction(entry);
            json!({
                "verdict": "signed",
                "transaction": transaction.as_ref().map(PaymentTransaction::id),
                "txouts": transaction.iter().flat_map(|it| it.txouts.iter().map(Output::id)).collect::<Vec<_>>(),
                "data": hex::encode(&signed.transaction),
                "certificates": signed.certificates,
            })
        }
        Verdict::Refused { code, reason } => json!({ "verdict": "refused", "code": code, "error": reason }),
        Verdict::ClockConfirmed => json!({ "verdict": "clock_confirmed" }),
        Verdict::Parked { id, expires, statement } => json!({
            "verdict": "parked",
            "approval": id,
            "expires": show_time(*expires),
            "statement": statement,
        }),
        Verdict::Approved { id, approval: Approval { approver, identity }, signature } => json!({
            "verdict": "approved",
            "approval": id,
            "approver": approver,
            "identity": identity,
            "signature": signature,
        }),
        Verdict::Rejected { id, rejection: Rejection { by, reason } } => json!({
            "verdict": "rejected",
            "approval": id,
            "by": by,
            "reason": reason,
        }),
        Verdict::Restored { made, seen } => json!({
            "verdict": "restored",
            "backup_made": show_time(*made),
            "seen": seen,
        }),
        Verdict::CaughtUp { transactions, seen } => json!({
            "verdict": "caught_up",
            "transactions": transactions,
            "seen": seen,
        }),
        Verdict::GivenUp => json!({ "verdict": "given_up" }),
    };
    if let (Value::Object(facts), Value::Object(verdict)) = (&mut facts, verdict) {
        facts.extend(verdict);
    }
    facts
}

fn verify(store: &StoreArgs, head: Option<Hash>, json: bool) -> Result<(), Error> {
    let journal = store.lock()?.read_journal(&store.passphrase()?)?;
    let genesis = journal.genesis();
    let mut met = head.filter(|head| *head == genesis.head).map(|_| genesis.count);
    let (end, torn) = journal.read::<Error>(|record| {
        if head == Some(record.after.head) {
            met = Some(record.after.count);
        }
        Ok(())
    })?;
    if let (Some(head), None) = (head, met) {
        return Err(Error::HeadUnknown(head));
    }
    let mut out = stdout().lock();
    if json {
        let facts = json!({ "count": end.count, "head": end.head, "torn_bytes": torn, "head_met_at": met });
        return Ok(writeln!(out, "{facts:#}")?);
    }
    writeln!(out, "{} records, all as they were written, head {}", end.count, end.head)?;
    match met {
        Some(count) => writeln!(out, "It had the given head after {count} records.")?,
        None => writeln!(
            out,
            "Whether newer records are missing is shown by a head from an answer: --head HASH."
        )?,
    }
    tell_torn(torn);
    Ok(())
}

fn tell_torn(torn: Option<u64>) {
    let Some(length) = torn else { return };
    say(&format!(
        "A crash tore the last commit ({length} bytes). Nothing was answered from it; the next start of the signer cuts \
         it off and keeps it aside."
    ));
}

/// The transaction of a signed record.
fn transaction(entry: &Entry) -> Option<PaymentTransaction> {
    PaymentTransaction::from_bytes(&entry.signed()?.transaction).ok()
}

/// A fee as it was asked for: a refused request may ask for one that does not exist.
fn shown(micro: i64) -> String {
    Amount::from_micro(micro).map_or_else(|_| format!("{micro} micro-STG"), |fee| fee.to_string())
}

const fn kind(kind: OutputType) -> &'static str {
    match kind {
        OutputType::Payment => "private",
        OutputType::PublicPayment => "public",
    }
}
