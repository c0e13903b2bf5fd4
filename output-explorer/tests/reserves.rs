//! Proofs that another program made, held against this one and against the lines of Python in the documentation.
#![allow(missing_docs, clippy::unwrap_used)]

use output_explorer::reserves::Proof;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fs;
use std::process::Command;
use stegos_common::reserves::Root;

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
