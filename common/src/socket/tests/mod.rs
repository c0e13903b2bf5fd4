//! Both halves against each other over real sockets.

use super::*;
use crate::frame::{ApiToken, open, seal};
use rand_core::OsRng;
use std::io::Cursor;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UnixListener, UnixStream};

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(20);
const PATIENT: Limits = Limits { json: 64, idle: HOUR, message: HOUR, write: HOUR };

fn token() -> ApiToken {
    ApiToken::load("WlpaWlpaWlpaWlpaWlpaWg==").unwrap()
}

/// Both ends of a websocket; the first one, the server's, has the given limits.
async fn pair(limits: Limits) -> (Connection, Connection) {
    let (server, client) = UnixStream::pair().unwrap();
    tokio::try_join!(
        Connection::accept(Box::new(server), limits),
        Connection::start(Box::new(client), PATIENT)
    )
    .unwrap()
}

/// Answers one request with itself, then a notification, and closes. A bad frame is answered by closing.
async fn answer_once(stream: impl Stream + 'static) {
    let mut connection = Connection::accept(Box::new(stream), PATIENT).await.unwrap();
    let Ok(request) = open(&token(), &connection.receive().await.unwrap()) else { return };
    connection.send(seal(&token(), &request, &mut OsRng)).await.unwrap();
    connection.send(seal(&token(), "{\"type\":\"news\"}", &mut OsRng)).await.unwrap();
}

#[tokio::test]
async fn a_client_talks_over_unix_and_tcp_sockets() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let (unix, tcp) = (UnixListener::bind(&path).unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let endpoints = [Endpoint::Unix(path), Endpoint::Tcp(tcp.local_addr().unwrap())];
    tokio::spawn(async move {
        answer_once(unix.accept().await.unwrap().0).await;
        answer_once(tcp.accept().await.unwrap().0).await;
    });
    for endpoint in endpoints {
        let mut client = Client::connect(&endpoint, token(), PATIENT).await.unwrap();
        assert_eq!(*client.request("{\"id\":1}", &mut OsRng).await.unwrap(), "{\"id\":1}");
        assert_eq!(*client.receive().await.unwrap(), "{\"type\":\"news\"}");
        assert!(matches!(client.receive().await, Err(SocketError::Closed)));
    }
}

#[tokio::test]
async fn nobody_there_is_an_error_that_names_the_endpoint() {
    let directory = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::Unix(directory.path().join("nobody"));
    let error = Client::connect(&endpoint, token(), PATIENT).await.err().unwrap().to_string();
    assert!(error.contains(&endpoint.to_string()), "{error}");
}

#[tokio::test]
async fn another_token_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move { answer_once(listener.accept().await.unwrap().0).await });
    let foreign = ApiToken::random(&mut OsRng);
    let mut client = Client::connect(&Endpoint::Unix(path), foreign, PATIENT).await.unwrap();
    assert!(matches!(
        client.request("{\"type\":\"chain_name\"}", &mut OsRng).await,
        Err(SocketError::Closed)
    ));
}

#[tokio::test]
async fn a_text_may_be_as_long_as_the_limit_and_no_longer() {
    let (mut server, mut client) = pair(PATIENT).await;
    let longest = "x".repeat(frame_length(64));
    client.send(longest.clone()).await.unwrap();
    assert_eq!(server.receive().await.unwrap(), longest);
    client.send(longest + "x").await.unwrap();
    assert!(matches!(server.receive().await, Err(SocketError::Websocket(_))));
}

#[tokio::test]
async fn a_peer_that_only_pings_is_idle() {
    const HANDSHAKE: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // Masked, empty, and so many that the end is not reached within the limit: the timer is never waited for.
    let pings = [0x89, 0x80, 1, 2, 3, 4].repeat(1_000_000);
    let flood = tokio::io::join(HANDSHAKE.chain(Cursor::new(pings)), tokio::io::sink());
    let limits = Limits { idle: Duration::from_millis(1), ..PATIENT };
    let mut server = Connection::accept(Box::new(flood), limits).await.unwrap();
    let end = server.receive().await;
    assert!(matches!(end, Err(SocketError::Idle(_))), "{end:?}");
}

#[tokio::test]
async fn limits_may_be_longer_than_the_clock_counts() {
    let forever = Duration::MAX;
    let (mut server, mut client) =
        pair(Limits { idle: forever, message: forever, write: forever, ..PATIENT }).await;
    client.send("one day".to_owned()).await.unwrap();
    assert_eq!(server.receive().await.unwrap(), "one day");
}

#[tokio::test]
async fn a_text_that_comes_in_pieces_is_waited_for_but_not_for_ever() {
    let (mut server, mut client) = pair(Limits { message: SHORT, ..PATIENT }).await;
    let part = |text: &str, last| {
        use tungstenite::protocol::frame::Frame;
        use tungstenite::protocol::frame::coding::{Data, OpCode};
        let kind = if last { Data::Continue } else { Data::Text };
        Message::Frame(Frame::message(text.to_owned(), OpCode::Data(kind), last))
    };
    client.websocket.send(part("to be ", false)).await.unwrap();
    client.websocket.send(part("continued", true)).await.unwrap();
    assert_eq!(server.receive().await.unwrap(), "to be continued");
    client.websocket.send(part("never", false)).await.unwrap();
    let slow = timeout(Duration::from_secs(20), server.receive()).await.unwrap();
    assert!(matches!(slow, Err(SocketError::Slow(SHORT))));
}
