//! A journal as its users see it: written by many, read again, damaged, cut.

use super::*;
use crate::approval::{Approval, Rejection};
use crate::disk::{Call, Disk, Gate, Log};
use crate::policy::Window;
use proptest::prelude::*;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::OutputType;
use stegos_common::api::encoding::ScalarJson;
use stegos_common::api::request::CertificateClaim;
use stegos_common::group::{Encoded, Scalar};
use stegos_common::keys::SecretKey;
use tempfile::TempDir;

fn owner() -> Owner {
    Owner { key: Arc::new(SealingKey::new(&[7; 32])), store_id: [8; 16] }
}

fn hash(name: &str) -> Hash {
    Hash::digest(name)
}

/// A signed request that spends these outputs.
fn signed(request: &str, inputs: &[&str]) -> Entry {
    let transaction = format!("the transaction of {request}").into_bytes();
    Entry {
        time: 1_700_000_000_000,
        request: hash(request),
        inputs: inputs.iter().map(|input| hash(input)).collect(),
        outputs: Vec::new(),
        fee: 1000,
        judged: None,
        verdict: Verdict::Signed(Signed { transaction, certificates: Vec::new() }),
    }
}

fn refused(request: &str) -> Entry {
    let verdict = Verdict::Refused { code: "fee_too_low".to_owned(), reason: "the fee is 0".to_owned() };
    Entry { verdict, ..signed(request, &["a"]) }
}

/// A directory with an empty journal.
fn empty() -> TempDir {
    let temp = TempDir::new().unwrap();
    create(temp.path(), &Disk::default()).unwrap();
    temp
}

fn open_on(temp: &TempDir, disk: Disk) -> Result<(Journal, Option<Torn>), JournalError> {
    Journal::open(temp.path(), disk, owner(), owner().genesis())
}

fn open(temp: &TempDir) -> Journal {
    let (journal, torn) = open_on(temp, Disk::default()).unwrap();
    assert_eq!(torn, None);
    journal
}

fn path(temp: &TempDir) -> PathBuf {
    temp.path().join(FILE)
}

fn read(temp: &TempDir) -> Result<Vec<Record>, JournalError> {
    Reader::open(&path(temp), Disk::default(), owner())?.collect()
}

/// Five records, one commit each.
fn five() -> (TempDir, Vec<Position>) {
    let temp = empty();
    let journal = open(&temp);
    let positions = ["1", "2", "3", "4", "5"].map(|name| match journal.commit(&signed(name, &[name])) {
        Ok(Outcome::Recorded(position)) => position,
        other => panic!("{other:?}"),
    });
    (temp, positions.into())
}

/// The offsets of the frames of a journal, and of its end.
fn frames(bytes: &[u8]) -> Vec<usize> {
    let mut offsets = vec![MAGIC.len()];
    while offsets.last().unwrap() < &bytes.len() {
        let at = *offsets.last().unwrap();
        let length = u32::from_le_bytes(bytes[at + 1..at + 5].try_into().unwrap());
        offsets.push(at + frame::HEAD + length as usize + 1);
    }
    offsets
}

#[test]
fn what_was_recorded_is_there_after_a_restart() {
    let (temp, positions) = five();
    let entries: Vec<Entry> = ["1", "2", "3", "4", "5"].map(|name| signed(name, &[name])).into();
    let records = read(&temp).unwrap();
    assert_eq!(records.iter().map(|record| record.after).collect::<Vec<_>>(), positions);
    assert_eq!(records.into_iter().map(|record| record.entry).collect::<Vec<_>>(), entries);
    let journal = open(&temp);
    assert_eq!(journal.position(), positions[4]);
    for (number, entry) in entries.iter().enumerate() {
        assert_eq!(journal.request(&entry.request), Some(number as u64));
        assert_eq!(journal.spent(&entry.inputs), Some((entry.inputs[0], number as u64)));
        assert_eq!(journal.entry(number as u64).unwrap(), *entry);
    }
    assert_eq!(journal.request(&hash("6")), None);
    assert_eq!(journal.spent(&[hash("6")]), None);
}

#[test]
fn refusals_are_remembered_but_bind_nobody() {
    let temp = empty();
    let journal = open(&temp);
    assert!(matches!(journal.commit(&refused("1")), Ok(Outcome::Recorded(_))));
    assert!(matches!(journal.commit(&refused("1")), Ok(Outcome::Recorded(_))));
    assert!(matches!(journal.commit(&signed("1", &["a"])), Ok(Outcome::Recorded(_))));
    assert_eq!(read(&temp).unwrap().len(), 3);
}

