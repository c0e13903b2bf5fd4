//! How much memory a process has at most, as Linux counts it.

use std::fs;
use std::process::{Command, ExitStatus};
use std::thread::sleep;
use std::time::Duration;

/// The most memory that a process, by its id or `self`, had since [`forget_peak`], in MiB.
pub(crate) fn peak(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or_default() >> 10
}

/// Lets the peak begin with what the process has now.
pub(crate) fn forget_peak(process: &str) {
    fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
}

/// Runs a program to its end, and says how much memory it had at most, in MiB.
pub(crate) fn run(program: &mut Command) -> (ExitStatus, u64) {
    let mut child = program.spawn().unwrap();
    let mut peak = 0;
    loop {
        peak = peak.max(self::peak(&child.id().to_string()));
        if let Some(status) = child.try_wait().unwrap() {
            return (status, peak);
        }
        sleep(Duration::from_millis(20));
    }
}
