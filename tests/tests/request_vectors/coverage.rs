//! That the suite is about everything that the documents name.

use crate::vector::{Expected, Vector, Way, folder, read_all};
use crate::world::NETWORK;
use custody_tests::vectors::vectors;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Codes that it takes more than a request to cause: another policy meanwhile, a failing disk, a defect.
const NOT_BY_A_REQUEST: [&str; 6] =
    ["overtaken", "approvals_failed", "journal_behind", "journal_failed", "self_check", "prover"];

/// Rules that it takes more than a request to show: the clock must jump.
const NOT_BY_A_REQUEST_ALONE: [&str; 1] = ["policy-clock"];

/// Rules that only allow; what they do not allow is denied by `policy-default`.
const ONLY_ALLOWING: [&str; 2] = ["policy-own-accounts", "policy-recipient-allowed"];

/// Rules without a boundary: the one allows every vector that names no policy, the other nothing.
const WITHOUT_BOUNDARY: [&str; 2] = ["policy-any", "policy-default"];

/// What stands between back ticks in the first column of the tables after a heading.
fn documented(document: &str, heading: &str) -> BTreeSet<String> {
    let path = folder().join("../../../docs").join(document);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    cells
        .flat_map(|(cell, _)| cell.split('`').step_by(2))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The outcomes that a vector leaves no choice about.
fn certain(vector: &Vector) -> impl Iterator<Item = String> {
    let outcome = |way| match vector.expected(way) {
        Expected::Refused(codes) => <[String; 1]>::try_from(codes).ok().map(|[code]| code),
        Expected::Signed | Expected::Nothing => None,
    };
    [Way::Socket, Way::File].map(outcome).into_iter().flatten()
}

#[test]
fn every_documented_code_has_a_vector_and_every_code_is_documented() {
    let documented = documented("signer.md", "Refusals");
    assert!(documented.len() > 40, "{documented:?}");
    let vectors = read_all();
    let certain: BTreeSet<String> = vectors.iter().flat_map(certain).collect();
    let missing: Vec<_> =
        documented.difference(&certain).filter(|it| !NOT_BY_A_REQUEST.contains(&it.as_str())).collect();
    assert!(missing.is_empty(), "no vector expects {missing:?}");
    for vector in &vectors {
        for way in [Way::Socket, Way::File] {
            if let Expected::Refused(codes) = vector.expected(way) {
                assert!(codes.iter().all(|code| documented.contains(code)), "{}: {codes:?}", vector.path);
            }
        }
    }
}

#[test]
fn every_rule_of_a_policy_has_vectors_on_both_sides_of_its_boundary() {
    let rules = documented("policy.md", "Rules");
    assert!(rules.len() > 18, "{rules:?}");
    let vectors = read_all();
    let about = |signed: bool| -> BTreeSet<&str> {
        vectors.iter().filter(|it| it.is_positive() == signed).flat_map(|it| it.all("rule")).collect()
    };
    let (kept, broken) = (about(true), about(false));
    for rule in rules.iter().map(String::as_str).filter(|rule| !NOT_BY_A_REQUEST_ALONE.contains(rule)) {
        assert!(broken.contains(rule) || ONLY_ALLOWING.contains(&rule), "no vector breaks {rule}");
        assert!(kept.contains(rule) || WITHOUT_BOUNDARY.contains(&rule), "no vector keeps {rule}");
    }
    assert!(kept.union(&broken).all(|rule| rules.contains(*rule)), "a rule that is not documented");
}

#[test]
fn there_are_enough_of_them_and_most_are_negative() {
    let vectors = read_all();
    let never_signed =
        |it: &Vector| [Way::Socket, Way::File].iter().all(|way| it.expected(*way) != Expected::Signed);
    let negative = vectors.iter().filter(|vector| never_signed(vector)).count();
    assert!(vectors.len() >= 150, "{}", vectors.len());
    assert!(negative * 5 >= vectors.len() * 4, "{negative} of {} are negative", vectors.len());
    let mut bodies = BTreeMap::new();
    for vector in &vectors {
        assert!(vector.get("about").is_some_and(|about| about.ends_with('.')), "{}: why?", vector.path);
        // Two that ask the same are of use only where something else differs: what was before, or the policy.
        let setup = ["network", "policy", "flags", "after"].map(|name| vector.get(name));
        let other = bodies.insert((&vector.body, setup), &vector.path);
        assert_eq!(other, None, "{}: the same request", vector.path);
    }
    // So one store does for many of them.
    let mut spent = BTreeSet::new();
    for vector in vectors.iter().filter(|vector| vector.get("same-as").is_none()) {
        assert!(
            vector.all("input").all(|id| spent.insert(id)),
            "{}: it spends what another spends",
            vector.path
        );
    }
    assert_eq!(NETWORK.name(), "dev", "the README says so");
}

#[test]
fn what_was_recorded_is_unchanged() {
    for vector in read_all() {
        let Some(source) = vector.get("source") else { continue };
        let recorded = vectors(source);
        match recorded["sent_plaintext"].as_str() {
            Some(text) => assert_eq!(vector.body, text.as_bytes(), "{}", vector.path),
            None => {
                let sent: Value = serde_json::from_slice(&vector.body).unwrap();
                assert_eq!(sent, recorded["request"], "{}", vector.path);
            }
        }
    }
}

/// The suite's README with its table of counts as it must be.
pub(crate) fn counted(readme: &str, vectors: &[Vector]) -> String {
    const HEAD: &str = "| `expect` | files |\n| --- | ---: |\n";
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for vector in vectors {
        let expect = vector.get("expect").unwrap();
        *counts.entry(if expect.contains(" or ") { "… or …" } else { expect }).or_default() += 1;
    }
    let (before, after) = readme.split_once(HEAD).unwrap();
    let rest: String =
        after.lines().skip_while(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect();
    let rows: String = counts.iter().map(|(code, count)| format!("| `{code}` | {count} |\n")).collect();
    format!("{before}{HEAD}{rows}| all | {} |\n{rest}", vectors.len())
}
