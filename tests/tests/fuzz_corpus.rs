//! The fuzzer's corpus, replayed: what it was started with, what it found to be different, and what once failed.
#![allow(missing_docs, clippy::unwrap_used)]

use custody_tests::fuzz;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The most bytes of all files together: whoever clones the product gets them.
const MOST_BYTES: usize = 400_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The paths in a folder, in order.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The names of files in a folder, without their endings.
fn stems(folder: &Path) -> BTreeSet<String> {
    paths(folder).iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let names: BTreeSet<String> = fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(stems(&folder().join("fuzz_targets")), names);
    assert_eq!(stems(&folder().join("corpus")), names);
    let manifest: toml::Table = fs::read_to_string(folder().join("Cargo.toml")).unwrap().parse().unwrap();
    let programs = manifest.get("bin").and_then(|bins| bins.as_array()).unwrap();
    for name in &names {
        let path = format!("fuzz_targets/{name}.rs");
        assert!(fs::read_to_string(folder().join(&path)).unwrap().contains(&format!("run(\"{name}\"")));
        let is_it = |bin: &&toml::Value| bin.get("path").and_then(toml::Value::as_str) == Some(&path);
        let program = programs.iter().find(is_it).and_then(|bin| bin.get("name"));
        assert_eq!(program.and_then(toml::Value::as_str), Some(&**name));
    }
    assert_eq!(programs.len(), names.len());
}

#[test]
fn nothing_in_the_corpus_fails() {
    let mut bytes = 0;
    for (name, target) in fuzz::TARGETS {
        let files = paths(&folder().join("corpus").join(name));
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in files {
            let input = fs::read(&file).unwrap();
            // Shown where the next line fails.
            println!("{}", file.display());
            target(&input);
            bytes += input.len();
        }
    }
    assert!(bytes <= MOST_BYTES, "{bytes} bytes: minimise the corpus");
}
