//! The signer as a service: what systemd passes to it, and what it is told.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::daemon::Daemon;
use custody_tests::money::{self, key, stranger};
use custody_tests::request::{pay, signed, spend};
use custody_tests::session::Session;
use custody_tests::store::{Store, cold_signer};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use stegos_common::address::Network;
use stegos_common::socket::Endpoint;

fn store() -> Store {
    let store = Store::new(Network::Dev);
    store.import("alice", &key("alice").0);
    store
}

/// A `serve` to which standard input is passed as systemd does it: in descriptor 3, and so on.
fn activated(store: &Store, count: u32, args: &str) -> Command {
    let plain = store.command(&[]);
    let mut command = Command::new("sh");
    let program = cold_signer().display();
    command.args([
        "-c",
        &format!(
            "exec 3<&0 4<&0 </dev/null; export LISTEN_PID=${{PID-$$}} LISTEN_FDS={count}; \
             exec {program} serve {args}"
        ),
    ]);
    command.env_clear().env("PATH", "/usr/bin:/bin");
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    command
}

/// Starts it with this descriptor, and waits until it listens.
fn start(mut command: Command, passed: impl Into<OwnedFd>) -> Daemon {
    let mut daemon = Daemon::spawn_with(&mut command, passed.into().into());
    daemon.wait_for("listens on");
    daemon
}

fn token(store: &Store) -> PathBuf {
    store.dir().join("api.token")
}

/// Asks for a signature over the socket at this path, and waits for it.
fn is_answered(token: &Path, path: &Path) {
    let input = money::public(&key("alice").1, 5000);
    let request = spend([&input], &[pay(&stranger(Network::Dev), 4000)], 1000);
    signed(&request, &Session::open(&Endpoint::Unix(path.to_owned()), token).request(&request));
}

