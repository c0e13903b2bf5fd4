//! The folder in which files cross the gap: a stick, or a share that both hosts mount. What its files are called, and
//! when one may be read. Reading and writing them is for the programs.
//!
//! A file that is being copied into it is there before it is whole. So a file is due only once it looks the same twice.

use std::collections::BTreeMap;
use std::time::SystemTime;

/// How the name of a request to the signer ends.
pub const REQUEST: &str = ".request.json";

/// How the name of a signed answer ends.
pub const RESPONSE: &str = ".response.json";

/// How the name of a refusal ends.
pub const REFUSED: &str = ".refused.json";

/// How the name of a file ends that says that a request waits for approval.
pub const PENDING: &str = ".pending.json";

/// How the name of a file ends that says what became of an answer.
pub const STATE: &str = ".state.json";

/// No more files of a folder are looked at.
pub const MAX_FILES: usize = 10_000;

/// How often a folder is looked at, in milliseconds: no kind of folder tells by itself on every system.
pub const PACE: u64 = 1000;

/// The name of the file that belongs to another one; `None` where the name ends otherwise.
#[must_use]
pub fn sibling(name: &str, end: &str, other: &str) -> Option<String> {
    name.strip_suffix(end).filter(|stem| !stem.is_empty()).map(|stem| format!("{stem}{other}"))
}

/// What tells that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Its length in bytes.
    pub length: u64,
    /// When it was written last, where the system knows.
    pub written: Option<SystemTime>,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It was seen once.
    New,
    /// Something was done about it.
    Done,
}

/// Which files of a folder are due.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spool(BTreeMap<String, (Version, Progress)>);

impl Spool {
    /// Takes what is in the folder, and answers the files about which nothing was done as they are: with `at_once` all
    /// of them, otherwise those that are as they were the last time.
    pub fn due(&mut self, files: BTreeMap<String, Version>, at_once: bool) -> Vec<String> {
        let mut due = Vec::new();
        let before = std::mem::take(&mut self.0);
        for (name, version) in files {
            let known = before.get(&name).filter(|(then, _)| *then == version).map(|(_, progress)| *progress);
            if known == Some(Progress::New) || (known.is_none() && at_once) {
                due.push(name.clone());
            }
            self.0.insert(name, (version, known.unwrap_or(Progress::New)));
        }
        due
    }

    /// Notes that something is to be done again about a file, though it has not changed.
    pub fn again(&mut self, name: &str) {
        if let Some((_, progress)) = self.0.get_mut(name) {
            *progress = Progress::New;
        }
    }

    /// Notes that something was done about a file: it is due again when it has changed.
    pub fn done(&mut self, name: &str) {
        if let Some((_, progress)) = self.0.get_mut(name) {
            *progress = Progress::Done;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, u64)]) -> BTreeMap<String, Version> {
        files
            .iter()
            .map(|(name, length)| ((*name).to_owned(), Version { length: *length, written: None }))
            .collect()
    }

    #[test]
    fn a_file_is_due_once_it_does_not_grow_any_more() {
        let mut spool = Spool::default();
        assert_eq!(spool.due(folder(&[("a", 1)]), false), [""; 0]);
        assert_eq!(spool.due(folder(&[("a", 2)]), false), [""; 0]);
        assert_eq!(spool.due(folder(&[("a", 2), ("b", 1)]), false), ["a"]);
        // Nothing was done about it yet.
        assert_eq!(spool.due(folder(&[("a", 2), ("b", 1)]), false), ["a", "b"]);
        spool.done("a");
        assert_eq!(spool.due(folder(&[("a", 2), ("b", 1)]), false), ["b"]);
        spool.done("b");
        spool.again("b");
        assert_eq!(spool.due(folder(&[("a", 2), ("b", 1)]), false), ["b"]);
        spool.done("b");
        assert_eq!(spool.due(folder(&[("a", 3), ("b", 1)]), false), [""; 0]);
        assert_eq!(spool.due(folder(&[("a", 3), ("b", 1)]), false), ["a"]);
        // Another stick, and the first one again.
        assert_eq!(spool.due(folder(&[]), false), [""; 0]);
        assert_eq!(spool.due(folder(&[("b", 1)]), false), [""; 0]);
        assert_eq!(spool.due(folder(&[("b", 1)]), false), ["b"]);
    }

    #[test]
    fn whoever_does_not_wait_gets_everything() {
        assert_eq!(Spool::default().due(folder(&[("a", 1), ("b", 1)]), true), ["a", "b"]);
    }

    #[test]
    fn names_belong_together() {
        assert_eq!(
            sibling("handoff-1.request.json", REQUEST, RESPONSE).as_deref(),
            Some("handoff-1.response.json")
        );
        assert_eq!(sibling(".request.json", REQUEST, RESPONSE), None);
        assert_eq!(sibling("handoff-1.json", REQUEST, RESPONSE), None);
    }
}
