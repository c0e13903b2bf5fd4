//! A follower and a ledger, driven as the program drives them, by a post that cannot be trusted.

use crate::dice::Dice;
use crate::naive::{Known, Naive, check, check_pages};
use crate::node::Node;
use crate::reader::{Reader, walk};
use output_explorer::block::{Block, Content, MacroBlock, MicroBlock, NewOutput, Transaction};
use output_explorer::follower::{Change, Event, Follower};
use output_explorer::ledger::events::EventsError;
use output_explorer::ledger::store::memory::MemoryStore;
use output_explorer::ledger::store::{Batch, Pair, Pairs, Range, Store, StoreError, beginning_with};
use output_explorer::ledger::{Ledger, LedgerError, Settings};
use std::collections::VecDeque;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::hash::Hash;

/// A store that outlives its ledger.
#[derive(Clone, Default)]
struct Shared(Arc<MemoryStore>);

impl Store for Shared {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key)
    }

    fn scan(&self, range: Range) -> Pairs<'_> {
        self.0.scan(range)
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        self.0.write(batch)
    }
}

impl Shared {
    fn pairs(&self) -> Vec<Pair> {
        self.scan(beginning_with(&[])).collect::<Result<_, _>>().unwrap()
    }

    /// All but the users.
    fn chain(&self) -> Vec<Pair> {
        let mut pairs = self.pairs();
        pairs.retain(|(key, _)| !matches!(key[0], b'A' | b'P' | b'R' | b'e' | b'h'));
        pairs
    }
}

pub(crate) struct Watcher {
    store: Shared,
    settings: Settings,
    pub(crate) ledger: Ledger,
    follower: Follower,
    /// What the node sent.
    post: VecDeque<Event>,
    /// The answer to the outstanding question.
    answer: Option<Event>,
    /// The micro blocks that the ledger holds.
    micros: Vec<MicroBlock>,
    /// Those that it held at each macro block.
    known: Vec<Vec<MicroBlock>>,
    pub(crate) reader: Reader,
}

impl Watcher {
    pub(crate) fn new(keep_spent_blobs: bool, keep_events: usize) -> Self {
        let settings = Settings { network: Network::Dev, keep_spent_blobs, keep_events: keep_events as u64 };
        let store = Shared::default();
        let ledger = Ledger::new(Box::new(store.clone()), settings).unwrap();
        Self {
            follower: Follower::new(ledger.chain().unwrap()),
            store,
            settings,
            ledger,
            post: VecDeque::new(),
            answer: None,
            micros: Vec::new(),
            known: Vec::new(),
            reader: Reader::new(),
        }
    }

    /// Everything in memory is lost.
    pub(crate) fn restart(&mut self, node: &Node, dice: &mut Dice) {
        self.ledger = Ledger::new(Box::new(self.store.clone()), self.settings).unwrap();
        self.follower = Follower::new(self.ledger.chain().unwrap());
        self.connect(node, dice);
    }

    /// The connection is new.
    pub(crate) fn connect(&mut self, node: &Node, dice: &mut Dice) {
        self.post.clear();
        self.answer = None;
        self.hear(Event::Connected, node, dice);
        if dice.chance(80) {
            self.post.push_back(Event::Subscribed);
            self.post.extend(node.replay(self.follower.chain().epoch()));
        }
    }

    /// The node sends something; it may be lost, or come twice, or too early.
    pub(crate) fn send(&mut self, event: Event, dice: &mut Dice) {
        match dice.below(10) {
            0 => {}
            1 => self.post.extend([event.clone(), event]),
            2 => self.post.insert(dice.below(self.post.len() + 1), event),
            _ => self.post.push_back(event),
        }
    }

    /// One thing arrives, where there is any.
    pub(crate) fn receive(&mut self, node: &Node, dice: &mut Dice) {
        let answer = if dice.chance(50) { self.answer.take() } else { None };
        if let Some(event) = answer.or_else(|| self.post.pop_front()).or_else(|| self.answer.take()) {
            self.hear(event, node, dice);
        }
    }

    /// What the program does with an event.
    pub(crate) fn hear(&mut self, event: Event, node: &Node, dice: &mut Dice) {
        for change in self.follower.handle(event).unwrap() {
            if dice.chance(4) {
                self.refuse(spoilt(&change, dice));
            }
            self.ledger.commit(&change).unwrap();
            match &change {
                Change::Connect(block) => self.micros.push(block.clone()),
                Change::Disconnect => drop(self.micros.pop()),
                Change::Close(_) => self.known.push(std::mem::take(&mut self.micros)),
            }
            check(&self.ledger);
            // It costs more: now and then is enough.
            if dice.chance(5) {
                check_pages(&self.ledger, 1 + dice.below(5));
            }
            if dice.chance(4) {
                return self.restart(node, dice);
            }
            self.follower.apply(&change);
        }
        assert_eq!(*self.follower.chain(), self.ledger.chain().unwrap());
        if self.answer.is_none() {
            self.answer = self.follower.question().map(|question| node.answer(question));
        }
    }

