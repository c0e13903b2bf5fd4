//! What speaks against this host: what a signer cannot mend by itself.

use rustix::fs::statfs;
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Something that speaks against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its stable name.
    pub name: &'static str,
    /// What was found, and what to do.
    pub text: String,
}

impl Finding {
    /// A finding.
    #[must_use]
    pub const fn new(name: &'static str, text: String) -> Self {
        Self { name, text }
    }
}

/// File systems that say that something is on disk when it may not be, or may lose it; by the numbers of `statfs`.
const UNTRUSTED: [(u32, &str, &str); 8] = [
    (0x794c_7630, "overlay", "it lasts as long as its container"),
    (0x0102_1994, "tmpfs", "it is memory"),
    (0x8584_58f6, "ramfs", "it is memory"),
    (0x6969, "nfs", "another host has it, and locks and syncs are that host's word"),
    (0xff53_4d42, "cifs", "another host has it, and locks and syncs are that host's word"),
    (0xfe53_4d42, "smb2", "another host has it, and locks and syncs are that host's word"),
    (0x6573_5546, "fuse", "what a sync means is for a program to say"),
    (0x9123_683e, "btrfs", "what is overwritten is kept elsewhere, and a full disk shows late"),
];

/// What is found of the host whose files are below `root`: `/` but in tests.
#[must_use]
pub fn examine(root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    match interfaces(&root.join("sys/class/net")) {
        Ok(up) if up.is_empty() => {}
        Ok(up) => {
            let text = format!("{} up: a host with the keys has no network; take it down", up.join(", "));
            findings.push(Finding::new("network", text));
        }
        Err(error) => {
            findings.push(Finding::new("network", format!("the interfaces cannot be listed: {error}")))
        }
    }
    if has_swap(&root.join("proc/swaps")) {
        let text = "swap is on: memory can get onto a disk; run swapoff -a".to_owned();
        findings.push(Finding::new("swap", text));
    }
    findings
}

/// What is found of the file system below a store, by its number.
#[must_use]
pub fn file_system(store: &Path) -> Option<Finding> {
    match statfs(store) {
        Ok(found) => untrusted(found.f_type.cast_unsigned()),
        Err(error) => {
            Some(Finding::new("file-system", format!("{} cannot be looked at: {error}", store.display())))
        }
    }
}

/// A clock that says less than the time at which the store was written is wrong.
#[must_use]
pub fn clock(written: SystemTime, now: SystemTime) -> Option<Finding> {
    let ahead = written.duration_since(now).ok().filter(|ahead| ahead.as_secs() > 60)?;
    let text = format!("it is {} seconds behind the store's own files: set it", ahead.as_secs());
    Some(Finding::new("clock", text))
}

fn untrusted(kind: u64) -> Option<Finding> {
    let (_, name, why) = UNTRUSTED.iter().find(|(number, ..)| u64::from(*number) == kind & 0xffff_ffff)?;
    Some(Finding::new("file-system", format!("the store is on {name}: {why}; move it to ext4 or xfs")))
}

/// The interfaces that are up, without loopback.
fn interfaces(folder: &Path) -> io::Result<Vec<String>> {
    const UP: u32 = 1;
    const LOOPBACK: u32 = 8;
    let mut up = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Some files here are no interfaces.
        let Ok(flags) = fs::read_to_string(entry.path().join("flags")) else { continue };
        let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).unwrap_or(UP);
        if flags & UP != 0 && flags & LOOPBACK == 0 {
            up.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    up.sort_unstable();
    Ok(up)
}

/// Whether memory can be written to disk at all.
pub(super) fn has_swap(swaps: &Path) -> bool {
    // One line says what the columns are.
    fs::read_to_string(swaps).map_or(true, |swaps| swaps.lines().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_network_and_swap_are_found() {
        let temp = tempfile::tempdir().unwrap();
        let net = temp.path().join("sys/class/net");
        let names = || examine(temp.path()).into_iter().map(|it| (it.name, it.text)).collect::<Vec<_>>();
        assert_eq!(names().len(), 2, "what cannot be looked at is a finding");
        for (name, flags) in [("lo", "0x9\n"), ("eth1", "0x1002\n"), ("eth0", "0x1003\n"), ("wg0", "0x91\n")]
        {
            fs::create_dir_all(net.join(name)).unwrap();
            fs::write(net.join(name).join("flags"), flags).unwrap();
        }
        fs::write(net.join("bonding_masters"), "").unwrap();
        fs::create_dir_all(temp.path().join("proc")).unwrap();
        let head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        fs::write(temp.path().join("proc/swaps"), head).unwrap();
        let found = names();
        assert_eq!(found.len(), 1);
        assert!(found[0].0 == "network" && found[0].1.starts_with("eth0, wg0 up"), "{found:?}");
        let swap = format!("{head}/dev/sda2 partition\t1000\t0\t-2\n");
        fs::write(temp.path().join("proc/swaps"), swap).unwrap();
        fs::remove_dir_all(net.join("eth0")).unwrap();
        fs::remove_dir_all(net.join("wg0")).unwrap();
        assert_eq!(names().iter().map(|it| it.0).collect::<Vec<_>>(), ["swap"]);
    }

    #[test]
    fn file_systems_that_promise_too_much_are_known() {
        for (number, name, _) in UNTRUSTED {
            assert!(untrusted(number.into()).unwrap().text.contains(name));
        }
        // ext4, xfs.
        assert_eq!((untrusted(0xef53), untrusted(0x5846_5342)), (None, None));
        // Some systems say it with a sign.
        assert!(untrusted(0xffff_ffff_9123_683e).is_some());
        assert!(file_system(Path::new("/nowhere/at/all")).is_some());
    }

    #[test]
    fn a_clock_that_is_behind_the_store_is_found() {
        let now = SystemTime::now();
        assert_eq!(clock(now + Duration::from_secs(60), now), None);
        let found = clock(now + Duration::from_secs(86_400), now).unwrap();
        assert!(found.text.contains("86400 seconds"), "{}", found.text);
    }
}
