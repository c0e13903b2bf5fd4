//! Who may approve, and how many must.

use super::waiting::{Approval, Parked};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, PublicKey};
use std::fmt;
use thiserror::Error;

/// No more people can be named.
pub const MAX_APPROVERS: usize = 32;

/// The user that owns what belongs to nobody here.
const NOBODY: u32 = 65534;

/// The longest name of an approver: it is part of a file name.
const MAX_NAME: usize = 32;

/// Who may approve what the policy asks about, and how many must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvers {
    needed: usize,
    /// How long a request waits, in milliseconds.
    lifetime: u64,
    people: Vec<Approver>,
}

/// Somebody who may approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// What he is called in the policy.
    pub name: String,
    /// How he is known.
    pub identity: Identity,
}

/// How an approver is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// By an Ed25519 key.
    Key(Box<KeyData>),
    /// As a user of this host, by his number.
    User(u32),
}

impl fmt::Display for Identity {
    /// The key's SHA-256 fingerprint, as `ssh-keygen -l` prints it, or the user's number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "{}", key.fingerprint(HashAlg::Sha256)),
            Self::User(uid) => write!(f, "uid {uid}"),
        }
    }
}

/// Approvers that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApproversError {
    /// Too many to ever agree, or nobody at all.
    #[error("needed is {needed}, but {named} are named; at least 1 and no more than are named must approve")]
    Needed {
        /// How many must approve.
        needed: usize,
        /// How many may.
        named: usize,
    },
    /// More than are read.
    #[error("{0} are named, at most {MAX_APPROVERS} can be")]
    TooMany(usize),
    /// A name that is no part of a file name.
    #[error(
        "approver {0:?}: a name has 1 to {MAX_NAME} characters, of a to z, 0 to 9, hyphen and underscore"
    )]
    Name(String),
    /// A name, key or user that was named before.
    #[error("approver {0:?} is named twice, or has the key or the uid of another one")]
    Twice(String),
    /// Known in no way, or in two.
    #[error("approver {0:?} must have either a key or a uid, which cannot be 65534 (nobody)")]
    Identity(String),
    /// A key that cannot be read.
    #[error("approver {name:?}: {reason}; key is a line like \"ssh-ed25519 AAAA…\", as in a .pub file")]
    Key {
        /// Whose.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl Approver {
    /// Somebody known by a key, as OpenSSH writes it into a `.pub` file, or by the number of a user.
    ///
    /// # Errors
    /// `Name`, `Identity`, `Key`.
    pub fn new(name: String, key: Option<&str>, uid: Option<u32>) -> Result<Self, ApproversError> {
        if !is_name(&name) {
            return Err(ApproversError::Name(name));
        }
        let identity = match (key, uid) {
            (Some(key), None) => match read_key(key) {
                Ok(key) => Identity::Key(Box::new(key)),
                Err(reason) => return Err(ApproversError::Key { name, reason }),
            },
            // Where users are mapped, it stands for everybody who is not.
            (None, Some(NOBODY)) => return Err(ApproversError::Identity(name)),
            (None, Some(uid)) => Identity::User(uid),
            _ => return Err(ApproversError::Identity(name)),
        };
        Ok(Self { name, identity })
    }

    /// Whether he signs.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        matches!(self.identity, Identity::Key(_))
    }
}

/// Whether it is a name that can be part of a file name.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-' || it == '_';
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_plain)
}

fn read_key(line: &str) -> Result<KeyData, String> {
    let key = PublicKey::from_openssh(line).map_err(|error| error.to_string())?;
    match key.algorithm() {
        // The second is one on a token.
        Algorithm::Ed25519 | Algorithm::SkEd25519 => Ok(key.key_data().clone()),
        other => Err(format!("it is no Ed25519 key but {other}")),
    }
}

impl Approvers {
    /// So many of these people, for requests that wait so many milliseconds.
    ///
    /// # Errors
    /// `TooMany`, `Needed`, `Twice`.
    pub fn new(needed: usize, lifetime: u64, people: Vec<Approver>) -> Result<Self, ApproversError> {
        if people.len() > MAX_APPROVERS {
            return Err(ApproversError::TooMany(people.len()));
        }
        if needed == 0 || needed > people.len() {
            return Err(ApproversError::Needed { needed, named: people.len() });
        }
        let is_again = |place: usize, approver: &Approver| {
            let mut before = people.iter().take(place);
            before.any(|it| it.name == approver.name || it.identity == approver.identity)
        };
        let twice = people.iter().enumerate().find(|(place, approver)| is_again(*place, approver));
        match twice {
            Some((_, approver)) => Err(ApproversError::Twice(approver.name.clone())),
            None => Ok(Self { needed, lifetime, people }),
        }
    }

    /// How many must approve.
    #[must_use]
    pub const fn needed(&self) -> usize {
        self.needed
    }

    /// How long a request waits, in milliseconds.
    pub(crate) const fn lifetime(&self) -> u64 {
        self.lifetime
    }

    /// Who is known so, if somebody is.
    #[must_use]
    pub fn find(&self, identity: &Identity) -> Option<&Approver> {
        self.people.iter().find(|approver| approver.identity == *identity)
    }

    /// How many of these people have approved: who is not named any more does not count, and nobody counts twice.
    #[must_use]
    pub fn count(&self, approvals: &[Approval]) -> usize {
        let has_approved = |approver: &&Approver| {
            let identity = approver.identity.to_string();
            approvals.iter().any(|approval| approval.identity == identity)
        };
        self.people.iter().filter(has_approved).count()
    }

    /// Whether enough of these people approve a request, and nobody has rejected it.
    #[must_use]
    pub fn approve(&self, parked: &Parked) -> bool {
        parked.rejection.is_none() && self.count(&parked.approvals) >= self.needed
    }
}

impl fmt::Display for Approvers {
    /// How many of whom.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of", self.needed)?;
        for (place, Approver { name, identity }) in self.people.iter().enumerate() {
            write!(f, "{} {name} ({identity})", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
