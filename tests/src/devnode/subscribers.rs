//! Who is told what, and when: exactly what the deployed node sends, and what it does not (protocol page §8).

use super::chain::Chain;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stegos_common::api::block::MicroBlock;
use stegos_common::api::response::{Notification, Status};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How many status notifications wait for a subscriber at most.
const STATUS_QUEUE: usize = 2;
/// How many blocks more than an epoch wait for a subscriber at most.
const CHAIN_QUEUE: usize = 10;

/// Where a connection's notifications go in.
#[derive(Clone)]
pub struct Outbox {
    connection: u64,
    sender: UnboundedSender<String>,
    waiting: Arc<AtomicUsize>,
}

/// Where a connection's notifications come out.
pub struct Inbox {
    receiver: UnboundedReceiver<String>,
    waiting: Arc<AtomicUsize>,
}

/// The two ends of a connection's queue of notifications. The connection has a number.
#[must_use]
pub fn queue(connection: u64) -> (Outbox, Inbox) {
    let (sender, receiver) = unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    (Outbox { connection, sender, waiting: Arc::clone(&waiting) }, Inbox { receiver, waiting })
}

impl Inbox {
    /// The next notification; none where nothing is subscribed to any more. Nothing is lost where this future is
    /// dropped before it is ready.
    pub async fn next(&mut self) -> Option<String> {
        let next = self.receiver.recv().await;
        self.waiting.fetch_sub(usize::from(next.is_some()), Ordering::Relaxed);
        next
    }
}

impl Outbox {
    /// How many notifications have not been taken out.
    fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether the connection is still there.
    fn send(&self, message: &impl Serialize) -> bool {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        serde_json::to_string(message).is_ok_and(|text| self.sender.send(text).is_ok())
    }
}

/// A subscriber of the chain, and the next block it is to be sent.
struct Follower {
    outbox: Outbox,
    epoch: u64,
    offset: u32,
    /// Whether it has read all that was there when it subscribed. Only then can it be too slow.
    caught_up: bool,
}

impl Follower {
    /// Sends what the chain has beyond what was sent. Answers whether the subscriber stays.
    fn advance(&mut self, chain: &Chain) -> bool {
        let most = chain.params().blocks_per_epoch as usize + CHAIN_QUEUE;
        let fits = self.outbox.waiting() < most;
        while let Some(notification) = self.next(chain) {
            if (self.caught_up && !fits) || !self.outbox.send(&notification) {
                return false;
            }
        }
        self.caught_up |= fits;
        true
    }

    /// Sends word of a micro block that is taken back, if it was sent before. Answers whether the subscriber stays.
    fn take_back(&mut self, block: &MicroBlock, chain: &Chain) -> bool {
        let after = after(block, chain);
        if (self.epoch, self.offset) != after {
            return true;
        }
        (self.epoch, self.offset) = (block.epoch, block.offset);
        self.outbox.send(&Notification::MicroBlockReverted(Box::new(block.clone())))
    }

    /// The next block, if there is one already.
    fn next(&mut self, chain: &Chain) -> Option<Notification> {
        if let Ok(block) = chain.macro_block(self.epoch) {
            (self.epoch, self.offset) = (self.epoch + 1, 0);
            return Some(Notification::MacroBlockCommitted(Box::new(block.as_ref().clone())));
        }
        let block = chain.micro_block(self.epoch, self.offset).ok()?;
        (self.epoch, self.offset) = after(block, chain);
        Some(Notification::MicroBlockPrepared(Box::new(block.as_ref().clone())))
    }
}

/// The position after a micro block. Whoever has all micro blocks of an epoch has its contents, so that the macro
/// block is skipped.
const fn after(block: &MicroBlock, chain: &Chain) -> (u64, u32) {
    let offset = block.offset + 1;
    if offset == chain.params().blocks_per_epoch { (block.epoch + 1, 0) } else { (block.epoch, offset) }
}

/// All subscribers.
#[derive(Default)]
pub(super) struct Subscribers {
    followers: Vec<Follower>,
    status: Vec<Outbox>,
}

impl Subscribers {
    /// Sends blocks from this position on, beginning with the next event.
    pub(super) fn follow(&mut self, outbox: Outbox, epoch: u64, offset: u32) {
        self.followers.push(Follower { outbox, epoch, offset, caught_up: false });
    }

    /// Sends the status at each change.
    pub(super) fn watch_status(&mut self, outbox: Outbox) {
        self.status.push(outbox);
    }

    /// Sends everybody the blocks that he has not been sent.
    pub(super) fn advance(&mut self, chain: &Chain) {
        self.followers.retain_mut(|follower| follower.advance(chain));
    }

    /// Sends one connection nothing any more.
    pub(super) fn silence(&mut self, connection: u64) {
        self.followers.retain(|follower| follower.outbox.connection != connection);
        self.status.retain(|outbox| outbox.connection != connection);
    }

    /// Announces that a micro block is taken back, as only a patched node does.
    pub(super) fn announce_revert(&mut self, block: &MicroBlock, chain: &Chain) {
        self.followers.retain_mut(|follower| follower.take_back(block, chain));
    }

    /// Tells everybody the status.
    pub(super) fn tell(&mut self, status: Status) {
        let notification = Notification::StatusChanged(status);
        self.status.retain(|outbox| outbox.send(&notification));
    }

    /// Tells everybody the states through which the node passes at once. Where the queue does not hold them, the
    /// subscribers are dropped without a word.
    pub(super) fn tell_burst(&mut self, burst: Vec<Status>) {
        let overflows = burst.len() > STATUS_QUEUE;
        for status in burst.into_iter().take(STATUS_QUEUE) {
            self.tell(status);
        }
        if overflows {
            self.status.clear();
        }
    }
}
