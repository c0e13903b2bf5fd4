//! The daemon's door over real sockets, with a handler that holds no keys: every rule and every limit.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use cold_signer::server::{Answer, Config, Limits, Server, ServerError, Workers};
use futures_util::{SinkExt, StreamExt};
use rand_core::OsRng;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use stegos_common::frame::{ApiToken, frame_length, open, seal};
use stegos_common::socket::{Client, Endpoint, SocketError};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::{WebSocketStream, client_async};
use zeroize::Zeroizing;

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(50);
/// Nothing expires, so that a test sees only the limit that it sets.
const PATIENT: Limits = Limits { json: 1 << 20, idle: HOUR, message: HOUR, write: HOUR };

fn token() -> ApiToken {
    ApiToken::load("WlpaWlpaWlpaWlpaWlpaWg==").unwrap()
}

/// Answers with the request itself, and closes where it is no JSON or its id no unsigned integer.
fn echo(request: Zeroizing<String>) -> Answer {
    match serde_json::from_str::<Value>(&request) {
        Ok(json) if json.get("id").is_none_or(Value::is_u64) => Answer::Reply(request.to_string()),
        _ => Answer::Close,
    }
}

/// A running server in a directory of its own.
struct Daemon {
    _directory: TempDir,
    socket: PathBuf,
    tcp: Option<SocketAddr>,
    workers: Arc<Workers>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Daemon {
    async fn start(limits: Limits) -> Self {
        Self::with(|config| config.limits = limits, echo).await
    }

    async fn with(
        adjust: impl FnOnce(&mut Config),
        handler: impl Fn(Zeroizing<String>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("private/signer.sock");
        let mut config = Config::new(socket.clone());
        config.limits = PATIENT;
        adjust(&mut config);
        let server = Server::bind(config, token(), handler).await.unwrap();
        let (tcp, workers) = (server.tcp_address(), server.workers());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async { stopped.await.unwrap_or_default() }));
        Self { _directory: directory, socket, tcp, workers, stop, running }
    }

    async fn connect(&self) -> Result<Client, SocketError> {
        Client::connect(&Endpoint::Unix(self.socket.clone()), token(), PATIENT).await
    }

    async fn client(&self) -> Client {
        self.connect().await.unwrap()
    }

    async fn raw(&self) -> UnixStream {
        UnixStream::connect(&self.socket).await.unwrap()
    }

    async fn websocket(&self) -> WebSocketStream<UnixStream> {
        client_async("ws://localhost/any/path", self.raw().await).await.unwrap().0
    }

    /// Waits until somebody is served, by asking again and again.
    async fn serves(&self) {
        let served = async {
            while self.ask().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        soon(served).await;
    }

    async fn ask(&self) -> Result<Zeroizing<String>, SocketError> {
        self.connect().await?.request("{\"id\":1}", &mut OsRng).await
    }
}

/// A limit that is not enforced fails its test instead of stopping it for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("the server did nothing for 20 s")
}

/// Waits until the server has closed the connection, and shows that it said nothing before.
async fn closes(stream: &mut UnixStream) {
    let mut said = Vec::new();
    soon(stream.read_to_end(&mut said)).await.unwrap();
    assert!(said.is_empty(), "{said:?}");
}

fn sealed(json: &str) -> Message {
    Message::text(seal(&token(), json, &mut OsRng))
}

fn opened(message: &Message) -> String {
    open(&token(), message.to_text().unwrap()).unwrap().to_string()
}

/// Sends a message and reads what comes back; `None` where the server closed without a word.
async fn answer(daemon: &Daemon, message: Message) -> Option<Message> {
    let mut websocket = daemon.websocket().await;
    websocket.send(message).await.unwrap();
    soon(websocket.next()).await.and_then(Result::ok)
}