#[test]
fn it_answers_on_the_socket_that_systemd_opened() {
    let store = store();
    let path = store.path("passed.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let pass = || socket.try_clone().unwrap();
    let daemon = start(activated(&store, 1, ""), pass());
    is_answered(&token(&store), &path);
    assert!(!store.dir().join("run").exists(), "it has a socket of its own");
    let (status, log) = daemon.stop();
    assert!(status.success() && log.iter().all(|line| !line.contains("not protected, calls")), "{log:?}");
    // systemd goes on listening. Who comes now is answered by the next signer, which may name the socket, too.
    let waiting = thread::spawn({
        let (token, path) = (token(&store), path.clone());
        move || is_answered(&token, &path)
    });
    let daemon = start(activated(&store, 1, &format!("--socket {}", path.display())), pass());
    waiting.join().unwrap();
    drop(daemon);
}

#[test]
fn only_the_users_that_are_named_are_answered() {
    let store = store();
    let path = store.path("passed.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let me = rustix::process::geteuid().as_raw();
    let named = [format!("{},{me}", me + 1), (me + 1).to_string()];
    for (uids, answers) in named.iter().zip([true, false]) {
        let daemon =
            start(activated(&store, 1, &format!("--client-uids {uids}")), socket.try_clone().unwrap());
        if answers {
            is_answered(&token(&store), &path);
        } else {
            let mut said = String::new();
            let mut stream = UnixStream::connect(&path).unwrap();
            std::io::Read::read_to_string(&mut stream, &mut said).unwrap();
            assert_eq!(said, "", "a stranger is closed without a word");
        }
        assert!(daemon.stop().0.success());
    }
}

#[test]
fn what_is_passed_must_be_one_unix_socket_that_listens() {
    let store = store();
    let refused = |passed: OwnedFd, count, args: &str, says: &str| {
        let daemon = Daemon::spawn_with(&mut activated(&store, count, args), passed.into());
        let (status, log) = daemon.join();
        assert!(status.code() == Some(1) && log.iter().any(|line| line.contains(says)), "{says}: {log:?}");
    };
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    refused(tcp.into(), 1, "", &format!("the TCP socket {address}"));
    refused(UnixDatagram::unbound().unwrap().into(), 1, "", "a Unix datagram socket");
    refused(std::net::UdpSocket::bind("127.0.0.1:0").unwrap().into(), 1, "", "a UDP socket");
    refused(UnixStream::pair().unwrap().0.into(), 1, "", "does not listen");
    refused(File::open("/dev/null").unwrap().into(), 1, "", "/dev/null");
    let unix = UnixListener::bind(store.path("passed.sock")).unwrap();
    let again = unix.try_clone().unwrap();
    refused(unix.into(), 2, "", "2 sockets were passed");
    let other = store.dir().join("other.sock");
    refused(again.into(), 1, &format!("--socket {}", other.display()), "but the settings say");
    assert!(!store.dir().join("run").exists() && !other.exists());
}

/// Its parent was activated, and did not take that away from what it starts; or nobody says to whom it was passed.
#[test]
fn what_was_passed_to_another_process_is_left_alone() {
    let store = store();
    let socket = UnixListener::bind(store.path("passed.sock")).unwrap();
    for pid in ["1", ""] {
        let mut command = activated(&store, 1, "");
        command.env("PID", pid);
        let daemon = start(command, socket.try_clone().unwrap());
        is_answered(&token(&store), &store.dir().join("run/signer.sock"));
        drop(daemon);
    }
}

/// What is sent to the socket of a service manager, for as long as somebody wants to know.
fn news(socket: UnixDatagram) -> Receiver<String> {
    let (sender, news) = channel();
    thread::spawn(move || {
        let mut message = [0; 4096];
        while let Ok(length) = socket.recv(&mut message) {
            let text = String::from_utf8(message[..length].to_vec()).unwrap();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    news
}

/// The next that has this in it, and those before it.
fn until(news: &Receiver<String>, text: &str) -> (Vec<String>, String) {
    let (mut before, begin) = (Vec::new(), Instant::now());
    loop {
        match news.recv_timeout(Duration::from_secs(120).saturating_sub(begin.elapsed())) {
            Ok(message) if message.contains(text) => return (before, message),
            Ok(message) => before.push(message),
            Err(error) => panic!("nothing says {text:?} ({error}): {before:?}"),
        }
    }
}

const WATCHDOG: &str = "WATCHDOG=1\n";

/// A signer that is to tell a manager at this address that it works, fifty times a second.
fn watched(store: &Store, address: &str) -> Daemon {
    let mut command = Command::new("sh");
    // A file that may not grow is an error then, as on a full disk.
    command.args(["-c", &format!("trap '' XFSZ; exec {} serve", cold_signer().display())]).env_clear();
    for (name, value) in store.command(&[]).get_envs() {
        command.env(name, value.unwrap());
    }
    let mut daemon = Daemon::spawn(command.env("NOTIFY_SOCKET", address).env("WATCHDOG_USEC", "40000"));
    daemon.wait_for("listens on");
    daemon
}

#[test]
fn systemd_is_told_when_it_is_ready_and_works_and_stops() {
    let store = store();
    let path = store.path("notify");
    let name = store.path("abstract").display().to_string();
    let hidden = SocketAddr::from_abstract_name(&name).unwrap();
    for (socket, address) in [
        (UnixDatagram::bind(&path).unwrap(), path.display().to_string()),
        (UnixDatagram::bind_addr(&hidden).unwrap(), format!("@{name}")),
    ] {
        let news = news(socket);
        let daemon = watched(&store, &address);
        let own = store.dir().join("run/signer.sock");
        let (before, ready) = until(&news, "READY=1\n");
        assert!(
            before.is_empty()
                && ready.contains(&format!("STATUS=cold-signer for dev listens on {}\n", own.display()))
        );
        assert_eq!(until(&news, WATCHDOG).0, [""; 0]);
        is_answered(&token(&store), &own);
        assert_eq!(until(&news, WATCHDOG).1, WATCHDOG);
        assert!(daemon.stop().0.success());
        let (before, last) = until(&news, "STOPPING");
        assert!(before.iter().all(|message| message == WATCHDOG) && last == "STOPPING=1\n");
        assert!(news.try_recv().is_err(), "it stopped, and says something else");
    }
}

#[test]
fn a_signer_that_cannot_remember_lets_the_watchdog_end_it() {
    let store = store();
    let path = store.path("notify");
    let news = news(UnixDatagram::bind(&path).unwrap());
    let daemon = watched(&store, &path.to_string_lossy());
    until(&news, WATCHDOG);
    let full = fs::metadata(store.dir().join("journal")).unwrap().len();
    let none = Rlimit { current: Some(full), maximum: Some(full) };
    prlimit(Pid::from_raw(daemon.id().cast_signed()), Resource::Fsize, none).unwrap();
    let mut session = Session::open(&Endpoint::Unix(store.dir().join("run/signer.sock")), &token(&store));
    let input = money::public(&key("alice").1, 5000);
    let request = spend([&input], &[pay(&stranger(Network::Dev), 4000)], 1000);
    assert_eq!(session.request(&request)["code"], "journal_failed");
    let (_, status) = until(&news, "STATUS=");
    assert!(status.contains("journal"), "{status}");
    // It goes on answering that it cannot, and is ended all the same.
    for _ in 0..100 {
        assert_eq!(session.request(&request)["code"], "journal_failed");
    }
    let (_, log) = daemon.stop();
    assert!(log.iter().any(|line| line.contains("watchdog")), "{log:?}");
    assert_eq!(until(&news, "STOPPING").0, [""; 0]);
}
