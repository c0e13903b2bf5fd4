//! What the documentation names exists.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Calls `each` with the text of every file below that ends like this.
fn files(folder: &Path, end: &str, each: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            files(&path, end, each);
        } else if path.to_string_lossy().ends_with(end) {
            each(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// Names of tests are sentences: no other name has so many words, but those of metrics.
fn is_test(name: &str) -> bool {
    let word = |letter: char| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit();
    !name.starts_with("output_explorer_") && name.matches('_').count() >= 4 && name.chars().all(word)
}

#[test]
fn every_test_that_the_documentation_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut tests = BTreeSet::new();
    for folder in ["cold-signer", "output-explorer", "common", "tests"] {
        files(&root.join(folder), ".rs", &mut |_, text| {
            let names =
                text.lines().filter_map(|line| line.trim().trim_start_matches("async ").strip_prefix("fn "));
            tests.extend(names.filter_map(|name| Some(name.split_once('(')?.0.to_owned())));
        });
    }
    let mut named = 0;
    files(&root.join("docs"), ".md", &mut |path, text| {
        for name in text.split('`').filter(|name| is_test(name)) {
            named += 1;
            assert!(tests.contains(name), "{}: there is no test {name}", path.display());
        }
    });
    assert!(named > 40, "{named} tests are named");
}
