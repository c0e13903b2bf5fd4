//! The daemon is killed at random moments while eight clients want something, and so is `key add`. Whatever was
//! released stays the only transaction for its outputs, is in the journal, and is answered again; no account is lost.
//!
//! `COLD_SIGNER_KILL_ROUNDS` says how often, 30 times unless it is set; `COLD_SIGNER_KILL_SEED` repeats a run as far
//! as the machine's own timing allows.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::ledger::Ledger;
use custody_tests::money::{self, key, stranger};
use custody_tests::request::{already_signed, pay, pay_privately, spend};
use custody_tests::session::Session;
use custody_tests::store::{Signer, Store};
use rand_chacha::ChaCha8Rng;
use rand_core::{OsRng, RngCore, SeedableRng};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::{env, thread};
use stegos_common::address::Network;
use stegos_common::hash::Hash;
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::Unspent;
use stegos_common::recovery;

const CLIENTS: usize = 8;

/// Outputs of each round that all clients want.
const CONTESTED: usize = 6;

/// Most answers of a round before the kill.
const ANSWERS: usize = 30;

/// Most units of work between the last answer and the kill: somewhat longer than an answer takes.
const WORK: usize = 4000;

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

fn below(rng: &mut ChaCha8Rng, limit: usize) -> usize {
    rng.next_u32() as usize % limit
}

/// A little while that the machine is busy.
fn work(units: usize) {
    (0..units).for_each(|unit| {
        black_box(Hash::digest(unit.to_le_bytes().as_slice()));
    });
}

/// Spends outputs of 1 STG. Each variant is another transaction.
fn request(inputs: &[&Unspent], variant: i64) -> Value {
    let total = 1_000_000 * i64::try_from(inputs.len()).unwrap();
    let to = stranger(Network::Dev);
    let fee = 1000 + variant;
    let payment = match variant {
        3 => pay_privately(&to, total - fee, "withdrawal"),
        _ => pay(&to, total - fee),
    };
    spend(inputs.iter().copied(), &[payment], fee)
}

/// One client, and what it asked for so far.
struct Client {
    rng: ChaCha8Rng,
    owner: PublicKey,
    asked: Vec<Value>,
}

/// What a client was told before the signer died.
#[derive(Default)]
struct Told {
    answers: Vec<(Value, Value)>,
    /// What it did not get an answer to.
    pending: Option<Value>,
}

impl Client {
    /// Asks until the signer dies, and tells of every answer.
    fn ask(&mut self, mut session: Session, contested: &[Unspent], answered: &Sender<()>) -> Told {
        let mut told = Told::default();
        loop {
            let request = self.choose(contested);
            let Some(answer) = session.text(&request.to_string()) else {
                return Told { pending: Some(request), ..told };
            };
            told.answers.push((request, serde_json::from_str(&answer).unwrap()));
            // Whoever counts has counted enough.
            let _ = answered.send(());
        }
    }

    /// Something new, something that others want too, or the same again.
    fn choose(&mut self, contested: &[Unspent]) -> Value {
        let rng = &mut self.rng;
        let variant = |rng: &mut ChaCha8Rng| i64::from(rng.next_u32() % 4);
        let request = match below(rng, 8) {
            0..3 => request(&[&money::public(&self.owner, 1_000_000)], variant(rng)),
            3..6 => {
                let (first, second) = (below(rng, CONTESTED), below(rng, CONTESTED));
                let inputs = [&contested[first], &contested[second]];
                request(&inputs[..if first == second { 1 } else { 2 }], variant(rng))
            }
            _ if self.asked.is_empty() => request(&[&money::private(&self.owner, 1_000_000)], 0),
            _ => return self.asked[below(rng, self.asked.len())].clone(),
        };
        self.asked.push(request.clone());
        request
    }
}

/// What all clients were told so far.
#[derive(Default)]
struct Memory {
    ledger: Ledger,
    /// The transaction that was released for a request, by its text.
    released: BTreeMap<String, Hash>,
    /// The transaction that a refusal of a request named, and the output that it spends.
    refused: BTreeMap<String, (Hash, Hash)>,
    /// What was asked in the last round, answered or not.
    recent: Vec<Value>,
}

impl Memory {
    fn note(&mut self, request: &Value, answer: &Value) {
        let text = request.to_string();
        if let Some((output, transaction)) = already_signed(answer) {
            assert!(!self.released.contains_key(&text), "{text} was signed, then refused: {answer}");
            assert!(request["txins"].as_array().unwrap().contains(&output.to_string().into()), "{answer}");
            self.refused.insert(text, (output, transaction));
        } else {
            assert!(!self.refused.contains_key(&text), "{text} was refused, then signed: {answer}");
            let id = self.ledger.note(answer);
            assert_eq!(*self.released.entry(text).or_insert(id), id, "{request} was signed twice");
        }
    }

