//! Keeps the ledger at the end of a node's chain: connects and connects again, asks, listens, and lets the follower
//! decide.

use super::error::{End, WatchError};
use super::link::{Heard, Link, LinkError};
use super::report::Report;
use crate::block::{Block, MacroBlock, MicroBlock, Position};
use crate::control::LinkStatus;
use crate::event;
use crate::follower::{Event, Follower, Question};
use crate::ledger::{Ledger, LedgerError};
use crate::log::Log;
use crate::pauses::Pauses;
use crate::settings::NodeConfig;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stegos_common::api::request::Request;
use stegos_common::api::response::{Notification, Response, Status};
use stegos_common::socket::Endpoint;
use stegos_common::socket::token_file;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Keeps a ledger up to date. What it does is said line by line to `log`.
pub struct Watch {
    ledger: Arc<Ledger>,
    follower: Follower,
    config: NodeConfig,
    token_file: PathBuf,
    report: Report,
    /// What is asked for, so that another answer is not taken for it.
    asked: Asked,
    /// Where the node's chain was last, on this connection.
    node: Option<Status>,
    /// Whether the end of the node's chain was reached on this connection.
    arrived: bool,
    /// Whether there was a connection to a node of the right network.
    met: bool,
    /// Whether an event told that there is one, and none that it was lost.
    told: bool,
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
        log: Log,
    ) -> Result<Self, WatchError> {
        let follower = Follower::new(ledger.chain()?);
        let token_file = config.token_file.clone().ok_or(WatchError::NoToken)?;
        Ok(Self {
            ledger,
            follower,
            config,
            token_file,
            report: Report { log, status },
            asked: Asked::Nothing,
            node: None,
            arrived: false,
            met: false,
            told: false,
        })
    }

    /// Follows the node until that is no use any more.
    ///
    /// # Errors
    /// [`WatchError`] says why.
    pub async fn run(&mut self) -> Result<(), WatchError> {
        let mut pauses = Pauses::up_to(LONGEST_PAUSE);
        loop {
            let lost = match self.follow(false).await {
                Err(End::Fatal(error)) => return Err(error),
                Err(End::Lost(error)) => error,
                Ok(()) | Err(End::Arrived) => return Ok(()),
            };
            if self.arrived {
                pauses = Pauses::up_to(LONGEST_PAUSE);
            }
            let wait = pauses.next();
            self.report.lost(&lost, wait);
            if std::mem::take(&mut self.told) {
                let (address, reason) = (self.config.address.to_string(), lost.to_string());
                self.ledger.note(event::Event::NodeLost { address, reason })?;
            }
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
        let token = match token_file::load(&self.token_file) {
            Ok(token) => token,
            // Somebody is replacing it, perhaps.
            Err(error) if self.met => return Err(LinkError::Token(error).into()),
            Err(error) => return Err(error.into()),
        };
        let mut link = Link::connect(&endpoint, token, max_message, request).await?;
        match link.request(Request::ChainName, "chain_name").await? {
            Response::ChainName { name } if name == self.ledger.network() => {}
            Response::ChainName { name: actual } => {
                let expected = self.ledger.network();
                return Err(WatchError::OtherNetwork { node: endpoint, actual, expected }.into());
            }
            _ => return Err(LinkError::WrongAnswer("chain_name").into()),
        }
        self.report.connected(&endpoint, self.follower.chain());
        self.met = true;
        // An audit only looks.
        if !once {
            self.ledger.note(event::Event::NodeConnected { address: address.to_string() })?;
            self.told = true;
        }
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
                    self.report.progress(self.follower.chain(), self.node.as_ref());
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
                self.report.fault("a notification", &error.to_string());
                Ok(())
            }
            Heard::Unclear(error) => {
                self.report.fault("an answer", &error.to_string());
                self.take(Event::Refused)
            }
            Heard::Answer(answer) => match std::mem::replace(&mut self.asked, Asked::Nothing) {
                Asked::Nothing => Err(LinkError::WrongAnswer("none").into()),
                Asked::Question(question) => self.answered(question, answer),
                Asked::Subscription => {
                    let subscribed = matches!(answer, Response::SubscribedChain { .. });
                    *subscription = if subscribed { Subscription::Yes } else { Subscription::Refused };
                    self.report.subscribed(subscribed);
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
                self.report.refused(place, id, &error.into());
                Ok(())
            }
        }
    }

    fn answered(&mut self, question: Question, answer: Response) -> Result<(), End> {
        let network = self.ledger.network();
        let (asked, id, block) = match (question, answer) {
            (Question::Status, Response::StatusInfo(status)) => {
                self.report.answered(&status, self.node.as_ref(), self.follower.chain());
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
                self.report.fault("status_info", &error);
                return self.take(Event::Refused);
            }
            _ => return Err(LinkError::WrongAnswer("the last one").into()),
        };
        match block {
            Ok(block) => self.take(Event::Answered(block)),
            Err(error) => {
                self.report.refused(asked, id, &error.into());
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
                    self.report.changed(&change, self.follower.chain(), self.node.as_ref());
                }
                Err(LedgerError::Fault(fault)) => {
                    if let Some((position, id)) = block {
                        self.report.refused(position, id, &fault.into());
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
}

/// A steady pace; where one poll is late, the next ones are not made up for.
fn polls(pace: Duration) -> Interval {
    let mut polls = interval(pace);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    polls
}
