//! Who answers. One process can have the ledger open: while `run` has it, the other commands ask that process over a
//! Unix socket; otherwise they open the ledger themselves. The questions and answers are the same, and so is the
//! function that answers: [`answer`].

mod answer;
mod asker;
mod handoffs;
mod message;
mod ready;
mod server;
mod tokens;

pub use answer::{QueryError, answer};
pub use asker::{AskError, Asker};
pub use handoffs::{FinalTransaction, HandoffAnswer, HandoffRequest};
pub use message::*;
pub use ready::NotReady;
pub use server::{ServerError, serve};
pub use tokens::TokenRequest;

use std::path::{Path, PathBuf};

/// The Unix socket of a ledger's directory.
fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("run/explorer.sock")
}

/// The API token for that socket.
fn token_file(data_dir: &Path) -> PathBuf {
    data_dir.join("api.token")
}

/// The longest message, in bytes of JSON. Whoever asks for more asks in pages.
const MAX_MESSAGE: usize = 64 << 20;