#[test]
fn a_change_anywhere_in_the_file_is_found() {
    let (temp, _) = five();
    let good = fs::read(path(&temp)).unwrap();
    for position in (0..good.len()).step_by(2) {
        let mut bad = good.clone();
        bad[position] ^= 0x10;
        fs::write(path(&temp), &bad).unwrap();
        let offsets = frames(&good);
        match read(&temp) {
            Err(JournalError::Foreign(_)) => assert!(position < MAGIC.len()),
            Err(JournalError::Damaged { record, .. }) => {
                let frame = offsets.iter().rposition(|offset| *offset <= position).unwrap();
                assert_eq!(record, frame as u64, "byte {position}");
            }
            other => panic!("byte {position}: {other:?}"),
        }
    }
}

#[test]
fn removed_moved_and_foreign_records_are_found() {
    let (temp, _) = five();
    let good = fs::read(path(&temp)).unwrap();
    let offsets = frames(&good);
    let frame = |number: usize| &good[offsets[number]..offsets[number + 1]];
    let with = |order: &[usize]| {
        let frames: Vec<u8> = order.iter().flat_map(|number| frame(*number)).copied().collect();
        fs::write(path(&temp), [&MAGIC[..], &frames].concat()).unwrap();
        read(&temp).map(|records| records.len())
    };
    for (order, record) in [
        (&[1, 2, 3, 4][..], 0),
        (&[0, 2, 3, 4], 1),
        (&[0, 1, 2, 4], 3),
        (&[1, 0, 2, 3, 4], 0),
        (&[0, 1, 2, 4, 3], 3),
        (&[0, 1, 1, 2, 3, 4], 2),
    ] {
        match with(order) {
            Err(JournalError::Damaged { record: found, .. }) => assert_eq!(found, record, "{order:?}"),
            other => panic!("{order:?}: {other:?}"),
        }
    }
    assert_eq!(with(&[0, 1, 2, 3, 4]).unwrap(), 5);
    // The journal of another store, and this one under another key.
    for other in [
        Owner { store_id: [9; 16], ..owner() },
        Owner { key: Arc::new(SealingKey::new(&[6; 32])), ..owner() },
    ] {
        let error = Reader::open(&path(&temp), Disk::default(), other).unwrap().find_map(Result::err);
        assert!(matches!(error, Some(JournalError::Damaged { record: 0, .. })), "{error:?}");
    }
}

#[test]
fn an_end_that_was_cut_off_is_found_by_whoever_remembers() {
    let (temp, positions) = five();
    let good = fs::read(path(&temp)).unwrap();
    let anchored = |anchor| Journal::open(temp.path(), Disk::default(), owner(), anchor).map(|_| ());
    for position in &positions {
        anchored(*position).unwrap();
    }
    // Another journal of the same length.
    let other = Position { head: hash("other"), ..positions[2] };
    assert!(matches!(anchored(other), Err(JournalError::Other { count: 3, .. })));
    fs::write(path(&temp), &good[..frames(&good)[3]]).unwrap();
    anchored(positions[2]).unwrap();
    assert!(matches!(anchored(positions[3]), Err(JournalError::Short { found: 3, expected: 4, .. })));
    // A torn end below what is remembered is no crash of ours: it is not touched.
    fs::write(path(&temp), &good[..frames(&good)[4] - 1]).unwrap();
    assert!(matches!(anchored(positions[3]), Err(JournalError::Short { found: 3, expected: 4, .. })));
    assert_eq!(fs::read(path(&temp)).unwrap().len(), frames(&good)[4] - 1);
    fs::remove_file(path(&temp)).unwrap();
    assert!(matches!(anchored(positions[0]), Err(JournalError::Missing(_))));
    assert!(!path(&temp).exists(), "it is not made up");
}

#[test]
fn a_torn_end_is_cut_off_and_kept_aside() {
    let (temp, _) = five();
    let good = fs::read(path(&temp)).unwrap();
    let last = frames(&good)[4];
    let mut kept = Vec::new();
    for length in [last + 1, last + frame::HEAD, good.len() - 1, good.len() - 1] {
        fs::write(path(&temp), &good[..length]).unwrap();
        let (journal, torn) = open_on(&temp, Disk::default()).unwrap();
        let torn = torn.unwrap();
        assert_eq!((torn.offset, torn.length), (last as u64, (length - last) as u64));
        assert_eq!(fs::read(&torn.kept).unwrap(), good[last..length]);
        assert!(!kept.contains(&torn.kept), "nothing kept is overwritten");
        kept.push(torn.kept);
        assert_eq!((journal.position().count, journal.request(&hash("5"))), (4, None));
        drop(journal);
        assert_eq!(fs::read(path(&temp)).unwrap(), good[..last]);
    }
    // The chain goes on where it was cut.
    let journal = open(&temp);
    assert!(matches!(journal.commit(&signed("6", &["5"])), Ok(Outcome::Recorded(Position { count: 5, .. }))));
    drop(journal);
    assert_eq!(read(&temp).unwrap().len(), 5);
}

