//! The program under load: the real one, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

const NETWORK: [&str; 2] = ["--network", "dev"];

/// So many requests that nobody is refused.
const UNLIMITED: &str = "1000000";

/// So seldom that the node is only asked for its status when it wants to be.
const SELDOM: &str = "3600000";

/// `output-explorer run`, until this is dropped.
pub(crate) struct Program {
    child: Child,
    /// Where it answers HTTP.
    pub(crate) address: SocketAddr,
    /// A token for that.
    pub(crate) token: String,
}

impl Program {
    pub(crate) fn start(data_dir: &Path, node: SocketAddr, node_token: &Path) -> Self {
        let token = explorer(data_dir).args(["token", "create", "--role", "auditor"]).output().unwrap();
        let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
        let mut run = explorer(data_dir);
        run.args(["run", "--node", &node.to_string(), "--node-token-file"]).arg(node_token);
        run.args(["--poll-milliseconds", SELDOM, "--http-listen", "127.0.0.1:0"]);
        run.args(["--http-requests-per-second", UNLIMITED]);
        run.args(["--http-requests-per-second-per-address", UNLIMITED]);
        let mut child = run.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, address) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("answering at http://") {
                    tell.send(address.parse().unwrap()).unwrap();
                }
                if line.contains("FAULT") || line.contains("lost") {
                    println!("output-explorer: {line}");
                }
            }
        });
        Self { child, address: address.recv().unwrap(), token }
    }

    /// Its process.
    pub(crate) fn process(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn explorer(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_output-explorer"));
    command.args(NETWORK).arg("--data-dir").arg(data_dir);
    command
}
