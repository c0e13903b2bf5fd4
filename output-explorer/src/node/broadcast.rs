//! Submits signed transactions and keeps their states: what the ledger says of them, and what the node answers.
//!
//! A transaction is submitted as long as it is in no block and nothing says that it never will be: when it is new, when
//! it was rolled back, after every start of this program, and from time to time, for a node that starts anew forgets
//! what waits for a block. The bytes are always the same ones, so once more does no harm.

use super::link::{Link, LinkError};
use crate::clock::now;
use crate::handoff::desk::Desk;
use crate::handoff::record::{Handoff, State};
use crate::handoff::track::{Evidence, answered, evidence, next};
use crate::ledger::handoffs::HandoffError;
use crate::ledger::{Ledger, LedgerError};
use crate::log::{Line, Log};
use crate::metrics::Live;
use crate::settings::NodeConfig;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use stegos_common::api::encoding::HexBytes;
use stegos_common::api::request::Request;
use stegos_common::api::response::Response;
use stegos_common::api::transaction::TransactionStatus;
use stegos_common::socket::Endpoint;
use stegos_common::socket::token_file;
use stegos_common::text::excerpt;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// What the node accepted is submitted again after so long.
const AGAIN: Duration = Duration::from_secs(60);

/// See the module.
pub struct Broadcast {
    ledger: Arc<Ledger>,
    config: NodeConfig,
    log: Log,
    /// When each handoff's transaction was submitted last.
    submitted: HashMap<u64, Instant>,
    /// The handoffs of which was said that an input is gone.
    stranded: HashSet<u64>,
    /// What was said last about a node that cannot be reached, so that it is said once.
    trouble: Option<String>,
}

