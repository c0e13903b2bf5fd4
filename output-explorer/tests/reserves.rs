//! Proofs that another program made, held against this one and against the lines of Python in the documentation.
#![allow(missing_docs, clippy::unwrap_used)]

use output_explorer::reserves::Proof;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fs;
use std::path::Path;
use std::process::Command;
use stegos_common::keys::SecretKey;
use stegos_common::reserves::{Assets, Attestation, Proved, Root, Statement};

#[derive(Deserialize)]
struct Vector {
    name: String,
    ok: bool,
    root: Box<RawValue>,
    proof: Box<RawValue>,
}

fn vectors() -> Vec<Vector> {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("data/reserves/vectors.json")).unwrap();
    let right = vectors.iter().filter(|vector| vector.ok).count();
    assert!(right > 20 && vectors.len() - right > 20);
    vectors
}

fn is_proved(root: &str, proof: &str) -> bool {
    let (root, proof) = (serde_json::from_str::<Root>(root), serde_json::from_str::<Proof>(proof));
    root.is_ok_and(|root| proof.is_ok_and(|proof| proof.check(&root).is_ok()))
}

#[test]
fn what_another_program_made_is_judged_alike() {
    for Vector { name, ok, root, proof } in vectors() {
        assert_eq!(is_proved(root.get(), proof.get()), ok, "{name}");
    }
}

/// Where there is a Python to run them.
#[test]
fn the_documented_lines_judge_alike() {
    let text = include_str!("../../docs/reserves.md");
    let code = text.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for Vector { name, ok, root, proof } in vectors() {
        fs::write(folder.path().join("root.json"), root.get()).unwrap();
        fs::write(folder.path().join("proof.json"), proof.get()).unwrap();
        let mut python = Command::new("python3");
        python.current_dir(folder.path()).args(["-c", code, "proof.json", "root.json"]);
        let Ok(output) = python.output() else {
            eprintln!("there is no python3 here");
            return;
        };
        let said = String::from_utf8_lossy(if ok { &output.stdout } else { &output.stderr }).into_owned();
        assert_eq!(output.status.success(), ok, "{name}: {said}");
        assert!(said.starts_with(if ok { "OK: " } else { "NOT PROVED: " }), "{name}: {said}");
    }
}

#[derive(Deserialize)]
struct Attested {
    name: String,
    ok: bool,
    /// The secret keys of all that sign, where it is right.
    keys: Vec<String>,
    root: Box<RawValue>,
    assets: Box<RawValue>,
    attestations: Vec<Box<RawValue>>,
}

fn attestations() -> Vec<Attested> {
    let vectors: Vec<Attested> =
        serde_json::from_str(include_str!("data/reserves/attestations.json")).unwrap();
    let right = vectors.iter().filter(|vector| vector.ok).count();
    assert!(right >= 10 && vectors.len() - right > 40);
    vectors
}

fn are_held(vector: &Attested) -> Result<Proved, String> {
    let root: Root = serde_json::from_str(vector.root.get()).map_err(|error| error.to_string())?;
    let assets: Assets = serde_json::from_str(vector.assets.get()).map_err(|error| error.to_string())?;
    let attestations = vector.attestations.iter().map(|attestation| serde_json::from_str(attestation.get()));
    let attestations: Vec<Attestation> =
        attestations.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    Proved::new(&root, &assets, &attestations).map_err(|error| error.to_string())
}

#[test]
fn attestations_that_another_program_made_are_judged_alike() {
    for vector in attestations() {
        let judged = are_held(&vector);
        assert_eq!(judged.is_ok(), vector.ok, "{}: {judged:?}", vector.name);
    }
}

#[test]
fn the_same_keys_sign_the_same_bytes_as_in_another_program() {
    let vectors = attestations();
    let signing = vectors.iter().filter(|vector| !vector.keys.is_empty());
    let mut signed = 0;
    for Attested { name, keys, root, assets, attestations, .. } in signing {
        let root: Root = serde_json::from_str(root.get()).unwrap();
        let assets: Assets = serde_json::from_str(assets.get()).unwrap();
        let statement = Statement::new(&root, &assets).unwrap();
        let sign = |key: &String| statement.sign(&SecretKey::from_bytes(&hex::decode(key).unwrap()).unwrap());
        let made = Attestation::new(statement, keys.iter().map(sign).collect());
        let theirs: Attestation = serde_json::from_str(attestations[0].get()).unwrap();
        assert!(made == theirs, "{name}");
        signed += keys.len();
    }
    assert!(signed > 8);
}

/// Where there is a Python to run them.
#[test]
fn the_second_verifier_judges_attestations_alike() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/reserves/verify_assets.py");
    let folder = tempfile::tempdir().unwrap();
    for Attested { name, ok, root, assets, attestations, .. } in attestations() {
        let documents = [&root, &assets].into_iter().chain(&attestations).enumerate();
        let files: Vec<_> = documents
            .map(|(number, document)| {
                let file = folder.path().join(format!("{number}.json"));
                fs::write(&file, document.get()).unwrap();
                file
            })
            .collect();
        let Ok(output) = Command::new("python3").arg("-B").arg(&program).args(files).output() else {
            eprintln!("there is no python3 here");
            return;
        };
        let said = String::from_utf8_lossy(if ok { &output.stdout } else { &output.stderr }).into_owned();
        assert_eq!(output.status.success(), ok, "{name}: {said}");
        assert!(said.starts_with(if ok { "OK: " } else { "NOT PROVED: " }), "{name}: {said}");
    }
}
