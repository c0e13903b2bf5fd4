//! The `cold-signer` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    cold_signer::cli::run()
}
