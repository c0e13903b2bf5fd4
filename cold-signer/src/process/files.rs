//! Which files may be opened: Landlock.

use super::Needs;
use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use std::path::Path;

/// What is asked of Landlock: what Linux 6.12 has. An older kernel does less of it, which is said.
const KNOWN: ABI = ABI::V6;

pub(super) fn restrict(needs: &Needs) -> Result<(), String> {
    match ask(needs).map_err(|error| error.to_string())? {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced => {
            Err("the kernel has only a part of Landlock: some of what is asked takes Linux 6.12".to_owned())
        }
        RulesetStatus::NotEnforced => {
            Err("the kernel has no Landlock: any file of the signer's user can be opened".to_owned())
        }
    }
}

fn ask(needs: &Needs) -> Result<RulesetStatus, RulesetError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    for path in &needs.read {
        rules = allow(rules, path, AccessFs::from_read(KNOWN) & !AccessFs::Execute)?;
    }
    for path in &needs.write {
        rules = allow(rules, path, AccessFs::from_all(KNOWN) & !AccessFs::Execute)?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// Allows what is beneath a path; where it does not exist yet, what is beneath the folder in which it will be, unless that
/// is the root of everything.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    // The folder of a name without one.
    let here = |path| if path == Path::new("") { Path::new(".") } else { path };
    let path = here(path);
    let place = || path.parent().filter(|place| *place != Path::new("/")).map(here);
    let Some(existing) = Some(path).filter(|path| path.exists()).or_else(place) else { return Ok(rules) };
    // What cannot be opened now cannot be opened later either.
    let Ok(beneath) = PathFd::new(existing) else { return Ok(rules) };
    let access = if existing.is_dir() { access } else { access & AccessFs::from_file(KNOWN) };
    rules.add_rule(PathBeneath::new(beneath, access))
}