    /// A change that cannot be made leaves everything as it is.
    fn refuse(&self, change: Option<Change>) {
        let Some(change) = change else { return };
        let before = self.store.pairs();
        let refused = self.ledger.commit(&change);
        assert!(matches!(refused, Err(LedgerError::Fault(_))), "{refused:?}");
        assert_eq!(self.store.pairs(), before);
    }

    /// Somebody reads the events that are new, in pages of any size.
    pub(crate) fn read(&mut self, dice: &mut Dice) {
        self.reader.read(&self.ledger, 1 + dice.below(10));
        let page =
            self.ledger.events(self.ledger.events(0, 0).map_or_else(first, |_| 0), usize::MAX).unwrap();
        let kept = page.last + 1 - page.first;
        assert!(kept <= self.settings.keep_events && page.events.len() as u64 == kept);
        assert_eq!(walk(&self.ledger, page.first - 1, 1 + dice.below(10)).unwrap(), page.events);
        assert!(self.reader.is_complete || page.first > 1);
    }

    /// Nothing happens any more: the next polls find the end.
    pub(crate) fn settle(&mut self, node: &Node, dice: &mut Dice) {
        if dice.chance(50) {
            self.post.clear();
        }
        for _ in 0..2 {
            self.hear(Event::Poll, node, dice);
            for _ in 0..1000 {
                if self.post.is_empty() && self.answer.is_none() {
                    break;
                }
                self.receive(node, dice);
            }
            assert!(self.follower.is_settled(), "it asks for ever");
        }
        let ids = |blocks: &[MicroBlock]| blocks.iter().map(|block| block.id).collect::<Vec<_>>();
        assert_eq!(self.follower.chain().micros, ids(&node.micros));
        assert!(self.follower.chain().macros.iter().eq(node.epochs.iter().map(|epoch| &epoch.block.id)));
    }

    /// Compares the ledger with the final chain, and with a ledger that saw no reverts.
    pub(crate) fn compare(&self, node: &Node) {
        let pairs = node.epochs.iter().zip(&self.known);
        let known: Vec<Known> = pairs
            .map(|(epoch, known)| {
                if epoch.micros.starts_with(known) {
                    Known::First(u32::try_from(known.len()).unwrap())
                } else {
                    Known::Others
                }
            })
            .collect();
        Naive::compare_blocks(&self.ledger, node);
        Naive::replay(node).compare(&self.ledger, &known, self.settings.keep_spent_blobs);

        let store = Shared::default();
        let straight = Ledger::new(Box::new(store.clone()), self.settings).unwrap();
        for (epoch, known) in node.epochs.iter().zip(&self.known) {
            let kept = if are_in(known, &epoch.block) { known.as_slice() } else { &[] };
            for block in kept {
                straight.commit(&Change::Connect(block.clone())).unwrap();
            }
            straight.commit(&Change::Close(epoch.block.clone())).unwrap();
        }
        for block in &node.micros {
            straight.commit(&Change::Connect(block.clone())).unwrap();
        }
        assert_eq!(self.store.chain(), store.chain());
    }
}

/// Behind which event one can read, where that is not the first.
fn first(error: EventsError) -> u64 {
    let EventsError::Expired { first, .. } = error else { panic!("{error}") };
    first - 1
}

/// Whether a macro block has all that micro blocks have.
fn are_in(micros: &[MicroBlock], block: &MacroBlock) -> bool {
    let (mut inputs, mut outputs) = (block.inputs.clone(), block.outputs.clone());
    let strike = |transaction: &Transaction| {
        transaction
            .inputs
            .iter()
            .all(|id| inputs.iter().position(|it| it == id).map(|at| inputs.swap_remove(at)).is_some())
            && transaction.outputs.iter().all(|output| {
                outputs.iter().position(|it| it == output).map(|at| outputs.swap_remove(at)).is_some()
            })
    };
    micros.iter().flat_map(|block| &block.transactions).all(strike)
}

/// The same change with a mistake at its end.
fn spoilt(change: &Change, dice: &mut Dice) -> Option<Change> {
    let unknown = Hash::from_bytes([0xff; 32]);
    let twice = || NewOutput { id: unknown, content: Content::Private };
    let (inputs, outputs) =
        if dice.chance(50) { (vec![unknown], vec![]) } else { (vec![], vec![twice(), twice()]) };
    match change.clone() {
        Change::Disconnect => None,
        Change::Connect(mut block) => {
            block.transactions.push(Transaction { id: unknown, inputs, outputs });
            Some(Change::Connect(block))
        }
        Change::Close(mut block) => {
            block.inputs.extend(inputs);
            block.outputs.extend(outputs);
            Some(Change::Close(block))
        }
    }
}

/// A notified macro block.
pub(crate) const fn notified(block: MacroBlock) -> Event {
    Event::Notified(Block::Macro(block))
}
