//! `sign --spool`: requests come in a folder, and their answers go there.

use super::approve::tell_details;
use super::file::read_regular;
use super::policy::reload;
use super::say;
use crate::disk::Disk;
use crate::error::Error;
use crate::signer::{Refusal, Signer};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};
use stegos_common::spool::{MAX_FILES, PACE, PENDING, REFUSED, REQUEST, RESPONSE, Spool, Version, sibling};
use stegos_common::text::excerpt;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// How often requests that wait for approval are tried though nobody handed anything in.
const AGAIN: Duration = Duration::from_secs(60);

/// A folder of requests, and the signer that answers them.
pub(super) struct Folder<'a> {
    path: &'a Path,
    signer: &'a Signer,
    /// The most a request may have, in bytes.
    limit: usize,
    spool: Spool,
    /// The requests that wait for approval.
    waiting: BTreeSet<String>,
    /// When somebody handed in an approval or rejection last, as far as was seen.
    handed_in: Option<SystemTime>,
    /// When those that wait were tried last.
    tried: Instant,
    /// What was said last about a file, or about the folder, so that it is said once.
    said: BTreeMap<String, String>,
    /// The first thing that was not signed.
    failure: Option<Error>,
}

/// Whether somebody wants this to end. It is asked between two requests: whatever is begun is finished.
pub(super) struct Stop {
    wanted: Arc<AtomicBool>,
    /// Whether somebody wants the policy to be read again.
    reload: Arc<AtomicBool>,
    _runtime: Runtime,
}

impl Stop {
    /// From here on no signal ends this process at once.
    pub(super) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (wanted, reload) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for (kind, flag) in [
            (SignalKind::interrupt(), &wanted),
            (SignalKind::terminate(), &wanted),
            (SignalKind::hangup(), &reload),
        ] {
            let (mut signal, flag) = (runtime.block_on(async { signal(kind) })?, flag.clone());
            runtime.spawn(async move {
                while signal.recv().await.is_some() {
                    flag.store(true, Relaxed);
                }
            });
        }
        Ok(Self { wanted, reload, _runtime: runtime })
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Relaxed)
    }
}

impl<'a> Folder<'a> {
    pub(super) fn new(path: &'a Path, signer: &'a Signer, limit: usize) -> Self {
        Self {
            path,
            signer,
            limit,
            spool: Spool::default(),
            waiting: BTreeSet::new(),
            handed_in: None,
            tried: Instant::now(),
            said: BTreeMap::new(),
            failure: None,
        }
    }

    /// Answers what is there. What is not signed is an error, once all are answered.
    pub(super) fn once(mut self, stop: &Stop) -> Result<(), Error> {
        self.look(true, || stop.is_wanted())?;
        self.failure.map_or(Ok(()), Err)
    }

    /// Answers what is there and what comes, until SIGINT or SIGTERM. At SIGHUP it reads the policy file again.
    pub(super) fn watch(mut self, stop: &Stop, policy: Option<&Path>) -> Result<(), Error> {
        say(&format!("cold-signer signs what comes into {}", self.path.display()));
        while !stop.is_wanted() {
            if stop.reload.swap(false, Relaxed) {
                reload(self.signer, policy);
                self.handed_in = None;
            }
            // A new policy is for what is here already, too.
            match self.look(false, || stop.is_wanted() || stop.reload.load(Relaxed)) {
                Ok(()) => drop(self.said.remove("")),
                // Without its journal it would refuse everything.
                Err(error @ Error::Refused(_)) => return Err(error),
                // The folder may be a stick that is away.
                Err(error) => self.fail("", error),
            }
            sleep(Duration::from_millis(PACE));
        }
        say("cold-signer stopped");
        Ok(())
    }

    /// Answers the requests that are due. One that is bad is no reason to leave the others.
    fn look(&mut self, at_once: bool, stop: impl Fn() -> bool) -> Result<(), Error> {
        let requests = self.requests()?;
        self.waiting.retain(|name| requests.contains_key(name));
        self.said.retain(|name, _| name.is_empty() || requests.contains_key(name));
        // A file may become whole without that, and a request may expire.
        let handed_in = self.signer.approvals().changed();
        if handed_in != self.handed_in || self.tried.elapsed() >= AGAIN {
            self.handed_in = handed_in;
            self.tried = Instant::now();
            self.waiting.iter().for_each(|name| self.spool.again(name));
        }
        for name in self.spool.due(requests, at_once) {
            if stop() {
                break;
            }
            self.answer(&name)?;
        }
        Ok(())
    }

