//! Keeps the ledger at the end of a node's chain: connects and connects again, asks, listens, and lets the follower
//! decide.

use super::link::{Heard, Link, LinkError};
use crate::block::{Block, InvalidBlock, MacroBlock, MicroBlock, Position};
use crate::control::LinkStatus;
use crate::follower::{Change, Event, Follower, OtherChain, Question};
use crate::ledger::{Fault, Ledger, LedgerError};
use crate::settings::NodeConfig;
use backon::{BackoffBuilder, ExponentialBuilder};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stegos_common::address::Network;
use stegos_common::api::request::Request;
use stegos_common::api::response::{Notification, Response, Status};
use stegos_common::hash::Hash;
use stegos_common::socket::Endpoint;
use stegos_common::socket::token_file::{self, TokenFileError};
use thiserror::Error;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

/// The pause before the second attempt to connect; it doubles up to [`LONGEST_PAUSE`], give or take.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A node this many epochs ahead has too much to say one line about each block.
const FAR: u64 = 3;

/// Why nothing is followed any more.
#[derive(Debug, Error)]
pub enum WatchError {
    /// The ledger cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The node's final blocks are others.
    #[error(transparent)]
    OtherChain(#[from] OtherChain),
    /// The node is one of another network.
    #[error(
        "the node at {node} is one of {actual}, not of {expected}; choose another --node or another --network"
    )]
    OtherNetwork {
        /// Where the node is.
        node: Endpoint,
        /// Its network.
        actual: Network,
        /// That of the ledger.
        expected: Network,
    },
    /// The API token's file cannot be used.
    #[error(transparent)]
    Token(#[from] TokenFileError),
    /// Nobody said where the API token is.
    #[error("no API token: name the node's token file with --node-token-file")]
    NoToken,
    /// The connection was lost, and it matters.
    #[error(transparent)]
    Lost(LinkError),
}

/// Why a connection ended.
enum End {
    /// Another one may do better.
    Lost(LinkError),
    /// None would.
    Fatal(WatchError),
    /// The end of the node's chain was reached, and that was all.
    Arrived,
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        Self::Lost(error)
    }
}

impl<E: Into<WatchError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Fatal(error.into())
    }
}

/// A block that is refused.
#[derive(Debug, Error)]
enum NodeFault {
    /// It contradicts itself.
    #[error(transparent)]
    Invalid(#[from] InvalidBlock),
    /// It contradicts what is stored.
    #[error(transparent)]
    Contradiction(#[from] Fault),
}

/// Keeps a ledger up to date. What it does is said line by line to `log`.
pub struct Watch {
    ledger: Arc<Ledger>,
    follower: Follower,
    config: NodeConfig,
    token_file: PathBuf,
    status: Arc<Mutex<LinkStatus>>,
    log: fn(&str),
    /// What is asked for, so that another answer is not taken for it.
    asked: Asked,
    /// Where the node's chain was last, on this connection.
    node: Option<Status>,
    /// Whether the end of the node's chain was reached on this connection.
    arrived: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Question(Question),
    Subscription,
}

/// Whether blocks are sent without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subscription {
    /// They are.
    Yes,
    /// They are not, and the node may be asked to.
    No,
    /// The node would not do it; it is asked again after the next poll.
    Refused,
}

impl Watch {
    /// Goes on from what is in the ledger.
    ///
    /// # Errors
    /// [`WatchError`] where the ledger cannot be read or no token is there.
    pub fn new(
        ledger: Arc<Ledger>,
        config: NodeConfig,
        status: Arc<Mutex<LinkStatus>>,
        log: fn(&str),
    ) -> Result<Self, WatchError> {
        let follower = Follower::new(ledger.chain()?);
        let token_file = config.token_file.clone().ok_or(WatchError::NoToken)?;
        Ok(Self {
            ledger,
            follower,
            config,
            token_file,
            status,
            log,
            asked: Asked::Nothing,
            node: None,
            arrived: false,
        })
    }

    /// Follows the node until that is no use any more.
    ///
    /// # Errors
    /// [`WatchError`] says why.
    pub async fn run(&mut self) -> Result<(), WatchError> {
        let pauses = || {
            ExponentialBuilder::default()
                .with_min_delay(SHORTEST_PAUSE)
                .with_max_delay(LONGEST_PAUSE)
                .without_max_times()
                .with_jitter()
                .build()
        };
        let mut pause = pauses();
        loop {
            let lost = match self.follow(false).await {
                Err(End::Fatal(error)) => return Err(error),
                Err(End::Lost(error)) => error,
                Ok(()) | Err(End::Arrived) => return Ok(()),
            };
            if self.arrived {
                pause = pauses();
            }
            let wait = pause.next().unwrap_or(LONGEST_PAUSE);
            (self.log)(&format!("connection lost: {lost}. Next attempt in {:.1} s", wait.as_secs_f32()));
            self.tell(|status| {
                (status.connected, status.subscribed) = (false, false);
                status.last_error = Some(lost.to_string());
            });
            sleep(wait).await;
        }
    }

