//! Many clients want the same outputs in the same moment, each for itself.

use custody_tests::ledger::Ledger;
use custody_tests::money::{self, stranger};
use custody_tests::request::{already_signed, pay, signed, spend};
use custody_tests::session::Session;
use custody_tests::store::Store;
use serde_json::Value;
use std::sync::Barrier;
use std::thread;
use stegos_common::address::Network;

const CLIENTS: usize = 64;
const ROUNDS: usize = 4;

/// Sends each request over a connection of its own, all at once.
pub(crate) fn at_once(sessions: Vec<Session>, requests: &[String]) -> Vec<Value> {
    let barrier = Barrier::new(requests.len());
    thread::scope(|scope| {
        let asking: Vec<_> = sessions
            .into_iter()
            .zip(requests)
            .map(|(mut session, request)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    session.text(request).unwrap()
                })
            })
            .collect();
        let answer = |text: String| serde_json::from_str(&text).unwrap();
        asking.into_iter().map(|client| answer(client.join().unwrap())).collect()
    })
}

#[test]
fn of_64_clients_that_want_the_same_outputs_one_gets_them() {
    let store = Store::new(Network::Dev);
    store.add(&["alice"]);
    let owner = *store.addresses()["alice"].public_key();
    let signer = store.serve(&["--max-connections", "64"]);
    let mut ledger = Ledger::default();
    for _ in 0..ROUNDS {
        let inputs = [money::public(&owner, 1_000_000), money::public(&owner, 1_000_000)];
        let request = |fee: i64| spend(&inputs, &[pay(&stranger(Network::Dev), 2_000_000 - fee)], fee);
        let requests: Vec<Value> = (1000..).take(CLIENTS).map(request).collect();
        let texts: Vec<String> = requests.iter().map(Value::to_string).collect();
        let sessions = texts.iter().map(|_| signer.connect()).collect();
        let answers = at_once(sessions, &texts);

        let winners: Vec<usize> = (0..CLIENTS).filter(|client| answers[*client]["code"].is_null()).collect();
        let [winner] = winners[..] else { panic!("{} transactions were released", winners.len()) };
        signed(&requests[winner], &answers[winner]);
        let transaction = ledger.note(&answers[winner]);
        for (client, answer) in answers.iter().enumerate().filter(|(client, _)| *client != winner) {
            assert_eq!(already_signed(answer), Some((inputs[0].id(), transaction)), "{client}: {answer}");
        }
    }
    assert_eq!(signer.stop().0.code(), Some(0));
    assert_eq!(ledger.check(&store).len(), ROUNDS);
}
