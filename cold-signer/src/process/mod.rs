//! What this process gives up before it has any key: whoever gets into it afterwards finds little to work with.
//!
//! All of it is asked of the kernel here, once, before the first thread is started, because some of it holds only
//! for the thread that asks and for those that it starts.

mod calls;
mod files;
mod host;
mod manager;

pub use host::{Finding, clock, examine, file_system};
pub use manager::Manager;

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::set_no_new_privs;
use std::fmt;
use std::path::{Path, PathBuf};

/// What a process still needs after it is protected.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Files and folders that it reads.
    pub read: Vec<PathBuf>,
    /// Folders in which it writes.
    pub write: Vec<PathBuf>,
    /// Whether it listens on a socket.
    pub listens: bool,
    /// Whether one of them is for TCP.
    pub tcp: bool,
}

/// Something that the kernel does for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// No memory image is written where it crashes, and no other process of the same user reads its memory.
    Dumps,
    /// Its memory is never written to disk.
    Memory,
    /// Nothing that it starts has more rights than it has.
    Privileges,
    /// It opens no file but those that it needs.
    Files,
    /// It makes no system call but those that it needs: none that starts a program, none to a network.
    Calls,
}

impl Protection {
    /// All of them, in the order in which they are asked for.
    pub const ALL: [Self; 5] = [Self::Dumps, Self::Memory, Self::Privileges, Self::Files, Self::Calls];

    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dumps => "dumps",
            Self::Memory => "memory",
            Self::Privileges => "privileges",
            Self::Files => "files",
            Self::Calls => "calls",
        }
    }

    /// What it means.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Dumps => "no memory image is written, no other process reads its memory",
            Self::Memory => "its memory is never written to disk",
            Self::Privileges => "nothing that it starts has more rights than it has",
            Self::Files => "it opens no file but its own",
            Self::Calls => "it starts no program and reaches no network",
        }
    }
}

/// A protection that does not hold here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which one.
    pub protection: Protection,
    /// Why, and what to do.
    pub reason: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.protection.name(), self.reason)
    }
}

/// Keeps other processes of the same user out, and memory images from being written: the first thing that a process does,
/// before it reads anything. Where that fails, [`protect`] says so.
pub fn hide() {
    let _ = no_dumps();
}

/// Opens no socket from now on: a server that listens needs no other.
///
/// # Errors
/// The protection that does not hold then.
pub fn close_the_door() -> Result<(), Gap> {
    calls::close_the_door().map_err(|reason| Gap { protection: Protection::Calls, reason })
}

/// Gives up everything but what is needed. It cannot be taken back, and each protection is tried whatever became of the
/// others. Answers those that do not hold.
#[must_use]
pub fn protect(needs: &Needs) -> Vec<Gap> {
    let ask = |protection| {
        let asked = match protection {
            Protection::Dumps => no_dumps(),
            Protection::Memory => lock_memory(),
            Protection::Privileges => set_no_new_privs(true).map_err(|error| error.to_string()),
            Protection::Files => files::restrict(needs),
            Protection::Calls => calls::restrict(needs),
        };
        asked.err().map(|reason| Gap { protection, reason })
    };
    Protection::ALL.into_iter().filter_map(ask).collect()
}

fn no_dumps() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    let dumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    limited.and(dumpable).map_err(|error: Errno| error.to_string())
}

/// All memory, also what is asked for later. Where that is bounded, a process that needs more would end in the middle of
/// its work: then it is not asked for.
fn lock_memory() -> Result<(), String> {
    let is_bounded = getrlimit(Resource::Memlock).current.is_some();
    let may_lift = || setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None }).is_ok();
    let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if (!is_bounded || may_lift()) && mlockall(all).is_ok() || !host::has_swap(Path::new("/proc/swaps")) {
        return Ok(());
    }
    Err("memory can be written to swap: lift the limit (LimitMEMLOCK=infinity), or have no swap".to_owned())
}
