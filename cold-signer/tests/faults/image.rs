//! What a disk may hold after a power loss.
//!
//! Everything that was synced is there. Of everything else, each sector of 512 bytes may have reached the disk or not;
//! where it did not, the old content shows, or zeros. A new name, a new directory and a removal may have reached the
//! disk or not until the directory was synced. A file that took another's place is the old or the new one as a whole, and
//! a directory that was given another name has one of the two.
//!
//! The database syncs its own finished snapshots and its settings before they get their names; they count as synced.

use crate::gates::{eio, perform};
use cold_signer::disk::{Call, Gate};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Files by their paths; nothing for a directory.
type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Makes an image of what the disk may hold at one call, and lets it and all later ones fail.
pub(crate) struct PowerLoss {
    root: PathBuf,
    image: PathBuf,
    at: usize,
    state: Mutex<State>,
}

struct State {
    /// What is beside the store is not in the image.
    root: PathBuf,
    calls: usize,
    rng: ChaCha20Rng,
    /// What is certainly on the disk.
    durable: Tree,
    /// The content that each file had when it was synced, whatever its name is by now.
    synced: BTreeMap<PathBuf, Vec<u8>>,
    /// Names that another file took and that are not synced.
    replaced: BTreeSet<PathBuf>,
    /// The name that a directory had and the one that it got, where that is not synced.
    moved: Option<(PathBuf, PathBuf)>,
}

impl PowerLoss {
    /// For the store at `root`, all of which is on disk. The image is made at call number `at`, half of the time before
    /// it is done and half of the time after.
    pub(crate) fn new(root: &Path, image: &Path, at: usize, seed: u64) -> Self {
        let durable = tree(root);
        let synced =
            durable.iter().filter_map(|(path, content)| Some((path.clone(), content.clone()?))).collect();
        let rng = ChaCha20Rng::seed_from_u64(seed ^ (at as u64) << 8);
        let state = State {
            root: root.to_owned(),
            calls: 0,
            rng,
            durable,
            synced,
            replaced: BTreeSet::new(),
            moved: None,
        };
        Self { root: root.to_owned(), image: image.to_owned(), at, state: Mutex::new(state) }
    }
}

impl Gate for PowerLoss {
    fn pass(&self, call: Call, path: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        if state.calls <= self.at {
            return state.perform(call, path, run);
        }
        if state.calls == self.at + 1 {
            if state.flip() {
                state.perform(call, path, run)?;
            }
            state.write_image(&self.root, &self.image);
        }
        Err(eio())
    }
}

impl State {
    /// Makes a call and learns what it made durable.
    fn perform(
        &mut self,
        call: Call,
        path: &Path,
        run: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        let before = directories(path.parent().unwrap());
        perform(call, run)?;
        self.note(call, path);
        if call == Call::Rename && path.is_dir() {
            let gone = before.into_iter().find(|directory| !directory.exists()).unwrap();
            self.moved = Some((gone, path.to_owned()));
        }
        Ok(())
    }

    /// Learns what a call made durable.
    fn note(&mut self, call: Call, path: &Path) {
        match call {
            Call::Sync if path.is_dir() => self.note_directory(path),
            Call::Sync => {
                // A file that has no name yet gets its content with its name.
                let Ok(content) = fs::read(path) else { return };
                if !self.replaced.contains(path) {
                    if let Some(durable) = self.durable.get_mut(path) {
                        *durable = Some(content.clone());
                    }
                    self.synced.insert(path.to_owned(), content);
                }
            }
            Call::Rename => {
                // What is given a name was synced before.
                for (path, content) in tree(path) {
                    self.synced.extend(content.map(|content| (path.clone(), content)));
                    self.replaced.insert(path);
                }
            }
            _ => {}
        }
    }

