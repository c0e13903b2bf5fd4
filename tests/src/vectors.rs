//! The data recorded from the deployed node, shared with the protocol library's own tests.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../common/tests/vectors")
}

/// One file, by its path below the folder of vectors and without `.json`.
#[must_use]
pub fn vectors(name: &str) -> Value {
    let path = folder().join(name).with_extension("json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all recorded exchanges, in order.
#[must_use]
pub fn traffic() -> Vec<String> {
    let entries = fs::read_dir(folder().join("traffic")).unwrap_or_else(|error| panic!("{error}"));
    let paths = entries.map_while(Result::ok).map(|entry| entry.path());
    let mut names: Vec<String> =
        paths.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort_unstable();
    names
}
