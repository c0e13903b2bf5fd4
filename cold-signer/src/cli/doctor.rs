//! `doctor`: what protects the keys here, and what speaks against this host.

use super::policy::{load, require_ours};
use super::{StoreArgs, say};
use crate::error::Error;
use crate::keystore::backup::read_last;
use crate::keystore::network_of;
use crate::passphrase::is_for_us_alone;
use crate::process::{Finding, Needs, Protection, clock, examine, file_system, protect};
use crate::settings::{RuleSettings, ServerSettings, Settings};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use std::fs;
use std::io::{Write, stdout};
use std::path::Path;
use std::time::SystemTime;
use stegos_common::socket::token_file;

/// A backup that is older has forgotten too much, in days.
const BACKUP_DAYS: i64 = 30;

/// So old at most is the newest backup of which somebody has tried whether it can be restored, in days.
const VERIFIED_DAYS: i64 = 90;

/// Say what protects the keys on this host, and what speaks against it
#[derive(Args)]
#[command(after_help = "\
Looks at the host (network, swap, clock, file system), at the files of the signer (who may read and change
them), at the policy and the last backup, and tries every protection that `serve` asks of the kernel. Changes
nothing, and needs no passphrase. Exit code 1 says that there are findings. `serve --strict` does not start where there are.

Examples:
  cold-signer doctor
  cold-signer doctor --json
  cold-signer --config /etc/cold-signer.toml doctor")]
pub(super) struct Doctor {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerSettings,
    #[command(flatten)]
    rules: RuleSettings,
}

impl Doctor {
    pub(super) fn run(self, store: &StoreArgs, settings: Settings) -> Result<(), Error> {
        let signing = self.rules.signing(&settings.rules);
        let server = self.server.or(settings.server);
        let dir = store.data_dir()?;
        let mut findings = examined(store, &dir, &server, signing.policy.as_deref());
        // Last: nothing outside of these can be opened any more.
        let needs = Needs { write: vec![dir], ..server.needs() };
        let gaps = protect(&needs);
        let held = |protection: &Protection| gaps.iter().all(|gap| gap.protection != *protection);
        findings.extend(gaps.iter().map(|gap| Finding::new(gap.protection.name(), gap.reason.clone())));
        let mut out = stdout().lock();
        if self.json {
            let listed: Vec<_> =
                findings.iter().map(|it| json!({ "name": it.name, "finding": it.text })).collect();
            let held: Vec<_> = Protection::ALL.iter().filter(|it| held(it)).map(|it| it.name()).collect();
            let version = env!("CARGO_PKG_VERSION");
            writeln!(out, "{:#}", json!({ "version": version, "protections": held, "findings": listed }))?;
        } else {
            writeln!(out, "cold-signer {}", env!("CARGO_PKG_VERSION"))?;
            for protection in Protection::ALL.iter().filter(|it| held(it)) {
                writeln!(out, "  ok       {:<12} {}", protection.name(), protection.meaning())?;
            }
            for Finding { name, text } in &findings {
                writeln!(out, "  FINDING  {name:<12} {text}")?;
            }
        }
        none_of(&findings)
    }
}

/// What speaks against the host. Said where `serve` is strict.
pub(super) fn require_healthy(
    store: &StoreArgs,
    server: &ServerSettings,
    policy: Option<&Path>,
) -> Result<(), Error> {
    let findings = examined(store, &store.data_dir()?, server, policy);
    for Finding { name, text } in &findings {
        say(&format!("FINDING {name}: {text}"));
    }
    none_of(&findings)
}

fn none_of(findings: &[Finding]) -> Result<(), Error> {
    if findings.is_empty() { Ok(()) } else { Err(Error::Findings(findings.len())) }
}

/// What is found without asking anything of the kernel.
fn examined(store: &StoreArgs, dir: &Path, server: &ServerSettings, policy: Option<&Path>) -> Vec<Finding> {
    let mut findings = of_the_host(dir);
    findings.extend(of_the_files(store, dir, server, policy));
    findings
}

fn of_the_host(dir: &Path) -> Vec<Finding> {
    let mut findings = examine(Path::new("/"));
    if dir.exists() {
        findings.extend(file_system(dir));
    }
    let written = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok());
    findings.extend(written.max().and_then(|written| clock(written, SystemTime::now())));
    findings
}

