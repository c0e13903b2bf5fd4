//! Who approves, by what, and what waits.

use super::*;
use crate::disk::Disk;
use proptest::prelude::*;
use ssh_key::HashAlg;
use ssh_key::private::{Ed25519Keypair, PrivateKey};
use std::os::unix::fs::symlink;
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
    Handed { name: "7f3a09c2.x.approved".to_owned(), owner, text: text.to_owned() }
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
    assert_eq!(whose(1001, &approve_as_user(STATEMENT)), Ok("carol".to_owned()));
}

#[test]
fn what_else_lies_there_is_none() {
    let (bob, mallory) = (key(2), key(3));
    for (owner, text, why) in [
        (1001, STATEMENT.to_owned(), "neither"),
        (1001, approve_as_user("another statement\n"), "neither"),
        (1001, approve_as_user("the statement\nand more\n"), "neither"),
        (1001, String::new(), "neither"),
        (1002, approve_as_user(STATEMENT), "uid 1002 is no approver"),
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

#[test]
fn enough_of_them_must_agree_and_nobody_counts_twice() {
    let by = |identity: String| Approval { approver: "x".to_owned(), identity };
    let [alice, bob] =
        [person("a", OPENSSH_KEY), person("b", &line_of(&key(2)))].map(|it| by(it.identity.to_string()));
    let (carol, mallory) = (by("uid 1001".to_owned()), by("uid 1002".to_owned()));
    let parked = |approvals: &[&Approval]| Parked {
        id: "7f3a09c2".to_owned(),
        statement: STATEMENT.into(),
        expires: 1,
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

fn parked(id: &str, expires: u64) -> Parked {
    Parked { id: id.to_owned(), statement: "".into(), expires, approvals: Vec::new(), rejection: None }
}

#[test]
fn what_has_expired_waits_no_more() {
    let (mut waiting, request) = (Waiting::default(), Hash::digest("request"));
    waiting.park(request, parked("00000001", 100), 50);
    assert!(waiting.get(&request, 99).is_some() && waiting.get(&request, 100).is_none());
    // Asked again it waits anew, and what was said about the first is not about the second.
    waiting.park(request, parked("00000002", 300), 200);
    let approval = Approval { approver: "a".to_owned(), identity: "uid 1".to_owned() };
    waiting.approve(&request, "00000001", approval.clone());
    assert_eq!(waiting.get(&request, 250).unwrap().approvals, []);
    waiting.approve(&request, "00000002", approval.clone());
    assert_eq!(waiting.get(&request, 250).unwrap().approvals, [approval]);
    waiting.end(&request);
    assert_eq!(waiting.get(&request, 250), None);
}

#[test]
fn there_is_room_again_when_enough_have_expired_or_were_rejected() {
    let mut waiting = Waiting::default();
    let request = |number: u64| Hash::digest(number.to_string().as_str());
    for number in 0..MAX_WAITING as u64 {
        assert_eq!(waiting.room_at(0), None, "{number}");
        waiting.park(request(number), parked(&format!("{number:08x}"), 1000 + number), 0);
    }
    assert_eq!(waiting.room_at(0), Some(1000));
    assert_eq!(waiting.room_at(1000), None);
    waiting.park(request(200), parked("000000c8", 5000), 0);
    assert_eq!(waiting.room_at(0), Some(1001));
    for number in [7, 8] {
        let rejection = Rejection { by: String::new(), reason: String::new() };
        waiting.reject(&request(number), &format!("{number:08x}"), rejection);
    }
    assert_eq!(waiting.room_at(0), None);
}

#[test]
fn the_folder_takes_files_of_people_and_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::new(temp.path().join("approvals"), Disk::default());
    assert_eq!(folder.ids().unwrap(), [""; 0]);
    folder.publish("7f3a09c2", STATEMENT).unwrap();
    assert_eq!(folder.ids().unwrap(), ["7f3a09c2"]);
    assert_eq!(folder.statement("7f3a09c2").unwrap().text, STATEMENT);
    assert!(folder.statement("../7f3a09c2").is_err());
    // A statement that somebody changed is put right.
    std::fs::write(folder.statement_path("7f3a09c2"), "pay less\n").unwrap();
    folder.publish("7f3a09c2", STATEMENT).unwrap();
    assert_eq!(folder.statement("7f3a09c2").unwrap().text, STATEMENT);

    let (path, written) = folder.approve("7f3a09c2", "carol", "yes");
    written.unwrap();
    assert!(folder.approve("7f3a09c2", "carol", "no").1.is_err(), "what was handed in stays");
    symlink(&path, folder.path().join("7f3a09c2.mallory.approved")).unwrap();
    std::fs::write(folder.path().join("7f3a09c2.large.approved"), vec![b'x'; 300 << 10]).unwrap();
    std::fs::write(folder.path().join("7f3a09c3.bob.approved"), "another").unwrap();
    let read: Vec<(String, Option<String>)> = folder
        .approvals("7f3a09c2")
        .unwrap()
        .into_iter()
        .map(|(name, handed)| (name, handed.ok().map(|handed| handed.text)))
        .collect();
    let name = |name: &str| format!("7f3a09c2.{name}.approved");
    assert_eq!(
        read,
        [(name("carol"), Some("yes".to_owned())), (name("large"), None), (name("mallory"), None)]
    );

    std::fs::write(folder.path().join("notes.rejected"), "mine").unwrap();
    folder.tidy(|id| id == "7f3a09c3");
    let mut left: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["7f3a09c3.bob.approved", "notes.rejected"]);
}

proptest! {
    /// Whatever lies there: it is no approval, and nothing panics.
    #[test]
    fn other_text_approves_nothing(text in "(?s)(-----BEGIN SSH SIGNATURE-----)?.{0,300}", owner: u32) {
        prop_assert!(whose(owner, &text).is_err());
    }
}
