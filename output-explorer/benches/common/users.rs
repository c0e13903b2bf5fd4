//! Users of a new ledger.

use super::memory;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use stegos_common::address::{EncodedAddress, Network};
use stegos_common::group::Encoded;

/// Imports users with these keys as an operator does; the accounts are `user 0` and so on.
pub(crate) fn import(data_dir: &Path, keys: &[Encoded]) {
    let file = data_dir.with_extension("jsonl");
    let mut lines = BufWriter::new(File::create(&file).unwrap());
    for (user, key) in keys.iter().enumerate() {
        let address = EncodedAddress { network: Network::Dev, key: *key };
        writeln!(lines, "{{\"account\":\"user {user}\",\"address\":\"{address}\"}}").unwrap();
    }
    lines.into_inner().unwrap().sync_all().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_output-explorer"));
    program.args(["--network", "dev", "user", "import"]).arg(&file).arg("--data-dir").arg(data_dir);
    let begin = Instant::now();
    let (status, peak) = memory::run(&mut program);
    assert!(status.success());
    println!(
        "`user import` of {} users: {:.1?} (limit 1 min for 1000000), peak memory {peak} MiB",
        keys.len(),
        begin.elapsed()
    );
    std::fs::remove_file(file).unwrap();
}
