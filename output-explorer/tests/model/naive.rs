//! What the final chain says, replayed without a thought of speed.

use crate::node::{Node, RECIPIENTS};
use output_explorer::block::{Content, NewOutput, Place, Position};
use output_explorer::ledger::query::{Cut, Filter, Found, Happened, Page, Wanted};
use output_explorer::ledger::record::{Balance, Cause, Count, Kind, OutputRecord, Sum, What};
use output_explorer::ledger::{Ledger, LedgerError};
use std::collections::BTreeMap;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// What the ledger knew of an epoch's micro blocks when its macro block came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// So many of the final ones.
    First(u32),
    /// Others, which were replaced since.
    Others,
}

struct Life {
    content: Content,
    created: Cause,
    spent: Option<Cause>,
}

/// All outputs, each with all its lives.
#[derive(Default)]
pub(crate) struct Naive {
    lives: BTreeMap<Hash, Vec<Life>>,
    epoch: u64,
}

impl Naive {
    pub(crate) fn replay(node: &Node) -> Self {
        let mut naive = Self::default();
        for epoch in &node.epochs {
            let before = naive.made();
            naive.micros(&epoch.micros);
            let position = Position::macro_block(epoch.block.epoch);
            let rewards = epoch.block.outputs.len() - (naive.made() - before);
            let new = epoch.block.outputs.iter().filter(|output| !naive.lives.contains_key(&output.id));
            let new: Vec<NewOutput> = new.cloned().collect();
            assert_eq!(new.len(), rewards);
            for output in &new {
                naive.make(output, Cause { place: Place { position, index: 0 }, transaction: None });
            }
            naive.epoch += 1;
        }
        naive.micros(&node.micros);
        naive
    }

    fn made(&self) -> usize {
        self.lives.values().map(Vec::len).sum()
    }

    fn micros(&mut self, blocks: &[output_explorer::block::MicroBlock]) {
        for block in blocks {
            let position = Position::micro(block.epoch, block.offset);
            let mut index = 0;
            for transaction in &block.transactions {
                let mut cause = || {
                    index += 1;
                    Cause { place: Place { position, index: index - 1 }, transaction: Some(transaction.id) }
                };
                for input in &transaction.inputs {
                    let spent = &mut self.lives.get_mut(input).unwrap().last_mut().unwrap().spent;
                    assert!(spent.replace(cause()).is_none());
                }
                for output in &transaction.outputs {
                    self.make(output, cause());
                }
            }
        }
    }

    fn make(&mut self, output: &NewOutput, created: Cause) {
        let lives = self.lives.entry(output.id).or_default();
        assert!(lives.last().is_none_or(|life| life.spent.is_some()));
        lives.push(Life { content: output.content.clone(), created, spent: None });
    }

    /// The unspent outputs of a recipient before an epoch.
    fn sum(&self, recipient: &Encoded, epoch: u64) -> Sum {
        let mut sum = Sum::default();
        for life in self.lives.values().flatten() {
            let is_there = life.created.place.position.epoch < epoch
                && life.spent.is_none_or(|spent| spent.place.position.epoch >= epoch);
            if let Content::Public { recipient: owner, amount, .. } = &life.content
                && owner == recipient
                && is_there
            {
                sum = Sum { amount: sum.amount.checked_add(*amount).unwrap(), outputs: sum.outputs + 1 };
            }
        }
        sum
    }

    fn count(&self, content: &Content) -> Count {
        let lives = self.lives.values().flatten().filter(|life| life.content == *content);
        let spent = lives.clone().filter(|life| life.spent.is_some()).count();
        Count { created: lives.count() as u64, spent: spent as u64 }
    }

