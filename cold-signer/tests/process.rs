//! What a protected process cannot do, tried by itself: this test starts itself again, protects that process, and lets
//! it try.
#![allow(clippy::unwrap_used, clippy::panic)]

use cold_signer::process::{Gap, Needs, Protection, close_the_door, protect};
use std::env;
use std::fs::{self, File};
use std::io::ErrorKind::PermissionDenied;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

const ATTEMPT: &str = "COLD_SIGNER_TEST_ATTEMPT";
const FOLDER: &str = "COLD_SIGNER_TEST_FOLDER";

/// SIGSYS: the kernel ended it because of a system call.
const ENDED: i32 = 31;

/// Lets a protected process try something. It ends with 0 where it did what it says.
fn attempt(what: &str) -> (ExitStatus, PathBuf) {
    let temp = tempfile::tempdir().unwrap().keep();
    fs::create_dir(temp.join("inside")).unwrap();
    fs::write(temp.join("outside"), "secret").unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "inside", "--test-threads", "1"]).env(ATTEMPT, what).env(FOLDER, &temp);
    (command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap(), temp)
}

fn succeeds(what: &str) {
    let (status, temp) = attempt(what);
    assert_eq!(status.code(), Some(0), "{what}: {status}");
    fs::remove_dir_all(temp).unwrap();
}

fn is_ended(what: &str) {
    let (status, temp) = attempt(what);
    assert_eq!(status.signal(), Some(ENDED), "{what}: {status}");
    assert!(!temp.join("inside/done").exists(), "{what}");
    assert_eq!(temp.join("inside/closed").exists(), what.contains("that listens"), "{what}");
    fs::remove_dir_all(temp).unwrap();
}

/// Does nothing but in the process that another test starts.
#[test]
fn inside() {
    let Ok(what) = env::var(ATTEMPT) else { return };
    let temp = PathBuf::from(env::var(FOLDER).unwrap());
    let (inside, outside) = (temp.join("inside"), temp.join("outside"));
    let needs = Needs {
        write: vec![inside.clone()],
        listens: what != "any socket",
        tcp: what == "loopback, asked for",
        ..Needs::default()
    };
    let _listening = ["manager", "other"].map(|name| UnixDatagram::bind(temp.join(name)).unwrap());
    let manager = UnixDatagram::unbound().unwrap();
    manager.connect(temp.join("manager")).unwrap();
    let gaps = protect(&needs);
    // Memory may be out of reach for whoever runs the tests; what this is about must hold.
    assert!(gaps.iter().all(|gap| gap.protection == Protection::Memory), "{gaps:?}");
    let done = inside.join("done");
    match &*what {
        "work" => work(&inside),
        "read outside" => assert_eq!(File::open(outside).unwrap_err().kind(), PermissionDenied),
        "write outside" => {
            assert_eq!(fs::write(temp.join("new"), "").unwrap_err().kind(), PermissionDenied);
            assert_eq!(fs::write(outside, "").unwrap_err().kind(), PermissionDenied);
            assert_eq!(fs::remove_file(temp.join("outside")).unwrap_err().kind(), PermissionDenied);
            assert_eq!(fs::rename(inside, temp.join("moved")).unwrap_err().kind(), PermissionDenied);
        }
        "read the system" => {
            for path in ["/etc/passwd", "/proc/self/mem", "/proc/self/environ", "/dev/mem", "/bin/sh"] {
                assert!(!Path::new(path).exists() || File::open(path).is_err(), "{path}");
            }
        }
        "loopback, asked for" => drop(TcpListener::bind("127.0.0.1:0").unwrap()),
        "loopback" => drop(TcpListener::bind("127.0.0.1:0")),
        "udp" => drop(UdpSocket::bind("127.0.0.1:0")),
        "exec" => drop(Command::new("/bin/sh").arg("-c").arg(format!("echo > {}", done.display())).status()),
        "any socket" => drop(UnixStream::connect(inside.join("nobody"))),
        "socket of a server that listens" => {
            assert!(UnixStream::connect(inside.join("nobody")).is_err());
            close_the_door().unwrap();
            fs::write(inside.join("closed"), "").unwrap();
            drop(UnixStream::connect(inside.join("nobody")));
        }
        "news for the manager, asked for" => assert_eq!(manager.send(b"READY=1").unwrap(), 7),
        "news for somebody else" => drop(manager.send_to(b"READY=1", temp.join("other"))),
        "datagrams" => drop(UnixDatagram::pair()),
        "show itself" => {
            let shown = rustix::process::DumpableBehavior::Dumpable;
            let _ = rustix::process::set_dumpable_behavior(shown);
        }
        "fork" => drop(Command::new("/bin/true").spawn()),
        "trace" => {
            drop(rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty()))
        }
        other => panic!("{other}"),
    }
    if what != "work" && what.starts_with("read") || what.starts_with("write") || what.ends_with("asked for")
    {
        return;
    }
    if what != "work" {
        // It should not have come so far.
        fs::write(done, "").unwrap();
    }
}

/// Everything that a signer does.
fn work(folder: &Path) {
    fs::write(folder.join("a"), "a").unwrap();
    fs::rename(folder.join("a"), folder.join("b")).unwrap();
    File::open(folder.join("b")).unwrap().sync_all().unwrap();
    assert!(UnixStream::connect(folder.join("nobody")).is_err());
    std::thread::spawn(|| ()).join().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::bind(folder.join("socket")).unwrap();
        let (client, _) =
            tokio::join!(tokio::net::UnixStream::connect(folder.join("socket")), listener.accept());
        drop(client.unwrap());
    });
    fs::remove_file(folder.join("b")).unwrap();
}

#[test]
fn it_does_its_work() {
    succeeds("work");
}

#[test]
fn it_opens_nothing_but_its_own() {
    for what in ["read outside", "write outside", "read the system"] {
        succeeds(what);
    }
}

#[test]
fn it_reaches_no_network() {
    succeeds("loopback, asked for");
    is_ended("loopback");
    is_ended("udp");
}

/// Other programs of this host could do for it what it cannot do itself.
#[test]
fn it_talks_to_no_other_program() {
    for what in ["any socket", "socket of a server that listens", "datagrams", "news for somebody else"] {
        is_ended(what);
    }
    succeeds("news for the manager, asked for");
}

#[test]
fn it_starts_no_program() {
    is_ended("exec");
    is_ended("fork");
}

#[test]
fn what_is_not_needed_ends_it() {
    is_ended("trace");
    is_ended("show itself");
}

#[test]
fn a_gap_says_which_and_why() {
    let gap = Gap { protection: Protection::Files, reason: "no Landlock".to_owned() };
    assert_eq!(gap.to_string(), "files: no Landlock");
}
