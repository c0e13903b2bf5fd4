//! What people are asked about, at moments that no client can choose.

use super::*;
use crate::approval::{MAX_WAITING, Parked, approved_text};
use std::fs;
use std::sync::Barrier;
use std::thread;
use stegos_common::hash::Hash;

/// A policy that asks about everything: the user of this process must approve.
fn asking() -> Policy {
    let uid = rustix::process::geteuid().as_raw();
    let approvals = format!("[approvals]\nneeded = 1\napprovers = [{{ name = \"me\", uid = {uid} }}]\n");
    let ask = "[[rules]]\nrule = \"policy-any\"\naction = \"ask\"\n";
    Policy::parse(&format!("{approvals}{ask}"), Network::Dev).unwrap()
}

impl Scene {
    /// Under which id the request waits.
    fn waits(&self, json: &str) -> String {
        let refusal = self.signer.answer(json).refusal.unwrap();
        assert_eq!(refusal.code(), "pending_approval", "{refusal}");
        refusal.approval().unwrap().to_owned()
    }

    fn approve(&self, id: &str) {
        let folder = self.signer.approvals();
        let statement = folder.statement(id).unwrap();
        folder.approve_as_user(id, "me", &approved_text(&statement)).unwrap();
    }

    fn store(&self) -> String {
        self.signer.journal.genesis().head.to_string()
    }

    fn parked(&self, draft: &Draft) -> Option<Parked> {
        self.signer.journal.waiting(|waiting| waiting.about(&draft.digest, now()).next().cloned())
    }

    fn code(&self, json: &str) -> Option<&'static str> {
        self.signer.answer(json).refusal.map(|refusal| refusal.code())
    }
}

#[test]
fn an_approval_in_time_counts_and_one_of_an_expired_request_does_not() {
    let scene = scene(asking());
    let json = scene.request(&scene.recipient);
    let (draft, day, old) = (scene.draft(&json), 24 * 3_600_000, "0000000a".to_owned());
    let expired = Verdict::Parked { id: old.clone(), expires: now() - 1, statement: "old".to_owned() };
    scene.signer.journal.commit(&draft.entry(now() - day, expired, None)).unwrap();
    scene.signer.approvals().publish(&old, "old").unwrap();
    scene.approve(&old);

    let id = scene.waits(&json);
    assert_ne!(id, old);
    assert!(scene.signer.approvals().statement(&old).is_err(), "what has expired is tidied away");
    assert_eq!(scene.waits(&json), id, "asked again it waits still");
    let parked = scene.parked(&draft).unwrap();
    assert!(parked.expires.abs_diff(now() + day) < day / 2);
    scene.approve(&id);
    assert_eq!(scene.code(&json), None);
    assert_eq!(scene.parked(&draft), None);
}

/// Approved, and rejected before it is recorded.
#[test]
fn a_rejection_counts_until_the_transaction_is_recorded() {
    let scene = scene(asking());
    let json = scene.request(&scene.recipient);
    let draft = scene.draft(&json);
    let id = scene.waits(&json);
    scene.approve(&id);
    let built = scene.signer.build(&draft).unwrap();
    let judged = scene.signer.permit(&draft).unwrap();
    scene.signer.approvals().reject(&id, "not today").unwrap();
    assert_eq!(scene.code(&json), Some("denied"));
    let refused = scene.signer.record(&draft, built, &judged).unwrap_err();
    assert!(refused.code() == "denied" && refused.to_string().contains("not today"), "{refused}");
}

#[test]
fn what_is_parked_survives_a_start_and_is_parked_once() {
    let scene = scene(asking());
    let json = scene.request(&scene.recipient);
    let id = scene.waits(&json);
    let ids: Vec<String> = thread::scope(|scope| {
        let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| scene.waits(&json))).collect();
        asked.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(ids, [&*id; 4]);
    let folder = scene.signer.approvals().path().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    scene
        .signer
        .approvals()
        .publish("0000000a", &format!("id  0000000a\nstore  {}\n\n", scene.store()))
        .unwrap();
    scene.signer.approvals().publish("0000000b", "id  0000000b\nstore  another\n\n").unwrap();
    let scene = scene.restarted();
    scene.signer.sweep_approvals();
    assert_eq!(scene.signer.approvals().ids().unwrap(), ["0000000b"], "what was begun only is swept");
    scene.signer.set_policy(asking());
    assert_eq!(scene.waits(&json), id);
    // And its statement is there again.
    scene.approve(&id);
    assert_eq!(scene.code(&json), None);
    assert_eq!(scene.code(&json), None);
    let kinds: Vec<&str> = scene
        .signer
        .journal
        .records()
        .unwrap()
        .map(|record| match record.unwrap().entry.verdict {
            Verdict::Signed(_) => "signed",
            Verdict::Parked { .. } => "parked",
            Verdict::Approved { .. } => "approved",
            _ => "another",
        })
        .collect();
    assert_eq!(kinds, ["parked", "approved", "signed"]);
}