    /// Compares everything that a ledger says.
    pub(crate) fn compare(&self, ledger: &Ledger, known: &[Known], keep_spent_blobs: bool) {
        let totals = ledger.end().unwrap().totals;
        let mut total = Balance::default();
        for recipient in &RECIPIENTS {
            let balance = Balance {
                settled: self.sum(recipient, self.epoch),
                prepared: self.sum(recipient, self.epoch + 1),
            };
            assert_eq!(ledger.balance(recipient).unwrap(), balance);
            total = total.plus(balance).unwrap();
            for epoch in 0..self.epoch {
                assert_eq!(ledger.balance_at(recipient, epoch).unwrap(), self.sum(recipient, epoch + 1));
            }
            assert!(ledger.balance_at(recipient, self.epoch).is_err());
        }
        assert_eq!(totals.public, total);
        assert_eq!(totals.private, self.count(&Content::Private));
        assert_eq!(totals.stakes, self.count(&Content::Stake));

        let all = ledger.all_outputs(None, usize::MAX).unwrap();
        assert!(all.iter().map(|found| &found.id).eq(self.lives.keys()));
        for found in &all {
            assert_eq!(ledger.output(&found.id).unwrap().as_ref(), Some(&found.output));
            self.compare_life(found, self.lives[&found.id].len() - 1, known);
        }
        let mut lives: BTreeMap<Hash, usize> = BTreeMap::new();
        let mut deposits = 0;
        for found in walk(usize::MAX, |cut| ledger.outputs(&RECIPIENTS, Filter::All.into(), cut)) {
            let life = lives.entry(found.id).or_default();
            self.compare_life(&found, *life, known);
            *life += 1;
            deposits += 1;
            let is_last = *life == self.lives[&found.id].len();
            let is_final = found.output.spent.is_some_and(|it| it.place.position.epoch < self.epoch);
            if is_last && let Kind::Public { blob, .. } = &found.output.kind {
                assert_eq!(blob.is_some(), keep_spent_blobs || !is_final);
            }
        }
        let public = |life: &&Life| matches!(life.content, Content::Public { .. });
        assert_eq!(deposits, self.lives.values().flatten().filter(public).count());
    }

    /// Compares the blocks.
    pub(crate) fn compare_blocks(ledger: &Ledger, node: &Node) {
        let id = |position| ledger.block(position).unwrap().map(|(id, _)| id);
        for epoch in &node.epochs {
            let number = epoch.block.epoch;
            assert_eq!(id(Position::macro_block(number)), Some(epoch.block.id));
            assert_eq!(id(Position::micro(number, 0)), Some(epoch.block.id));
        }
        let next = node.epochs.len() as u64;
        let (end, last_macro) = (ledger.end().unwrap(), node.epochs.last().map(|epoch| epoch.block.id));
        assert_eq!((end.epoch, end.offset as usize), (next, node.micros.len()));
        assert_eq!(end.last_block, node.micros.last().map(|block| block.id).or(last_macro));
        assert_eq!(end.last_macro_block, last_macro);
        for offset in 0..7 {
            let block = node.micros.get(offset as usize).map(|block| block.id);
            assert_eq!(id(Position::micro(next, offset)), block);
            assert_eq!(id(Position::micro(next + 1, offset)), None);
        }
    }

    /// Compares one life of an output.
    fn compare_life(&self, found: &Found, life: usize, known: &[Known]) {
        let lives = &self.lives[&found.id];
        let OutputRecord { kind, created, spent } = &found.output;
        match (&lives[life].content, kind) {
            (Content::Private, Kind::Private) | (Content::Stake, Kind::Stake) => {}
            (
                Content::Public { recipient, amount, blob },
                Kind::Public { recipient: r, amount: a, blob: b },
            ) => {
                assert_eq!((recipient, amount), (r, a));
                assert!(b.is_none() || b.as_ref() == Some(blob));
            }
            _ => panic!("{:?} is not {kind:?}", lives[life].content),
        }
        let causes = |of: fn(&Life) -> Option<Cause>| lives.iter().filter_map(of).collect::<Vec<_>>();
        let made = causes(|life| Some(life.created));
        compare_cause(*created, made[life], &made, known);
        assert_eq!(spent.is_some(), lives[life].spent.is_some());
        if let (Some(spent), Some(expected)) = (*spent, lives[life].spent) {
            compare_cause(spent, expected, &causes(|life| life.spent), known);
        }
    }
}

/// The epoch is always right. What is beyond it is right where it is known.
fn compare_cause(cause: Cause, expected: Cause, all: &[Cause], known: &[Known]) {
    let (position, expected_position) = (cause.place.position, expected.place.position);
    assert_eq!(position.epoch, expected_position.epoch);
    let epoch = usize::try_from(position.epoch).unwrap();
    let first = match known.get(epoch) {
        None => u32::MAX,
        Some(Known::First(first)) => *first,
        Some(Known::Others) => {
            let same =
                |it: &Cause| it.place.position.epoch == position.epoch && it.transaction == cause.transaction;
            let is_right = match cause.transaction {
                None => position.offset().is_none(),
                Some(_) => all.iter().any(same),
            };
            assert!(is_right, "{cause:?} is none of {all:?}");
            return;
        }
    };
    if expected_position.offset().is_some_and(|offset| offset < first) {
        assert_eq!(cause, expected);
    } else {
        assert_eq!((position, cause.transaction), (Position::macro_block(position.epoch), None));
    }
}

