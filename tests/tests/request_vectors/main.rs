//! The request format as a suite of vectors, `tests/vectors/requests`: one file each, for this signer and for others.
//!
//! The files are what counts. They are written from the tables of [`make`], so that outputs, ids and sums are right;
//! what is expected of each is decided there by hand, by the documents.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod check;
mod coverage;
mod make;
mod raw;
mod run;
mod vector;
mod world;

use run::{Stores, each_group};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use vector::{Vector, folder, read_all};

#[test]
fn every_vector_is_answered_as_it_says_over_the_socket() {
    let (vectors, stores) = (read_all(), Stores::new());
    each_group(&vectors, |group| group.over_the_socket(&stores));
}

#[test]
fn every_vector_is_answered_as_it_says_from_a_file() {
    let (vectors, stores) = (read_all(), Stores::new());
    each_group(&vectors, |group| group.by_files(&stores));
}

#[test]
fn the_files_are_what_is_made() {
    let (made, found) = (make::all(), read_all());
    let paths = |vectors: &[Vector]| vectors.iter().map(|it| it.path.clone()).collect::<BTreeSet<_>>();
    assert_eq!(paths(&made), paths(&found), "see the README of the suite for how to write them");
    for (made, found) in made.iter().zip(&found) {
        assert!(made == found, "{}: it is not what is made", made.path);
    }
    assert_eq!(fs::read_to_string(folder().join("accounts.json")).unwrap(), make::accounts());
    let readme = fs::read_to_string(readme()).unwrap();
    assert_eq!(readme, coverage::counted(&readme, &found), "the table of counts");
}

fn readme() -> PathBuf {
    folder().join("README.md")
}

/// Writes the suite.
#[test]
#[ignore = "it writes into the source tree"]
fn write_the_suite() {
    read_all().iter().for_each(Vector::remove);
    make::all().iter().for_each(Vector::write);
    fs::write(folder().join("accounts.json"), make::accounts()).unwrap();
    let text = fs::read_to_string(readme()).unwrap();
    fs::write(readme(), coverage::counted(&text, &read_all())).unwrap();
}
