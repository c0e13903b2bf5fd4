//! Gates that count calls, and that let one of them fail.

use cold_signer::disk::{Call, Gate};
use rustix::process::{Signal, getpid, kill_process};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Makes a call; but nobody waits for the disk, since the machine itself does not fail while these tests run.
pub(crate) fn perform(call: Call, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
    if call == Call::Sync { Ok(()) } else { run() }
}

/// Lets everything through.
pub(crate) struct Unharmed;

impl Gate for Unharmed {
    fn pass(&self, call: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        perform(call, run)
    }
}

/// Counts.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn calls(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Gate for Count {
    fn pass(&self, call: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        self.0.fetch_add(1, SeqCst);
        perform(call, run)
    }
}

/// What happens at the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails with EIO.
    Io,
    /// It fails with ENOSPC.
    NoSpace,
    /// It is done, but fails with EIO all the same.
    DoneButReported,
    /// It and every later one fail with EIO.
    Dead,
    /// The process is killed before it is done.
    KillBefore,
    /// The process is killed after it is done.
    KillAfter,
}

/// Lets one call fail.
pub(crate) struct FaultAt {
    calls: AtomicUsize,
    at: usize,
    fault: Fault,
}

impl FaultAt {
    pub(crate) const fn new(at: usize, fault: Fault) -> Self {
        Self { calls: AtomicUsize::new(0), at, fault }
    }
}

/// The error of a broken disk.
pub(crate) fn eio() -> io::Error {
    rustix::io::Errno::IO.into()
}

impl Gate for FaultAt {
    fn pass(&self, call: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        let number = self.calls.fetch_add(1, SeqCst);
        match self.fault {
            Fault::Dead if number >= self.at => Err(eio()),
            _ if number != self.at => perform(call, run),
            Fault::Io | Fault::Dead => Err(eio()),
            Fault::NoSpace => Err(rustix::io::Errno::NOSPC.into()),
            Fault::DoneButReported => perform(call, run).and(Err(eio())),
            Fault::KillBefore => die(),
            Fault::KillAfter => perform(call, run).and_then(|()| die()),
        }
    }
}

/// Ends this process as `kill -9` does.
fn die() -> io::Result<()> {
    kill_process(getpid(), Signal::KILL)?;
    loop {
        std::thread::park();
    }
}
