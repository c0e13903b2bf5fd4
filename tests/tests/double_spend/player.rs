//! Plays a scenario with real daemons, and looks at their journals from outside when it is over.

use crate::journal_file;
use crate::model::{Answer, Answers, Position, Scenario, Send, Step, Together};
use crate::race::at_once;
use crate::wallet::Wallet;
use custody_tests::ledger::Ledger;
use custody_tests::request::already_signed;
use custody_tests::session::Session;
use custody_tests::store::{Signer, Store};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use stegos_common::hash::Hash;
use stegos_common::keys::SecretKey;

pub(crate) struct Player<'a> {
    stores: &'a BTreeMap<&'static str, Store>,
    signers: BTreeMap<String, Signer<'a>>,
    sessions: BTreeMap<(String, u8), Session>,
    /// Stores whose next start must tell of a torn commit.
    torn: BTreeSet<String>,
    /// What was released from the journal of each store. Who copies a store copies its past.
    ledgers: BTreeMap<String, Ledger>,
    /// What was released from stores before others were put in their place.
    past: Vec<Ledger>,
    wallet: Wallet,
    /// The transactions that have names.
    named: BTreeMap<String, Hash>,
    /// The answer that brought a transaction.
    answers: BTreeMap<Hash, Value>,
    /// The journal's position that the client keeps.
    kept: Option<(u64, String)>,
}

impl<'a> Player<'a> {
    pub(crate) const fn new(stores: &'a BTreeMap<&'static str, Store>, owner: SecretKey) -> Self {
        Self {
            stores,
            signers: BTreeMap::new(),
            sessions: BTreeMap::new(),
            torn: BTreeSet::new(),
            ledgers: BTreeMap::new(),
            past: Vec::new(),
            wallet: Wallet::new(owner),
            named: BTreeMap::new(),
            answers: BTreeMap::new(),
            kept: None,
        }
    }

