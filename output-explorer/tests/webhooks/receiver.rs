//! A receiver of webhooks that can be told how to behave.

use hmac::{Hmac, Mac};
use output_explorer::webhook::Secret;
use serde_json::Value;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a receiver does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Reads it and answers so.
    Answer(u16),
    /// Reads it and answers that it is to be sent elsewhere.
    Redirect(String),
    /// Reads it and says nothing.
    Silent,
    /// Closes the connection without reading.
    CloseEarly,
    /// Reads it, keeps it, and closes the connection in place of an answer.
    LoseAnswer,
    /// Answers 200 and more of a body than anybody wants to read.
    Babble,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    pub(crate) manner: Arc<Mutex<Manner>>,
    posts: Arc<Mutex<Vec<Post>>>,
    running: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Receiver {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (manner, posts) = (Arc::new(Mutex::new(manner)), Arc::default());
        let running = serve(listener, Arc::clone(&manner), Arc::clone(&posts));
        Self { address, manner, posts, running }
    }

    /// Its port is closed from now on.
    pub(crate) async fn stop(&mut self) {
        self.running.abort();
        // Cancelled, which is what was wanted.
        let _ = (&mut self.running).await;
    }

    /// It is back, at the same address.
    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.running = serve(listener, Arc::clone(&self.manner), Arc::clone(&self.posts));
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// What arrived.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }

    /// The ids of the events that arrived and how often, where the same always came under the same delivery id.
    pub(crate) fn events(&self) -> BTreeMap<u64, usize> {
        let mut counts = BTreeMap::new();
        let mut ids: BTreeMap<u64, String> = BTreeMap::new();
        for post in self.posts() {
            let event = post.event();
            let id = &post.headers["webhook-id"];
            assert_eq!(ids.entry(event).or_insert_with(|| id.clone()), id, "a repetition can be told");
            *counts.entry(event).or_default() += 1;
        }
        let different: std::collections::BTreeSet<_> = ids.values().collect();
        assert_eq!(different.len(), ids.len(), "another event has another id");
        counts
    }
}

impl Post {
    pub(crate) fn event(&self) -> u64 {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        let id = body["id"].as_u64().unwrap();
        assert_eq!(self.headers["webhook-event-id"], id.to_string());
        id
    }

    pub(crate) fn signatures(&self) -> Vec<&str> {
        self.headers["webhook-signature"].split(' ').collect()
    }

    /// As an integrator would do it.
    pub(crate) fn is_signed_with(&self, secret: &Secret) -> bool {
        signs(
            secret,
            &self.headers["webhook-id"],
            &self.headers["webhook-timestamp"],
            &self.body,
            &self.signatures(),
        )
    }
}

pub(crate) fn signs(secret: &Secret, id: &str, timestamp: &str, body: &str, signatures: &[&str]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    let expected = format!("v1={}", hex::encode(mac.finalize().into_bytes()));
    signatures.contains(&expected.as_str())
}

fn serve(listener: TcpListener, manner: Arc<Mutex<Manner>>, posts: Arc<Mutex<Vec<Post>>>) -> JoinHandle<()> {
    let accept = async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let manner = manner.lock().unwrap().clone();
            let posts = Arc::clone(&posts);
            tokio::spawn(async move { answer(stream, manner, &posts).await });
        }
    };
    tokio::spawn(accept)
}

async fn answer(stream: TcpStream, manner: Manner, posts: &Mutex<Vec<Post>>) -> io::Result<()> {
    if manner == Manner::CloseEarly {
        return Ok(());
    }
    let mut stream = BufReader::new(stream);
    let post = read(&mut stream).await?;
    posts.lock().unwrap().push(post);
    let stream = stream.get_mut();
    let head = |status: u16| format!("HTTP/1.1 {status} Whatever\r\nconnection: close\r\n");
    match manner {
        Manner::Answer(status) => {
            let body = "as\u{7} said";
            let text = format!("{}content-length: {}\r\n\r\n{body}", head(status), body.len());
            stream.write_all(text.as_bytes()).await
        }
        Manner::Redirect(url) => {
            let text = format!("{}location: {url}\r\ncontent-length: 0\r\n\r\n", head(301));
            stream.write_all(text.as_bytes()).await
        }
        Manner::Silent => pending().await,
        Manner::CloseEarly | Manner::LoseAnswer => Ok(()),
        Manner::Babble => {
            stream.write_all(format!("{}\r\n", head(200)).as_bytes()).await?;
            loop {
                stream.write_all(&[b'x'; 1024]).await?;
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Post> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    assert_eq!(line, "POST /hook HTTP/1.1\r\n");
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await?;
    Ok(Post { headers, body: String::from_utf8(body).unwrap() })
}