fn traffic(name: &str) -> Value {
    let path = format!("{}/../common/tests/vectors/traffic/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_socket_is_private_and_goes_with_the_server() {
    let daemon = Daemon::start(PATIENT).await;
    assert_eq!((mode(daemon.socket.parent().unwrap()), mode(&daemon.socket)), (0o700, 0o600));
    assert_eq!(*daemon.client().await.request("{\"id\":1}", &mut OsRng).await.unwrap(), "{\"id\":1}");
    daemon.stop.send(()).unwrap();
    daemon.running.await.unwrap();
    assert!(!daemon.socket.exists());
}

#[tokio::test]
async fn a_directory_that_others_can_enter_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for open_to in [0o750, 0o701, 0o720, 0o777] {
        fs::set_permissions(directory.path(), Permissions::from_mode(open_to)).unwrap();
        let config = Config::new(directory.path().join("signer.sock"));
        let refused = Server::bind(config, token(), echo).await.err().unwrap();
        assert!(matches!(refused, ServerError::NotPrivate { mode, .. } if mode == open_to));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn the_socket_of_a_killed_server_is_replaced_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
    let path = directory.path().join("signer.sock");
    let bind = || Server::bind(Config::new(path.clone()), token(), echo);

    // Closing a listener leaves its file, as a kill does.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let living = bind().await.unwrap();
    assert!(matches!(bind().await.err(), Some(ServerError::AlreadyRunning(said)) if said == path));
    assert!(UnixStream::connect(&path).await.is_ok(), "the living server's socket was taken away");
    drop(living);

    fs::write(&path, "precious").unwrap();
    assert!(matches!(bind().await.err(), Some(ServerError::NotASocket(said)) if said == path));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn another_user_is_closed_at_once() {
    let daemon =
        Daemon::with(|config| config.clients = vec![rustix::process::geteuid().as_raw() + 1], echo).await;
    closes(&mut daemon.raw().await).await;
}

#[tokio::test]
async fn tcp_serves_this_host_only() {
    for loopback in ["127.0.0.1:0", "127.9.8.7:0"] {
        let daemon = Daemon::with(|config| config.tcp = Some(loopback.parse().unwrap()), echo).await;
        let endpoint = Endpoint::Tcp(daemon.tcp.unwrap());
        let mut client = Client::connect(&endpoint, token(), PATIENT).await.unwrap();
        assert_eq!(*client.request("{\"id\":1}", &mut OsRng).await.unwrap(), "{\"id\":1}");
    }
    for (address, refused) in [
        ("[::1]:0", false),
        ("0.0.0.0:0", true),
        ("192.0.2.1:0", true),
        ("128.0.0.1:0", true),
        ("[::]:0", true),
        ("[::ffff:127.0.0.1]:0", true),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::new(directory.path().join("private/signer.sock"));
        config.tcp = Some(address.parse().unwrap());
        // Not every host has ::1: there, the system refuses it.
        let error = Server::bind(config, token(), echo).await.err();
        let said = matches!(&error, Some(ServerError::NotLoopback(said)) if said.to_string() == address);
        assert_eq!(said, refused, "{address}: {error:?}");
        assert!(!directory.path().join("private").join("signer.sock").exists());
    }
    assert_eq!(Daemon::start(PATIENT).await.tcp, None);
}

/// A daemon that also listens on TCP, and tolerates so many bad frames there.
async fn over_tcp(bad_frames: usize) -> (Daemon, Endpoint) {
    let adjust = |config: &mut Config| {
        config.tcp = Some("127.0.0.1:0".parse().unwrap());
        config.bad_frames = bad_frames;
    };
    let daemon = Daemon::with(adjust, echo).await;
    let tcp = Endpoint::Tcp(daemon.tcp.unwrap());
    (daemon, tcp)
}

/// Sends a frame that does not open, over a connection of its own.
async fn guess(endpoint: &Endpoint) {
    let foreign = ApiToken::random(&mut OsRng);
    let mut client = Client::connect(endpoint, foreign, PATIENT).await.unwrap();
    assert!(matches!(soon(client.request("{\"id\":1}", &mut OsRng)).await, Err(SocketError::Closed)));
}

#[tokio::test]
async fn tcp_is_closed_for_good_after_frames_that_do_not_open() {
    assert_eq!(Config::new("signer.sock".into()).bad_frames, 32);
    let (daemon, tcp) = over_tcp(3).await;
    let connect = async || soon(Client::connect(&tcp, token(), PATIENT)).await;
    let mut good = connect().await.unwrap();
    let mut unix = daemon.client().await;
    for _ in 0..2 {
        guess(&tcp).await;
        assert_eq!(*good.request("{\"id\":1}", &mut OsRng).await.unwrap(), "{\"id\":1}");
    }
    guess(&tcp).await;
    // All of TCP: what is open, what is new, and the port itself, which is free again.
    assert!(matches!(soon(good.receive()).await, Err(SocketError::Closed)));
    soon(async { while TcpStream::connect(daemon.tcp.unwrap()).await.is_ok() {} }).await;
    assert!(matches!(connect().await.err(), Some(SocketError::Connect(..))));
    // The Unix socket goes on, with open connections and new ones.
    assert_eq!(*unix.request("{\"id\":1}", &mut OsRng).await.unwrap(), "{\"id\":1}");
    daemon.serves().await;
    daemon.stop.send(()).unwrap();
    soon(daemon.running).await.unwrap();
}

#[tokio::test]
async fn neither_good_frames_nor_those_of_the_unix_socket_close_tcp() {
    let (daemon, tcp) = over_tcp(1).await;
    let mut client = Client::connect(&tcp, token(), PATIENT).await.unwrap();
    for _ in 0..10 {
        guess(&Endpoint::Unix(daemon.socket.clone())).await;
        // It opens, but what it asks for is closed on.
        let mut mistaken = Client::connect(&tcp, token(), PATIENT).await.unwrap();
        assert!(mistaken.request("{\"id\":-1}", &mut OsRng).await.is_err());
        assert_eq!(*client.request("{\"id\":1}", &mut OsRng).await.unwrap(), "{\"id\":1}");
    }
}

#[tokio::test]
async fn what_the_node_closes_on_we_close_on() {
    let daemon = Daemon::start(PATIENT).await;
    for name in [
        "raw_empty_plaintext",
        "raw_id_negative",
        "raw_id_string",
        "raw_json_array",
        "raw_json_trailing_space",
        "raw_malformed_json",
        "raw_malformed_json_with_brackets",
    ] {
        let vector = traffic(name);
        assert!(vector["result"].as_str().unwrap().starts_with("connection closed"), "{name}");
        let message = sealed(vector["sent_plaintext"].as_str().unwrap());
        assert_eq!(answer(&daemon, message).await, None, "{name}");
    }
    for name in ["raw_empty_frame", "raw_not_base64", "raw_plain_json_unencrypted", "raw_short_frame"] {
        let vector = traffic(name);
        let message = Message::text(vector["sent_frame"].as_str().unwrap());
        assert_eq!(answer(&daemon, message).await, None, "{name}");
    }
    let request = traffic("raw_wrong_token")["sent_plaintext"].as_str().unwrap().to_owned();
    let foreign = seal(&ApiToken::random(&mut OsRng), &request, &mut OsRng);
    assert_eq!(answer(&daemon, Message::text(foreign)).await, None);
    // A good frame, but sent as binary.
    let binary = sealed(&request).into_data();
    assert_eq!(answer(&daemon, Message::Binary(binary)).await, None);
    daemon.serves().await;
}

#[tokio::test]
async fn what_the_node_answers_we_answer_and_go_on() {
    let daemon = Daemon::start(PATIENT).await;
    for name in [
        "raw_id_echo",
        "raw_id_u64_max",
        "raw_id_zero",
        "raw_json_empty_object",
        "raw_no_id",
        "raw_type_not_string",
    ] {
        let request = traffic(name)["sent_plaintext"].as_str().unwrap().to_owned();
        let mut client = daemon.client().await;
        for request in [request.as_str(), "{\"id\":99}"] {
            assert_eq!(*client.request(request, &mut OsRng).await.unwrap(), request, "{name}");
        }
    }
}

#[tokio::test]
async fn a_ping_is_answered_with_its_own_content() {
    let daemon = Daemon::start(PATIENT).await;
    let pong = answer(&daemon, Message::Ping("hello".into())).await;
    assert_eq!(pong, Some(Message::Pong("hello".into())));
}

/// A handler that counts how many of it run at once, and where it notes the most.
fn counting() -> (impl Fn(Zeroizing<String>) -> Answer + Send + Sync + 'static, Arc<AtomicUsize>) {
    let (inside, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let handler = move |request| {
        most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
        // Gives others the time to come in, if they may.
        (0..100).for_each(|_| std::thread::yield_now());
        inside.fetch_sub(1, SeqCst);
        echo(request)
    };
    (handler, seen)
}

#[tokio::test]
async fn requests_of_a_connection_are_answered_in_order_one_at_a_time() {
    let (handler, most) = counting();
    let daemon = Daemon::with(|_| {}, handler).await;
    let mut websocket = daemon.websocket().await;
    let requests: Vec<_> = (0..50).map(|id| format!("{{\"id\":{id}}}")).collect();
    for request in &requests {
        websocket.feed(sealed(request)).await.unwrap();
    }
    websocket.flush().await.unwrap();
    for request in requests {
        assert_eq!(opened(&websocket.next().await.unwrap().unwrap()), request);
    }
    assert_eq!(most.load(SeqCst), 1);
}

#[tokio::test]
async fn a_flood_of_requests_is_worked_on_a_few_at_a_time() {
    let workers = std::thread::available_parallelism().unwrap().get().max(16);
    let (handler, most) = counting();
    let daemon = Daemon::with(|config| config.connections = 4 * workers, handler).await;
    let mut clients = Vec::new();
    for _ in 0..4 * workers {
        clients.push(daemon.client().await);
    }
    for client in &mut clients {
        client.send("{\"id\":1}", &mut OsRng).await.unwrap();
    }
    for client in &mut clients {
        client.receive().await.unwrap();
    }
    let most = most.load(SeqCst);
    assert!((1..=workers).contains(&most), "{most} at once");
}

#[tokio::test]
async fn a_request_may_be_as_long_as_the_limit_and_no_longer() {
    assert_eq!(Limits::default().json, 1 << 20);
    let daemon = Daemon::start(Limits { json: 3002, ..PATIENT }).await;
    let request = |length: usize| format!("{{\"x\":\"{}\"}}", "y".repeat(length - 8));
    let longest = answer(&daemon, sealed(&request(3002))).await.unwrap();
    assert_eq!(opened(&longest), request(3002));
    // 3002 + 16 bytes fill their base64: one byte more makes it longer.
    assert!(frame_length(3003) > frame_length(3002));
    assert_eq!(answer(&daemon, sealed(&request(3003))).await, None);
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_the_content_comes() {
    let daemon = Daemon::start(PATIENT).await;
    let mut stream = daemon.websocket().await.into_inner();
    // The header of a masked text of 2^62 bytes, and nothing of the text.
    stream.write_all(&[0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]).await.unwrap();
    closes(&mut stream).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    assert_eq!(Limits::default().idle, Duration::from_secs(60));
    let daemon = Daemon::start(Limits { idle: SHORT, ..PATIENT }).await;
    let mut client = daemon.client().await;
    client.request("{\"id\":1}", &mut OsRng).await.unwrap();
    assert!(matches!(soon(client.receive()).await, Err(SocketError::Closed)));
}

#[tokio::test]
async fn who_has_not_shown_the_token_may_not_be_idle() {
    let daemon = Daemon::start(Limits { message: Duration::from_secs(1), ..PATIENT }).await;
    let (mut silent, mut known) = (daemon.client().await, daemon.client().await);
    known.request("{\"id\":1}", &mut OsRng).await.unwrap();
    assert!(matches!(soon(silent.receive()).await, Err(SocketError::Closed)));
    // The other one is older than that too by now, but known.
    let still_open = tokio::time::timeout(2 * SHORT, known.receive()).await;
    assert!(still_open.is_err(), "{still_open:?}");
    assert_eq!(*known.request("{\"id\":2}", &mut OsRng).await.unwrap(), "{\"id\":2}");
}

#[tokio::test]
async fn a_message_that_does_not_come_to_its_end_is_closed() {
    assert_eq!(Limits::default().message, Duration::from_secs(10));
    let daemon = Daemon::start(Limits { message: SHORT, ..PATIENT }).await;
    let mut stream = daemon.websocket().await.into_inner();
    // The header of a masked text of 100 bytes, and one byte of it.
    stream.write_all(&[0x81, 0x80 | 100, 1, 2, 3, 4, b'x']).await.unwrap();
    closes(&mut stream).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_to_its_end_is_closed() {
    let daemon = Daemon::start(Limits { message: SHORT, ..PATIENT }).await;
    let mut stream = daemon.raw().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
    closes(&mut stream).await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_closed() {
    assert_eq!(Limits::default().write, Duration::from_secs(10));
    let long = |request: Zeroizing<String>| match request.contains("long") {
        true => Answer::Reply("x".repeat(1 << 21)),
        false => echo(request),
    };
    let adjust = |config: &mut Config| {
        config.limits.write = SHORT;
        config.connections = 1;
    };
    let daemon = Daemon::with(adjust, long).await;
    let mut websocket = daemon.websocket().await;
    websocket.send(sealed("{\"type\":\"long\"}")).await.unwrap();
    // The only connection becomes free although its peer still holds it.
    daemon.serves().await;
    drop(websocket);
}

/// What keeps systemd's watchdog quiet is done where requests are: so it is not while these are stuck.
#[tokio::test]
async fn while_all_requests_are_stuck_nothing_else_is_done_by_the_workers() {
    let (gate, waiting) = mpsc::channel::<()>();
    let stuck = Arc::new(AtomicUsize::new(0));
    let handler = {
        let (waiting, stuck) = (Mutex::new(waiting), Arc::clone(&stuck));
        move |request| {
            stuck.fetch_add(1, SeqCst);
            // Until the gate is gone.
            waiting.lock().unwrap().recv().unwrap_err();
            echo(request)
        }
    };
    let daemon = Daemon::with(|config| config.connections = 1024, handler).await;
    assert_eq!(soon(daemon.workers.run(|| 7)).await, Some(7));
    let all = std::thread::available_parallelism().unwrap().get().max(16);
    let mut clients = Vec::new();
    for _ in 0..all {
        let mut client = daemon.client().await;
        client.send("{\"id\":1}", &mut OsRng).await.unwrap();
        clients.push(client);
    }
    soon(async {
        while stuck.load(SeqCst) < all {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut work = Box::pin(daemon.workers.run(|| 8));
    assert!(tokio::time::timeout(SHORT, &mut work).await.is_err());
    drop(gate);
    assert_eq!(soon(work).await, Some(8));
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    assert_eq!(Config::new("signer.sock".into()).connections, 16);
    let daemon = Daemon::start(PATIENT).await;
    let mut clients = Vec::new();
    for _ in 0..16 {
        clients.push(daemon.client().await);
    }
    closes(&mut daemon.raw().await).await;
    for client in &mut clients {
        client.request("{\"id\":1}", &mut OsRng).await.unwrap();
    }
    clients.pop();
    daemon.serves().await;
}

#[tokio::test]
async fn connections_over_tcp_do_not_take_those_of_the_unix_socket() {
    let (daemon, tcp) = over_tcp(1).await;
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(Client::connect(&tcp, token(), PATIENT).await.unwrap());
    }
    assert!(soon(Client::connect(&tcp, token(), PATIENT)).await.is_err());
    assert_eq!(*soon(daemon.ask()).await.unwrap(), "{\"id\":1}");
}

#[tokio::test]
async fn a_stop_answers_the_request_in_hand_and_closes_the_rest() {
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let (finish, may_finish) = mpsc::channel::<()>();
    let may_finish = Mutex::new(may_finish);
    let handler = move |request| {
        begun.send(()).unwrap();
        may_finish.lock().unwrap().recv().unwrap();
        echo(request)
    };
    let daemon = Daemon::with(|_| {}, handler).await;
    let (mut idle, mut busy) = (daemon.client().await, daemon.client().await);
    let mut handshaking = daemon.raw().await;
    busy.send("{\"id\":1}", &mut OsRng).await.unwrap();
    busy.send("{\"id\":2}", &mut OsRng).await.unwrap();
    has_begun.recv().await.unwrap();
    daemon.stop.send(()).unwrap();
    assert!(matches!(soon(idle.receive()).await, Err(SocketError::Closed)));
    closes(&mut handshaking).await;
    assert!(!daemon.running.is_finished());
    finish.send(()).unwrap();
    assert_eq!(*busy.receive().await.unwrap(), "{\"id\":1}");
    assert!(matches!(busy.receive().await, Err(SocketError::Closed)));
    daemon.running.await.unwrap();
    assert!(has_begun.recv().await.is_none(), "a request was begun after the stop");
}

#[tokio::test]
async fn a_handler_that_panics_costs_one_connection_only() {
    let handler = |request: Zeroizing<String>| match request.contains("panic") {
        true => panic!("as the test asked"),
        false => echo(request),
    };
    let daemon = Daemon::with(|_| {}, handler).await;
    assert_eq!(answer(&daemon, sealed("{\"type\":\"panic\"}")).await, None);
    daemon.serves().await;
}

#[tokio::test]
async fn bytes_that_are_no_websocket_are_closed_on() {
    let daemon = Daemon::start(PATIENT).await;
    let mut stream = daemon.raw().await;
    stream.write_all(b"{\"type\":\"chain_name\"}\r\n\r\n").await.unwrap();
    closes(&mut stream).await;
    // Unmasked frames are forbidden to clients.
    let stream = daemon.websocket().await.into_inner();
    let mut unmasked = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    unmasked.send(sealed("{\"id\":1}")).await.unwrap();
    closes(unmasked.get_mut()).await;
}
