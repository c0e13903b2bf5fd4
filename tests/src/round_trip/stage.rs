//! Where the story plays: a directory, the programs, and how they are started in it.

use super::error::Error;
use super::node::TOKEN;
use super::process::Step;
use super::terminal::show;
use crate::daemon::{build, cargo_build};
use rand_core::{OsRng, RngCore};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs};
use tempfile::TempDir;
use tokio::process::Command;

/// What the explorer's commands read from the environment, besides where the node is.
const EXPLORER: [(&str, &str); 2] =
    [("OUTPUT_EXPLORER_NETWORK", "dev"), ("OUTPUT_EXPLORER_DATA_DIR", "explorer")];

/// What the signer's commands read from it.
const SIGNER: [(&str, &str); 3] = [
    ("COLD_SIGNER_DATA_DIR", "signer"),
    ("COLD_SIGNER_PASSPHRASE_FILE", "passphrase"),
    ("COLD_SIGNER_POLICY", "policy.toml"),
];

/// Runs a program as the same user, and without any network.
const UNSHARE: [&str; 3] = ["unshare", "-c", "-n"];

/// The programs.
pub(super) struct Programs {
    signer: PathBuf,
    explorer: PathBuf,
}

impl Programs {
    /// Builds them, where that was not done before; the node, which is a part of this program, for whoever wants to
    /// talk to it by himself.
    pub(super) fn build(with_node: bool) -> Result<Self, Error> {
        let program = |name: &'static str| {
            show(&format!("building {name} …"))?;
            // For its progress, which may be minutes; what went wrong is said below.
            let _ = cargo_build(name).into_command().stdout(Stdio::null()).status();
            build(name).map_err(|error| Error::Build(name, error))
        };
        if with_node {
            program("stegos-devnode")?;
        }
        Ok(Self { signer: program("cold-signer")?, explorer: program("output-explorer")? })
    }
}

/// A directory, which is the current one from now on.
pub(super) struct Stage {
    programs: Programs,
    directory: PathBuf,
    isolated: bool,
    /// Removes the directory when it is dropped, unless it is to be kept.
    _temporary: Option<TempDir>,
}

impl Stage {
    /// Enters the empty directory that is to be kept, or a temporary one.
    pub(super) fn new(keep: Option<PathBuf>, programs: Programs) -> Result<Self, Error> {
        // Whatever is created from here on is for its owner only.
        rustix::process::umask(0o077.into());
        let (directory, temporary) = match keep {
            Some(path) => (path, None),
            None => {
                let temporary = TempDir::with_prefix("round-trip-")?;
                (temporary.path().canonicalize()?, Some(temporary))
            }
        };
        env::set_current_dir(&directory)?;
        let isolated = std::process::Command::new("unshare")
            .args(["-c", "-n", "true"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        let stage = Self { programs, directory, isolated, _temporary: temporary };
        stage.file("passphrase", &format!("{:016x}{:016x}\n", OsRng.next_u64(), OsRng.next_u64()))?;
        Ok(stage)
    }

    /// Whether the signer runs without a network.
    pub(super) const fn isolated(&self) -> bool {
        self.isolated
    }

    /// Writes a file.
    pub(super) fn file(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.directory.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// A command of the signer, where no network is.
    pub(super) fn signer(&self, args: &[&str]) -> Step {
        self.isolated_step(&self.programs.signer, &[&["cold-signer"], args].concat())
    }

    /// A command of the system where the signer runs.
    pub(super) fn beside_the_signer(&self, program: &str, args: &[&str]) -> Step {
        self.isolated_step(Path::new(program), &[&[program], args].concat())
    }

    /// A program with the words by which it would be typed.
    fn isolated_step(&self, program: &Path, words: &[&str]) -> Step {
        let prefix: &[&str] = if self.isolated { &UNSHARE } else { &[] };
        let mut command = match prefix.split_first() {
            Some((unshare, options)) => {
                let mut command = self.command(Path::new(unshare));
                command.args(options).arg(program);
                command
            }
            None => self.command(program),
        };
        command.args(words.iter().skip(1)).envs(SIGNER);
        Step::new(command, &[prefix, words].concat())
    }

    /// A command of the explorer.
    pub(super) fn explorer(&self, node: SocketAddr, args: &[&str]) -> Step {
        Step::new(self.explorer_command(node, args), &[&["output-explorer"], args].concat())
    }

    /// The same, to be started in another way.
    pub(super) fn explorer_command(&self, node: SocketAddr, args: &[&str]) -> Command {
        let mut command = self.command(&self.programs.explorer);
        command.args(args).envs(EXPLORER).envs(node_variables(node));
        command
    }

    /// Shows what makes another terminal like this one.
    pub(super) fn show_setup(&self, node: Option<SocketAddr>) -> Result<(), Error> {
        show(&format!("  cd {:?}", self.directory))?;
        if let Some(programs) = self.programs.explorer.parent() {
            show(&format!("  export PATH={programs:?}:\"$PATH\""))?;
        }
        let line = |variables: &[(&str, String)]| {
            let variables: Vec<String> =
                variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
            show(&format!("  export {}", variables.join(" ")))
        };
        line(&EXPLORER.map(|(name, value)| (name, value.to_owned())))?;
        node.map_or(Ok(()), |node| line(&node_variables(node)))?;
        line(&SIGNER.map(|(name, value)| (name, value.to_owned())))
    }

    /// A program in the directory, with nothing else in its environment.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", &self.directory).env("TMPDIR", &self.directory);
        if let Some(path) = env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }
}

/// Where the node is, in the variables of the explorer's commands.
fn node_variables(node: SocketAddr) -> [(&'static str, String); 2] {
    [("OUTPUT_EXPLORER_NODE", node.to_string()), ("OUTPUT_EXPLORER_NODE_TOKEN_FILE", TOKEN.to_owned())]
}

/// The absolute path of a directory that holds nothing; it is made where there is none.
pub(super) fn empty(path: &Path) -> Result<PathBuf, Error> {
    let failed = |source| Error::Directory { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    if fs::read_dir(path).map_err(failed)?.next().is_some() {
        return Err(Error::NotEmpty(path.to_owned()));
    }
    path.canonicalize().map_err(failed)
}
