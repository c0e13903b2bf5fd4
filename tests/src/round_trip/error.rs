//! Why the story ends before its end.

use crate::daemon::BuildError;
use crate::devnode::client::AskError;
use crate::devnode::config::ConfigError;
use crate::devnode::node::NodeError;
use crate::devnode::server::StartError;
use std::io;
use std::path::PathBuf;
use stegos_common::amount::AmountError;
use thiserror::Error;

/// See the module.
#[derive(Debug, Error)]
pub(super) enum Error {
    /// A program does not compile.
    #[error("{0} cannot be built: {1}")]
    Build(&'static str, BuildError),
    /// A file or a process cannot be made.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The directory holds something.
    #[error("{} is no empty directory: name one that does not exist yet", .0.display())]
    NotEmpty(PathBuf),
    /// The directory cannot be made or entered.
    #[error("cannot use the directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program cannot be started.
    #[error("cannot start `{0}`: {1}")]
    Spawn(String, io::Error),
    /// The node's configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The node does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The node makes no block.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Somebody does not answer.
    #[error("{0} does not answer: {1}")]
    Ask(&'static str, AskError),
    /// Somebody answers something else.
    #[error("not the answer that was expected: {0}")]
    Answer(String),
    /// A command that should work does not.
    #[error("`{0}` failed, see above")]
    Step(String),
    /// Something takes longer than it ever should.
    #[error("{0} takes too long")]
    Patience(String),
    /// The explorer ended by itself.
    #[error("`output-explorer run` ended; it said:\n{0}")]
    Explorer(String),
    /// An amount that is none.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The story spends what nobody has, or more than there can be.
    #[error("the story is wrong about what {0} has")]
    Overdrawn(&'static str),
    /// Money is missing, or there is too much.
    #[error("the amounts are not what they must be, see above")]
    Books,
    /// Somebody has seen enough.
    #[error("interrupted")]
    Interrupted,
}
