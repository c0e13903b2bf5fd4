//! The `stegos-devnode` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    custody_tests::devnode::cli::run()
}