    /// Asks again for everything of the last round: nothing that was released is forgotten.
    fn ask_again<'a>(&mut self, signer: Signer<'a>) -> Signer<'a> {
        let mut session = signer.connect();
        for request in std::mem::take(&mut self.recent) {
            let Some(answer) = session.text(&request.to_string()) else { panic!("{:#?}", signer.stop()) };
            self.note(&request, &serde_json::from_str(&answer).unwrap());
        }
        signer
    }

    fn remember(&mut self, told: Told) {
        for (request, answer) in &told.answers {
            self.note(request, answer);
        }
        self.recent.extend(told.answers.into_iter().map(|(request, _)| request).chain(told.pending));
    }
}

/// The accounts that must be there.
struct Accounts {
    master: SecretKey,
    told: BTreeSet<String>,
    /// How much work can be done while two are added.
    adding: usize,
}

impl Accounts {
    fn add(store: &Store, names: &[String; 2]) -> Child {
        let mut command = store.command(&["key", "add", &names[0], &names[1]]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Measures how long it takes.
    fn new(store: &Store, master: SecretKey) -> Self {
        let mut adding = Self::add(store, &["not killed".to_owned(), "not killed either".to_owned()]);
        let mut units = 0;
        while adding.try_wait().unwrap().is_none() {
            work(100);
            units += 100;
        }
        let accounts = Self { master, told: BTreeSet::new(), adding: units };
        let told = accounts.check(store);
        assert_eq!(told.len(), 3, "{told:?}");
        Self { told, ..accounts }
    }

    /// Adds two accounts and is killed on the way, or just after.
    fn add_killed(&mut self, store: &Store, rng: &mut ChaCha8Rng, round: u64) {
        let names = ["first", "second"].map(|name| format!("{name} of {round}"));
        let mut adding = Self::add(store, &names);
        work(below(rng, self.adding + 1));
        adding.kill().unwrap();
        let done = adding.wait().unwrap().success();
        let added = self.check(store);
        let there = names.iter().filter(|name| added.contains(*name)).count();
        assert!(there == 2 || (there == 0 && !done), "{there} of two accounts, done: {done}");
        self.told.extend(added);
    }

    /// Everything that was there is there, and every account has the key that belongs to it. Answers what is new.
    fn check(&self, store: &Store) -> BTreeSet<String> {
        let mut there = store.addresses();
        assert_eq!(there.remove("master").unwrap().public_key(), &self.master.public_key());
        for (name, address) in &there {
            assert_eq!(address.public_key(), &self.master.account_key(name).public_key(), "{name}");
        }
        for name in &self.told {
            assert!(there.remove(name).is_some(), "{name} is lost");
        }
        there.into_keys().collect()
    }
}

/// Lets all clients ask, and kills the signer after some answers and a little while. Answers what each was told.
fn load(signer: Signer<'_>, clients: &mut [Client], rng: &mut ChaCha8Rng) -> Vec<Told> {
    let owner = clients[0].owner;
    let contested = [(); CONTESTED].map(|()| money::public(&owner, 1_000_000));
    let (answered, answers) = channel();
    thread::scope(|scope| {
        let asking: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                let (session, answered) = (signer.connect(), answered.clone());
                scope.spawn(|| client.ask(session, &contested, &{ answered }))
            })
            .collect();
        answers.iter().take(below(rng, ANSWERS)).for_each(drop);
        work(below(rng, WORK));
        drop(signer);
        asking.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn killed_at_any_moment_it_forgets_nothing() {
    let rounds = setting("COLD_SIGNER_KILL_ROUNDS").unwrap_or(30);
    let seed = setting("COLD_SIGNER_KILL_SEED").unwrap_or_else(|| OsRng.next_u64());
    println!("{rounds} rounds, COLD_SIGNER_KILL_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);

    let master = key("master").0;
    let owner = master.account_key("alice").public_key();
    let store = Store::restored(Network::Dev, &recovery::to_phrase(&master));
    store.add(&["alice"]);
    let mut accounts = Accounts::new(&store, master);
    let mut clients = [(); CLIENTS].map(|()| Client {
        rng: ChaCha8Rng::seed_from_u64(rng.next_u64()),
        owner,
        asked: Vec::new(),
    });
    let mut memory = Memory::default();
    let mut everything = Vec::new();
    for round in 0..rounds {
        println!("round {round}");
        let signer = memory.ask_again(store.serve(&[]));
        for told in load(signer, &mut clients, &mut rng) {
            memory.remember(told);
        }
        everything.extend(memory.recent.iter().cloned());
        if below(&mut rng, 4) == 0 {
            accounts.add_killed(&store, &mut rng, round);
        }
    }

    memory.recent = everything;
    let signer = memory.ask_again(store.serve(&[]));
    assert_eq!(signer.stop().0.code(), Some(0));
    let journalled = memory.ledger.check(&store);
    for (request, (output, transaction)) in &memory.refused {
        let spends = journalled.get(transaction).is_some_and(|inputs| inputs.contains(output));
        assert!(spends, "a refusal of {request} named a transaction that is not there");
    }
    assert_eq!(accounts.check(&store), BTreeSet::new());
    store.ok(&["store", "check"]);
    println!("{} requests signed, {} refused", memory.released.len(), memory.refused.len());
}
