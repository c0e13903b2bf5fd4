//! What a restored signer has forgotten, given back to it: transactions that it signed after the backup was made.
//!
//! Each comes with its request, as both crossed the gap. It is taken only where it does what the request asks for, spends
//! outputs of this store, and verifies: nobody but a signer with these keys can have made it. What nobody can prove is
//! whether all of them are there, and who gets an output that only its recipient can open: that is as the file says.

use super::history::now;
use super::{Mismatch, Refusal, Signer, owners};
use crate::journal::{Behind, Entry, Journal, Judged, Outcome, Position, Signed, Verdict, show_time};
use crate::keystore::KeystoreError;
use std::io::{self, BufRead, Read};
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::RawTransaction;
use stegos_common::api::request::CertificateClaim;
use stegos_common::catch_up::{CatchUpHead, SignedRequest};
use stegos_common::hash::Hash;
use stegos_common::text::excerpt;
use stegos_common::transaction::{NewOutput, PaymentTransaction, Spendable, check};
use thiserror::Error;
use zeroize::Zeroizing;

/// What stands in the place of a rule's tag in records of transactions that were given back.
pub(crate) const CATCH_UP: &str = "catch-up";

/// No response is longer, in bytes.
const MAX_RESPONSE: usize = 4 << 20;

/// Why a signer cannot be given what it has forgotten. What was recorded before stays, and the same may be given again.
#[derive(Debug, Error)]
pub enum CatchUpError {
    /// Something else than what the explorer writes.
    #[error("line {line} is not what `output-explorer transaction export` writes: {reason}")]
    Format {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Its end is missing.
    #[error("it has {found} transactions, and says that it has {expected}: it was cut off, or changed")]
    Cut {
        /// How many it has.
        found: u64,
        /// How many it says that it has.
        expected: u64,
    },
    /// Of another network.
    #[error("it is of {found}, the key store is of {expected}")]
    OtherNetwork {
        /// Its network.
        found: Network,
        /// The store's.
        expected: Network,
    },
    /// It does not go as far as somebody had seen the journal.
    #[error(
        "it was written when {} was known of the signer's journal, but {} had been seen when the store was restored: \
         write it anew where that was seen", seen(.found.as_ref()), seen(Some(.expected))
    )]
    TooOld {
        /// How far it goes.
        found: Option<Position>,
        /// How far it must go.
        expected: Position,
    },
    /// A transaction that is not what this signer signed for that request.
    #[error("line {line}: {reason}; where an account was made after the backup, add it first")]
    Wrong {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: Mismatch,
    },
    /// The clock may be wrong.
    #[error(
        "the last signature is of {last}, and this host's clock says {now}: compare it with one that you trust, then \
         `clock confirm`"
    )]
    Clock {
        /// When the last signature was made, or the clock confirmed.
        last: String,
        /// What the clock says.
        now: String,
    },
    /// A request that no explorer makes.
    #[error(
        "line {0}: the request brings its own secret_key, so that this signer need not have signed it; no explorer writes such"
    )]
    RequestKey(usize),
    /// A transaction that takes more room than any of ours.
    #[error("line {0}: it is longer than the journal takes")]
    TooLong(usize),
    /// Somebody said that more is lacking.
    #[error("not confirmed: nothing new is signed until the journal has caught up")]
    NotAll,
    /// It cannot be recorded.
    #[error(transparent)]
    Journal(#[from] Refusal),
    /// The store cannot remember how far the journal is.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

fn seen(position: Option<&Position>) -> String {
    position.map_or_else(|| "nothing".to_owned(), |it| format!("record {} with head {}", it.count, it.head))
}

/// What a signer was given back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CaughtUp {
    /// Transactions that it had forgotten.
    pub forgotten: u64,
    /// Those that it knew.
    pub known: u64,
    /// How far whoever gave them had seen the journal.
    pub given: Option<Position>,
    /// Those that contradict what it knows: the transaction, and the record that did the same or spends the same.
    pub contradicting: Vec<(Hash, u64)>,
}

/// A line, held against the journal.
enum Line {
    Known,
    Forgotten(Box<Entry>, Hash),
    Contradicting(Hash, u64),
}

impl Signer {
    /// What the journal may lack since the store was restored; nothing new is signed until it is given that.
    #[must_use]
    pub fn behind(&self) -> Option<Behind> {
        self.journal.behind()
    }

    /// Goes on without what the journal lacks. That is a record of the journal.
    ///
    /// # Errors
    /// [`CatchUpError`].
    pub fn give_up(&self) -> Result<(), CatchUpError> {
        self.commit(&Entry::about_the_store(now(), Verdict::GivenUp))?;
        Ok(self.close()?)
    }

    /// Records transactions that were signed and forgotten, each once it was checked. They count towards limits as if they
    /// had left now. Whether that is all, `is_all` says: nobody but a person can know.
    ///
    /// # Errors
    /// [`CatchUpError`]; what was recorded before is right all the same.
    pub fn catch_up(
        &self,
        source: impl BufRead,
        is_all: impl FnOnce(&CaughtUp) -> io::Result<bool>,
    ) -> Result<CaughtUp, CatchUpError> {
        self.require_clock()?;
        let mut lines = Lines { source, number: 0, longest: self.rules.max_request_bytes + MAX_RESPONSE };
        let head = lines.next_line()?.unwrap_or_default();
        let head: CatchUpHead = serde_json::from_str(&head).map_err(|error| lines.wrong(&error))?;
        self.require_reach(&head)?;
        let mut caught_up = CaughtUp { given: head.signer_journal, ..CaughtUp::default() };
        while let Some(text) = lines.next_line()? {
            let line: SignedRequest<'_> = serde_json::from_str(&text).map_err(|error| lines.wrong(&error))?;
            match self.line(&line, lines.number)? {
                Line::Known => caught_up.known += 1,
                Line::Contradicting(id, record) => caught_up.contradicting.push((id, record)),
                Line::Forgotten(entry, id) => match self.commit(&entry)? {
                    Outcome::Conflicts(_, record) => caught_up.contradicting.push((id, record)),
                    Outcome::Recorded(_) => caught_up.forgotten += 1,
                    // Somebody else gave it meanwhile; the others are about what is parked.
                    _ => caught_up.known += 1,
                },
            }
        }
        let found = lines.read();
        if found != head.transactions {
            return Err(CatchUpError::Cut { found, expected: head.transactions });
        }
        if !is_all(&caught_up)? {
            return Err(CatchUpError::NotAll);
        }
        let verdict = Verdict::CaughtUp { transactions: caught_up.forgotten, seen: head.signer_journal };
        self.commit(&Entry::about_the_store(now(), verdict))?;
        self.close()?;
        Ok(caught_up)
    }

