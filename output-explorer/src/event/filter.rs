//! Which types of events somebody wants.

use super::TYPES;
use serde::{Deserialize, Serialize};
use stegos_common::text::excerpt;
use thiserror::Error;

/// Names of event types, or of a group of them (`deposit.*`). Without any it is all events.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filter(Vec<String>);

/// No event has such a type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no event type {0:?}; there are {types}, and groups such as deposit.*", types = TYPES.join(", "))]
pub struct UnknownType(String);

impl Filter {
    /// For these types, each of which must exist.
    ///
    /// # Errors
    /// [`UnknownType`].
    pub fn new(mut types: Vec<String>) -> Result<Self, UnknownType> {
        if let Some(unknown) = types.iter().find(|name| !TYPES.iter().any(|kind| matches(name, kind))) {
            return Err(UnknownType(excerpt(unknown)));
        }
        types.sort_unstable();
        types.dedup();
        Ok(Self(types))
    }

    /// Whether events of this type pass.
    #[must_use]
    pub fn takes(&self, kind: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|name| matches(name, kind))
    }

    /// The names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

fn matches(name: &str, kind: &str) -> bool {
    // The dot stays: `deposit.*` is no prefix of `deposits.made`.
    name.strip_suffix('*').map_or(name == kind, |group| group.ends_with('.') && kind.starts_with(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(names: &[&str]) -> Result<Filter, UnknownType> {
        Filter::new(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn types_and_groups_are_taken_and_nothing_else() {
        let some = filter(&["deposit.*", "user.added"]).unwrap();
        assert!(some.takes("deposit.final") && some.takes("deposit.reverted") && some.takes("user.added"));
        assert!(!some.takes("user.archived") && !some.takes("spend.final"));
        assert!(TYPES.iter().all(|kind| filter(&[]).unwrap().takes(kind)));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for name in ["deposit.finale", "depo*", "*", ".*", "", "deposit", "deposit.", "DEPOSIT.FINAL"] {
            assert_eq!(filter(&["deposit.final", name]), Err(UnknownType(name.to_owned())));
        }
    }
}
