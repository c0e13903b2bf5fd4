//! The follower and the ledger against a naive model, over many random histories: however the node's words come, in the
//! end the ledger is what replaying the final chain gives, and at each moment it agrees with itself.
//!
//! `OUTPUT_EXPLORER_MODEL_HISTORIES` sets their number, `OUTPUT_EXPLORER_MODEL_SEED` the first one's seed: a failing
//! history is run alone by its own seed.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod dice;
mod naive;
mod node;
mod reader;
mod watcher;

use dice::Dice;
use node::{Node, RECIPIENTS};
use output_explorer::follower::Event;
use output_explorer::ledger::users::NewAddress;
use rand_core::{OsRng, RngCore};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use watcher::{Watcher, notified};

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[test]
fn in_the_end_only_the_final_chain_counts() {
    let seed = number("OUTPUT_EXPLORER_MODEL_SEED").unwrap_or_else(|| OsRng.next_u64() >> 1);
    let histories = number("OUTPUT_EXPLORER_MODEL_HISTORIES").unwrap_or(100_000);
    println!("OUTPUT_EXPLORER_MODEL_SEED={seed} OUTPUT_EXPLORER_MODEL_HISTORIES={histories}");
    (seed..seed + histories).into_par_iter().for_each(|seed| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| history(&mut Dice::new(seed)))) {
            eprintln!("failed: OUTPUT_EXPLORER_MODEL_SEED={seed} OUTPUT_EXPLORER_MODEL_HISTORIES=1");
            resume_unwind(panic);
        }
    });
}

fn history(dice: &mut Dice) {
    let mut node = Node::new(dice);
    let keep_events = if dice.chance(30) { 1 + dice.below(20) } else { 1_000_000 };
    let mut watcher = Watcher::new(dice.chance(50), keep_events);
    let announces = dice.chance(30);
    let mut users = 0;
    watcher.connect(&node, dice);
    for _ in 0..10 + dice.below(21) {
        step(&mut node, &mut watcher, announces, dice);
        if dice.chance(4) && users < RECIPIENTS.len() {
            add_user(&mut watcher, users);
            users += 1;
        }
        if dice.chance(30) {
            watcher.read(dice);
        }
        for _ in 0..dice.below(4) {
            watcher.receive(&node, dice);
        }
    }
    node.learn();
    watcher.settle(&node, dice);
    watcher.compare(&node);
    watcher.read(dice);
}

/// Something happens.
fn step(node: &mut Node, watcher: &mut Watcher, announces: bool, dice: &mut Dice) {
    match dice.below(20) {
        0..10 => {
            if let Some(block) = node.make(dice) {
                watcher.send(block, dice);
            }
        }
        10..12 => {
            for _ in 0..node.revert(dice) {
                if announces {
                    watcher.send(Event::Reverted, dice);
                }
                // What stands in its place is not sent.
                let _block = node.make(dice);
            }
        }
        12..15 => {
            for _ in node.micros.iter().filter(|_| announces) {
                watcher.send(Event::Reverted, dice);
            }
            if let Some(block) = node.close(dice)
                && announces
            {
                watcher.send(notified(block), dice);
            }
        }
        15..18 => watcher.hear(Event::Poll, node, dice),
        18 if dice.chance(50) => watcher.restart(node, dice),
        18 => watcher.connect(node, dice),
        _ => node.forget_or_learn(dice),
    }
}

/// A user who is late sees what came before, for every output is known.
fn add_user(watcher: &mut Watcher, number: usize) {
    let key = RECIPIENTS[number];
    let account = format!("user{number}");
    let before = watcher.ledger.balance(&key).unwrap();
    let new = NewAddress { account: account.parse().unwrap(), key, current: None };
    assert_eq!(watcher.ledger.add_users(&[new]).unwrap().addresses, 1);
    assert_eq!(watcher.ledger.owner(&key).unwrap(), Some(account.clone()));
    assert_eq!(watcher.ledger.user(&account).unwrap().keys, [key]);
    assert_eq!(watcher.ledger.balance(&key).unwrap(), before);
    watcher.reader.remember(&watcher.ledger, key);
}