    /// What is given back counts from now on: a clock that is wrong would put it where no limit sees it.
    fn require_clock(&self) -> Result<(), CatchUpError> {
        let Some(last) = self.last_time() else { return Ok(()) };
        let now = now();
        if self.policy().clock().jumped(last, now) {
            return Err(CatchUpError::Clock { last: show_time(last), now: show_time(now) });
        }
        Ok(())
    }

    /// Whoever wrote it must have seen as much of the journal as whoever restored the store.
    fn require_reach(&self, head: &CatchUpHead) -> Result<(), CatchUpError> {
        let expected = self.keystore.network();
        if head.network != expected {
            return Err(CatchUpError::OtherNetwork { found: head.network, expected });
        }
        let Some(expected) = self.journal.behind().and_then(|behind| behind.seen) else { return Ok(()) };
        match head.signer_journal {
            Some(found) if found.count > expected.count || found == expected => Ok(()),
            found => Err(CatchUpError::TooOld { found, expected }),
        }
    }

    fn line(&self, line: &SignedRequest<'_>, number: usize) -> Result<Line, CatchUpError> {
        let format = |reason: String| CatchUpError::Format { line: number, reason: excerpt(&reason) };
        let wrong = |reason| CatchUpError::Wrong { line: number, reason };
        let response: RawTransaction =
            serde_json::from_str(line.response.get()).map_err(|error| format(error.to_string()))?;
        let transaction = PaymentTransaction::from_bytes(&response.data.0);
        let transaction = transaction.map_err(|error| format(error.to_string()))?;
        let draft = self.draft(line.request.get()).map_err(|refusal| wrong(refusal.into()))?;
        if draft.key.is_some() {
            return Err(CatchUpError::RequestKey(number));
        }
        if let Some(record) = self.journal.request(&draft.digest) {
            let same = self.repeat(record)?.0.data.0 == response.data.0;
            let id = transaction.id();
            return Ok(if same { Line::Known } else { Line::Contradicting(id, record) });
        }
        let owned = owners::unlock_all(&draft, &self.keystore, &self.rules);
        let owned = owned.map_err(|refusal| wrong(refusal.into()))?;
        let spendable: Vec<&Spendable> = owned.iter().map(|input| &input.spendable).collect();
        let fee = Amount::from_micro(draft.fee).unwrap_or_default();
        check(&spendable, &draft.outputs, fee).map_err(|error| wrong(Refusal::from(error).into()))?;
        self.require_as_asked(&transaction, &response.certificates, &draft).map_err(wrong)?;
        let facts = self.facts(&draft, now());
        let judged = Judged {
            policy: None,
            rule: CATCH_UP.to_owned(),
            outward: facts.outward(),
            request_key: facts.request_key,
            unknown_field: facts.unknown_field.is_some(),
            asked: false,
        };
        let id = transaction.id();
        // Those that were asked for are proved by now; any other is nothing that this signer answered.
        let is_asked_for = |claim: &CertificateClaim| {
            let mut made = transaction.txouts.iter().zip(&draft.outputs);
            made.any(|(made, asked)| made.id() == claim.output_hash && is_provable(asked))
        };
        let certificates = response.certificates.into_iter().filter(is_asked_for).collect();
        let signed = Signed { transaction: response.data.0, certificates };
        let entry = draft.entry(facts.time, Verdict::Signed(signed), Some(judged));
        if !Journal::takes(&entry) {
            return Err(CatchUpError::TooLong(number));
        }
        Ok(Line::Forgotten(Box::new(entry), id))
    }
}

const fn is_provable(output: &NewOutput) -> bool {
    matches!(output, NewOutput::Private { with_certificate: true, .. })
}

/// The lines of a text, each of bounded length. They may hold a secret key.
struct Lines<S> {
    source: S,
    /// How many were read.
    number: usize,
    longest: usize,
}

impl<S: BufRead> Lines<S> {
    fn next_line(&mut self) -> Result<Option<Zeroizing<String>>, CatchUpError> {
        self.number += 1;
        let mut line = Zeroizing::new(String::new());
        let most = u64::try_from(self.longest).unwrap_or(u64::MAX);
        self.source.by_ref().take(most).read_line(&mut line)?;
        if line.len() >= self.longest {
            return Err(self.format("it is longer than a request and a response can be".to_owned()));
        }
        Ok(Some(line).filter(|line| !line.is_empty()))
    }

    /// How many transactions were read, once there are no more.
    const fn read(&self) -> u64 {
        (self.number as u64).saturating_sub(2)
    }

    fn wrong(&self, error: &serde_json::Error) -> CatchUpError {
        self.format(excerpt(&error.to_string()))
    }

    const fn format(&self, reason: String) -> CatchUpError {
        CatchUpError::Format { line: self.number, reason }
    }
}