/// However many ask at once.
#[test]
fn no_more_wait_than_people_would_read() {
    let scene = scene(asking());
    let mut ids = Vec::new();
    for _ in 1..MAX_WAITING {
        ids.push(scene.waits(&scene.request(&scene.recipient)));
    }
    let drafts: Vec<Draft> = (0..8).map(|_| scene.draft(&scene.request(&scene.recipient))).collect();
    let start = Barrier::new(drafts.len());
    thread::scope(|scope| {
        for draft in &drafts {
            let (scene, start) = (&scene, &start);
            scope.spawn(move || {
                start.wait();
                drop(scene.signer.permit(draft));
            });
        }
    });
    assert_eq!(scene.signer.journal.waiting(|waiting| waiting.all(now()).count()), MAX_WAITING);
    assert_eq!(
        scene.signer.approvals().ids().unwrap().len(),
        MAX_WAITING,
        "and what does not wait is not shown"
    );
    let json = scene.request(&scene.recipient);
    assert_eq!(scene.code(&json), Some("limited"));
    // One that cannot be read is a rejection, too.
    fs::create_dir(scene.signer.approvals().path().join(format!("{}.rejected", ids[3]))).unwrap();
    scene.waits(&json);
}

/// Nothing waits that nobody can look at.
#[test]
fn what_cannot_be_shown_is_not_parked() {
    let scene = scene(asking());
    let folder = scene.signer.approvals().path().to_owned();
    fs::write(&folder, "no folder").unwrap();
    let json = scene.request(&scene.recipient);
    let refusal = scene.signer.answer(&json).refusal.unwrap();
    assert_eq!(refusal.code(), "approvals_failed");
    assert!(!refusal.to_string().contains(&*folder.to_string_lossy()), "{refusal}");
    assert_eq!(scene.signer.journal.waiting(|waiting| waiting.all(now()).count()), 0);
    fs::remove_file(&folder).unwrap();
    scene.waits(&json);
}

#[test]
fn a_rejection_stands_whatever_rule_decides() {
    let scene = scene(asking());
    let json = scene.request(&scene.recipient);
    let id = scene.waits(&json);
    // Handed in, and the policy would allow it when it is seen.
    scene.signer.approvals().reject(&id, "never").unwrap();
    scene.signer.set_policy(policy(""));
    assert_eq!(scene.code(&json), Some("denied"));
    assert_eq!(scene.code(&json), Some("denied"));
    assert!(scene.signer.approvals().ids().unwrap().is_empty(), "what is decided is not listed");
}

/// It waits, the policy allows it by now, and it is rejected before it is recorded.
#[test]
fn a_rejection_counts_for_what_is_allowed_by_now() {
    let scene = scene(asking());
    let json = scene.request(&scene.recipient);
    let draft = scene.draft(&json);
    let id = scene.waits(&json);
    scene.signer.set_policy(policy(""));
    let built = scene.signer.build(&draft).unwrap();
    let judged = scene.signer.permit(&draft).unwrap();
    scene.signer.approvals().reject(&id, "never").unwrap();
    assert_eq!(scene.code(&json), Some("denied"));
    assert_eq!(scene.signer.record(&draft, built, &judged).unwrap_err().code(), "denied");
}

/// Each is approved while little has left. Together they are what another rule asks about.
#[test]
fn an_approval_is_for_the_rule_that_asked() {
    let uid = rustix::process::geteuid().as_raw();
    let text = format!(
        "[approvals]\nneeded = 1\napprovers = [{{ name = \"me\", uid = {uid} }}]\n\
         [[rules]]\nrule = \"policy-hour-total\"\naction = \"ask\"\nmost = \"0.020 STG\"\n\
         [[rules]]\nrule = \"policy-transaction-amount\"\naction = \"ask\"\nmost = \"0.001 STG\"\n"
    );
    let scene = scene(Policy::parse(&text, Network::Dev).unwrap());
    let stranger = Address::new(Network::Dev, SecretKey::from_seed(b"stranger").public_key());
    let requests: Vec<String> = (0..6).map(|_| scene.request(&stranger)).collect();
    requests.iter().for_each(|json| scene.approve(&scene.waits(json)));
    let signed = requests.iter().filter(|json| scene.code(json).is_none()).count();
    assert_eq!(signed, 4, "0.005 STG each");
    let id = scene.waits(&requests[5]);
    let statement = scene.signer.approvals().statement(&id).unwrap();
    assert!(
        statement.contains("policy-hour-total") && statement.contains("left       0.02 STG"),
        "{statement}"
    );
    scene.approve(&id);
    assert_eq!(scene.code(&requests[5]), None);
}

