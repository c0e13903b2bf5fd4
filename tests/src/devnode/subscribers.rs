//! Who is told what, and when: exactly what the deployed node sends, and what it does not (protocol page §8).
//!
//! Faults apply when a notification goes into its queue, so that what is sent does not depend on how fast it is.

use super::chain::Chain;
use super::faults::{Faults, NotificationFault};
use super::lies::Lie;
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
    /// The notification that is sent after the next one. Each subscription has its own.
    held: Option<String>,
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
    (Outbox { connection, sender, waiting: Arc::clone(&waiting), held: None }, Inbox { receiver, waiting })
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
    fn send(&mut self, message: &impl Serialize, fault: NotificationFault) -> bool {
        let Ok(text) = serde_json::to_string(message) else { return false };
        match (fault, self.held.take()) {
            (NotificationFault::Drop, _) => {}
            (NotificationFault::Swap, None) => self.held = Some(text),
            (NotificationFault::Swap, Some(held)) => self.put([text, held]),
            (NotificationFault::Normal, held) => self.put(held.into_iter().chain([text])),
            (NotificationFault::Duplicate, held) => self.put(held.into_iter().chain([text.clone(), text])),
        }
        !self.sender.is_closed()
    }

    fn put(&self, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            // Where the connection is gone, `send` says so.
            let _ = self.sender.send(text);
        }
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
    fn advance(&mut self, chain: &Chain, faults: Faults) -> bool {
        let most = chain.params().blocks_per_epoch as usize + CHAIN_QUEUE;
        let fits = self.outbox.waiting() < most;
        while let Some(notification) = self.next(chain, faults.lie) {
            if (self.caught_up && !fits) || !self.outbox.send(&notification, faults.notifications) {
                return false;
            }
        }
        self.caught_up |= fits;
        true
    }

    /// Sends word of a micro block that is taken back, if it was sent before. Answers whether the subscriber stays.
    fn take_back(&mut self, block: &MicroBlock, chain: &Chain, faults: Faults) -> bool {
        let after = after(block, chain);
        if (self.epoch, self.offset) != after {
            return true;
        }
        (self.epoch, self.offset) = (block.epoch, block.offset);
        let block = faults.lie.micro_block(block, chain.params().network);
        self.outbox.send(&Notification::MicroBlockReverted(block), faults.notifications)
    }

    /// The next block, if there is one already.
    fn next(&mut self, chain: &Chain, lie: Lie) -> Option<Notification> {
        if let Ok(block) = chain.macro_block(self.epoch) {
            (self.epoch, self.offset) = (self.epoch + 1, 0);
            return Some(Notification::MacroBlockCommitted(lie.macro_block(block)));
        }
        let block = chain.micro_block(self.epoch, self.offset).ok()?;
        (self.epoch, self.offset) = after(block, chain);
        Some(Notification::MicroBlockPrepared(lie.micro_block(block, chain.params().network)))
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
    pub(super) fn advance(&mut self, chain: &Chain, faults: Faults) {
        self.followers.retain_mut(|follower| follower.advance(chain, faults));
    }

    /// Sends one connection nothing any more.
    pub(super) fn silence(&mut self, connection: u64) {
        self.followers.retain(|follower| follower.outbox.connection != connection);
        self.status.retain(|outbox| outbox.connection != connection);
    }

    /// Announces that a micro block is taken back, as only a patched node does.
    pub(super) fn announce_revert(&mut self, block: &MicroBlock, chain: &Chain, faults: Faults) {
        self.followers.retain_mut(|follower| follower.take_back(block, chain, faults));
    }

    /// Tells everybody the status.
    pub(super) fn tell(&mut self, status: Status, faults: Faults) {
        let notification = Notification::StatusChanged(status);
        self.status.retain_mut(|outbox| outbox.send(&notification, faults.notifications));
    }

    /// Tells everybody the states through which the node passes at once. Where the queue does not hold them, the
    /// subscribers are dropped without a word.
    pub(super) fn tell_burst(&mut self, burst: Vec<Status>, faults: Faults) {
        let overflows = burst.len() > STATUS_QUEUE;
        for status in burst.into_iter().take(STATUS_QUEUE) {
            self.tell(status, faults);
        }
        if overflows {
            self.status.clear();
        }
    }
}
