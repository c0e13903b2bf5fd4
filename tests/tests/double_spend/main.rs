//! Everything that could make a signer sign an output away twice, as scenarios that are played with the real daemon.
//!
//! The files below `scenarios` are what `generate` writes, so that one reads them without reading the tests. After a
//! change of `generate`, `COLD_SIGNER_WRITE_SCENARIOS=1 cargo test --test double_spend` writes them anew.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod generate;
mod journal_file;
mod model;
mod player;
mod race;
mod wallet;

use custody_tests::money::key;
use custody_tests::store::Store;
use model::Scenario;
use player::Player;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};
use stegos_common::address::Network;
use stegos_common::recovery;

/// There are at least so many.
const SCENARIOS: usize = 60;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/double_spend/scenarios")
}

fn read(class: &str) -> Vec<Scenario> {
    serde_json::from_str(&fs::read_to_string(folder().join(class).with_extension("json")).unwrap()).unwrap()
}

#[test]
fn the_files_are_what_the_generator_writes() {
    let mut names = BTreeSet::new();
    for (class, scenarios) in generate::CLASSES {
        let (path, scenarios) = (folder().join(class).with_extension("json"), scenarios());
        let text = model::write(&scenarios);
        if env::var_os("COLD_SIGNER_WRITE_SCENARIOS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert!(fs::read_to_string(&path).unwrap() == text, "{class} is not what the generator writes");
        assert_eq!(read(class), scenarios, "{class} does not come back");
        for scenario in scenarios {
            assert!(names.insert(scenario.name.clone()), "{} is there twice", scenario.name);
        }
    }
    assert!(names.len() >= SCENARIOS, "{} scenarios", names.len());
    assert_eq!(fs::read_dir(folder()).unwrap().count(), generate::CLASSES.len());
}

/// Plays all scenarios of a class, each from a store of its own that signed nothing yet.
fn play(class: &str) {
    let master = key("master").0;
    let words = recovery::to_phrase(&master);
    let made = || {
        let store = Store::restored(Network::Dev, &words);
        store.add(&["alice"]);
        store
    };
    let (original, twin) = (made(), made());
    for scenario in read(class) {
        let stores: BTreeMap<_, _> =
            [("main", original.copy()), ("copy", original.copy()), ("twin", twin.copy())].into();
        Player::new(&stores, master.account_key("alice")).play(&scenario);
    }
}

#[test]
fn the_same_request_again() {
    play("same_request");
}

#[test]
fn the_same_request_in_another_spelling() {
    play("other_spelling");
}

#[test]
fn the_same_inputs_with_other_outputs() {
    play("other_outputs");
}

#[test]
fn overlapping_inputs() {
    play("overlapping_inputs");
}

#[test]
fn after_a_restart() {
    play("restart");
}

#[test]
fn after_a_kill() {
    play("kill");
}

#[test]
fn after_a_crash() {
    play("crash");
}

#[test]
fn two_stores_with_the_same_keys() {
    play("two_stores");
}

#[test]
fn copied_stores() {
    play("copied_store");
}

#[test]
fn many_clients_at_once() {
    play("at_once");
}
