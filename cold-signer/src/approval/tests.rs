//! Who approves, by what, and what waits.

use super::*;
use crate::disk::Disk;
use proptest::prelude::*;
use ssh_key::HashAlg;
use ssh_key::private::{Ed25519Keypair, PrivateKey};
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use stegos_common::amount::Amount;
use stegos_common::hash::Hash;

/// What OpenSSH 9.6 wrote: `ssh-keygen -Y sign -n cold-signer-approval` over [`STATEMENT`], and the line of its key.
const OPENSSH: &str = include_str!("openssh.sig");
const OPENSSH_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAv+qGLFppYylDSxy+RtKjx3Ik+qAyjgad4NulX9SZDT alice@example";
const STATEMENT: &str = "the statement\n";

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn line_of(key: &PrivateKey) -> String {
    key.public_key().to_openssh().unwrap()
}

fn signature(key: &PrivateKey, namespace: &str, text: &str) -> String {
    let signature = key.sign(namespace, HashAlg::Sha512, text.as_bytes()).unwrap();
    signature.to_pem(ssh_key::LineEnding::LF).unwrap()
}

fn person(name: &str, key: &str) -> Approver {
    Approver::new(name.to_owned(), Some(key), None).unwrap()
}

fn user(name: &str, uid: u32) -> Approver {
    Approver::new(name.to_owned(), None, Some(uid)).unwrap()
}

/// Alice by the key of OpenSSH, bob by a key, carol as a user; two of them must agree.
fn approvers() -> Approvers {
    let people = vec![person("alice", OPENSSH_KEY), person("bob", &line_of(&key(2))), user("carol", 1001)];
    Approvers::new(2, 1000, people).unwrap()
}

fn handed(owner: u32, text: &str) -> Handed {
    Handed { by: Some(owner), text: text.to_owned() }
}

fn whose(owner: u32, text: &str) -> Result<String, String> {
    let approvers = approvers();
    let found = identify(&handed(owner, text), STATEMENT, &approvers);
    found.map(|approver| approver.name.clone()).map_err(|error| error.to_string())
}

#[test]
fn an_approval_is_a_signature_or_the_file_of_a_user() {
    assert_eq!(whose(0, OPENSSH), Ok("alice".to_owned()));
    assert_eq!(whose(0, &signature(&key(2), "cold-signer-approval", STATEMENT)), Ok("bob".to_owned()));
    assert_eq!(whose(1001, &approved_text(STATEMENT)), Ok("carol".to_owned()));
}

