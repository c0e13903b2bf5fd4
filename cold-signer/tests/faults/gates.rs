//! Gates that count calls, and that let one of them fail.

use cold_signer::disk::{Call, Gate};
use rustix::process::{Signal, getpid, kill_process};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Counts.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn calls(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Gate for Count {
    fn pass(&self, _: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        self.0.fetch_add(1, SeqCst);
        run()
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
    fn pass(&self, _: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        let call = self.calls.fetch_add(1, SeqCst);
        match self.fault {
            Fault::Dead if call >= self.at => Err(eio()),
            _ if call != self.at => run(),
            Fault::Io | Fault::Dead => Err(eio()),
            Fault::NoSpace => Err(rustix::io::Errno::NOSPC.into()),
            Fault::DoneButReported => run().and(Err(eio())),
            Fault::KillBefore => die(),
            Fault::KillAfter => run().and_then(|()| die()),
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