/// Killed after writing, an earlier process may have left records that only the system's memory holds.
/// Loses what was not synced just before something is written. The memory of the system has shown it until then, and
/// another fsync would not have written it: that is what a failed fsync leaves behind.
struct Forgetful {
    from: usize,
    calls: Log,
}

impl Gate for Forgetful {
    fn pass(&self, call: Call, path: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        if call == Call::Write && path.file_name() == Some(FILE.as_ref()) {
            let mut bytes = fs::read(path)?;
            bytes[self.from..].fill(0);
            fs::write(path, bytes)?;
        }
        self.calls.pass(call, path, run)
    }
}

#[test]
fn what_can_be_read_is_brought_to_the_disk_before_it_counts() {
    let (temp, positions) = five();
    let written = fs::read(path(&temp)).unwrap();
    let offsets = frames(&written);
    let gate = Arc::new(Forgetful { from: offsets[4], calls: Log::default() });
    let (journal, torn) = open_on(&temp, Disk::behind(gate.clone())).unwrap();
    assert_eq!((journal.position(), torn), (positions[4], None));
    assert_eq!(fs::read(path(&temp)).unwrap(), written);
    let journal = FILE.to_owned();
    assert_eq!(
        *gate.calls.0.lock().unwrap(),
        [(Call::Write, journal.clone()), (Call::Sync, journal.clone()), (Call::Sync, journal)]
    );
}

#[test]
fn a_record_that_nobody_wrote_is_not_waited_for() {
    let (temp, _) = five();
    let written = fs::read(path(&temp)).unwrap();
    for number in [5, 6, u64::MAX] {
        assert!(matches!(open(&temp).entry(number), Err(JournalError::Damaged { .. })));
    }
    assert_eq!(fs::read(path(&temp)).unwrap(), written);
}

#[test]
fn many_at_once_share_the_disk() {
    /// Holds the first sync back until all others have had the time to come.
    struct Slow(AtomicBool, Log);
    impl Gate for Slow {
        fn pass(&self, call: Call, path: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
            if call == Call::Sync && !self.0.swap(true, SeqCst) {
                (0..2000).for_each(|_| thread::yield_now());
            }
            self.1.pass(call, path, run)
        }
    }
    let temp = empty();
    let gate = Arc::new(Slow(AtomicBool::new(true), Log::default()));
    let (journal, _) = open_on(&temp, Disk::behind(gate.clone())).unwrap();
    gate.0.store(false, SeqCst);
    gate.1.0.lock().unwrap().clear();
    thread::scope(|scope| {
        for name in 0..64 {
            let journal = &journal;
            scope.spawn(move || {
                let name = name.to_string();
                let Outcome::Recorded(position) = journal.commit(&signed(&name, &[&name])).unwrap() else {
                    panic!()
                };
                assert!(journal.position().count >= position.count, "durable before it is told");
            });
        }
    });
    let syncs = gate.1.0.lock().unwrap().iter().filter(|(call, _)| *call == Call::Sync).count();
    assert!((1..64).contains(&syncs), "{syncs} syncs");
    assert_eq!(journal.position().count, 64);
    for name in 0..64 {
        let number = journal.request(&hash(&name.to_string())).unwrap();
        assert_eq!(journal.entry(number).unwrap().request, hash(&name.to_string()));
    }
    drop(journal);
    assert_eq!(read(&temp).unwrap().len(), 64);
}

