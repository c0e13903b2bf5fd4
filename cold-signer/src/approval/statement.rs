//! What is approved: a text for people, and what counts as an approval of it.

use super::approvers::{Approver, Approvers, Identity, is_name};
use super::folder::Handed;
use crate::journal::show_time;
use crate::policy::{Decision, Facts, Totals, Window};
use ssh_key::public::KeyData;
use ssh_key::{PublicKey, SshSig};
use stegos_common::address::Network;
use stegos_common::hash::Hash;
use stegos_common::review::Review;
use thiserror::Error;

/// The namespace of an SSH signature that approves: so none that was made for anything else does.
pub(crate) const NAMESPACE: &str = "cold-signer-approval";

/// A longer text is read by nobody, in bytes.
pub(crate) const MAX_STATEMENT: usize = 128 << 10;

/// How an SSH signature begins.
const SIGNATURE: &str = "-----BEGIN SSH SIGNATURE-----";

/// What a user's file says before the statement, so that a copy of the statement is no approval.
const APPROVED: &str = "approved\n\n";

/// What is asked about a request.
pub(crate) struct Question<'a> {
    /// What people call it.
    pub(crate) id: &'a str,
    /// The network.
    pub(crate) network: Network,
    /// The digest over its meaning.
    pub(crate) request: Hash,
    /// When it was asked, and until when it waits, in milliseconds since 1970 UTC.
    pub(crate) time: u64,
    /// See above.
    pub(crate) expires: u64,
    /// What the policy said.
    pub(crate) decision: &'a Decision,
    /// What identifies the policy.
    pub(crate) policy: Option<Hash>,
    /// What the policy judged.
    pub(crate) facts: &'a Facts,
    /// What left before.
    pub(crate) totals: &'a Totals,
    /// What identifies the store: where its journal begins.
    pub(crate) store: Hash,
    /// Who may approve.
    pub(crate) approvers: &'a Approvers,
    /// The facts, as `inspect` shows them.
    pub(crate) review: &'a Review,
}

/// The text. Its first lines are a name and a value each; everything that a request could write is escaped in it.
pub(crate) fn statement(question: &Question<'_>) -> String {
    let Question { id, network, request, time, expires, decision, policy, .. } = question;
    let Question { facts, totals, store, approvers, review, .. } = question;
    let [hour, day, week] = [Window::Hour, Window::Day, Window::Week].map(|it| totals.sum(it, facts.time));
    let key = if facts.request_key { "key        the request brings its own\n" } else { "" };
    // Not its name: what stands in the wrong place may be a secret.
    let unknown =
        if facts.unknown_field.is_some() { "unknown    a field that is not documented\n" } else { "" };
    let outward = facts.outward();
    let (time, expires) = (show_time(*time), show_time(*expires));
    let policy = policy.map_or_else(|| "none".to_owned(), |policy| policy.to_string());
    let Decision { tag, reason, .. } = decision;
    format!(
        "id         {id}\n\
         network    {network}\n\
         store      {store}\n\
         request    {request}\n\
         asked      {time}\n\
         expires    {expires}\n\
         policy     {policy}\n\
         rule       {tag}: {reason}\n\
         leaves     {outward}\n\
         left       {hour} within the last hour, {day} within the last day, {week} within the last week\n\
         {key}{unknown}\
         approvals  {approvers}\n\n\
         {review}\n"
    )
}

/// The value of one of the first lines of a statement, to show it.
pub(crate) fn line<'a>(statement: &'a str, name: &str) -> Option<&'a str> {
    let head = statement.split("\n\n").next()?;
    head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(' ')?.trim_start()))
}

/// What the statement calls somebody, if he may approve.
pub(crate) fn approver_in<'a>(statement: &'a str, identity: &Identity) -> Option<&'a str> {
    let before = line(statement, "approvals")?.split_once(&format!(" ({identity})"))?.0;
    // Who wrote the statement, wrote the name: it becomes part of a path.
    before.rsplit(' ').next().filter(|name| is_name(name))
}

/// What a user of this host writes to approve.
pub(crate) fn approved_text(statement: &str) -> String {
    format!("{APPROVED}{statement}")
}

/// Why a file is no approval.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Uncounted {
    /// Somebody else's file.
    #[error("{0} is no approver")]
    Stranger(String),
    /// Not the text, or not all of it.
    #[error("it is neither an SSH signature nor the text that was approved")]
    OtherText,
    /// A signature that cannot be read.
    #[error("the signature cannot be read: {0}")]
    Unreadable(String),
    /// A text that others could have put there.
    #[error("others could have put it there: hand it in with `cold-signer approve`")]
    ByOthers,
    /// A signature of something else.
    #[error("the signature is not one of this text for {NAMESPACE:?}")]
    Signature,
}

/// Who of these people approves a statement by a file.
pub(crate) fn identify<'a>(
    handed: &Handed,
    statement: &str,
    approvers: &'a Approvers,
) -> Result<&'a Approver, Uncounted> {
    let known = |identity: Identity| {
        approvers.find(&identity).ok_or_else(|| Uncounted::Stranger(identity.to_string()))
    };
    if !handed.text.starts_with(SIGNATURE) {
        if handed.text.strip_prefix(APPROVED) != Some(statement) {
            return Err(Uncounted::OtherText);
        }
        return handed.by.map_or(Err(Uncounted::ByOthers), |user| known(Identity::User(user)));
    }
    let (key, signature) = signature(&handed.text)?;
    // Before anything is computed for a stranger.
    let approver = known(Identity::Key(Box::new(key.clone())))?;
    verify(key, &signature, statement).map(|()| approver)
}

/// An SSH signature and the key that it names.
fn signature(text: &str) -> Result<(KeyData, SshSig), Uncounted> {
    let signature = SshSig::from_pem(text).map_err(|error| Uncounted::Unreadable(error.to_string()))?;
    Ok((signature.public_key().clone(), signature))
}

fn verify(key: KeyData, signature: &SshSig, statement: &str) -> Result<(), Uncounted> {
    let verified = PublicKey::from(key).verify(NAMESPACE, statement.as_bytes(), signature);
    verified.map_err(|_| Uncounted::Signature)
}

/// The key that made an SSH signature of a statement.
///
/// # Errors
/// `Unreadable`, `Signature`.
pub(crate) fn signer_of(text: &str, statement: &str) -> Result<Identity, Uncounted> {
    let (key, signature) = signature(text)?;
    verify(key.clone(), &signature, statement).map(|()| Identity::Key(Box::new(key)))
}