    /// Follows the node to the end of its chain.
    ///
    /// # Errors
    /// [`WatchError`], also where the connection is lost.
    pub async fn catch_up(&mut self) -> Result<(), WatchError> {
        match self.follow(true).await {
            Err(End::Fatal(error)) => Err(error),
            Err(End::Lost(error)) => Err(WatchError::Lost(error)),
            Ok(()) | Err(End::Arrived) => Ok(()),
        }
    }

    /// Follows the node as long as one connection lasts, or only to the end of its chain.
    async fn follow(&mut self, once: bool) -> Result<(), End> {
        (self.asked, self.arrived, self.node) = (Asked::Nothing, false, None);
        let NodeConfig { address, max_message, request, poll, .. } = self.config;
        let endpoint = Endpoint::Tcp(address);
        let token = token_file::load(&self.token_file)?;
        let mut link = Link::connect(&endpoint, token, max_message, request).await?;
        match link.request(Request::ChainName, "chain_name").await? {
            Response::ChainName { name } if name == self.ledger.network() => {}
            Response::ChainName { name: actual } => {
                let expected = self.ledger.network();
                return Err(WatchError::OtherNetwork { node: endpoint, actual, expected }.into());
            }
            _ => return Err(LinkError::WrongAnswer("chain_name").into()),
        }
        (self.log)(&format!("connected to {endpoint}, stored up to {}", self.position()));
        self.tell(|status| status.connected = true);
        let mut subscription = Subscription::No;
        let mut polls = polls(poll);
        self.take(Event::Connected)?;
        loop {
            if !link.is_waiting() {
                self.ask(&mut link, subscription).await?;
            }
            if once && self.arrived {
                return Err(End::Arrived);
            }
            if subscription == Subscription::Yes && self.follower.is_dropped() {
                return Err(LinkError::Dropped.into());
            }
            tokio::select! {
                heard = link.hear() => self.heard(heard?, &mut subscription)?,
                _ = polls.tick() => {
                    if subscription == Subscription::Refused {
                        subscription = Subscription::No;
                    }
                    self.tell_progress();
                    self.take(Event::Poll)?;
                }
            }
        }
    }

    /// Asks what there is to ask, if anything.
    async fn ask(&mut self, link: &mut Link, subscription: Subscription) -> Result<(), LinkError> {
        if let Some(question) = self.follower.question() {
            let (request, what) = match question {
                Question::Status => (Request::StatusInfo, "status_info"),
                Question::Micro { epoch, offset } => {
                    (Request::MicroBlockInfo { epoch, offset }, "micro_block_info")
                }
                Question::Macro { epoch } => (Request::MacroBlockInfo { epoch }, "macro_block_info"),
            };
            self.asked = Asked::Question(question);
            return link.ask(request, what).await;
        }
        if self.node.is_none() {
            return Ok(());
        }
        self.arrived = true;
        if subscription == Subscription::No {
            let (epoch, offset) = (self.follower.chain().epoch(), self.follower.chain().offset());
            self.asked = Asked::Subscription;
            link.ask(Request::SubscribeChain { epoch, offset }, "subscribe_chain").await?;
        }
        Ok(())
    }

    fn heard(&mut self, heard: Heard, subscription: &mut Subscription) -> Result<(), End> {
        match heard {
            Heard::Notification(notification) => self.notified(notification),
            Heard::UnclearNotification(error) => {
                self.fault("a notification", &error.to_string());
                Ok(())
            }
            Heard::Unclear(error) => {
                self.fault("an answer", &error.to_string());
                self.take(Event::Refused)
            }
            Heard::Answer(answer) => match std::mem::replace(&mut self.asked, Asked::Nothing) {
                Asked::Nothing => Err(LinkError::WrongAnswer("none").into()),
                Asked::Question(question) => self.answered(question, answer),
                Asked::Subscription => {
                    let subscribed = matches!(answer, Response::SubscribedChain { .. });
                    *subscription = if subscribed { Subscription::Yes } else { Subscription::Refused };
                    self.tell(|status| status.subscribed = subscribed);
                    if subscribed {
                        self.take(Event::Subscribed)?;
                    }
                    Ok(())
                }
            },
        }
    }

    fn notified(&mut self, notification: Notification) -> Result<(), End> {
        let network = self.ledger.network();
        let (place, id, block) = match notification {
            // The status is asked for, and not subscribed to: a node that drops a subscriber does not say so.
            Notification::StatusChanged(_) => return Ok(()),
            Notification::MicroBlockReverted(_) => return self.take(Event::Reverted),
            Notification::MicroBlockPrepared(block) => {
                let position = Position::micro(block.epoch, block.offset);
                (position, block.block_hash, MicroBlock::new(&block, network).map(Block::Micro))
            }
            Notification::MacroBlockCommitted(block) => {
                let position = Position::macro_block(block.epoch);
                (position, block.block_hash, MacroBlock::new(&block, network).map(Block::Macro))
            }
        };
        match block {
            Ok(block) => self.take(Event::Notified(block)),
            Err(error) => {
                self.refuse(place, id, &error.into());
                Ok(())
            }
        }
    }