#[test]
fn of_many_that_want_the_same_output_one_is_recorded() {
    let temp = empty();
    let journal = open(&temp);
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|number| {
                let journal = &journal;
                // Every request comes twice.
                scope.spawn(move || {
                    journal.commit(&signed(&(number / 2).to_string(), &["other", "wanted"])).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let recorded = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Recorded(_))).count();
    let repeats = outcomes.iter().filter(|outcome| **outcome == Outcome::Repeats(0)).count();
    let conflicts =
        outcomes.iter().filter(|outcome| **outcome == Outcome::Conflicts(hash("other"), 0)).count();
    assert_eq!((recorded, repeats, conflicts), (1, 1, 62));
}

#[test]
fn after_a_failed_write_nothing_is_recorded_until_it_is_opened_again() {
    /// Fails while it is told to.
    struct Broken(AtomicBool, Call);
    impl Gate for Broken {
        fn pass(&self, call: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
            if call == self.1 && self.0.load(SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { run() }
        }
    }
    for call in [Call::Write, Call::Sync] {
        let temp = empty();
        let gate = Arc::new(Broken(AtomicBool::new(false), call));
        let (journal, _) = open_on(&temp, Disk::behind(gate.clone())).unwrap();
        journal.commit(&signed("1", &["1"])).unwrap();
        gate.0.store(true, SeqCst);
        assert!(matches!(journal.commit(&signed("2", &["2"])), Err(JournalError::Failed(_))));
        gate.0.store(false, SeqCst);
        // The disk is well again, but nobody knows what is on it.
        for entry in [signed("2", &["2"]), signed("3", &["3"]), refused("4")] {
            assert!(matches!(journal.commit(&entry), Err(JournalError::Failed(_))), "{call:?}");
        }
        assert!(
            matches!(journal.entry(1), Err(JournalError::Failed(_))),
            "what is not on disk is not answered"
        );
        assert_eq!(journal.entry(0).unwrap().request, hash("1"), "what is on disk is");
        drop(journal);
        let journal = open(&temp);
        let second = journal.commit(&signed("2", &["2"])).unwrap();
        // Written but not synced, it may have reached the disk.
        assert!(matches!(second, Outcome::Recorded(_) | Outcome::Repeats(1)), "{second:?}");
        assert!(matches!(journal.commit(&signed("3", &["3"])), Ok(Outcome::Recorded(_))));
    }
}

#[test]
fn large_records_fill_several_commits_and_too_large_ones_none() {
    let temp = empty();
    let journal = open(&temp);
    let large = |name: &str, length| Entry {
        verdict: Verdict::Signed(Signed { transaction: vec![1; length], certificates: Vec::new() }),
        ..signed(name, &[name])
    };
    assert!(matches!(journal.commit(&large("x", MAX_RECORD)), Err(JournalError::TooLong(_))));
    thread::scope(|scope| {
        for name in 0..6 {
            let (journal, name) = (&journal, name.to_string());
            let entry = large(&name, MAX_RECORD - 200);
            scope.spawn(move || journal.commit(&entry).unwrap());
        }
    });
    drop(journal);
    assert_eq!(read(&temp).unwrap().len(), 6);
}

/// What a random user of a journal does.
#[derive(Debug, Clone)]
enum Step {
    Sign(u8, Vec<u8>),
    Refuse(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..20_u8, prop::collection::vec(0..30_u8, 1..4)).prop_map(|(request, inputs)| Step::Sign(request, inputs)),
        1 => (0..20_u8).prop_map(Step::Refuse),
        1 => Just(Step::Reopen),
    ]
}

/// Before there were policies nobody judged what leaves: all of it counts.
#[test]
fn records_without_a_judgement_count_with_all_that_they_paid() {
    let temp = empty();
    let output = NewOutputFacts {
        kind: OutputType::PublicPayment,
        recipient: Encoded::from_bytes([1; 32]),
        amount: Amount::from_micro(5000).unwrap(),
    };
    let entry = |name: &str, judged| Entry { outputs: vec![output; 2], judged, ..signed(name, &[name]) };
    let outward = Amount::from_micro(1000).unwrap();
    let judged = Judged {
        policy: None,
        rule: String::new(),
        outward,
        request_key: false,
        unknown_field: false,
        asked: false,
    };
    let foreign = Judged { outward: Amount::ZERO, ..judged.clone() };
    let journal = open(&temp);
    journal.commit(&entry("old", None)).unwrap();
    journal.commit(&entry("new", Some(judged))).unwrap();
    journal.commit(&entry("foreign", Some(foreign))).unwrap();
    journal.commit(&refused("refused")).unwrap();
    let time = signed("", &[]).time;
    let sum = |journal: &Journal| journal.totals().sum(Window::Hour, time).micro();
    assert_eq!(sum(&journal), 11_000 + 1000);
    drop(journal);
    assert_eq!(sum(&open(&temp)), 11_000 + 1000, "after a start too");
}

prop_compose! {
    fn judged()(
        policy in prop::option::of(any::<[u8; 32]>()),
        rule: String,
        outward in 0..i64::MAX,
        request_key: bool,
        unknown_field: bool,
        asked: bool,
    ) -> Judged {
        let outward = Amount::from_micro(outward).unwrap();
        Judged { policy: policy.map(Hash::from_bytes), rule, outward, request_key, unknown_field, asked }
    }
}

prop_compose! {
    fn any_entry()(
        time: u64,
        request: [u8; 32],
        inputs in prop::collection::vec(any::<[u8; 32]>(), 0..5),
        outputs in prop::collection::vec((any::<bool>(), any::<[u8; 32]>(), 0..=i64::MAX), 0..5),
        fee: i64,
        transaction in prop::option::of(prop::collection::vec(any::<u8>(), 0..500)),
        certificates in 0..3_u64,
        code: String,
        reason: String,
        kind in 0..5_u8,
        judged in prop::option::of(judged()),
    ) -> Entry {
        let address = |seed: &[u8]| Address::new(Network::Dev, SecretKey::from_seed(seed).public_key());
        let certificate = |number: u64| CertificateClaim {
            output_hash: Hash::from_bytes(request),
            spender: address(b"spender"),
            recipient: address(b"recipient"),
            rvalue: ScalarJson(Scalar::from(number + 1)),
        };
        let output = |(public, recipient, amount): (bool, _, _)| NewOutputFacts {
            kind: if public { OutputType::PublicPayment } else { OutputType::Payment },
            recipient: Encoded::from_bytes(recipient),
            amount: Amount::from_micro(amount).unwrap(),
        };
        Entry {
            time,
            request: Hash::from_bytes(request),
            inputs: inputs.into_iter().map(Hash::from_bytes).collect(),
            outputs: outputs.into_iter().map(output).collect(),
            fee,
            judged,
            verdict: match transaction {
                Some(transaction) => {
                    Verdict::Signed(Signed { transaction, certificates: (0..certificates).map(certificate).collect() })
                }
                None => match kind {
                    0 => Verdict::Refused { code, reason },
                    1 => Verdict::ClockConfirmed,
                    2 => Verdict::Parked { id: code, expires: time, statement: reason },
                    3 => Verdict::Approved {
                        id: code.clone(),
                        approval: Approval { approver: code, identity: reason.clone() },
                        signature: reason,
                    },
                    _ => Verdict::Rejected { id: code.clone(), rejection: Rejection { by: code, reason } },
                },
            },
        }
    }
}

proptest! {
    #[test]
    fn entries_survive_encoding(entry in any_entry()) {
        prop_assert_eq!(Entry::decode(&entry.encode()), Some(entry));
    }

    #[test]
    fn other_bytes_are_no_entry_or_one(bytes: Vec<u8>) {
        let _ = Entry::decode(&bytes);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Held against the naive memory: two maps.
    #[test]
    fn a_journal_remembers_like_a_map(steps in prop::collection::vec(step(), 1..60)) {
        let temp = empty();
        let mut journal = Some(open(&temp));
        let (mut requests, mut inputs, mut count) = (HashMap::new(), HashMap::new(), 0_u64);
        for step in steps {
            match step {
                Step::Reopen => {
                    drop(journal.take());
                    journal = Some(open(&temp));
                }
                Step::Refuse(request) => {
                    journal.as_ref().unwrap().commit(&refused(&request.to_string())).unwrap();
                    count += 1;
                }
                Step::Sign(request, wanted) => {
                    let names: Vec<String> = wanted.iter().map(u8::to_string).collect();
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    let outcome = journal.as_ref().unwrap().commit(&signed(&request.to_string(), &names)).unwrap();
                    let spent = wanted.iter().find_map(|input| inputs.get(input).map(|number| (*input, *number)));
                    match (requests.get(&request), spent) {
                        (Some(number), _) => prop_assert_eq!(outcome, Outcome::Repeats(*number)),
                        (None, Some((input, number))) => {
                            prop_assert_eq!(outcome, Outcome::Conflicts(hash(&input.to_string()), number));
                        }
                        (None, None) => {
                            let Outcome::Recorded(position) = outcome else { panic!("{outcome:?}") };
                            prop_assert_eq!(position.count, count + 1);
                            requests.insert(request, count);
                            inputs.extend(wanted.iter().map(|input| (*input, count)));
                            count += 1;
                        }
                    }
                }
            }
        }
        prop_assert_eq!(read(&temp).unwrap().len() as u64, count);
    }
}