    /// Plays it to its end. What is printed last tells where it failed.
    pub(crate) fn play(mut self, scenario: &Scenario) {
        for (number, step) in scenario.steps.iter().enumerate() {
            println!("{}, step {}: {step:?}", scenario.name, number + 1);
            self.step(step);
        }
        println!("{}, after all", scenario.name);
        for name in self.signers.keys().cloned().collect::<Vec<_>>() {
            self.stop(&name);
        }
        for (name, ledger) in &self.ledgers {
            ledger.check(&self.stores[&**name]);
        }
        let mut spent: BTreeMap<&Hash, BTreeSet<&Hash>> = BTreeMap::new();
        for (output, transaction) in self.ledgers.values().chain(&self.past).flat_map(Ledger::spent) {
            spent.entry(output).or_default().insert(transaction);
        }
        let twice = spent.iter().filter(|(_, transactions)| transactions.len() > 1);
        let twice: BTreeSet<&str> = twice.map(|(output, _)| self.wallet.name(output)).collect();
        assert_eq!(twice, scenario.signed_twice.iter().map(String::as_str).collect());
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Send(send) => self.send(send),
            Step::Together(together) => self.together(together),
            Step::Stop(store) => self.stop(store),
            Step::Kill(store) => self.kill(store),
            Step::KillOn { store, request } => {
                let text = self.wallet.text(request, false);
                self.session(store, 0).send(&text);
                self.kill(store);
            }
            Step::Crash { store, leaves } => {
                self.kill(store);
                if journal_file::crash(&self.store(store).dir(), *leaves) {
                    self.torn.insert(store.clone());
                }
            }
            Step::CrashAdding { store, bytes } => {
                self.kill(store);
                journal_file::append(&self.store(store).dir(), &hex::decode(bytes).unwrap());
                self.torn.insert(store.clone());
            }
            Step::Flip { store, from_end } => journal_file::flip(&self.store(store).dir(), *from_end),
            Step::DoesNotStart(store) => {
                let output = self.store(store).run(&["serve"]);
                assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
            }
            Step::Copy { from, to } => {
                self.stop(from);
                self.stop(to);
                self.store(to).replace_by(self.store(from));
                let ledger = self.ledgers.get(from).cloned().unwrap_or_default();
                self.past.extend(self.ledgers.insert(to.clone(), ledger));
            }
            Step::VerifyHead { store, known } => {
                self.stop(store);
                let (_, head) = self.kept.as_ref().unwrap();
                let code = self.store(store).run(&["journal", "verify", "--head", head]).status.code();
                assert_eq!(code, Some(if *known { 0 } else { 4 }));
            }
        }
    }

    fn store(&self, name: &str) -> &'a Store {
        &self.stores[name]
    }

    /// The daemon of a store, started if need be.
    fn signer(&mut self, name: &str) -> &Signer<'a> {
        if !self.signers.contains_key(name) {
            let store = self.store(name);
            let says = self.torn.remove(name).then_some("a crash tore the last commit of the journal");
            let signer =
                Signer::start_saying(store, store.command(&["serve", "--max-connections", "64"]), says);
            self.signers.insert(name.to_owned(), signer);
        }
        &self.signers[name]
    }

    fn session(&mut self, store: &str, connection: u8) -> &mut Session {
        let place = (store.to_owned(), connection);
        if !self.sessions.contains_key(&place) {
            let session = self.signer(store).connect();
            self.sessions.insert(place.clone(), session);
        }
        self.sessions.get_mut(&place).unwrap()
    }

    fn stop(&mut self, store: &str) {
        self.sessions.retain(|(of, _), _| of != store);
        if let Some(signer) = self.signers.remove(store) {
            assert_eq!(signer.stop().0.code(), Some(0));
        }
    }

    fn kill(&mut self, store: &str) {
        self.sessions.retain(|(of, _), _| of != store);
        self.signers.remove(store);
    }

    fn send(&mut self, send: &Send) {
        let text = self.wallet.text(&send.request, send.journal.is_some());
        let answer = self.session(&send.to, send.connection).text(&text).unwrap();
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        let position = answer.as_object_mut().unwrap().remove("journal");
        if let Some(expected) = send.journal {
            self.keep(&position.unwrap(), expected);
        }
        match &send.answer {
            Answer::Signed(name) => {
                let id = self.released(&send.to, &answer);
                assert_eq!(self.named.insert(name.clone(), id), None, "{name} was there before");
            }
            Answer::Same(name) => {
                let id = self.released(&send.to, &answer);
                self.is(name, id);
            }
            Answer::AlreadySigned { by, output } => self.refused(&answer, by, output),
            Answer::Refused(code) => assert_eq!(answer["code"], **code, "{answer}"),
            Answer::Lost => assert!(answer["data"].is_string(), "{answer}"),
        }
    }

    fn together(&mut self, together: &Together) {
        let Together { requests, times, answers } = together;
        let texts: Vec<String> = requests.iter().map(|request| self.wallet.text(request, false)).collect();
        let texts = vec![texts; *times].concat();
        let signer = self.signer("main");
        let sessions = texts.iter().map(|_| signer.connect()).collect();
        let told = at_once(sessions, &texts);
        let wanted: Vec<&str> = match answers {
            Answers::All(name) | Answers::One(name) => vec![name; requests.len()],
            Answers::Each(names) => names.iter().map(String::as_str).collect(),
        };
        let (mut granted, mut denied) = (BTreeSet::new(), BTreeSet::new());
        for (answer, request) in told.iter().zip((0..requests.len()).cycle()) {
            if let Some((_, transaction)) = already_signed(answer) {
                self.is(wanted[request], transaction);
                denied.insert(request);
            } else {
                let id = self.released("main", answer);
                self.is(wanted[request], id);
                granted.insert(request);
            }
        }
        assert!(granted.is_disjoint(&denied), "the same request was signed for one and refused for another");
        let several = !matches!(answers, Answers::One(_));
        assert_eq!(granted.len(), if several { requests.len() } else { 1 });
    }

    /// A transaction left a store. Answers its id.
    fn released(&mut self, store: &str, answer: &Value) -> Hash {
        let id = self.ledgers.entry(store.to_owned()).or_default().note(answer);
        let mut answer = answer.clone();
        answer.as_object_mut().unwrap().remove("id");
        let earlier = self.answers.entry(id).or_insert_with(|| answer.clone());
        assert_eq!(*earlier, answer, "the bytes are the same, but not the answer");
        id
    }

    fn refused(&mut self, answer: &Value, by: &str, output: &str) {
        let (input, transaction) = already_signed(answer).unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(self.wallet.name(&input), output);
        self.is(by, transaction);
    }

    /// Checks which transaction a name stands for; what was lost is heard of here for the first time.
    fn is(&mut self, name: &str, id: Hash) {
        assert_eq!(*self.named.entry(name.to_owned()).or_insert(id), id, "it is not {name}");
    }

    /// Compares the journal's position with the one that was kept, and keeps it unless it is an alarm.
    fn keep(&mut self, position: &Value, expected: Position) {
        let now = (position["count"].as_u64().unwrap(), position["head"].as_str().unwrap().to_owned());
        let found = match &self.kept {
            Some(kept) if *kept == now => Position::Stands,
            Some((count, _)) if now.0 <= *count => Position::SetBack,
            _ => Position::GoesOn,
        };
        assert_eq!(found, expected, "{now:?} after {:?}", self.kept);
        if found == Position::GoesOn {
            self.kept = Some(now);
        }
    }
}