    fn answer(&mut self, name: &str) -> Result<(), Error> {
        let (request, written) = match read_regular(&self.path.join(name), self.limit) {
            Ok(read) => read,
            Err(error) => {
                // A file that cannot be read may be readable a moment later; one that is too long is not.
                if matches!(error, Error::TooLarge { .. }) {
                    self.spool.done(name);
                }
                self.fail(name, error);
                return Ok(());
            }
        };
        let answer = self.signer.answer(&request);
        let file = |end| self.path.join(sibling(name, REQUEST, end).unwrap_or_default());
        match answer.refusal {
            None => match write(&file(RESPONSE), &answer.text, written) {
                Ok(()) => {
                    self.spool.done(name);
                    self.clear(name, &[file(REFUSED), file(PENDING)]);
                    say(&format!("{}: signed", excerpt(name)));
                }
                // It is due again, and gets the same answer.
                Err(error) => self.fail(name, error),
            },
            // Nothing of what is here can be signed, and no request is to be blamed for that.
            Some(refusal @ (Refusal::JournalFailed(_) | Refusal::JournalBehind(_))) => {
                return Err(Error::Refused(refusal));
            }
            Some(refusal @ (Refusal::PendingApproval { .. } | Refusal::ApprovalsFailed(_))) => {
                self.spool.done(name);
                self.waiting.insert(name.to_owned());
                let written = write(&file(PENDING), &answer.text, written);
                // Whenever somebody hands something in, all that wait are tried: what is no news is not said again.
                let text = format!("{refusal:?}");
                if self.said.insert(name.to_owned(), text.clone()) != Some(text) {
                    let id = refusal.approval().map_or_else(String::new, |id| format!(" as {id}"));
                    say(&format!("{}: waits for approval{id}", excerpt(name)));
                    tell_details(&refusal);
                }
                self.failure.get_or_insert(Error::Refused(refusal));
                if let Err(error) = written {
                    self.fail(name, error);
                }
            }
            Some(refusal) => {
                // It is not judged again as it is: each refusal is a record of the journal.
                self.spool.done(name);
                let written = write(&file(REFUSED), &answer.text, written);
                self.clear(name, &[file(PENDING)]);
                // Nothing of a request is for a log.
                say(&format!("{}: refused ({})", excerpt(name), refusal.code()));
                self.failure.get_or_insert(Error::Refused(refusal));
                if let Err(error) = written {
                    self.fail(name, error);
                }
            }
        }
        Ok(())
    }

    /// Removes what was said of a request before.
    fn clear(&mut self, name: &str, files: &[PathBuf]) {
        self.waiting.remove(name);
        for path in files {
            if let Err(source) = fs::remove_file(path).or_else(not_there) {
                self.fail(name, Error::File { path: path.clone(), source });
            }
        }
    }

    /// The requests without an answer. An answer has the time of its request, whatever the clocks of both hosts say: it
    /// belongs to the request as it is.
    fn requests(&self) -> Result<BTreeMap<String, Version>, Error> {
        let failed = |source| Error::File { path: self.path.to_owned(), source };
        let (mut requests, mut answers) = (BTreeMap::new(), BTreeMap::new());
        for entry in fs::read_dir(self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Some(found) = entry.metadata().ok().filter(fs::Metadata::is_file) else { continue };
            let version = Version { length: found.len(), written: found.modified().ok() };
            if name.ends_with(REQUEST) {
                requests.insert(name, version);
            } else if name.ends_with(RESPONSE) || name.ends_with(REFUSED) {
                answers.insert(name, version);
            }
            if requests.len() > MAX_FILES {
                return Err(Error::TooManyFiles { path: self.path.to_owned(), most: MAX_FILES });
            }
        }
        let is_answered = |name: &str, version: &Version| {
            let answer = |end| sibling(name, REQUEST, end).and_then(|name| answers.get(&name));
            [RESPONSE, REFUSED].into_iter().filter_map(answer).any(|answer| answer.written == version.written)
        };
        requests.retain(|name, version| !is_answered(name, version));
        Ok(requests)
    }

    /// Says what is wrong with a file, or with the folder, once.
    fn fail(&mut self, name: &str, error: Error) {
        let text = error.to_string();
        if self.said.get(name) != Some(&text) {
            let name = if name.is_empty() { String::new() } else { format!("{}: ", excerpt(name)) };
            say(&format!("{name}{text}"));
        }
        self.said.insert(name.to_owned(), text);
        self.failure.get_or_insert(error);
    }
}

fn not_there(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// The old file or the new one, never half of it: the other side may be reading.
fn write(path: &Path, text: &str, time: Option<SystemTime>) -> Result<(), Error> {
    let replaced = Disk::default().replace(path, |file| {
        writeln!(file, "{text}")?;
        time.map_or(Ok(()), |time| file.as_file().set_modified(time))
    });
    // The text of other errors names a temporary file, which is another one each time.
    let failed = |error: io::Error| Error::File { path: path.to_owned(), source: error.kind().into() };
    replaced.map_err(failed)
}