#[test]
fn what_else_lies_there_is_none() {
    let (bob, mallory) = (key(2), key(3));
    for (owner, text, why) in [
        (1001, STATEMENT.to_owned(), "neither"),
        (1001, approved_text("another statement\n"), "neither"),
        (1001, approved_text("the statement\nand more\n"), "neither"),
        (1001, String::new(), "neither"),
        (1002, approved_text(STATEMENT), "uid 1002 is no approver"),
        (1001, signature(&mallory, "cold-signer-approval", STATEMENT), "is no approver"),
        (0, signature(&bob, "file", STATEMENT), "not one of this text"),
        (0, signature(&bob, "cold-signer-approval", "the statement"), "not one of this text"),
        (0, OPENSSH.replace("FitpU9K9", "FitpU9K8"), "not one of this text"),
        (0, OPENSSH[..200].to_owned(), "cannot be read"),
        (0, "-----BEGIN SSH SIGNATURE-----\n!\n-----END SSH SIGNATURE-----\n".to_owned(), "cannot be read"),
    ] {
        let error = whose(owner, &text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}

/// Whoever may put files there could have given a name to one that somebody else made.
#[test]
fn a_file_that_others_could_have_put_there_is_no_approval_of_its_owner() {
    let approvers = approvers();
    let found = |text: &str| {
        let handed = Handed { by: None, text: text.to_owned() };
        identify(&handed, STATEMENT, &approvers).map(|approver| approver.name.clone())
    };
    assert!(found(&approved_text(STATEMENT)).unwrap_err().to_string().contains("cold-signer approve"));
    assert_eq!(found(OPENSSH).unwrap(), "alice", "a signature needs no owner");

    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::new(temp.path().join("approvals"), Disk::default());
    folder.publish("7f3a09c2", STATEMENT).unwrap();
    let user = Some(rustix::process::geteuid().as_raw());
    let path = folder.approve_as_user("7f3a09c2", "carol", "x").unwrap();
    assert_eq!(path, folder.path().join("carol/7f3a09c2.approved"));
    let mode = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let by = || folder.approval("carol/7f3a09c2.approved").unwrap().by;
    assert_eq!(by(), user);
    for (file, own) in [(0o664, 0o755), (0o646, 0o755), (0o644, 0o775), (0o644, 0o757), (0o644, 0o1777)] {
        mode(&path, file);
        mode(path.parent().unwrap(), own);
        assert_eq!(by(), None, "{file:o} {own:o}");
    }
    mode(&path, 0o644);
    mode(path.parent().unwrap(), 0o755);
    assert_eq!(by(), user);
    // The same file under a name in the folder itself, where others can put it.
    std::fs::hard_link(&path, folder.path().join("7f3a09c2.carol.approved")).unwrap();
    assert_eq!(folder.approval("7f3a09c2.carol.approved").unwrap().by, None);
    symlink(path.parent().unwrap(), folder.path().join("mallory")).unwrap();
    assert!(folder.approval("mallory/7f3a09c2.approved").is_err());
}

#[test]
fn a_folder_of_ones_own_is_kept_tidy_and_a_name_that_is_taken_is_no_obstacle() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::new(temp.path().join("approvals"), Disk::default());
    folder.publish("00000001", STATEMENT).unwrap();
    let first = folder.approve_as_user("00000001", "carol", "x").unwrap();
    assert_eq!(folder.approve_as_user("00000001", "carol", "x").unwrap(), first, "again is no harm");
    folder.remove(&["00000001".to_owned()]);
    folder.publish("00000002", STATEMENT).unwrap();
    folder.approve_as_user("00000002", "carol", "x").unwrap();
    assert!(!first.exists());
    std::fs::remove_dir_all(folder.path().join("carol")).unwrap();
    std::fs::write(folder.path().join("carol"), "squatted").unwrap();
    let path = folder.approve_as_user("00000002", "carol", "x").unwrap();
    assert!(path.ends_with("carol-2/00000002.approved"), "{}", path.display());
    assert_eq!(folder.approvals("00000002").unwrap().0, ["carol-2/00000002.approved"]);
}

#[test]
fn enough_of_them_must_agree_and_nobody_counts_twice() {
    let by = |identity: String| Approval { approver: "x".to_owned(), identity };
    let [alice, bob] =
        [person("a", OPENSSH_KEY), person("b", &line_of(&key(2)))].map(|it| by(it.identity.to_string()));
    let (carol, mallory) = (by("uid 1001".to_owned()), by("uid 1002".to_owned()));
    let parked = |approvals: &[&Approval]| Parked {
        id: "7f3a09c2".to_owned(),
        statement: STATEMENT.into(),
        asked: 0,
        expires: 1,
        rule: String::new(),
        outward: Amount::ZERO,
        approvals: approvals.iter().map(|it| (*it).clone()).collect(),
        rejection: None,
    };
    for (approvals, enough) in [
        (vec![], false),
        (vec![&alice], false),
        (vec![&alice, &alice], false),
        (vec![&alice, &mallory], false),
        (vec![&alice, &bob], true),
        (vec![&carol, &mallory, &bob], true),
    ] {
        assert_eq!(approvers().approve(&parked(&approvals)), enough, "{approvals:?}");
    }
    let rejection = Some(Rejection { by: "uid 0".to_owned(), reason: String::new() });
    assert!(!approvers().approve(&Parked { rejection, ..parked(&[&alice, &bob, &carol]) }));
    // Who is not named any more does not count any more.
    let fewer = Approvers::new(1, 1000, vec![user("carol", 1001)]).unwrap();
    assert!(!fewer.approve(&parked(&[&alice, &bob])));
}

#[test]
fn approvers_are_told_apart() {
    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC6Ei8cWpsvUc9bQhV2Yk0rDNV3kqNEIWNDJdGhhCKHJhWbBxTc\
               rPKJ3VfUmHRrh0ZQhC3kGcJ3vC7RKv6yQJ9Wc6rWgk0fHKlVq2a0wUpPz1lQn3f1ZQ==";
    let named = |name: &str, key: Option<&str>, uid| Approver::new(name.to_owned(), key, uid).unwrap_err();
    assert!(matches!(named("", None, Some(1)), ApproversError::Name(_)));
    assert!(matches!(named("../x", None, Some(1)), ApproversError::Name(_)));
    assert!(matches!(named(&"x".repeat(33), None, Some(1)), ApproversError::Name(_)));
    assert!(matches!(named("x", None, None), ApproversError::Identity(_)));
    assert!(matches!(named("x", None, Some(65534)), ApproversError::Identity(_)));
    assert!(matches!(named("x", Some(OPENSSH_KEY), Some(1)), ApproversError::Identity(_)));
    assert!(matches!(named("x", Some(rsa), None), ApproversError::Key { .. }));
    assert!(matches!(named("x", Some("ssh-ed25519 AAAA"), None), ApproversError::Key { .. }));
    let new = |needed, people: &[Approver]| Approvers::new(needed, 1, people.to_vec()).unwrap_err();
    assert_eq!(new(0, &[user("a", 1)]), ApproversError::Needed { needed: 0, named: 1 });
    assert_eq!(new(2, &[user("a", 1)]), ApproversError::Needed { needed: 2, named: 1 });
    assert_eq!(new(1, &[user("a", 1), user("a", 2)]), ApproversError::Twice("a".to_owned()));
    assert_eq!(new(1, &[user("a", 1), user("b", 1)]), ApproversError::Twice("b".to_owned()));
    // The comment of a key is no part of it.
    let again = person("b", OPENSSH_KEY.strip_suffix(" alice@example").unwrap());
    assert_eq!(new(1, &[person("a", OPENSSH_KEY), again]), ApproversError::Twice("b".to_owned()));
    let many: Vec<Approver> = (0..33).map(|uid| user(&format!("u{uid}"), uid)).collect();
    assert_eq!(new(1, &many), ApproversError::TooMany(33));
}

#[test]
fn a_statement_says_who_may_approve() {
    let statement = format!("id         7f3a09c2\napprovals  {}\n\nInputs (1)\nleaves  9 STG\n", approvers());
    assert_eq!(line(&statement, "id"), Some("7f3a09c2"));
    assert_eq!(line(&statement, "leaves"), None, "what a request could write is below the first lines");
    let named = |identity| approver_in(&statement, &identity);
    assert_eq!(named(Identity::User(1001)), Some("carol"));
    assert_eq!(named(Identity::User(100)), None);
    assert_eq!(named(person("x", OPENSSH_KEY).identity), Some("alice"));
    assert_eq!(named(person("x", &line_of(&key(3))).identity), None);
    let hostile = "approvals  1 of ../../x (uid 7)\n\n";
    assert_eq!(approver_in(hostile, &Identity::User(7)), None);
}

const HOUR: u64 = 3_600_000;

fn parked(id: &str, asked: u64, expires: u64) -> Parked {
    let (rule, outward) = ("policy-any".to_owned(), Amount::ZERO);
    let id = id.to_owned();
    Parked { id, statement: "".into(), asked, expires, rule, outward, approvals: Vec::new(), rejection: None }
}

#[test]
fn what_has_expired_waits_no_more_whatever_the_clock_does() {
    let (mut waiting, request) = (Waiting::default(), Hash::digest("request"));
    let get = |waiting: &Waiting, time| waiting.get(&request, "policy-any", Amount::ZERO, time).cloned();
    waiting.park(request, parked("00000001", 50, 100));
    assert!(get(&waiting, 99).is_some() && get(&waiting, 100).is_none());
    waiting.pass(100);
    assert!(get(&waiting, 99).is_none(), "the clock goes back");
    assert_eq!(waiting.take_gone(), ["00000001"]);
    // Asked again it waits anew, and what was said about the first is not about the second.
    waiting.park(request, parked("00000002", 200, 300));
    let approval = Approval { approver: "a".to_owned(), identity: "uid 1".to_owned() };
    waiting.approve(&request, "00000001", approval.clone());
    assert_eq!(get(&waiting, 250).unwrap().approvals, []);
    waiting.approve(&request, "00000002", approval.clone());
    assert_eq!(get(&waiting, 250).unwrap().approvals, [approval]);
    waiting.end(&request);
    assert_eq!(get(&waiting, 250), None);
    assert_eq!(waiting.take_gone(), ["00000002"]);
    // A clock that was far ahead.
    waiting.park(request, parked("00000003", 99 * HOUR, 100 * HOUR));
    assert!(get(&waiting, 98 * HOUR).is_some() && get(&waiting, 98 * HOUR - 1).is_none());
}

/// Each rule asks by itself: who is asked by another one meanwhile loses nothing.
#[test]
fn rules_ask_side_by_side_and_a_rejection_is_of_the_request() {
    let (mut waiting, request) = (Waiting::default(), Hash::digest("request"));
    let approval = Approval { approver: "a".to_owned(), identity: "uid 1".to_owned() };
    waiting.park(request, parked("00000001", 0, 100));
    waiting.approve(&request, "00000001", approval.clone());
    waiting.park(request, Parked { rule: "policy-fee".to_owned(), ..parked("00000002", 0, 100) });
    let any = waiting.get(&request, "policy-any", Amount::ZERO, 0).unwrap();
    assert_eq!((&*any.id, &any.approvals[..]), ("00000001", &[approval][..]));
    assert_eq!(waiting.get(&request, "policy-fee", Amount::ZERO, 0).unwrap().approvals, []);
    assert_eq!(waiting.get(&request, "policy-fee", Amount::MAX, 0), None, "more leaves than was asked about");
    assert!(waiting.take_gone().is_empty() && !waiting.is_rejected(&request, 0));
    let rejection = Rejection { by: String::new(), reason: String::new() };
    waiting.reject(&request, "00000002", &rejection);
    assert!(waiting.is_rejected(&request, 0));
    waiting.end(&request);
    assert_eq!(waiting.take_gone(), ["00000001", "00000002", "00000001", "00000002"]);
}

#[test]
fn there_is_room_again_when_enough_have_expired_or_were_rejected() {
    let mut waiting = Waiting::default();
    let request = |number: u64| Hash::digest(number.to_string().as_str());
    let reject = |waiting: &mut Waiting, number: u64| {
        let rejection = Rejection { by: String::new(), reason: String::new() };
        waiting.reject(&request(number), &format!("{number:08x}"), &rejection);
    };
    for number in 0..MAX_WAITING as u64 {
        assert_eq!(waiting.room_at(0), None, "{number}");
        waiting.park(request(number), parked(&format!("{number:08x}"), 0, 1000 + number));
    }
    assert_eq!(waiting.room_at(0), Some(1000));
    assert_eq!(waiting.room_at(1000), None);
    reject(&mut waiting, 7);
    assert_eq!(waiting.room_at(0), None);
    // Rejected ones are remembered, but not without end.
    for number in 100..MAX_KEPT as u64 {
        assert_eq!(waiting.room_at(0), None, "{number}");
        waiting.park(request(number), parked(&format!("{number:08x}"), 0, 1000 + number));
        reject(&mut waiting, number);
    }
    assert_eq!(waiting.room_at(0), Some(1000));
}

#[test]
fn the_folder_takes_files_of_people_and_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::new(temp.path().join("approvals"), Disk::default());
    assert!(folder.ids().is_err(), "nobody asked yet");
    folder.publish("7f3a09c2", STATEMENT).unwrap();
    assert_eq!(folder.ids().unwrap(), ["7f3a09c2"]);
    assert_eq!(folder.statement("7f3a09c2").unwrap(), STATEMENT);
    assert!(folder.statement("../7f3a09c2").is_err());
    // A statement that somebody changed is put right.
    std::fs::write(folder.path().join("7f3a09c2.pending.txt"), "pay less\n").unwrap();
    folder.publish("7f3a09c2", STATEMENT).unwrap();
    assert_eq!(folder.statement("7f3a09c2").unwrap(), STATEMENT);

    let path = folder.approve_by_signature("7f3a09c2", "carol", "yes").unwrap();
    folder.approve_by_signature("7f3a09c2", "carol", "again").unwrap();
    symlink(&path, folder.path().join("7f3a09c2.mallory.approved")).unwrap();
    std::fs::write(folder.path().join("7f3a09c2.large.approved"), vec![b'x'; 300 << 10]).unwrap();
    std::fs::write(folder.path().join("7f3a09c3.bob.approved"), "another").unwrap();
    let (names, more) = folder.approvals("7f3a09c2").unwrap();
    assert!(!more);
    let read: Vec<(&str, Option<String>)> =
        names.iter().map(|name| (&**name, folder.approval(name).ok().map(|handed| handed.text))).collect();
    assert_eq!(
        read,
        [
            ("7f3a09c2.carol-2.approved", Some("again".to_owned())),
            ("7f3a09c2.carol.approved", Some("yes".to_owned())),
            ("7f3a09c2.large.approved", None),
            ("7f3a09c2.mallory.approved", None),
        ]
    );
    for number in 0..MAX_HANDED {
        std::fs::write(folder.path().join(format!("7f3a09c2.{number}.approved")), "").unwrap();
    }
    let (names, more) = folder.approvals("7f3a09c2").unwrap();
    assert!(more && names.len() == MAX_HANDED);

    std::fs::write(folder.path().join("notes.rejected"), "mine").unwrap();
    std::fs::create_dir_all(folder.path().join("7f3a09c2.rejected/deep/down")).unwrap();
    folder.remove(&["7f3a09c2".to_owned(), "notes".to_owned()]);
    let left = std::fs::read_dir(folder.path()).unwrap();
    let mut left: Vec<String> = left.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, ["7f3a09c2.rejected", "7f3a09c3.bob.approved"], "nothing is done to what is deep");
}

#[test]
fn a_rejection_need_not_be_readable_and_the_folder_is_the_signers() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::new(temp.path().join("approvals"), Disk::default());
    assert_eq!(folder.rejection("7f3a09c2").unwrap(), None);
    folder.publish("7f3a09c2", STATEMENT).unwrap();
    std::fs::create_dir(folder.path().join("7f3a09c2.rejected")).unwrap();
    let (owner, reason) = folder.rejection("7f3a09c2").unwrap().unwrap();
    assert_eq!(owner, rustix::process::geteuid().as_raw());
    assert!(reason.contains("no regular file"), "{reason}");
    assert!(folder.reject("7f3a09c2", "no").is_err(), "what was handed in stays");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    assert!(folder.publish("7f3a09c3", STATEMENT).unwrap_err().to_string().contains("everybody"));
}

proptest! {
    /// Whatever lies there: it is no approval, and nothing panics.
    #[test]
    fn other_text_approves_nothing(text in "(?s)(-----BEGIN SSH SIGNATURE-----)?.{0,300}", owner: u32) {
        prop_assert!(whose(owner, &text).is_err());
    }
}