/// Two clients ask for what is approved at once: nobody is asked about it again.
#[test]
fn what_is_signed_does_not_wait() {
    let scene = scene(asking());
    let json = scene.request(&scene.recipient);
    let draft = scene.draft(&json);
    scene.approve(&scene.waits(&json));
    let built = scene.signer.build(&draft).unwrap();
    assert_eq!(scene.code(&json), None);
    assert!(scene.signer.remember(&draft, built).is_err());
    assert_eq!(scene.parked(&draft), None);
    assert!(scene.signer.approvals().ids().unwrap().is_empty());
    assert!(scene.signer.sign_new(&draft).is_ok(), "it gets what was signed");
}

/// Two stores share a folder, which they should not.
#[test]
fn what_another_store_waits_for_is_left_alone() {
    let (one, other) = (scene(asking()), scene(asking()));
    let shared = one.signer.approvals().path().to_owned();
    let Scene { signer, recipient, _temp } = other;
    let other = Scene { signer: signer.with_approvals(shared), recipient, _temp };
    let (json, mine) = (other.request(&other.recipient), one.request(&one.recipient));
    let id = other.waits(&json);
    other.signer.approvals().reject(&id, "never").unwrap();
    one.approve(&one.waits(&mine));
    assert_eq!(one.code(&mine), None);
    assert_eq!(other.code(&json), Some("denied"));
}

/// Whatever the 256th record is, the key store knows how far the journal got.
#[test]
fn records_about_approvals_are_anchored_too() {
    let scene = scene(asking());
    for _ in 0..255 {
        scene.signer.journal.commit(&Entry::clock_confirmed(now())).unwrap();
    }
    scene.waits(&scene.request(&scene.recipient));
    let dir = scene.signer.keystore.dir().to_owned();
    drop(scene.signer);
    // All of it is cut off.
    fs::write(dir.join("journal"), b"cold-signer journal 1").unwrap();
    let keystore =
        Keystore::open(&dir, &Passphrase::new("x".to_owned().into()).unwrap(), None, Disk::default())
            .unwrap();
    assert!(Signer::open(keystore, Rules::default(), asking()).is_err());
}

/// A request that two rules ask about, one after the other.
#[test]
fn who_is_asked_by_another_rule_loses_no_approval() {
    let uid = rustix::process::geteuid().as_raw();
    let ask = |rule: &str| {
        format!(
            "[approvals]\nneeded = 2\napprovers = [{{ name = \"me\", uid = {uid} }}, {{ name = \"x\", uid = 7 }}]\n\
             [[rules]]\nrule = \"{rule}\"\naction = \"ask\"\n"
        )
    };
    let set =
        |scene: &Scene, text: String| scene.signer.set_policy(Policy::parse(&text, Network::Dev).unwrap());
    let scene = scene(Policy::default());
    let json = scene.request(&scene.recipient);
    let (any, own) = (ask("policy-any"), ask("policy-own-accounts"));
    set(&scene, any.clone());
    let first = scene.waits(&json);
    scene.approve(&first);
    set(&scene, own.clone());
    let second = scene.waits(&json);
    assert_ne!(first, second);
    for _ in 0..3 {
        set(&scene, any.clone());
        assert_eq!(scene.waits(&json), first);
        set(&scene, own.clone());
        assert_eq!(scene.waits(&json), second);
    }
    set(&scene, any.replace("needed = 2", "needed = 1"));
    assert_eq!(scene.code(&json), None);
    assert!(scene.signer.approvals().ids().unwrap().is_empty());
}

/// A clock that the policy does not believe, and a request that cannot even be read.
#[test]
fn a_wrong_clock_makes_no_rejection_forgotten() {
    let scene = scene(asking());
    let json = scene.request(&scene.recipient);
    let id = scene.waits(&json);
    scene.signer.approvals().reject(&id, "never").unwrap();
    assert_eq!(scene.code(&json), Some("denied"));
    for time in [0, now() + 300 * 24 * 3_600_000] {
        let refused = Verdict::Refused { code: "bad_id".to_owned(), reason: String::new() };
        scene.signer.journal.commit(&Entry::about(time, Hash::digest("x"), refused)).unwrap();
    }
    scene.signer.set_policy(policy(""));
    assert_eq!(scene.code(&json), Some("denied"));
}