impl Broadcast {
    /// For the transactions of a ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, config: NodeConfig, log: Log) -> Self {
        Self { ledger, config, log, submitted: HashMap::new(), stranded: HashSet::new(), trouble: None }
    }

    /// Goes on for ever.
    ///
    /// # Errors
    /// [`LedgerError`] where the ledger fails.
    pub async fn run(&mut self) -> Result<(), LedgerError> {
        let mut ticks = interval(self.config.poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let due = self.look()?;
            if due.is_empty() {
                continue;
            }
            match self.submit(due).await {
                Ok(()) => {}
                Err(Trouble::Ledger(error)) => return Err(error),
                Err(Trouble::Node(error)) => self.tell_trouble(&error.to_string()),
            }
        }
    }

    /// Notes what the ledger says of every transaction, and answers those that are to be submitted.
    fn look(&mut self) -> Result<Vec<Handoff>, LedgerError> {
        let ledger = Arc::clone(&self.ledger);
        Desk { ledger: &ledger, now: now() }.expire()?;
        let (mut due, mut live) = (Vec::new(), Live::default());
        for handoff in ledger.live_handoffs() {
            let mut handoff = handoff?;
            live.see(&handoff);
            let Some(transaction) = &handoff.transaction else { continue };
            let evidence = evidence(&ledger, &handoff, transaction)?;
            if let Some(state) = next(transaction.state(), &evidence) {
                handoff = self.step(handoff, state)?;
            }
            if matches!(evidence, Evidence::InputGone(_)) {
                // A node forgets it then: it is submitted at once when the input is back.
                self.submitted.remove(&handoff.number);
            } else {
                self.stranded.remove(&handoff.number);
            }
            match evidence {
                Evidence::Open if self.is_due(&handoff) => due.push(handoff),
                Evidence::InputGone(input)
                    if is_waiting(&handoff) && self.stranded.insert(handoff.number) =>
                {
                    let number = handoff.number;
                    let line = Line::warn(format!(
                        "handoff {number} waits: the block that made its input {input} was taken back; if that is for \
                         good, `handoff cancel {number}` gives it up"
                    ));
                    (self.log)(line.with("handoff", number).with("output_hash", input.to_string()));
                }
                _ => {}
            }
        }
        ledger.metrics().show_live(&live);
        // Whoever waits longest comes first: one that breaks the connection does not keep the others back.
        due.sort_by_key(|handoff| self.submitted.get(&handoff.number).copied());
        Ok(due)
    }

    fn is_due(&self, handoff: &Handoff) -> bool {
        let state = handoff.transaction.as_ref().map(|transaction| transaction.state());
        let last = self.submitted.get(&handoff.number);
        match (state, last) {
            // It is looked for in blocks only.
            (Some(State::Rejected { .. } | State::Cancelled), _) => false,
            (Some(State::Accepted), Some(last)) => last.elapsed() >= AGAIN,
            // The answer to it is not known, or it said nothing: not at every tick.
            (_, Some(last)) => last.elapsed() >= self.config.poll,
            (_, None) => true,
        }
    }

    /// Submits transactions over a connection of their own.
    async fn submit(&mut self, due: Vec<Handoff>) -> Result<(), Trouble> {
        let NodeConfig { address, max_message, request, .. } = self.config;
        // Without one, following the node would not have begun.
        let Some(file) = &self.config.token_file else { return Ok(()) };
        let token = token_file::load(file).map_err(LinkError::Token)?;
        let mut link = Link::connect(&Endpoint::Tcp(address), token, max_message, request).await?;
        match link.request(Request::ChainName, "chain_name").await? {
            Response::ChainName { name } if name == self.ledger.network() => {}
            _ => return Err(LinkError::WrongAnswer("chain_name").into()),
        }
        for handoff in due {
            let Some(bytes) = self.ledger.transaction_bytes(handoff.number)? else { continue };
            let request = Request::BroadcastTransaction { data: HexBytes(bytes) };
            self.submitted.insert(handoff.number, Instant::now());
            let answer = link.request(request, "broadcast_transaction").await?;
            let rejected = match answer {
                Response::BroadcastTransaction { status: TransactionStatus::Rejected { error }, .. } => {
                    Some(excerpt(&error))
                }
                Response::BroadcastTransaction { .. } => None,
                // It is not synchronized, for example: it will be asked again.
                Response::Error { error, .. } | Response::NotUnderstood { error } => {
                    self.tell_trouble(&format!("the node does not take transactions: {}", excerpt(&error)));
                    return Ok(());
                }
                _ => return Err(LinkError::WrongAnswer("broadcast_transaction").into()),
            };
            let before = handoff.transaction.as_ref().map(|transaction| transaction.state().clone());
            self.trouble = None;
            if let Some(state) = before.and_then(|before| answered(&before, rejected)) {
                self.step(handoff, state)?;
            }
        }
        Ok(())
    }

    /// Stores a new state.
    fn step(&mut self, handoff: Handoff, state: State) -> Result<Handoff, LedgerError> {
        let after = handoff.with_state(state.clone(), now());
        match self.ledger.change_handoff(&handoff, &after, None) {
            Ok(()) => {
                let (number, id) = (after.number, after.transaction.as_ref().map(|it| it.id));
                let short = id.map(|id| id.short()).unwrap_or_default();
                let text = format!("handoff {number}: transaction {short} {state}");
                let line = if state.is_failure() { Line::warn(text) } else { Line::info(text) };
                let line = line.with("handoff", number).with("state", state.name());
                (self.log)(line.with("transaction", id.map(|id| id.to_string())));
                // A state that was left behind is submitted at once.
                self.submitted.remove(&handoff.number);
                if state == State::Accepted {
                    self.submitted.insert(handoff.number, Instant::now());
                }
                Ok(after)
            }
            Err(HandoffError::Ledger(error)) => Err(error),
            // Somebody else changed it: it is looked at again at the next tick.
            Err(_) => Ok(handoff),
        }
    }

    fn tell_trouble(&mut self, text: &str) {
        if self.trouble.as_deref() != Some(text) {
            (self.log)(Line::warn(format!("transactions wait: {text}")));
            self.trouble = Some(text.to_owned());
        }
    }
}

fn is_waiting(handoff: &Handoff) -> bool {
    handoff.transaction.as_ref().is_some_and(|transaction| transaction.state().is_waiting())
}

/// What keeps a transaction from being submitted.
enum Trouble {
    Ledger(LedgerError),
    Node(LinkError),
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<LinkError> for Trouble {
    fn from(error: LinkError) -> Self {
        Self::Node(error)
    }
}
