//! What each kind of caller may do.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// A kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything and changes nothing
    Auditor,
    /// An exchange's back end: reads, adds users, makes handoffs, submits what was signed, has webhooks of its own
    Service,
    /// Another explorer that copies this one's ledger: reads everything, and copies it
    Replica,
    /// May do everything
    Operator,
}

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Read users, outputs, balances, blocks, handoffs, transactions and events.
    Read,
    /// Add users and addresses.
    AddUsers,
    /// Make and cancel handoffs, and fetch their requests.
    HandOff,
    /// Submit what the signer answered.
    Submit,
    /// Have webhooks, and change one's own.
    Webhooks,
    /// Copy the ledger, with the digests of tokens.
    Copy,
    /// All the rest: archive users, end alarms, change the webhooks of others.
    Manage,
}

impl Role {
    /// Whether it has a right.
    ///
    /// | | auditor | service | replica | operator |
    /// | --- | --- | --- | --- | --- |
    /// | read | yes | yes | yes | yes |
    /// | add users, hand off, submit, own webhooks | | yes | | yes |
    /// | copy the ledger | | | yes | yes |
    /// | manage | | | | yes |
    #[must_use]
    pub const fn may(self, right: Right) -> bool {
        match right {
            Right::Read => true,
            Right::AddUsers | Right::HandOff | Right::Submit | Right::Webhooks => {
                matches!(self, Self::Service | Self::Operator)
            }
            Right::Copy => matches!(self, Self::Replica | Self::Operator),
            Right::Manage => matches!(self, Self::Operator),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auditor => "auditor",
            Self::Service => "service",
            Self::Replica => "replica",
            Self::Operator => "operator",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Right::{AddUsers, Copy, HandOff, Manage, Read, Submit, Webhooks};

    #[test]
    fn each_role_has_its_rights_and_no_others() {
        let all = [Read, AddUsers, HandOff, Submit, Webhooks, Copy, Manage];
        let of = |role: Role| all.into_iter().filter(|right| role.may(*right)).collect::<Vec<_>>();
        assert_eq!(of(Role::Auditor), [Read]);
        assert_eq!(of(Role::Service), [Read, AddUsers, HandOff, Submit, Webhooks]);
        assert_eq!(of(Role::Replica), [Read, Copy]);
        assert_eq!(of(Role::Operator), all);
    }
}