    fn answered(&mut self, question: Question, answer: Response) -> Result<(), End> {
        let network = self.ledger.network();
        let (asked, id, block) = match (question, answer) {
            (Question::Status, Response::StatusInfo(status)) => {
                self.tell_behind(&status);
                self.tell(|shown| shown.set_node(&status));
                self.node = Some(status.clone());
                return self.take(Event::Status(status));
            }
            (Question::Micro { epoch, offset }, Response::MicroBlockInfo(block))
                if (block.epoch, block.offset) == (epoch, offset) =>
            {
                let position = Position::micro(epoch, offset);
                (position, block.block_hash, MicroBlock::new(&block, network).map(Block::Micro))
            }
            (Question::Macro { epoch }, Response::MacroBlockInfo(block)) if block.epoch == epoch => {
                let position = Position::macro_block(epoch);
                (position, block.block_hash, MacroBlock::new(&block, network).map(Block::Macro))
            }
            (Question::Micro { .. } | Question::Macro { .. }, Response::Error { .. }) => {
                return self.take(Event::Missing);
            }
            (_, Response::Error { error, .. } | Response::NotUnderstood { error }) => {
                self.fault("status_info", &error);
                return self.take(Event::Refused);
            }
            _ => return Err(LinkError::WrongAnswer("the last one").into()),
        };
        match block {
            Ok(block) => self.take(Event::Answered(block)),
            Err(error) => {
                self.refuse(asked, id, &error.into());
                self.take(Event::Refused)
            }
        }
    }

    /// Lets the follower decide, and does it: on disk first, then in memory.
    fn take(&mut self, event: Event) -> Result<(), End> {
        let block = match &event {
            Event::Notified(block) | Event::Answered(block) => Some((block.position(), block.id())),
            _ => None,
        };
        for change in self.follower.handle(event)? {
            match self.ledger.commit(&change) {
                Ok(()) => {
                    self.follower.apply(&change);
                    self.tell_change(&change);
                }
                Err(LedgerError::Fault(fault)) => {
                    if let Some((position, id)) = block {
                        self.refuse(position, id, &fault.into());
                    }
                    // It is read again at the next poll, not at once and for ever.
                    self.follower.handle(Event::Refused)?;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn refuse(&self, position: Position, id: Hash, fault: &NodeFault) {
        self.fault(&format!("block {position} ({id})"), &fault.to_string());
    }

    fn fault(&self, what: &str, why: &str) {
        (self.log)(&format!("NODE FAULT: {what}: {why}. Refused; it is read again"));
        self.tell(|status| {
            status.faults += 1;
            status.last_fault = Some(format!("{what}: {why}"));
        });
    }

    /// Where the ledger ends.
    fn position(&self) -> String {
        format!("epoch {} offset {}", self.follower.chain().epoch(), self.follower.chain().offset())
    }

    fn is_far(&self) -> bool {
        let epoch = self.follower.chain().epoch();
        self.node.as_ref().is_some_and(|node| node.epoch > epoch.saturating_add(FAR))
    }

    /// One line for each block, unless there are thousands to come.
    fn tell_change(&self, change: &Change) {
        if self.is_far() {
            return;
        }
        (self.log)(&match change {
            Change::Connect(block) => {
                let inputs: usize =
                    block.transactions.iter().map(|transaction| transaction.inputs.len()).sum();
                let outputs: usize =
                    block.transactions.iter().map(|transaction| transaction.outputs.len()).sum();
                format!(
                    "micro block {}/{} {}: {inputs} inputs, {outputs} outputs",
                    block.epoch,
                    block.offset,
                    block.id.short()
                )
            }
            Change::Disconnect => format!("taken back, now at {}", self.position()),
            Change::Close(block) => format!(
                "macro block {} {}: {} inputs, {} outputs, final",
                block.epoch,
                block.id.short(),
                block.inputs.len(),
                block.outputs.len()
            ),
        });
    }

    /// One line when the node begins to be behind.
    fn tell_behind(&self, status: &Status) {
        let ours = (self.follower.chain().epoch(), self.follower.chain().offset());
        let is_behind = |status: &Status| status.epoch < ours.0;
        if is_behind(status) && !self.node.as_ref().is_some_and(is_behind) {
            (self.log)(&format!(
                "the node is at epoch {} only, behind {}: what is final stays, and the node is waited for",
                status.epoch,
                self.position()
            ));
        }
    }

    fn tell_progress(&self) {
        if let Some(node) = self.node.as_ref().filter(|_| self.is_far()) {
            (self.log)(&format!("reading epoch {} of {}", self.follower.chain().epoch(), node.epoch));
        }
    }

    fn tell(&self, change: impl FnOnce(&mut LinkStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A steady pace; where one poll is late, the next ones are not made up for.
fn polls(pace: Duration) -> Interval {
    let mut polls = interval(pace);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    polls
}