/// All rows of all pages.
pub(crate) fn walk<T>(limit: usize, read: impl FnMut(Cut) -> Result<Page<T>, LedgerError>) -> Vec<T> {
    walk_from(false, limit, read)
}

/// The same, from the last row to the first where that is wanted.
fn walk_from<T>(
    descending: bool,
    limit: usize,
    mut read: impl FnMut(Cut) -> Result<Page<T>, LedgerError>,
) -> Vec<T> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = read(Cut { after, descending, limit }).unwrap();
        assert!(page.rows.len() <= limit);
        rows.extend(page.rows);
        if page.next.is_none() {
            return rows;
        }
        assert!(after.is_none() || if descending { page.next < after } else { page.next > after });
        after = page.next;
    }
}

/// Whether a ledger agrees with itself: deposits − spends = unspent, for each recipient and in total.
pub(crate) fn check(ledger: &Ledger) {
    let history: Vec<Happened> = walk(usize::MAX, |cut| ledger.history(&RECIPIENTS, cut));
    assert!(history.windows(2).all(|pair| pair[0].cause.place < pair[1].cause.place));
    let unspent = walk(usize::MAX, |cut| ledger.outputs(&RECIPIENTS, Filter::Unspent.into(), cut));
    let mut total = Balance::default();
    for recipient in &RECIPIENTS {
        let of_what = |what| history.iter().filter(move |it| it.what == what).map(|it| &it.found);
        let (deposits, spends) =
            (sum(of_what(What::Deposit), recipient), sum(of_what(What::Spend), recipient));
        let left = Sum {
            amount: deposits.amount.checked_sub(spends.amount).unwrap(),
            outputs: deposits.outputs - spends.outputs,
        };
        let balance = ledger.balance(recipient).unwrap();
        assert_eq!(balance.prepared, left);
        assert_eq!(balance.prepared, sum(unspent.iter(), recipient));
        total = total.plus(balance).unwrap();
    }
    assert_eq!(ledger.end().unwrap().totals.public, total);
}

/// Whether all pages of each recipient, however small, have what the history has.
pub(crate) fn check_pages(ledger: &Ledger, limit: usize) {
    let epoch = ledger.end().unwrap().epoch;
    for recipient in &RECIPIENTS {
        let recipients = [*recipient];
        let history = walk(limit, |cut| ledger.history(&recipients, cut));
        assert_eq!(history, walk(usize::MAX, |cut| ledger.history(&recipients, cut)));
        let newest_first = walk_from(true, limit, |cut| ledger.history(&recipients, cut));
        assert!(newest_first.iter().rev().eq(&history));
        let (made, spent): (Vec<_>, Vec<_>) = history.into_iter().partition(|it| it.what == What::Deposit);
        assert!(spent.iter().all(|it| it.found.output.spent == Some(it.cause)));
        assert!(made.iter().all(|it| it.found.output.created == it.cause));
        for filter in [Filter::All, Filter::Unspent, Filter::Spent] {
            for (is_final, since) in [(None, 0), (Some(true), 0), (Some(false), 1), (None, epoch)] {
                let wanted = |found: &&Found| {
                    let OutputRecord { created, spent, .. } = &found.output;
                    let is_spent = spent.is_some() == (filter == Filter::Spent) || filter == Filter::All;
                    let settled =
                        std::iter::once(created).chain(spent).all(|it| it.place.position.epoch < epoch);
                    let is_old = created.place.position.epoch < since;
                    is_spent && !is_old && is_final.is_none_or(|is_final| is_final == settled)
                };
                let query = Wanted { filter, is_final, since };
                let outputs = walk(limit, |cut| ledger.outputs(&recipients, query, cut));
                assert!(outputs.iter().eq(made.iter().map(|it| &it.found).filter(wanted)), "{query:?}");
            }
        }
    }
}

/// What those of a recipient are worth.
fn sum<'a>(outputs: impl Iterator<Item = &'a Found>, owner: &Encoded) -> Sum {
    outputs.fold(Sum::default(), |sum, found| match &found.output.kind {
        Kind::Public { recipient, amount, .. } if recipient == owner => {
            Sum { amount: sum.amount.checked_add(*amount).unwrap(), outputs: sum.outputs + 1 }
        }
        Kind::Public { .. } => sum,
        Kind::Private | Kind::Stake => panic!("{} is not public", found.id),
    })
}
