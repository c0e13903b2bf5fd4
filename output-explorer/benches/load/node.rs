//! A node that sends what it is given, and learns when it is stored.
//!
//! The explorer takes what a node sends one after the other, each to its end. So behind a block the node says that
//! something was taken back: the explorer then asks for the status, and does so when the block is on disk. That is the
//! least that tells, and no reader has a part in it.

use rand_core::OsRng;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::mpsc as answers;
use std::thread;
use std::time::{Duration, Instant};
use stegos_common::address::Network;
use stegos_common::api::block::MicroBlock;
use stegos_common::api::request::Request;
use stegos_common::api::response::{Notification, Response, Status};
use stegos_common::api::{Id, Message};
use stegos_common::frame::{self, ApiToken};
use stegos_common::socket::{Connection, Limits, SocketError};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

/// So many blocks wait to be sent at most.
const WAITING: usize = 2;

const PATIENCE: Duration = Duration::from_secs(3600);

const LIMITS: Limits = Limits { json: 1 << 20, idle: Duration::MAX, message: PATIENCE, write: PATIENCE };

/// A block on its way.
struct Sent {
    frame: String,
    /// Where the chain ends with it.
    status: Status,
    /// Who wants to know when it is stored.
    stored: Option<answers::Sender<Instant>>,
}

/// See the module. It ends with the process.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    blocks: mpsc::Sender<Sent>,
}

impl Node {
    /// A node whose chain has no block.
    pub(crate) fn start(token: ApiToken, status: Status) -> Self {
        let (blocks, inbox) = mpsc::channel(WAITING);
        let (tell, address) = answers::channel();
        // A thread of its own: what the readers receive keeps no block waiting.
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let mut server = Server { token, status, inbox, waiting: None };
                loop {
                    let error = server.converse(&listener).await;
                    println!("the node's connection ended: {error:?}");
                }
            });
        });
        Self { address: address.recv().unwrap(), blocks }
    }

    /// Sends a block, as soon as there is room for it.
    pub(crate) fn send(&self, frame: String, status: Status) {
        self.give(Sent { frame, status, stored: None });
    }

    /// Sends a block, and answers how long it took until it was stored.
    pub(crate) fn store(&self, frame: String, status: Status) -> Duration {
        let (stored, answer) = answers::channel();
        let begin = Instant::now();
        self.give(Sent { frame, status, stored: Some(stored) });
        answer.recv().unwrap() - begin
    }

    fn give(&self, sent: Sent) {
        assert!(self.blocks.blocking_send(sent).is_ok(), "the node ended");
    }
}

struct Server {
    token: ApiToken,
    status: Status,
    inbox: mpsc::Receiver<Sent>,
    waiting: Option<answers::Sender<Instant>>,
}

impl Server {
    /// Speaks with whoever connects next, to the end.
    async fn converse(&mut self, listener: &TcpListener) -> Result<(), SocketError> {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut connection = Connection::accept(Box::new(stream), LIMITS).await?;
        let hint = serde_json::to_string(&hint()).unwrap();
        let mut subscribed = false;
        loop {
            tokio::select! {
                frame = connection.receive() => {
                    let json = frame::open(&self.token, &frame?)?;
                    let Message { body, id } = Message::parse(&json).unwrap();
                    let answer = self.answer(&body, id);
                    subscribed |= matches!(body, Request::SubscribeChain { .. });
                    connection.send(self.seal(&answer)).await?;
                }
                Some(Sent { frame, status, stored }) = self.inbox.recv(), if subscribed => {
                    self.status = status;
                    self.waiting = stored;
                    connection.send(frame).await?;
                    if self.waiting.is_some() {
                        connection.send(self.seal(&hint)).await?;
                    }
                }
            }
        }
    }

    fn seal(&self, json: &str) -> String {
        frame::seal(&self.token, json, &mut OsRng)
    }

    fn answer(&mut self, request: &Request, id: Id) -> String {
        let body = match request {
            Request::ChainName => Response::ChainName { name: Network::Dev },
            Request::StatusInfo => {
                if let Some(waiting) = self.waiting.take() {
                    let _ = waiting.send(Instant::now());
                }
                Response::StatusInfo(self.status.clone())
            }
            Request::SubscribeChain { .. } => Response::SubscribedChain {
                current_epoch: self.status.epoch,
                current_offset: self.status.offset,
            },
            // Every block is sent, and none is taken back.
            other => panic!("the node was asked {other:?}"),
        };
        serde_json::to_string(&Message { body, id }).unwrap()
    }
}

/// Says that some block was taken back.
fn hint() -> Notification {
    let recorded = include_str!("../../../common/tests/vectors/traffic/micro_block_info.json");
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let block: MicroBlock = serde_json::from_value(recorded.get("response").cloned().unwrap()).unwrap();
    Notification::MicroBlockReverted(Box::new(MicroBlock { transactions: Vec::new(), ..block }))
}
