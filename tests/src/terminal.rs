//! A terminal on which somebody types.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs a command on a terminal, with its environment, and types. What the terminal shows is the output.
///
/// # Panics
/// Where `script`, of util-linux, is not there.
#[must_use]
pub fn on_a_terminal(command: &Command, typed: &str) -> Output {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let mut script = Command::new("script");
    script.args(["-qec", &words.join(" "), "/dev/null"]).env_clear();
    script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("script: {error}"));
    // A program that refuses early does not read it.
    let _ = child.stdin.take().map(|mut input| input.write_all(typed.as_bytes()));
    child.wait_with_output().unwrap_or_else(|error| panic!("script: {error}"))
}