    /// The entries of a directory are on disk: new ones with what was synced of them.
    fn note_directory(&mut self, directory: &Path) {
        if let Some((from, to)) = self.moved.take_if(|(_, to)| to.parent() == Some(directory)) {
            self.move_durable(&from, &to);
        }
        let entries: BTreeSet<PathBuf> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.starts_with(&self.root))
            .collect();
        let gone = |path: &PathBuf| {
            entries.iter().all(|entry| !path.starts_with(entry))
                && path.starts_with(directory)
                && path != directory
        };
        self.durable.retain(|path, _| !gone(path));
        for path in entries {
            if path.is_dir() {
                self.durable.insert(path, None);
            } else if self.replaced.remove(&path) || !self.durable.contains_key(&path) {
                let content = self.synced.get(&path).cloned().unwrap_or_default();
                self.durable.insert(path, Some(content));
            }
        }
    }

    /// A directory has another name now.
    fn move_durable(&mut self, from: &Path, to: &Path) {
        let below: Vec<PathBuf> =
            self.durable.keys().filter(|path| path.starts_with(from)).cloned().collect();
        for path in below {
            let content = self.durable.remove(&path);
            let path = to.join(path.strip_prefix(from).unwrap());
            self.replaced.remove(&path);
            self.durable.extend(content.map(|content| (path, content)));
        }
    }

    fn write_image(&mut self, root: &Path, image: &Path) {
        let mut current = tree(root);
        if let Some((from, to)) = self.moved.take() {
            if self.flip() {
                self.move_durable(&from, &to);
            } else {
                let below: Vec<PathBuf> =
                    current.keys().filter(|path| path.starts_with(&to)).cloned().collect();
                for path in below {
                    let content = current.remove(&path);
                    let path = from.join(path.strip_prefix(&to).unwrap());
                    current.extend(content.map(|content| (path, content)));
                }
            }
        }
        let paths: BTreeSet<PathBuf> = current.keys().chain(self.durable.keys()).cloned().collect();
        let mut lost: Vec<PathBuf> = Vec::new();
        for path in paths {
            if lost.iter().any(|lost| path.starts_with(lost)) {
                continue;
            }
            let target = image.join(path.strip_prefix(root).unwrap());
            let (durable, current) = (self.durable.get(&path).cloned(), current.get(&path).cloned());
            let content = match (durable, current) {
                // Created or removed; the directory was not synced.
                (None, Some(content)) => {
                    self.flip().then(|| content.map(|new| self.mixed(&path, Vec::new(), new)))
                }
                (Some(content), None) => self.flip().then_some(content),
                (Some(Some(old)), Some(Some(new))) => Some(Some(self.mixed(&path, old, new))),
                (durable, current) => current.or(durable),
            };
            match content {
                None => lost.push(path),
                Some(None) => DirBuilder::new().mode(0o700).create(target).unwrap(),
                Some(Some(content)) => fs::write(target, content).unwrap(),
            }
        }
    }

    /// What may be on disk of a file that had one content and got another.
    fn mixed(&mut self, path: &Path, old: Vec<u8>, new: Vec<u8>) -> Vec<u8> {
        let name = path.file_name().unwrap().to_str().unwrap();
        let by_the_database = name == "conf" || name.starts_with("snap.") && !name.ends_with(".generating");
        if by_the_database || old == new {
            return new;
        }
        if self.replaced.contains(path) || self.synced.get(path) == Some(&new) {
            return if self.flip() { new } else { old };
        }
        let length = if self.flip() { old.len() } else { new.len() };
        let mut mixed = vec![0; length];
        for start in (0..length).step_by(SECTOR) {
            let source = if self.flip() { &old } else { &new };
            let end = (start + SECTOR).min(length).min(source.len());
            if start < end {
                mixed[start..end].copy_from_slice(&source[start..end]);
            }
        }
        mixed
    }

    fn flip(&mut self) -> bool {
        self.rng.next_u32() & 1 == 1
    }
}

/// The directories in one.
fn directories(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

/// All that is below a path, and the path itself.
fn tree(path: &Path) -> Tree {
    let mut found = Tree::new();
    if path.is_dir() {
        found.insert(path.to_owned(), None);
        for entry in fs::read_dir(path).unwrap() {
            found.extend(tree(&entry.unwrap().path()));
        }
    } else if let Ok(content) = fs::read(path) {
        found.insert(path.to_owned(), Some(content));
    }
    found
}
