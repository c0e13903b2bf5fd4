//! `policy`: what the signer is willing to sign.

use super::{StoreArgs, say};
use crate::error::Error;
use crate::journal::show_time;
use crate::policy::{Clock, Decision, EXPLAINED, MAX_LENGTH, Policy, Verdict};
use crate::settings::Signing;
use crate::signer::Signer;
use clap::{Args, Subcommand};
use std::fs::File;
use std::io::{self, Read, Write, stdout};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use stegos_common::address::Network;

/// Look at policies
#[derive(Subcommand)]
pub(super) enum Command {
    Check(Check),
    Explain(Explain),
}

impl Command {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        match self {
            Self::Check(check) => check.run(store),
            Self::Explain(explain) => explain.run(),
        }
    }
}

/// Read a policy file, and say what is wrong with it
#[derive(Args)]
#[command(after_help = "\
A replay judges everything that was signed, or refused by a policy, in its order, as if this policy had been
there from the beginning, and shows what would have been decided otherwise. It knows today's accounts, and
counts towards totals what was signed and this policy allows.

Examples:
  cold-signer --network mainnet policy check policy.toml
  cold-signer policy check policy.toml --replay")]
pub(super) struct Check {
    /// The file
    file: PathBuf,
    /// Judge the past by it: what is in the journal
    #[arg(long)]
    replay: bool,
}

impl Check {
    fn run(self, store: &StoreArgs) -> Result<(), Error> {
        if self.replay {
            return self.replay(store);
        }
        let network = match store.network {
            Some(network) => network,
            None => store.lock()?.network(),
        };
        let policy = load(Some(&self.file), network)?;
        for (place, (tag, action)) in policy.rules().enumerate() {
            writeln!(stdout(), "{:>3}  {action:<5}  {tag}", place + 1)?;
        }
        writeln!(stdout(), "     deny   everything else")?;
        let Clock { back, forward } = policy.clock();
        let seconds = |milliseconds: u64| milliseconds / 1000;
        if let Some(approvers) = policy.approvers() {
            writeln!(stdout(), "approvals: {approvers}")?;
        }
        writeln!(stdout(), "clock: {} seconds back, {} seconds forward", seconds(back), seconds(forward))?;
        Ok(())
    }
}

impl Check {
    fn replay(&self, store: &StoreArgs) -> Result<(), Error> {
        let signer = store.signer(Signing::default())?;
        let policy = load(Some(&self.file), signer.keystore().network())?;
        let (mut judged, mut lines) = (0_u64, Vec::new());
        signer.replay(&policy, |record, decision| {
            judged += 1;
            let asked = record.entry.judged.as_ref().is_some_and(|judged| judged.asked);
            let (was, before) = match record.entry.signed() {
                _ if asked => (Verdict::Asked, "was asked about"),
                Some(_) => (Verdict::Allowed, "was signed"),
                None => (Verdict::Denied, "was refused"),
            };
            let (would_be, after) = match decision.verdict {
                Verdict::Allowed => (Verdict::Allowed, "allowed by"),
                Verdict::Asked => (Verdict::Asked, "asked about by"),
                Verdict::Denied | Verdict::Limited(_) => (Verdict::Denied, "not allowed by"),
            };
            if was != would_be {
                let (number, time) = (record.number(), show_time(record.entry.time));
                let Decision { tag, reason, .. } = decision;
                lines.push(format!("{number:>8}  {time}  {before}, {after} {tag}: {reason}"));
            }
        })?;
        let mut out = stdout().lock();
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{} of {judged} would have been decided otherwise", lines.len())?;
        Ok(signer.close()?)
    }
}

/// Say what a rule is for
#[derive(Args)]
#[command(after_help = "\
Examples:
  cold-signer policy explain policy-day-total
  cold-signer policy explain")]
pub(super) struct Explain {
    /// Its tag; without one all are explained
    tag: Option<String>,
}

impl Explain {
    fn run(self) -> Result<(), Error> {
        let is_asked = |tag: &str| self.tag.as_ref().is_none_or(|asked| asked == tag);
        let mut asked = EXPLAINED.iter().filter(|(tag, _)| is_asked(tag)).peekable();
        if asked.peek().is_none() {
            return Err(Error::NoRule(self.tag.unwrap_or_default()));
        }
        for (tag, text) in asked {
            writeln!(stdout(), "{tag}\n  {text}")?;
        }
        Ok(())
    }
}

/// Reads a policy file, which nobody else may be able to change or replace; without one, the default.
pub(super) fn load(path: Option<&Path>, network: Network) -> Result<Policy, Error> {
    let Some(path) = path else { return Ok(Policy::default()) };
    parse(path, &text(path)?, network)
}

/// The text of a policy file, which nobody else may be able to change or replace.
pub(super) fn text(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    require_ours(path).map_err(failed)?;
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    let length = file.take(MAX_LENGTH + 1).read_to_string(&mut text).map_err(failed)?;
    if length as u64 > MAX_LENGTH {
        return Err(failed(io::Error::other(format!("it is longer than {MAX_LENGTH} bytes"))));
    }
    Ok(text)
}

/// The policy of a file's text.
pub(super) fn parse(path: &Path, text: &str, network: Network) -> Result<Policy, Error> {
    Policy::parse(text, network)
        .map_err(|source| Error::Policy { path: path.to_owned(), source: Box::new(source) })
}

/// Reads the policy again. One that is wrong is not put in force.
pub(super) fn reload(signer: &Signer, path: Option<&Path>) {
    match load(path, signer.keystore().network()) {
        Ok(_) if path.is_none() => say("there is no policy file to read again"),
        Ok(policy) => {
            signer.set_policy(policy);
            say("the policy was read again and is in force");
        }
        Err(error) => say(&format!("the policy stays as it was: {error}")),
    }
}

/// Refuses a file that somebody else could change, or put another one in the place of.
pub(super) fn require_ours(path: &Path) -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw();
    let refuse = |what: &str, mode: u32| {
        let text = format!(
            "{what} can be changed by others (mode {:o}): it must be yours or root's, no link, and chmod go-w",
            mode & 0o7777
        );
        Err(io::Error::other(text))
    };
    let file = path.symlink_metadata()?;
    if !file.is_file() || !is_ours(user, file.uid(), file.mode()) {
        return refuse("it", file.mode());
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = directory.metadata()?;
    if is_ours(user, directory.uid(), directory.mode()) {
        Ok(())
    } else {
        refuse("its directory", directory.mode())
    }
}

/// Whether only `user` and root can change what belongs to `owner` with this mode.
const fn is_ours(user: u32, owner: u32, mode: u32) -> bool {
    mode & 0o022 == 0 && (owner == 0 || owner == user)
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_the_owner_and_root_may_write() {
        for (user, owner, mode, ours) in [
            (1000, 1000, 0o100_644, true),
            (1000, 0, 0o100_644, true),
            (1000, 1001, 0o100_644, false),
            (0, 1000, 0o100_600, false),
            (1000, 1000, 0o100_664, false),
            (1000, 0, 0o040_777, false),
            (1000, 0, 0o041_777, false),
        ] {
            assert_eq!(is_ours(user, owner, mode), ours, "{user} {owner} {mode:o}");
        }
    }
}