fn of_the_files(
    store: &StoreArgs,
    dir: &Path,
    server: &ServerSettings,
    policy: Option<&Path>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The daemon may have it open.
    let network = network_of(dir).map_err(|error| findings.push(Finding::new("store", error.to_string())));
    match (policy, network) {
        (None, _) => {
            let text =
                "there is none: nothing but fees leaves the store's accounts; see docs/policy.md".to_owned();
            findings.push(Finding::new("policy", text));
        }
        (Some(path), Ok(network)) => {
            let wrong = load(Some(path), network).err();
            findings.extend(wrong.map(|error| Finding::new("policy", error.to_string())));
        }
        (Some(path), Err(())) => {
            let wrong = require_ours(path).err();
            let text = |error| format!("{}: {error}", path.display());
            findings.extend(wrong.map(|error| Finding::new("policy", text(error))));
        }
    }
    let about = |path: &Path, what: &str| Finding::new("permissions", format!("{}: {what}", path.display()));
    if let Some(path) = &store.config {
        findings.extend(require_ours(path).err().map(|error| about(path, &error.to_string())));
    }
    if let Some(path) = &store.passphrase_file {
        match path.metadata() {
            Ok(found) if is_for_us_alone(path, &found) => {}
            Ok(_) => findings.push(about(path, "others can read it: it must be yours, and chmod 600")),
            Err(error) => findings.push(about(path, &error.to_string())),
        }
    }
    findings.extend(of_the_backups(dir, Timestamp::now()));
    let token = server.token_file(dir);
    if token.exists() {
        let wrong = token_file::load(&token).err();
        findings.extend(wrong.map(|error| Finding::new("permissions", error.to_string())));
    }
    findings
}

/// When a backup was made last, and when one was tried.
fn of_the_backups(dir: &Path, now: Timestamp) -> Vec<Finding> {
    if network_of(dir).is_err() {
        return Vec::new();
    }
    let last = match read_last(dir) {
        Ok(last) => last,
        Err(error) => return vec![Finding::new("backup", format!("backups.toml: {error}"))],
    };
    let older_than = |most: i64, time: Option<Timestamp>| {
        let days = time.map(|time| now.duration_since(time).as_hours() / 24);
        days.is_none_or(|days| !(0..=most).contains(&days)).then_some(days)
    };
    let since =
        |days: Option<i64>| days.map_or_else(|| "never".to_owned(), |days| format!("{days} days ago"));
    let made = older_than(BACKUP_DAYS, last.made).map(|days| {
        format!("made {}; one is due every {BACKUP_DAYS} days: `cold-signer backup create`", since(days))
    });
    let verified = older_than(VERIFIED_DAYS, last.verified).map(|days| {
        let what = if days.is_none() { "verified" } else { "the newest that was verified was made" };
        let since = since(days);
        format!("{what} {since}; one of the last {VERIFIED_DAYS} days is due: `cold-signer backup verify`")
    });
    [made, verified].into_iter().flatten().map(|text| Finding::new("backup", text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::keystore::backup::note_last;
    use crate::keystore::{Cost, Keystore};
    use crate::passphrase::Passphrase;
    use jiff::SignedDuration;
    use stegos_common::address::Network;
    use stegos_common::keys::SecretKey;

    #[test]
    fn an_old_backup_and_one_that_was_never_tried_are_findings() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("store");
        let passphrase = Passphrase::new("x".to_owned().into()).unwrap();
        let master = SecretKey::from_seed(b"x");
        let disk = Disk::default();
        Keystore::create(&dir, &passphrase, Network::Dev, master, Cost::TEST, disk.clone()).unwrap();
        let now = Timestamp::now();
        let found = |now| of_the_backups(&dir, now).into_iter().map(|it| it.text).collect::<Vec<_>>();
        assert!(
            matches!(found(now).as_slice(), [made, verified] if made.contains("made never") && verified.contains("verified never"))
        );
        note_last(&dir, &disk, |last| last.made = Some(now)).unwrap();
        assert!(matches!(found(now).as_slice(), [verified] if verified.contains("verified")));
        note_last(&dir, &disk, |last| last.verified = Some(now)).unwrap();
        let days = |days: i64| now + SignedDuration::from_hours(24 * days);
        assert!(found(days(BACKUP_DAYS)).is_empty());
        assert!(
            matches!(found(days(BACKUP_DAYS + 1)).as_slice(), [made] if made.contains("made 31 days ago"))
        );
        assert_eq!(found(days(VERIFIED_DAYS + 1)).len(), 2);
        fs::write(dir.join("backups.toml"), "made = 7").unwrap();
        assert_eq!(found(now).len(), 1);
    }
}
